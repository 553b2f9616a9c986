//! CSV by RFC 4180: every record has the same fields, no cell is a formula.

use nhip_ports::{AsOf, SeriesKey};
use nhip_profile::{Indicator, Profile};
use nhip_proto::{ArrivalTime, EventTime, Level};

use super::{Counts, ExportOrder};
use crate::http::catalog::hex;
use crate::http::times::Zone;
use crate::past::Point;

const COLUMNS: &[&str] = &[
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

/// What the file is, a line for each, and the names of the columns.
pub(super) fn head(profile: &Profile, indicator: &Indicator, order: &ExportOrder, counts: Counts) -> String {
    let zone = Zone::of(&profile.zone);
    let as_of = match order.as_of {
        AsOf::Now => "now".to_owned(),
        AsOf::At(time) => text(&zone.arrival(time)),
        AsOf::Offset(offset) => format!("offset {}", offset.0),
    };
    let Counts { points, with_value, k, m } = counts;
    let lines = [
        ("indicator", format!("{} ({})", indicator.name.vi, indicator.name.en)),
        ("unit", indicator.unit.clone()),
        ("zone", profile.zone.clone()),
        ("definition version", hex(&indicator.definition)),
        ("basis", indicator.basis.clone()),
        ("owner", indicator.owner.clone()),
        ("origin of the data", profile.origin.as_str().to_owned()),
        ("from", text(&zone.event(order.from))),
        ("to", text(&zone.event(order.to))),
        ("step", order.step.clone()),
        ("known as of", as_of),
        ("points", points.to_string()),
        ("points with a value", with_value.to_string()),
        ("completeness k of m", format!("{k} of {m}")),
        ("missing", "an empty value is missing, never 0".to_owned()),
    ];
    let mut out = String::new();
    for (name, value) in lines {
        record(&mut out, &[name, &value]);
    }
    record(&mut out, COLUMNS);
    out
}

/// Points of one series.
pub(super) fn lines(profile: &Profile, indicator: &Indicator, key: &SeriesKey, points: &[Point]) -> String {
    let zone = Zone::of(&profile.zone);
    let event = |time: EventTime| text(&zone.event(time));
    let known = |time: ArrivalTime| text(&zone.arrival(time));
    let name = profile.areas.get(&key.area).map_or("", |area| area.name.vi.as_str());
    let mut out = String::new();
    for point in points {
        let version = point.definition.map_or_else(String::new, |definition| hex(&definition));
        field(&mut out, key.indicator.as_str(), ',');
        field(&mut out, key.area.as_str(), ',');
        field(&mut out, name, ',');
        field(&mut out, &key.group, ',');
        field(&mut out, &event(point.start), ',');
        field(&mut out, &event(point.end), ',');
        // A number is no text: a leading minus is its sign.
        out.push_str(&point.value.map_or_else(String::new, |value| value.to_string()));
        out.push(',');
        field(&mut out, &indicator.unit, ',');
        field(&mut out, point.state.as_str(), ',');
        field(&mut out, &point.revision.to_string(), ',');
        field(&mut out, &known(point.known_at), ',');
        field(&mut out, &point.k.to_string(), ',');
        field(&mut out, &point.m.to_string(), ',');
        field(&mut out, point.level.map_or("", Level::as_str), ',');
        field(&mut out, point.origin.as_str(), ',');
        field(&mut out, &version, '\n');
    }
    out
}

/// These fields, and empty ones up to the width of the table.
fn record(out: &mut String, fields: &[&str]) {
    for at in 0..COLUMNS.len() {
        let end = if at + 1 == COLUMNS.len() { '\n' } else { ',' };
        field(out, fields.get(at).copied().unwrap_or_default(), end);
    }
}

/// A text that a spreadsheet would run begins with an apostrophe; what holds a separator, a quote or an end of line is
/// quoted.
fn field(out: &mut String, text: &str, end: char) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let quoted =
        text.contains([',', '"', '\n', '\r', ';', '\t']) || text.starts_with(' ') || text.ends_with(' ');
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    if quoted {
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
    // RFC 4180: a record ends in CRLF.
    out.push_str(if end == '\n' { "\r\n" } else { "," });
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_runs_and_every_cell_comes_back() {
        for (given, want) in [
            ("plain", "plain,"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0,"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\","),
            ("+1", "'+1,"),
            ("-1+1", "'-1+1,"),
            ("@SUM(A1)", "'@SUM(A1),"),
            ("\t=1", "\"'\t=1\","),
            ("\r\n=1", "\"'\r\n=1\","),
            ("＝1", "'＝1,"),
            ("say \"xin chào\", bạn", "\"say \"\"xin chào\"\", bạn\","),
            ("", ","),
        ] {
            let mut out = String::new();
            field(&mut out, given, ',');
            assert_eq!(out, want, "{given:?}");
        }
    }

    #[test]
    fn every_record_has_the_same_fields() {
        let mut out = String::new();
        record(&mut out, &["unit", "µg/m³"]);
        assert_eq!(out.matches(',').count(), COLUMNS.len() - 1);
        assert!(out.ends_with("\r\n"));
    }
}
