//! `GET /api/v1/restatements`: settled figures that another row took the place of, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use nhip_ports::{Replaced, RestatementQuery};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, Decimal, EventTime, FigureKey, IndicatorId, Offset, Restatement, RowCause};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::figures::{known_area, known_indicator};
use super::lists::{Asked, Page};
use super::problem::Problem;
use super::series::{as_of, instant};
use super::times::Zone;

/// Restatements of a range at most; a range with more is refused.
const RANGE_RESTATEMENTS_MAX: usize = 5_000;

/// Parameters; without `indicator` the newest of all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestatementsAsked {
    indicator: Option<String>,
    area: Option<String>,
    group: Option<String>,
    from: Option<String>,
    to: Option<String>,
    as_of: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// One of them, wherever it was found.
struct Told {
    key: FigureKey,
    revision: u32,
    old: Option<Decimal>,
    new: Option<Decimal>,
    cause: RowCause,
    /// None: it left the bounded list that remembers it.
    cause_offset: Option<Offset>,
    known_offset: Offset,
    known_at: ArrivalTime,
    /// Since when the old value stood; none of the newest of all.
    old_known: Option<(Offset, ArrivalTime)>,
}

/// `GET /api/v1/restatements?indicator=&area=&group=&from=&to=&as_of=&limit=&cursor=`
pub(crate) async fn restatements(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<RestatementsAsked>,
) -> Result<Response, Problem> {
    let page = Page::new(asked.limit, asked.cursor.as_deref(), &node.config)?;
    let profile = node.profile();
    let newest = node.parts.analysis.restatements(node.config.rejections_max).await;
    let newest = newest.map_err(|error| Problem::of_analysis(&error))?;
    let rows = match &asked.indicator {
        Some(_) => of_range(&node, query(&profile, &asked)?, &newest).await?,
        None if filtered(&asked) => return Err(Problem::unprocessable("name the indicator of the range")),
        None => newest.into_iter().map(Told::from).collect(),
    };
    let zone = Zone::of(&profile.zone);
    let mut place = (u64::MAX, 0_u32);
    let placed = rows.into_iter().map(|row| {
        let within = if place.0 == row.known_offset.0 { place.1 + 1 } else { 0 };
        place = (row.known_offset.0, within);
        (row, within)
    });
    let key = |(row, within): &(Told, u32)| format!("{:020}.{within:010}", u64::MAX - row.known_offset.0);
    Ok(page.of(placed, key, |(row, _)| told_json(&profile, &zone, &row), Value::Null))
}

fn filtered(asked: &RestatementsAsked) -> bool {
    let others = [&asked.area, &asked.group, &asked.from, &asked.to, &asked.as_of];
    others.iter().any(|other| other.is_some())
}

fn query(profile: &Profile, asked: &RestatementsAsked) -> Result<RestatementQuery, Problem> {
    let time = |text: &Option<String>, else_: i64| text.as_deref().map_or(Ok(EventTime(else_)), instant);
    let query = RestatementQuery {
        indicator: known_indicator(profile, asked.indicator.as_deref().unwrap_or_default())?,
        area: asked.area.as_deref().map(|code| known_area(profile, code)).transpose()?,
        group: asked.group.clone(),
        from: time(&asked.from, i64::MIN)?,
        to: time(&asked.to, i64::MAX)?,
        as_of: as_of(asked.as_of.as_deref())?,
        rows_max: RANGE_RESTATEMENTS_MAX,
    };
    if query.from < query.to { Ok(query) } else { Err(Problem::unprocessable("from must lie before to")) }
}

/// From the store; the record that caused one is known while the engine remembers it.
async fn of_range(
    node: &Node,
    query: RestatementQuery,
    newest: &[Restatement],
) -> Result<Vec<Told>, Problem> {
    let found = node.parts.history.replaced(query).await;
    let found = found.map_err(|error| Problem::of_history(&error))?;
    let told = |replaced: Replaced| {
        let remembered = newest.iter().find(|told| replaced.is_told_by(told));
        let Replaced { old, new } = replaced;
        Told {
            key: new.key,
            revision: new.revision,
            old: old.value,
            new: new.value,
            cause: new.cause,
            cause_offset: remembered.map(|told| told.cause_offset),
            known_offset: new.known_offset,
            known_at: new.known_at,
            old_known: Some((old.known_offset, old.known_at)),
        }
    };
    Ok(found.into_iter().map(told).collect())
}

impl From<Restatement> for Told {
    fn from(told: Restatement) -> Self {
        Self {
            key: told.key,
            revision: told.revision,
            old: told.old,
            new: told.new,
            cause: told.cause,
            cause_offset: Some(told.cause_offset),
            known_offset: told.known_offset,
            known_at: told.known_at,
            old_known: None,
        }
    }
}

fn told_json(profile: &Profile, zone: &Zone, told: &Told) -> Value {
    json!({
        "indicator": told.key.indicator.as_str(),
        "area": told.key.area.as_str(),
        "group": told.key.group,
        "period": told.key.period,
        "window_start": zone.event(told.key.window_start),
        "revision": told.revision,
        "old": number(told.old),
        "new": number(told.new),
        "cause": told.cause.as_str(),
        "cause_offset": told.cause_offset.map(|offset| offset.0),
        "known_offset": told.known_offset.0,
        "known_at": zone.arrival(told.known_at),
        "old_known_offset": told.old_known.map(|(offset, _)| offset.0),
        "old_known_at": zone.arrival_or_null(told.old_known.map(|(_, at)| at)),
        "views": views_of(profile, &told.key.indicator),
    })
}

/// The views that show an indicator: they carried the old value while it stood.
fn views_of(profile: &Profile, indicator: &IndicatorId) -> Vec<String> {
    let shows = |view: &&nhip_profile::View| {
        view.map == *indicator
            || view.tiles.contains(indicator)
            || view.rotation.iter().any(|page| page.indicators.contains(indicator))
    };
    profile.views.values().filter(shows).map(|view| view.id.clone()).collect()
}

/// An exact decimal as a JSON number.
fn number(value: Option<Decimal>) -> Value {
    value.map_or(Value::Null, crate::snapshot::number)
}
