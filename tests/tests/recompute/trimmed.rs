//! A restate over records that live in the archive alone says exactly what it says over the untrimmed log.

use std::path::Path;

use serde_json::{Value, json};

use crate::stage::{HOUR, Past, START, hour_text, run};

const HOURS: i64 = 10;

#[test]
fn a_restate_over_a_trimmed_log_is_the_restate_over_the_untrimmed_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let trimmed = restated(&directory.path().join("trimmed"), true);
    let untrimmed = restated(&directory.path().join("untrimmed"), false);
    assert_eq!(trimmed.dry["figures"], untrimmed.dry["figures"]);
    assert_eq!(trimmed.dry["rows_digest"], untrimmed.dry["rows_digest"]);
    assert_eq!(trimmed.rows, untrimmed.rows, "the same rows, revisions and all but when they were known");
    assert!(trimmed.rows.len() > 30, "the rows of ten hours in three places: {}", trimmed.rows.len());
}

struct Restated {
    dry: Value,
    /// Rows without known_*, which noise and the archive's pauses move.
    rows: Vec<Value>,
}

fn restated(directory: &Path, trims: bool) -> Restated {
    let mut past = Past::start(
        directory,
        if trims { "keep_log_segments = 1\npause_seconds = 1\n" } else { "enabled = false\n" },
    );
    past.publish(0..HOURS);
    past.fill();
    if trims {
        past.trimmed(2.0);
        assert!(past.first_in_segments().0 > 60, "the first hours are in the archive alone");
    }
    // Whatever passed while segments were trimmed: now every window is closed.
    past.pass(6 * HOUR);
    let order = json!({
        "indicator": "env.pm25_1h", "from": hour_text(0), "to": hour_text(HOURS),
        "reason": "late readings of station A", "author": "Minh",
    });
    let dry = past.done("/api/v1/restatements?dry_run=true", &order);
    assert_eq!(dry["offset"], Value::Null, "shown first, and nothing was written: {dry}");
    // Of hours 0, 4 and 8 a reading of station A came an hour and a half late: the commune and the province change.
    let mut changed: Vec<(String, String)> = Vec::new();
    for figure in dry["figures"].as_array().expect("figures") {
        let start = figure["window_start"].as_str().expect("a time").to_owned();
        changed.push((start, figure["area"].as_str().expect("an area").to_owned()));
        assert_ne!(figure["old"], figure["new"], "{figure}");
    }
    assert_eq!(changed.len(), 6, "{changed:?}");
    let report = past.done("/api/v1/restatements", &order);
    assert_eq!(report["rows_digest"], dry["rows_digest"], "what was shown is what was written");
    assert_eq!(report["figures"], dry["figures"]);
    past.pass(60_000_000_000);
    let rows = past.rows();
    let offset = report["offset"].as_u64().expect("an offset");
    let record = logged(&past.data, offset);
    for (name, wanted) in [("kind", "restate"), ("reason", "late readings of station A"), ("author", "Minh")]
    {
        assert_eq!(record[name], wanted, "{record}");
    }
    assert_eq!(record["computed_to"], report["computed_to"]);
    assert_eq!(record["rows_digest"], report["rows_digest"]);
    // Hour 0 with its late reading: 10 … 15, and 23 of the hour after.
    let found = rows.iter().rfind(|row| row["area"] == "A" && row["window_start_ns"] == START.0);
    let found = found.expect("the first hour has rows");
    assert_eq!((&found["value"], &found["state"]), (&json!("14.0"), &json!("revised")), "{found}");
    assert_eq!(found["known_offset"], offset);
    let mut plain: Vec<Value> = rows.into_iter().map(without_known).collect();
    plain.sort_by_key(Value::to_string);
    Restated { dry, rows: plain }
}

fn without_known(mut row: Value) -> Value {
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("known_"));
    }
    row
}

fn logged(data: &Path, offset: u64) -> Value {
    let from = offset.to_string();
    let output = run(&["log", "records", "--from", &from, "--count", "1", "--data"], data, &[]);
    serde_json::from_slice(&output.stdout).expect("one record")
}
