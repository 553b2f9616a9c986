//! A new indicator over the past: windows from before its Profile record, most of them beyond the horizon and their
//! messages in the archive alone.

use std::collections::BTreeMap;
use std::time::Duration;

use nhip_proto::MINUTE;
use nhip_tests::{get_json, until};
use serde_json::{Value, json};

use crate::stage::{HOUR, Past, START, hour_text, value};

const HOURS: i64 = 12;

const NEW: &str = r#"
[[indicator]]
id = "env.pm25_max"
name = { vi = "Bụi mịn cao nhất giờ", en = "Greatest fine dust of the hour" }
domain = "env"
unit = "ug/m3"
scale = 1
owner = "Nhịp"
basis = "test"
stream = "air"
max = "pm25"
window = "1h"
direction = "worse"
completeness_min = 0.0

[[indicator.test]]
name = "the greatest"
story = '''
on 2030-03-18
at 07:00 air air-a pm25=10
at 07:10 air air-a pm25=20
tick 09:10
expect env.pm25_max P 07:00 = 20 final
'''

[[view]]"#;

#[test]
fn a_new_indicator_is_computed_over_windows_long_forgotten() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut past = Past::start(directory.path(), "keep_log_segments = 1\npause_seconds = 1\n");
    past.publish(0..HOURS);
    past.fill();
    past.trimmed(2.0);
    assert!(past.first_in_segments().0 > 60, "the first hours are in the archive alone");
    past.edit(|text| text.replacen("[[view]]", NEW, 1));
    let applied = past.done("/api/v1/profile", &Value::Null);
    let profile = applied["offset"].as_u64().expect("a Profile record");
    past.pass(2 * HOUR);
    assert_eq!(series(&past, "now"), BTreeMap::new(), "nothing of the hours before it");

    let order = json!({
        "indicator": "env.pm25_max", "from": hour_text(0), "to": hour_text(HOURS), "reason": "new", "author": "An",
    });
    let dry = past.done("/api/v1/restatements?dry_run=true", &order);
    assert_eq!(dry["changed"], 3 * HOURS, "three places: {dry}");
    assert!(
        dry["figures"].as_array().expect("figures").iter().all(|figure| figure["old"].is_null()),
        "{dry}"
    );
    let report = past.done("/api/v1/restatements", &order);
    let offset = report["offset"].as_u64().expect("a Restate record");
    assert!(offset > profile);
    past.pass(MINUTE);
    let wanted = expected();
    until("the rows are durable", Duration::from_secs(60), || series(&past, "now") == wanted);
    assert_eq!(series(&past, &(offset - 1).to_string()), BTreeMap::new(), "not known before");
    assert_eq!(series(&past, &offset.to_string()), wanted, "known at the Restate");

    // The same again changes nothing; kill -9 in between and a replay neither.
    past.stepped.kill_and_start();
    let again = past.done("/api/v1/restatements", &order);
    assert_eq!((&again["changed"], &again["rows_digest"]), (&json!(0), &report["rows_digest"]), "{again}");
    past.pass(MINUTE);
    assert_eq!(series(&past, "now"), wanted);
    let rows = past.rows();
    let new: Vec<&Value> = rows
        .iter()
        .filter(|row| {
            row["indicator"] == "env.pm25_max"
                && row["window_start_ns"].as_i64() < Some(START.0 + HOURS * HOUR)
        })
        .collect();
    assert_eq!(new.len() as i64, 3 * HOURS, "one row of each window, known once");
    for row in new {
        assert_eq!(
            (&row["known_offset"], &row["revision"], &row["state"]),
            (&json!(offset), &json!(0), &json!("final"))
        );
    }
    crate::stage::succeeds(&["replay", "--data"], &past.data);
}

/// The greatest of commune A: hour by hour, with what came late.
fn expected() -> BTreeMap<i64, String> {
    let hour = |hour: i64| {
        let own = (0..6).filter(|step| !(hour % 4 == 1 && *step == 3)).map(|step| value(hour, step));
        let late = (hour % 4 == 0).then(|| value(hour + 1, 3));
        let greatest = own.chain(late).max().expect("some");
        (hour, format!("{greatest}.0"))
    };
    (0..HOURS).map(hour).collect()
}

/// Hour and value of commune A as the series API tells them.
fn series(past: &Past, as_of: &str) -> BTreeMap<i64, String> {
    let (from, to) = (hour_text(0), hour_text(HOURS));
    let path = format!("/api/v1/series?indicator=env.pm25_max&area=A&from={from}&to={to}&as_of={as_of}");
    let answer = get_json(past.stepped.node.http, &path);
    let points = answer["items"].as_array().expect("points");
    let told = points.iter().filter(|point| !point["value"].is_null()).map(|point| {
        let start: jiff::Timestamp =
            point["window"]["start"].as_str().expect("a time").parse().expect("a time");
        let hour = (start.as_second() - START.0 / 1_000_000_000) / 3_600;
        (hour, point["value"].to_string())
    });
    told.collect()
}
