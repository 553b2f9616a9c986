//! What was seen, and whether the node says the same of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nhip_proto::{Row, RowState};
use nhip_tests::{AirNode, Node, get, get_json, until, until_some};
use serde_json::{Value, json};

use crate::recorder::{Recorded, Recorder, flag, keyed_rows, of_snapshot};
use crate::rows::DurableRows;

/// Bits of `f`.
const PROVISIONAL: u64 = 2;
const REVISED: u64 = 16;

/// Fields of a snapshot that are of the server's moment or numbering, not of what is shown.
const OF_THE_SERVER: [&str; 9] =
    ["epoch", "server_ts", "rate", "build", "links", "as_of", "known_offset", "mode", "offset"];

/// A whole snapshot of the wall.
struct Wall {
    shown: Value,
    /// Whether the last record before it is a Tick: then the store knows all it shows.
    at_tick: bool,
}

/// What was compared.
#[derive(Default)]
struct Compared {
    frames: BTreeSet<u64>,
    walls: BTreeSet<u64>,
    rows_final: usize,
    rows_revised: usize,
    points: usize,
    points_provisional: usize,
    /// Settled points by series, window and when they became known: what a frame showed is looked at once.
    points_settled: BTreeSet<(String, String, i64, u64)>,
    /// Of those: a frame showed them.
    points_seen: usize,
    points_revised_seen: usize,
    points_restated_seen: usize,
    history: usize,
}

/// Everything seen.
#[derive(Default)]
pub(crate) struct Witness {
    recorded: Recorded,
    walls: BTreeMap<u64, Wall>,
    /// The rows as they lay on the disk.
    pub(crate) rows: DurableRows,
    compared: Compared,
}

impl Witness {
    /// Reads the live wall and waits until the recording client shows the same.
    pub(crate) fn look(&mut self, air: &AirNode, recorder: &Recorder, at_tick: bool) {
        let end = air.stepped.end() as u64;
        let (offset, shown) = until_some("the client shows the wall", Duration::from_secs(60), || {
            let shown = get_json(air.stepped.node.http, "/api/v1/views/main/snapshot");
            let offset = shown["offset"].as_u64().filter(|offset| *offset == end)?;
            (recorder.last()? == of_snapshot(&shown)).then_some((offset, shown))
        });
        self.walls.insert(offset, Wall { shown, at_tick });
    }

    /// Takes what a client saw; two clients at one offset saw the same.
    pub(crate) fn take(&mut self, recorder: Recorder) {
        for (offset, shown) in recorder.stop() {
            let before = self.recorded.insert(offset, shown.clone());
            assert!(before.is_none_or(|before| before == shown), "two clients at offset {offset}");
        }
    }

    /// The first offset a client stood at, and that behind the last Tick whose rows are known to be durable.
    pub(crate) fn span(&self) -> (u64, u64) {
        let first = *self.recorded.first_key_value().expect("a frame").0;
        (first, self.rows.last().expect("rows") + 1)
    }

    /// Reads the row files until those of the last Tick are there.
    pub(crate) fn rows_until_last(&mut self, air: &AirNode) {
        let tick =
            get_json(air.stepped.node.http, "/api/v1/figures")["offset"].as_u64().expect("an offset") - 1;
        until("the rows of the last Tick are durable", Duration::from_secs(60), || {
            self.rows.take(&air.data);
            self.rows.last() == Some(tick)
        });
    }

    /// At the client's last frame before a moment: the wall as it was, every point as it was known.
    #[track_caller]
    pub(crate) fn compare(&mut self, air: &AirNode, moment: u64) {
        let node = &air.stepped.node;
        if let Some((offset, wall)) = self.walls.range(..=moment).next_back()
            && self.compared.walls.insert(*offset)
        {
            compare_whole(node, *offset, &wall.shown);
        }
        let (frame, seen) = self.recorded.range(..=moment).next_back().expect("a frame");
        let shown = of_snapshot(&past(node, &format!("offset:{frame}"), "known"));
        for (key, seen) in seen {
            assert_eq!(
                shown.get(key),
                Some(seen),
                "offset {frame}, {key:?}: left is the past, right was seen"
            );
            self.compared.rows_final += usize::from(!flag(seen, PROVISIONAL) && seen["v"].is_number());
            self.compared.rows_revised += usize::from(flag(seen, REVISED));
        }
        assert_eq!(shown.len(), seen.len(), "offset {frame}");
        self.compared.frames.insert(*frame);
        // Every other series at each moment: a moment later it is the others' turn.
        let turn = |number: &usize| (*number as u64 + moment).is_multiple_of(2);
        let keys = seen.keys().enumerate().filter(|(number, _)| turn(number));
        let keys: Vec<(String, String)> = keys.map(|(_, key)| key.clone()).collect();
        self.compare_points(node, *frame, &keys);
    }

