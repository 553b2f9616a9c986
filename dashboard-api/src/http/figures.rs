//! `GET /api/v1/figures`: the newest figures with all that proves them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use nhip_ports::FigureQuery;
use nhip_profile::{Indicator, Profile, SourceState};
use nhip_proto::{AreaCode, Badge, Figure, IndicatorId, Share};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::catalog::hex;
use super::combined;
use super::lists::{Asked, Page};
use super::problem::Problem;
use super::targets::target_of;
use super::times::Zone;
use crate::feeding::source_state;
use crate::shown::{ten_thousandths, write_share};
use crate::snapshot::number;

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FiguresAsked {
    indicator: Option<String>,
    area: Option<String>,
    group: Option<String>,
    domain: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /api/v1/figures?indicator=&area=&group=&domain=&limit=&cursor=` (`group` empty: areas as a whole)
pub(crate) async fn figures(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<FiguresAsked>,
) -> Result<Response, Problem> {
    let page = Page::new(asked.limit, asked.cursor.as_deref(), &node.config)?;
    let profile = node.profile();
    let query = FigureQuery {
        indicator: asked.indicator.as_deref().map(|id| known_indicator(&profile, id)).transpose()?,
        area: asked.area.as_deref().map(|code| known_area(&profile, code)).transpose()?,
        group: asked.group,
        domain: asked.domain,
    };
    if let Some(domain) = &query.domain
        && !profile.domains.iter().any(|known| known.id == *domain)
    {
        return Err(Problem::not_found("the profile has no such domain"));
    }
    let unfed = without_source(&profile, &query);
    let answer = node.parts.analysis.figures(query).await;
    let (offset, figures) = answer.map_err(|error| Problem::of_analysis(&error))?;
    let zone = Zone::of(&profile.zone);
    let key = |figure: &Arc<Figure>| {
        let key = &figure.row.key;
        format!("{}\u{1}{}\u{1}{}\u{1}{}", key.indicator, key.area, key.group, key.period)
    };
    let show = |figure: Arc<Figure>| figure_json(&profile, &zone, &figure);
    Ok(page.of(figures, key, show, json!({"offset": offset.0, "without_source": unfed})))
}

/// An indicator of the profile, or 404.
pub(crate) fn known_indicator(profile: &Profile, id: &str) -> Result<IndicatorId, Problem> {
    let known = profile.indicators.get(&IndicatorId::new(id)).map(|indicator| indicator.id.clone());
    known.ok_or(Problem::not_found("the profile has no such indicator"))
}

/// An area of the profile or `unassigned`, or 404.
pub(crate) fn known_area(profile: &Profile, code: &str) -> Result<AreaCode, Problem> {
    let code = AreaCode::new(code);
    if profile.areas.contains_key(&code) || code == AreaCode::unassigned() {
        Ok(code)
    } else {
        Err(Problem::not_found("the profile has no such area"))
    }
}

/// One figure as a row of the API.
pub(crate) fn figure_json(profile: &Profile, zone: &Zone, figure: &Figure) -> Value {
    let row = &figure.row;
    let unit = profile.indicators.get(&row.key.indicator).map_or("", |indicator| indicator.unit.as_str());
    let shown = json!({
        "indicator": row.key.indicator.as_str(),
        "area": row.key.area.as_str(),
        "group": row.key.group,
        "period": row.key.period,
        "window": {"start": zone.event(row.key.window_start), "end": zone.event(row.window_end)},
        "value": row.value.map(number),
        "unit": unit,
        "state": row.state.as_str(),
        "revision": row.revision,
        "event_time": zone.event_or_null(row.event_time),
        "known_at": zone.arrival(row.known_at),
        "known_offset": row.known_offset.0,
        "k": row.k,
        "m": row.m,
        "level": row.level.as_str(),
        "origin": row.origin.as_str(),
        "source_state": fed(profile, row.m > 0 || row.k > 0, &row.key.indicator, &row.key.area),
        "version": hex(&row.definition),
        "badge": badge_json(&row.badge),
        "target": target_of(profile, row),
    });
    combined::mark(shown, profile, &row.key.area, row.key.window_start)
}

/// The word for the sources behind a figure: whoever contributes or is due is connected, listed or not.
fn fed(profile: &Profile, heard: bool, indicator: &IndicatorId, area: &AreaCode) -> &'static str {
    let listed = || source_state(profile, indicator, area);
    if heard { SourceState::Connected } else { listed() }.as_str()
}

/// The indicators asked for that nothing feeds in the area asked for (the province if none was), and why.
fn without_source(profile: &Profile, query: &FigureQuery) -> Value {
    let province = profile.province().map_or_else(AreaCode::unassigned, |province| province.code.clone());
    let area = query.area.clone().unwrap_or(province);
    let asked = profile.indicators.values().filter(|indicator| {
        query.indicator.as_ref().is_none_or(|id| *id == indicator.id)
            && query.domain.as_ref().is_none_or(|domain| *domain == indicator.domain)
    });
    let states = asked.map(|indicator| (indicator, source_state(profile, &indicator.id, &area)));
    let unfed = states.filter(|(_, state)| *state != SourceState::Connected);
    let tell = |(indicator, state): (&Indicator, SourceState)| {
        let (id, area) = (indicator.id.as_str(), area.as_str());
        json!({"indicator": id, "area": area, "source_state": state.as_str()})
    };
    Value::Array(unfed.map(tell).collect())
}

/// The four words, each 0…1 or null.
pub(crate) fn badge_json(badge: &Badge) -> Value {
    json!({
        "dung": share_json(badge.dung),
        "du": share_json(badge.du),
        "sach": share_json(badge.sach),
        "song": share_json(badge.song),
    })
}

fn share_json(share: Option<Share>) -> Value {
    let mut text = String::new();
    write_share(&mut text, share.map(ten_thousandths));
    text.parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}
