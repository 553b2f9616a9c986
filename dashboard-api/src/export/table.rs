//! The lines of a table of points, whatever file they go into.

use std::borrow::Cow;

use nhip_ports::{AsOf, SeriesKey};
use nhip_profile::{Indicator, Profile};
use nhip_proto::Level;

use super::{Counts, ExportOrder};
use crate::http::catalog::hex;
use crate::http::times::Zone;
use crate::past::Point;

/// Names of the columns.
pub(super) const COLUMNS: &[&str] = &[
    "indicator",
    "area",
    "area_name",
    "group",
    "window_start",
    "window_end",
    "value",
    "unit",
    "state",
    "revision",
    "known_at",
    "k",
    "m",
    "level",
    "origin",
    "version",
];

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// May hold anything a sender or a profile wrote.
    Text(Cow<'a, str>),
    /// Digits of ours, or nothing: missing.
    Number(Cow<'a, str>),
}

/// One line.
pub(super) type Line<'a> = Vec<Cell<'a>>;

/// What the table is, a line for each, then the names of the columns; all of the same width.
pub(super) fn head<'a>(
    profile: &'a Profile,
    indicator: &'a Indicator,
    order: &'a ExportOrder,
    counts: Counts,
) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = about(profile, indicator, order, counts)
        .into_iter()
        .map(|(name, value)| {
            let mut line = vec![Cell::Text(name.into()), Cell::Text(value)];
            line.resize(COLUMNS.len(), Cell::Text("".into()));
            line
        })
        .collect();
    lines.push(COLUMNS.iter().map(|name| Cell::Text((*name).into())).collect());
    lines
}

/// What a file is, by name.
pub(super) fn about<'a>(
    profile: &'a Profile,
    indicator: &'a Indicator,
    order: &'a ExportOrder,
    counts: Counts,
) -> [(&'static str, Cow<'a, str>); 15] {
    let zone = Zone::of(&profile.zone);
    let as_of = match order.as_of {
        AsOf::Now => "now".to_owned(),
        AsOf::At(time) => text(&zone.arrival(time)),
        AsOf::Offset(offset) => format!("offset {}", offset.0),
    };
    let Counts { points, with_value, k, m } = counts;
    [
        ("indicator", format!("{} ({})", indicator.name.vi, indicator.name.en).into()),
        ("unit", indicator.unit.as_str().into()),
        ("zone", profile.zone.as_str().into()),
        ("definition version", hex(&indicator.definition).into()),
        ("basis", indicator.basis.as_str().into()),
        ("owner", indicator.owner.as_str().into()),
        ("origin of the data", profile.origin.as_str().into()),
        ("from", text(&zone.event(order.from)).into()),
        ("to", text(&zone.event(order.to)).into()),
        ("step", order.step.as_str().into()),
        ("known as of", as_of.into()),
        ("points", points.to_string().into()),
        ("points with a value", with_value.to_string().into()),
        ("completeness k of m", format!("{k} of {m}").into()),
        ("missing", "an empty value is missing and never 0".into()),
    ]
}

/// A point of a series.
pub(super) fn line<'a>(
    profile: &'a Profile,
    indicator: &'a Indicator,
    key: &'a SeriesKey,
    point: &Point,
) -> Line<'a> {
    let zone = Zone::of(&profile.zone);
    let name = profile.areas.get(&key.area).map_or("", |area| area.name.vi.as_str());
    let value = point.value.map_or_else(String::new, |value| value.to_string());
    let number = |number: u32| Cell::Number(number.to_string().into());
    let version = point.definition.map_or_else(String::new, |definition| hex(&definition));
    vec![
        Cell::Text(key.indicator.as_str().into()),
        Cell::Text(key.area.as_str().into()),
        Cell::Text(name.into()),
        Cell::Text(key.group.as_str().into()),
        Cell::Text(text(&zone.event(point.start)).into()),
        Cell::Text(text(&zone.event(point.end)).into()),
        Cell::Number(value.into()),
        Cell::Text(indicator.unit.as_str().into()),
        Cell::Text(point.state.as_str().into()),
        number(point.revision),
        Cell::Text(text(&zone.arrival(point.known_at)).into()),
        number(point.k),
        number(point.m),
        Cell::Text(point.level.map_or("", Level::as_str).into()),
        Cell::Text(point.origin.as_str().into()),
        Cell::Text(version.into()),
    ]
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