    /// Every point of every series of the wall, as known before an offset.
    fn compare_points(&mut self, node: &Node, offset: u64, keys: &[(String, String)]) {
        let durable = self.durable_before(offset);
        let told = |key: &(String, String)| {
            let windows = durable.get(key).into_iter().flat_map(BTreeMap::values);
            windows.map(|row| point_of(row)).collect::<Vec<Value>>()
        };
        let wanted: Vec<Vec<Value>> = keys.iter().map(told).collect();
        for ((indicator, area), want) in keys.iter().zip(wanted) {
            let points = series(node, indicator, area, offset - 1);
            assert_eq!(points, want, "{indicator} {area} before offset {offset}: left is the past");
            self.compared.points += points.len();
            for point in &points {
                if point["state"] == "provisional" {
                    self.compared.points_provisional += 1;
                } else {
                    self.compare_settled((indicator, area), point, offset);
                }
            }
        }
    }

    /// A settled point is what the client showed of that window, and what the wall showed as a closed window behind the
    /// Tick before the offset.
    fn compare_settled(&mut self, (indicator, area): (&String, &String), point: &Value, offset: u64) {
        let key = (indicator.clone(), area.clone());
        let start = point["start_ns"].as_i64().expect("a time") / 1_000_000;
        let known = point["known_offset"].as_u64().expect("an offset");
        if self.compared.points_settled.insert((key.0.clone(), key.1.clone(), start, known)) {
            self.compare_seen(&key, point, (start, known));
        }
        let Some(wall) = self.walls.get(&offset).filter(|wall| wall.at_tick) else { return };
        let rows = keyed_rows(&wall.shown);
        let closed = rows[&key]["hist"].as_array().expect("a list").iter();
        for pair in closed.filter(|pair| pair[0].as_i64() == Some(start)) {
            assert_eq!(
                pair[1], point["value"],
                "{key:?} {start}: left is the wall's history, right the point"
            );
            self.compared.history += 1;
        }
    }

    /// A settled point is what a frame showed of its window when it was written, if that stood on the wall then.
    fn compare_seen(&mut self, key: &(String, String), point: &Value, (start, known): (i64, u64)) {
        let restated = self.rows.is_restated(known, |row| {
            row.key.indicator.as_str() == key.0
                && row.key.area.as_str() == key.1
                && row.key.window_start.0 == start * 1_000_000
        });
        // A screen shows what a Restate computed from the record behind it on.
        let frame = if restated {
            self.recorded.range(known + 2..).next()
        } else {
            self.recorded.range(..=known + 1).next_back()
        };
        let seen = frame.and_then(|(_, shown)| shown.get(key));
        let Some(seen) = seen.filter(|seen| seen["w"][0].as_i64() == Some(start)) else { return };
        let state = if flag(seen, REVISED) { "revised" } else { "final" };
        let told = [&seen["v"], &seen["k"], &seen["m"], &seen["rev"], &json!(state)];
        let asked = ["value", "k", "m", "revision", "state"].map(|name| &point[name]);
        assert_eq!(asked, told, "{key:?} known at {known}: left is the point, right was seen");
        assert!(!flag(seen, PROVISIONAL), "{key:?} at {known}: {seen}");
        self.compared.points_seen += 1;
        self.compared.points_revised_seen += usize::from(state == "revised");
        self.compared.points_restated_seen += usize::from(restated);
    }

    /// Per series and window the row known last before an offset.
    fn durable_before(&self, offset: u64) -> BTreeMap<(String, String), BTreeMap<i64, &Row>> {
        let mut series: BTreeMap<(String, String), BTreeMap<i64, &Row>> = BTreeMap::new();
        for row in self.rows.in_known_order() {
            if row.known_offset.0 < offset && row.key.group.is_empty() {
                let key = (row.key.indicator.to_string(), row.key.area.to_string());
                series.entry(key).or_default().insert(row.key.window_start.0, row);
            }
        }
        series
    }

    /// The same wall with what is known today beside or in place of what was: how many values differ.
    pub(crate) fn compare_with_today(&self, air: &AirNode, moment: u64) -> usize {
        let node = &air.stepped.node;
        let (frame, seen) = self.recorded.range(..=moment).next_back().expect("a frame");
        let as_of = format!("offset:{frame}");
        let (difference, corrected) = (past(node, &as_of, "difference"), past(node, &as_of, "corrected"));
        let (difference, corrected) = (keyed_rows(&difference), keyed_rows(&corrected));
        let durable = self.durable_before(u64::MAX);
        let mut differing = 0;
        for (key, seen) in seen.iter().filter(|(_, seen)| seen["w"].is_array()) {
            let start = seen["w"][0].as_i64().expect("a time") * 1_000_000;
            let row = durable[key][&start];
            let today = json!({ "v": point_of(row)["value"], "k": row.k, "m": row.m, "rev": row.revision });
            let picked =
                |told: &Value| json!({ "v": told["v"], "k": told["k"], "m": told["m"], "rev": told["rev"] });
            assert_eq!(difference[key]["v"], seen["v"], "{key:?} at {frame}: known then");
            assert_eq!(picked(corrected[key]), today, "{key:?} at {frame}: known today");
            if seen["v"] == today["v"] {
                assert!(difference[key]["today"].is_null(), "{key:?} at {frame}: {}", difference[key]);
            } else {
                assert_eq!(picked(&difference[key]["today"]), today, "{key:?} at {frame}: beside it");
                differing += 1;
            }
        }
        differing
    }

