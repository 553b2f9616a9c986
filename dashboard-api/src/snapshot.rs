//! The body of `GET /api/v1/views/{view}/snapshot`: all a screen needs to paint, and where to go on from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use jiff::civil::Date;
use nhip_profile::{Direction, Indicator, Label, Profile, RotationPage, Severity, Target, Threshold, View};
use nhip_proto::{AreaCode, ArrivalTime, Decimal, IndicatorId, MILLISECOND, SECOND, Span};
use serde_json::{Map, Number, Value, json};

use crate::board::{Board, BoardRow};
use crate::boards::Boards;
use crate::http::times::midnight_ms;
use crate::outbox::dict_entry;
use crate::scope::Scope;
use crate::shown::{Shown, append, milliseconds, write_decimal};

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
    /// Of which moment of the past; none: of now.
    pub(crate) past: Option<&'a PastMoment>,
}

/// What a snapshot of the past says of itself.
pub(crate) struct PastMoment {
    /// The moment as RFC 3339.
    pub(crate) as_of: Value,
    /// `known`, `corrected`, `difference`.
    pub(crate) mode: &'static str,
    /// By row: what its window says today, where that is another value.
    pub(crate) today: BTreeMap<u32, Shown>,
}

/// The snapshot of a view; none if there is no such view.
#[must_use]
pub(crate) fn encode(boards: &mut Boards, scope: &Scope, server: &Server<'_>) -> Option<String> {
    let (offset, profile) = (boards.offset()?, boards.profile().clone());
    let view = profile.views.get(&scope.view)?;
    // The words of domains and units are judged for the whole, never for one area.
    let whole = scope.area.is_none();
    let head = [
        ("epoch", Value::from(&**boards.epoch()).to_string()),
        ("offset", offset.to_string()),
        ("server_ts", server.clock_ms.to_string()),
        ("rate", server.rate.to_string()),
        ("build", Value::from(server.build).to_string()),
        ("view", view_json(&profile, view, scope).to_string()),
        ("profile", profile_json(&profile).to_string()),
        ("domains", domains_json(&profile).to_string()),
        ("indicators", indicators_json(&profile, view, scope, server.clock_ms).to_string()),
        ("sources", boards.sources_json(scope.area.as_ref())),
        ("badges", if whole { boards.badges_json() } else { "{}".to_owned() }),
        ("units", if whole { boards.units_json() } else { "[]".to_owned() }),
        ("unit_names", unit_names_json(&profile).to_string()),
        ("links", server.links.to_owned()),
    ];
    let past = server.past.map_or_else(String::new, |past| {
        let PastMoment { as_of, mode, .. } = past;
        format!(",\"as_of\":{as_of},\"known_offset\":{offset},\"mode\":\"{mode}\"")
    });
    let board = boards.view(scope)?;
    let mut out = String::with_capacity(64 * 1024);
    out.push_str("{\"v\":1");
    for (name, json) in head {
        append(&mut out, format_args!(",\"{name}\":{json}"));
    }
    append(&mut out, format_args!("{past},\"areas\":{},\"dict\":[", areas_json(&profile, board)));
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
        let today = server.past.and_then(|past| past.today.get(&id));
        write_row(&mut out, id, row, today);
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

fn view_json(profile: &Profile, view: &View, scope: &Scope) -> Value {
    let tiles: Vec<&str> = view.tiles.iter().map(IndicatorId::as_str).collect();
    let page = |page: &RotationPage| {
        let indicators: Vec<&str> = page.indicators.iter().map(IndicatorId::as_str).collect();
        json!({"title": label_json(&page.title), "indicators": indicators})
    };
    json!({
        "id": view.id,
        "title": label_json(&view.title),
        "tiles": tiles,
        "map": view.map.as_str(),
        "rotation": view.rotation.iter().map(page).collect::<Vec<Value>>(),
        "dwell_s": seconds(view.dwell),
        "area": scope.area.as_ref().map(AreaCode::as_str),
        "outline": scope.area.as_ref().map_or_else(Vec::new, |area| outline(profile, area)),
    })
}

/// The cells of the areas outside the one a view is limited to: where it lies, without a name and without a figure.
fn outline(profile: &Profile, area: &AreaCode) -> Vec<[u16; 2]> {
    let outside = profile.areas.values().filter(|other| !profile.ancestry(&other.code).contains(area));
    outside.filter_map(|other| other.cell).map(|(column, row)| [column, row]).collect()
}

fn unit_names_json(profile: &Profile) -> Value {
    let names = profile.units.values().map(|unit| (unit.id.clone(), label_json(&unit.name)));
    Value::Object(names.collect::<Map<String, Value>>())
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

fn indicators_json(profile: &Profile, view: &View, scope: &Scope, clock_ms: i64) -> Value {
    let today = civil_date(profile, clock_ms);
    let pages = view.rotation.iter().flat_map(|page| &page.indicators);
    let ids = view.tiles.iter().chain([&view.map]).chain(pages);
    let shown = ids.filter_map(|id| profile.indicators.get(id));
    let entries = shown.map(|indicator| {
        let threshold = today.and_then(|date| profile.threshold_on(&indicator.id, date));
        let warning = today.and_then(|date| warning_on(profile, &indicator.id, date));
        let mut shown = indicator_json(indicator, threshold, warning);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("owner_name".to_owned(), owner_json(profile, &indicator.owner, today));
            shown.insert("targets".to_owned(), targets_json(profile, indicator, scope));
        }
        (indicator.id.to_string(), shown)
    });
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// The warning that holds everywhere on a day.
fn warning_on<'a>(profile: &'a Profile, indicator: &IndicatorId, date: Date) -> Option<&'a Threshold> {
    profile.thresholds.iter().find(|threshold| {
        let everywhere = threshold.area.is_none() && threshold.group.is_none();
        let meant = everywhere && threshold.severity == Severity::Warning;
        meant && &threshold.indicator == indicator && threshold.valid.holds_on(date)
    })
}

