//! `GET /api/v1/series`: the past of one figure, as it is known now or as it was known then.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::{Timestamp, ToSpan as _};
use nhip_ports::{AsOf, SeriesKey};
use nhip_profile::Profile;
use nhip_proto::{AreaCode, ArrivalTime, EventTime, Offset};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::catalog::hex;
use super::combined;
use super::figures::{known_area, known_indicator};
use super::lists::{Asked, json_response};
use super::problem::Problem;
use super::times::{self, Zone};
use crate::past::{PastError, Point, Stretch, step_of};
use crate::snapshot::number;

/// Points of one answer at most.
const POINTS_MAX: usize = 20_000;
/// Points of one answer where no number is asked for: a year of hours.
const POINTS_DEFAULT: usize = 9_000;

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesAsked {
    pub(super) indicator: String,
    pub(super) area: String,
    #[serde(default)]
    pub(super) group: String,
    pub(super) from: String,
    pub(super) to: Option<String>,
    pub(super) step: Option<String>,
    pub(super) as_of: Option<String>,
    compare: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /api/v1/series?indicator=&area=&group=&from=&to=&step=&as_of=&compare=&limit=&cursor=`
pub(crate) async fn series(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<SeriesAsked>,
) -> Result<Response, Problem> {
    let profile = node.profile();
    let points_max = asked.limit.unwrap_or(POINTS_DEFAULT);
    if points_max == 0 || points_max > POINTS_MAX {
        return Err(Problem::unprocessable("limit lies outside 1…20,000"));
    }
    let stretch = stretch(&node, &profile, &asked)?;
    let wrong = Problem::unprocessable("cursor is none this server gave");
    let from = match asked.cursor.as_deref() {
        Some(cursor) => EventTime(cursor.parse().map_err(|_| wrong)?),
        None => stretch.from,
    };
    if from < stretch.from || from >= stretch.to {
        return Err(wrong);
    }
    let history = node.parts.history.as_ref();
    let found = stretch.points(history, from, points_max).await;
    let (points, next) = found.map_err(Problem::of_series)?;
    let compare = match asked.compare.as_deref() {
        Some(word) => {
            if next.is_some() || asked.cursor.is_some() {
                let detail = "a comparison is of a range that one answer holds: narrow it";
                return Err(Problem::unprocessable(detail));
            }
            let other = compared(&stretch, word)?;
            let found = other.points(history, other.from, points_max).await;
            let (points, more) = found.map_err(Problem::of_series)?;
            comparison(word, &other, &points, more)
        }
        None => Value::Null,
    };
    let zone = Zone::of(&profile.zone);
    let indicator = stretch.indicator;
    Ok(json_response(&json!({
        "indicator": indicator.id.as_str(),
        "area": stretch.series.area.as_str(),
        "group": stretch.series.group,
        "period": stretch.series.period,
        "step": asked.step.as_deref().unwrap_or("window"),
        "unit": indicator.unit,
        "zone": profile.zone,
        "version": hex(&indicator.definition),
        "from": zone.event(stretch.from),
        "to": zone.event(stretch.to),
        "as_of": as_of_json(&zone, stretch.as_of),
        "items": points_json(&zone, &stretch, &points),
        "next": next.map(|next| next.0.to_string()),
        "compare": compare,
    })))
}

/// What is asked, checked.
pub(super) fn stretch<'a>(
    node: &Node,
    profile: &'a Profile,
    asked: &SeriesAsked,
) -> Result<Stretch<'a>, Problem> {
    let id = known_indicator(profile, &asked.indicator)?;
    let unknown = Problem::not_found("the profile has no such indicator");
    let indicator = profile.indicators.get(&id).ok_or(unknown)?;
    let now = EventTime(node.parts.clock.now().0);
    let to = asked.to.as_deref().map(instant).transpose()?.unwrap_or(now);
    let step = step_of(asked.step.as_deref().unwrap_or("window")).map_err(Problem::of_series)?;
    let as_of = as_of(asked.as_of.as_deref())?;
    let known = match as_of {
        AsOf::At(time) => now.min(EventTime(time.0)),
        AsOf::Now | AsOf::Offset(_) => now,
    };
    let series = SeriesKey {
        indicator: id,
        area: known_area(profile, &asked.area)?,
        group: asked.group.clone(),
        period: indicator.window.period(),
    };
    let from = instant(&asked.from)?;
    let stretch = Stretch { profile, indicator, series, from, to, as_of, step, now: known };
    stretch.checked().map_err(Problem::of_series)
}

/// `now`, a time, or the offset of a record.
pub(super) fn as_of(text: Option<&str>) -> Result<AsOf, Problem> {
    match text {
        None | Some("now") => Ok(AsOf::Now),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let offset = digits.parse().map_err(|_| Problem::unprocessable("as_of is no offset of a log"))?;
            Ok(AsOf::Offset(Offset(offset)))
        }
        Some(time) => Ok(AsOf::At(ArrivalTime(instant(time)?.0))),
    }
}

/// A time of a parameter.
pub(super) fn instant(text: &str) -> Result<EventTime, Problem> {
    times::parse(text).ok_or(Problem::unprocessable("a time is RFC 3339 with an offset"))
}

/// The same length just before, the same days a year before, or another area.
fn compared<'a>(stretch: &Stretch<'a>, word: &str) -> Result<Stretch<'a>, Problem> {
    let Stretch { profile, indicator, from, to, as_of, step, now, .. } = *stretch;
    let (mut series, mut range) = (stretch.series.clone(), (from, to));
    match word {
        "previous-period" => range = (EventTime(from.0.saturating_sub(to.since(from))), from),
        "previous-year" => range = (a_year_before(profile, from)?, a_year_before(profile, to)?),
        word => {
            let detail = "compare is previous-period, previous-year or area:CODE";
            let code = word.strip_prefix("area:").ok_or(Problem::unprocessable(detail))?;
            series.area = known_area(profile, code)?;
        }
    }
    let (from, to) = range;
    let other = Stretch { profile, indicator, series, from, to, as_of, step, now };
    other.checked().map_err(Problem::of_series)
}

fn a_year_before(profile: &Profile, at: EventTime) -> Result<EventTime, Problem> {
    let outside = Problem::unprocessable("a time outside the calendar");
    let zone = Zone::of(&profile.zone);
    let at = Timestamp::from_nanosecond(i128::from(at.0)).map_err(|_| outside)?;
    let before = at.to_zoned(zone.rules().clone()).checked_sub(1.year()).map_err(|_| outside)?;
    let before = i64::try_from(before.timestamp().as_nanosecond()).map_err(|_| outside)?;
    Ok(EventTime(before))
}

fn comparison(word: &str, other: &Stretch<'_>, points: &[Point], more: Option<EventTime>) -> Value {
    let zone = Zone::of(&other.profile.zone);
    json!({
        "with": word,
        "area": AreaCode::as_str(&other.series.area),
        "from": zone.event(other.from),
        "to": zone.event(other.to),
        "items": points_json(&zone, other, points),
        "whole": more.is_none(),
    })
}

fn as_of_json(zone: &Zone, as_of: AsOf) -> Value {
    match as_of {
        AsOf::Now => Value::from("now"),
        AsOf::At(time) => zone.arrival(time),
        AsOf::Offset(offset) => Value::from(offset.0),
    }
}

fn points_json(zone: &Zone, stretch: &Stretch<'_>, points: &[Point]) -> Value {
    let shown = |point: &Point| {
        combined::mark(point_json(zone, point), stretch.profile, &stretch.series.area, point.start)
    };
    points.iter().map(shown).collect()
}

fn point_json(zone: &Zone, point: &Point) -> Value {
    json!({
        "window": {"start": zone.event(point.start), "end": zone.event(point.end)},
        "value": point.value.map(number),
        "state": point.state.as_str(),
        "revision": point.revision,
        "known_at": zone.arrival(point.known_at),
        "known_offset": point.known_offset.0,
        "k": point.k,
        "m": point.m,
        "version": point.definition.map(|definition| hex(&definition)),
        "origin": point.origin.as_str(),
        "level": point.level.map(nhip_proto::Level::as_str),
    })
}

impl Problem {
    /// What the past refused.
    pub(crate) fn of_series(error: PastError) -> Self {
        match error {
            PastError::Refused(detail) => Self::unprocessable(detail),
            PastError::History(error) => Self::of_history(&error),
        }
    }
}