    /// What was compared so far.
    pub(crate) fn said(&self) -> String {
        let Compared { frames, walls, rows_final, rows_revised, points, points_provisional, .. } =
            &self.compared;
        let Compared { points_seen, points_revised_seen, points_restated_seen, history, .. } = &self.compared;
        format!(
            "{} of {} frames, {} walls: {rows_final} final rows, {rows_revised} revised; \
             {points} points, {points_provisional} of them provisional, {} settled ones seen on a wall, \
             {points_revised_seen} of those revised, {points_restated_seen} restated, {history} in its history",
            frames.len(),
            self.recorded.len(),
            walls.len(),
            points_seen
        )
    }

    /// The day was such a day.
    pub(crate) fn assert_enough(&self) {
        let Compared { frames, walls, rows_revised, points_provisional, history, .. } = &self.compared;
        let Compared { points_seen, points_revised_seen, points_restated_seen, .. } = &self.compared;
        let said = self.said();
        assert!(frames.len() > 500 && walls.len() > 200, "{said}");
        assert!(*rows_revised > 200 && *points_restated_seen > 0, "{said}");
        assert!(*points_provisional > 1_000 && *history > 1_000, "{said}");
        assert!(*points_seen > 20 && *points_revised_seen > 10, "{said}");
    }
}

/// All of a wall but what is of the server.
#[track_caller]
fn compare_whole(node: &Node, offset: u64, seen: &Value) {
    let shown = past(node, &format!("offset:{offset}"), "known");
    assert_eq!(shown["known_offset"], json!(offset));
    let whole = |snapshot: &Value| {
        let mut snapshot = snapshot.clone();
        let fields = snapshot.as_object_mut().expect("an object");
        OF_THE_SERVER.iter().for_each(|name| drop(fields.remove(*name)));
        for row in snapshot["rows"].as_array_mut().expect("rows") {
            // The offset of the last visible change compares inside one epoch only.
            row.as_object_mut().expect("an object").remove("o");
        }
        snapshot
    };
    let (shown, seen) = (whole(&shown), whole(seen));
    for (name, seen) in seen.as_object().expect("an object") {
        assert_eq!(&shown[name], seen, "offset {offset}, {name}: left is the past, right was seen");
    }
    assert_eq!(shown, seen, "offset {offset}");
}

/// The snapshot of a moment. A loaded machine may need longer than one question may take (503); it goes on then.
#[track_caller]
pub(crate) fn past(node: &Node, as_of: &str, mode: &str) -> Value {
    let path = format!("/api/v1/views/main/snapshot?as_of={as_of}&mode={mode}");
    until_some("the past is replayed", Duration::from_secs(120), || {
        let (status, body) = get(node.http, &path).expect("an answer");
        assert!(status == 200 || status == 503, "{path}: {status} {body}");
        (status == 200).then(|| serde_json::from_str(&body).expect("JSON"))
    })
}

/// The points of the day as known up to a record.
fn series(node: &Node, indicator: &str, area: &str, as_of: u64) -> Vec<Value> {
    let range = "from=2030-03-17T00:00:00Z&to=2030-03-19T00:00:00Z";
    let path = format!("/api/v1/series?indicator={indicator}&area={area}&{range}&as_of={as_of}");
    let body = get_json(node.http, &path);
    let points = body["items"].as_array().unwrap_or_else(|| panic!("{body}")).iter().map(|point| {
        let start: jiff::Timestamp =
            point["window"]["start"].as_str().expect("a time").parse().expect("RFC 3339");
        json!({
            "start_ns": start.as_nanosecond() as i64, "value": point["value"], "state": point["state"],
            "revision": point["revision"], "known_offset": point["known_offset"], "k": point["k"], "m": point["m"],
            "level": point["level"],
        })
    });
    points.collect()
}

/// The same of a durable row.
fn point_of(row: &Row) -> Value {
    let value: Option<serde_json::Number> =
        row.value.map(|value| value.to_string().parse().expect("a number"));
    let state = match row.state {
        RowState::Provisional => "provisional",
        RowState::Final => "final",
        RowState::Revised => "revised",
    };
    json!({
        "start_ns": row.key.window_start.0, "value": value, "state": state, "revision": row.revision,
        "known_offset": row.known_offset.0, "k": row.k, "m": row.m, "level": row.level.as_str(),
    })
}