/// Who answers today, by name.
fn owner_json(profile: &Profile, owner: &str, today: Option<Date>) -> Value {
    let unit = today.and_then(|today| profile.unit_on(owner, today));
    label_json(&unit.map_or_else(|| Label::same(owner), |unit| unit.name.clone()))
}

/// All targets of an indicator, of a limited view those of its area, with the instants between which each holds: a
/// page judges by the window it shows.
fn targets_json(profile: &Profile, indicator: &Indicator, scope: &Scope) -> Value {
    let begins = |date: Option<Date>| date.and_then(|date| midnight_ms(&profile.zone, date));
    let shown = |target: &&Target| {
        target.indicator == indicator.id
            && target.stands()
            && scope.area.as_ref().is_none_or(|area| *area == target.area)
    };
    let targets = profile.targets.iter().filter(shown).map(|target| {
        json!({
            "area": target.area.as_str(),
            "value": number(Decimal::new(target.value, indicator.scale)),
            "from": begins(target.valid.from),
            "to": begins(target.valid.to),
            "document": target.document,
        })
    });
    targets.collect()
}

fn indicator_json(
    indicator: &Indicator,
    threshold: Option<&Threshold>,
    warning: Option<&Threshold>,
) -> Value {
    let shown = |threshold: &Threshold| number(Decimal::new(threshold.limit, indicator.scale));
    let limit = threshold.map(shown);
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
        "warning": warning.map(shown),
        "below": threshold.or(warning).is_some_and(|threshold| threshold.below),
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
            "parent": area.parent.as_ref().map(AreaCode::as_str),
            "cell": area.cell.map(|(column, row)| [column, row]),
        })
    });
    areas.collect()
}

fn write_row(out: &mut String, id: u32, row: &BoardRow, today: Option<&Shown>) {
    row.shown.write_row(out, id, row.changed);
    if let Some(today) = today {
        out.push_str(",\"today\":");
        today.write_today(out);
    }
    if let Some(kept) = row.kept.as_ref().filter(|_| !row.is_complete(&row.shown)) {
        out.push_str(",\"kept\":");
        kept.write_kept(out);
    }
    out.push_str(",\"hist\":[");
    let history = row.figure.iter().flat_map(|figure| &figure.history);
    for (at, (start, value)) in history.enumerate() {
        append(out, format_args!("{}[{},", if at > 0 { "," } else { "" }, milliseconds(*start)));
        write_decimal(out, *value);
        out.push(']');
    }
    out.push_str("]}");
}

fn civil_date(profile: &Profile, clock_ms: i64) -> Option<Date> {
    let now = ArrivalTime(clock_ms.saturating_mul(MILLISECOND));
    crate::http::times::civil_date(&profile.zone, now)
}
