//! The body of `GET /api/v1/views/{view}/snapshot`: all a screen needs to paint, and where to go on from.

use std::collections::BTreeSet;
use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use nhip_profile::{Direction, Indicator, Label, Profile, View};
use nhip_proto::{ArrivalTime, Decimal, IndicatorId, MILLISECOND, SECOND, Span};
use serde_json::{Map, Number, Value, json};

use crate::board::{Board, BoardRow};
use crate::boards::Boards;
use crate::outbox::dict_entry;
use crate::shown::{append, milliseconds, write_decimal};

/// What a snapshot says of the server.
pub(crate) struct Server<'a> {
    /// The Clock in ms since 1970.
    pub(crate) clock_ms: i64,
    /// Clock seconds per real second.
    pub(crate) rate: f64,
    /// The build.
    pub(crate) build: &'a str,
    /// The links as JSON.
    pub(crate) links: &'a str,
}

/// The snapshot of a view; none if there is no such view.
#[must_use]
pub(crate) fn encode(boards: &mut Boards, view_id: &str, server: &Server<'_>) -> Option<String> {
    let (offset, profile) = (boards.offset()?, boards.profile().clone());
    let view = profile.views.get(view_id)?;
    let head = [
        ("epoch", Value::from(&**boards.epoch()).to_string()),
        ("offset", offset.to_string()),
        ("server_ts", server.clock_ms.to_string()),
        ("rate", server.rate.to_string()),
        ("build", Value::from(server.build).to_string()),
        ("view", view_json(view).to_string()),
        ("profile", profile_json(&profile).to_string()),
        ("domains", domains_json(&profile).to_string()),
        ("indicators", indicators_json(&profile, view, server.clock_ms).to_string()),
        ("sources", boards.sources_json()),
        ("badges", boards.badges_json()),
        ("links", server.links.to_owned()),
    ];
    let board = boards.view(view_id)?;
    let mut out = String::with_capacity(64 * 1024);
    out.push_str("{\"v\":1");
    for (name, json) in head {
        append(&mut out, format_args!(",\"{name}\":{json}"));
    }
    append(&mut out, format_args!(",\"areas\":{},\"dict\":[", areas_json(&profile, board)));
    for (id, row) in (0_u32..).zip(board.rows()) {
        let comma = if id > 0 { "," } else { "" };
        let entry = dict_entry(id, row.indicator.as_str(), row.area.as_str());
        append(&mut out, format_args!("{comma}{entry}"));
    }
    out.push_str("],\"rows\":[");
    for (id, row) in (0_u32..).zip(board.rows()) {
        if id > 0 {
            out.push(',');
        }
        write_row(&mut out, id, row);
    }
    out.push_str("]}");
    Some(out)
}

/// Compressed at the fastest level: the sender's processor is the scarce one.
#[must_use]
pub(crate) fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(plain);
    let bytes = written.and_then(|()| encoder.finish());
    // Writing to memory cannot fail; an empty body would be seen at once.
    bytes.unwrap_or_default().into()
}

/// `{"vi":…,"en":…}`.
#[must_use]
pub(crate) fn label_json(label: &Label) -> Value {
    json!({"vi": label.vi, "en": label.en})
}

/// An exact decimal as a JSON number.
#[must_use]
pub(crate) fn number(value: Decimal) -> Value {
    value.to_string().parse::<Number>().map_or(Value::Null, Value::Number)
}

/// `worse`, `better`, `neutral`.
#[must_use]
pub(crate) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Worse => "worse",
        Direction::Better => "better",
        Direction::Neutral => "neutral",
    }
}

/// A span in seconds.
#[must_use]
pub(crate) fn seconds(span: Span) -> Value {
    let (whole, rest) = (span / SECOND, span % SECOND);
    if rest == 0 { Value::from(whole) } else { number(Decimal::new(i128::from(span), 9)) }
}

fn view_json(view: &View) -> Value {
    let tiles: Vec<&str> = view.tiles.iter().map(IndicatorId::as_str).collect();
    json!({"id": view.id, "title": label_json(&view.title), "tiles": tiles, "map": view.map.as_str()})
}

fn profile_json(profile: &Profile) -> Value {
    json!({
        "id": profile.id,
        "name": label_json(&profile.name),
        "zone": profile.zone,
        "banner": label_json(&profile.banner),
    })
}

fn domains_json(profile: &Profile) -> Value {
    let domains = profile.domains.iter().map(|domain| (domain.id.clone(), label_json(&domain.name)));
    Value::Object(domains.collect::<Map<String, Value>>())
}

fn indicators_json(profile: &Profile, view: &View, clock_ms: i64) -> Value {
    let today = civil_date(profile, clock_ms);
    let shown = view.tiles.iter().chain([&view.map]).filter_map(|id| profile.indicators.get(id));
    let entries = shown.map(|indicator| {
        let threshold = today.and_then(|date| profile.threshold_on(&indicator.id, date));
        (indicator.id.to_string(), indicator_json(indicator, threshold))
    });
    Value::Object(entries.collect::<Map<String, Value>>())
}

fn indicator_json(indicator: &Indicator, threshold: Option<&nhip_profile::Threshold>) -> Value {
    let limit = threshold.map(|threshold| number(Decimal::new(threshold.limit, indicator.scale)));
    json!({
        "name": label_json(&indicator.name),
        "unit": indicator.unit,
        "scale": indicator.scale,
        "domain": indicator.domain,
        "direction": direction_word(indicator.direction),
        "cadence_s": seconds(indicator.cadence),
        "stale_s": seconds(indicator.staleness),
        "completeness_min": indicator.completeness_min,
        "window": indicator.window.period(),
        "limit": limit,
        "below": threshold.is_some_and(|threshold| threshold.below),
        "document": threshold.map_or("", |threshold| threshold.document.as_str()),
        "owner": indicator.owner,
    })
}

fn areas_json(profile: &Profile, board: &Board) -> Value {
    let codes: BTreeSet<_> = board.rows().iter().map(|row| &row.area).collect();
    let areas = codes.into_iter().filter_map(|code| profile.areas.get(code)).map(|area| {
        json!({
            "code": area.code.as_str(),
            "name": label_json(&area.name),
            "kind": area.kind,
            "parent": area.parent.as_ref().map(nhip_proto::AreaCode::as_str),
            "cell": area.cell.map(|(column, row)| [column, row]),
        })
    });
    areas.collect()
}

fn write_row(out: &mut String, id: u32, row: &BoardRow) {
    row.shown.write_row(out, id, row.changed);
    out.push_str(",\"hist\":[");
    let history = row.figure.iter().flat_map(|figure| &figure.history);
    for (at, (start, value)) in history.enumerate() {
        append(out, format_args!("{}[{},", if at > 0 { "," } else { "" }, milliseconds(*start)));
        write_decimal(out, *value);
        out.push(']');
    }
    out.push_str("]}");
}

fn civil_date(profile: &Profile, clock_ms: i64) -> Option<jiff::civil::Date> {
    let now = ArrivalTime(clock_ms.saturating_mul(MILLISECOND));
    crate::http::times::civil_date(&profile.zone, now)
}
