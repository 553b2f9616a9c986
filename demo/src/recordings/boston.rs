//! Boston's 311 service requests: a row is a whole case, told here as it happened: received, later resolved.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::Attribution;
use super::rows::{Rows, Told};
use super::table::Line;

pub(super) const ROWS: Rows = Rows {
    attribution: Attribution {
        source: "City of Boston 311 Service Requests 2015 (Analyze Boston)",
        licence: "ODC PDDL 1.0",
    },
    files: ("reports", "boston311_"),
    zone: "America/New_York",
    stretch_s: 21_600,
    stamp: |line| stamp(line.text("OPEN_DT")),
    topic: |_| "recordings/boston".to_owned(),
    told: Some(told),
};

/// What a row tells and when. Nothing of it is mended: 84 requests are closed seconds before they are opened.
fn told(line: &Line<'_>, zone: &TimeZone) -> Option<Vec<Told>> {
    let due = match line.text("TARGET_DT") {
        "" => Value::Null,
        text => zone.to_ambiguous_timestamp(stamp(text)?).compatible().ok()?.as_second().into(),
    };
    let mut told = Vec::new();
    for (column, step) in [("OPEN_DT", "received"), ("CLOSED_DT", "resolved")] {
        let text = line.text(column);
        if text.is_empty() {
            continue;
        }
        let mut cells = Map::new();
        cells.insert("step".to_owned(), step.into());
        cells.insert("at".to_owned(), text.into());
        cells.insert("event".to_owned(), format!("{}-{step}", line.text("CASE_ENQUIRY_ID")).into());
        cells.insert("due_s".to_owned(), due.clone());
        told.push((stamp(text)?, cells));
    }
    Some(told)
}

fn stamp(text: &str) -> Option<DateTime> {
    DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text).ok()
}
