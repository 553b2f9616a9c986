//! Views limited to one area: snapshot, frames and pages carry that area's rows and nobody else's.

use std::time::Duration;

use nhip_client::{Applied, Client, Keep, Table, http_get};
use nhip_profile::SourceState;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::fixtures::{figure, heard, profile, tick, update};
use super::node::TestNode;
use crate::boards::Boards;
use crate::config::Config;
use crate::scope::Scope;

/// The codes of the communes that must not be named.
const OTHERS: [&str; 3] = ["\"c002\"", "\"c003\"", "\"80\""];

async fn get(node: &TestNode, path: &str) -> (u16, Value) {
    let answer = http_get(&node.address, path).await.expect("an answer");
    (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
}

#[tokio::test]
async fn a_limited_snapshot_holds_the_rows_of_its_area_only() {
    let node = TestNode::start(profile(3), Config::default()).await;
    node.analysis.publish((1..=3).map(|at| figure("env.pm25", &format!("c00{at}"), Some(at), 3)).collect());
    let (status, body) = get(&node, "/api/v1/views/main/snapshot?area=c001").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["dict"].as_array().map(Vec::len), Some(2), "two tiles, of which one is the map's");
    let areas = body["areas"].as_array().expect("areas");
    assert_eq!((areas.len(), &areas[0]["code"]), (1, &json!("c001")));
    assert_eq!((&body["view"]["area"], &body["rows"][0]["v"]), (&json!("c001"), &json!(0.1)));
    assert_eq!((&body["badges"], &body["units"]), (&json!({}), &json!([])), "judged for the whole only");
    assert_eq!(body["sources"], json!({"live": 0, "due": 1}));
    assert_eq!(body["indicators"]["env.pm25"]["targets"], json!([]), "the province's target is not its own");
    let (status, whole) = get(&node, "/api/v1/views/main/snapshot").await;
    assert_eq!((status, &whole["view"]["area"]), (200, &Value::Null));
    assert_eq!(whole["dict"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn areas_nobody_knows_are_refused_at_every_door() {
    let node = TestNode::start(profile(3), Config::default()).await;
    for path in ["/api/v1/views/main/snapshot?area=c999", "/wall/main?area=c999"] {
        let (status, body) = get(&node, path).await;
        assert_eq!((status, body["detail"].as_str()), (404, Some("the profile has no such area")), "{path}");
    }
    assert_eq!(get(&node, "/api/v1/views/none/snapshot?area=c001").await.0, 404);
    let page = http_get(&node.address, "/wall/main?area=c001&lang=en").await.expect("a page");
    assert_eq!(page.status, 200);
    let mut options = node.options();
    options.area = Some("c999".to_owned());
    let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a session");
    let bye = client.next().await.expect("a goodbye").applied;
    assert!(matches!(bye, Applied::Bye { code: 4002, .. }), "{bye:?}");
}

#[tokio::test]
async fn no_frame_of_a_limited_screen_carries_another_area() {
    let node = TestNode::start(profile(3), Config::default()).await;
    node.analysis.publish(vec![figure("env.pm10", "c001", Some(77), 3)]);
    let mut options = node.options();
    (options.area, options.rate_ms) = (Some("c001".to_owned()), 0);
    let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a session");
    let mut deltas = 0;
    let watched = async {
        for round in 1..=50 {
            let communes = (1..=3).map(|at| figure("env.pm25", &format!("c00{at}"), Some(round), 3));
            let offset = node.analysis.publish(communes.collect());
            while client.table().position() < offset {
                let received = client.next().await.expect("a frame");
                for other in OTHERS {
                    assert!(!received.text.contains(other), "{other} in {}", received.text);
                }
                if let Applied::Delta { rows, .. } = received.applied {
                    assert!(rows.iter().all(|row| *row < 2), "{}", received.text);
                    deltas += rows.len();
                }
            }
        }
    };
    timeout(Duration::from_secs(20), watched).await.expect("frames in time");
    assert!(deltas > 10, "only {deltas} changes");
    let row = |indicator: &str| client.table().row(indicator, "c001").and_then(|row| row.v.clone());
    assert_eq!(row("env.pm25").map(|value| value.to_string()).as_deref(), Some("5.0"));
    assert_eq!(
        row("env.pm10").map(|value| value.to_string()).as_deref(),
        Some("7.7"),
        "known before it opened"
    );
    assert_eq!((client.table().rows().len(), client.table().counters().gaps), (2, 0));
}

#[tokio::test]
async fn the_heartbeat_of_a_limited_screen_counts_its_own_sources() {
    let node = TestNode::start(profile(3), Config::default()).await;
    let mut options = node.options();
    options.area = Some("c001".to_owned());
    let mut client = Client::connect(options, Table::new(Keep::Rows)).await.expect("a session");
    let beat = async {
        loop {
            let received = client.next().await.expect("a frame");
            if matches!(received.applied, Applied::Heartbeat { .. }) {
                return serde_json::from_str::<Value>(&received.text).expect("JSON");
            }
        }
    };
    let beat = timeout(Duration::from_secs(10), beat).await.expect("a heartbeat");
    assert_eq!(beat["sources"], json!({"live": 0, "due": 1}));
    assert_eq!((&beat["badges"], &beat["units"], &beat["q"]["du"]), (&json!({}), &json!([]), &Value::Null));
    assert_eq!(beat["links"][0]["up"], json!(true), "the links carry all areas");
}

#[tokio::test]
async fn what_nothing_feeds_is_told_apart_from_silence() {
    let mut profile = (*profile(2)).clone();
    let states = [SourceState::Connected, SourceState::Committed];
    profile.sources.values_mut().zip(states).for_each(|(source, state)| source.state = state);
    let node = TestNode::start(std::sync::Arc::new(profile), Config::default()).await;
    let (_, fed) = get(&node, "/api/v1/figures?indicator=env.pm25&area=80").await;
    assert_eq!((&fed["items"][0]["source_state"], &fed["without_source"]), (&json!("connected"), &json!([])));
    let (_, unfed) = get(&node, "/api/v1/figures?indicator=env.pm25&area=c002").await;
    let told = json!([{"indicator": "env.pm25", "area": "c002", "source_state": "committed"}]);
    assert_eq!((&unfed["items"], &unfed["without_source"]), (&json!([]), &told));
    let (status, why) = get(&node, "/api/v1/explain?indicator=env.pm25&area=c002").await;
    assert_eq!((status, &why["type"]), (404, &json!("urn:nhip:problem:no-source")));
    let (status, why) = get(&node, "/api/v1/explain?indicator=env.pm25&area=c001").await;
    assert_eq!((status, &why["type"]), (404, &json!("urn:nhip:problem:not-found")), "it may yet speak");
}

#[test]
fn a_board_read_while_updates_came_fills_only_what_they_left() {
    let mut boards = Boards::new("e", profile(3));
    boards.seed(&update(10));
    let scope = Scope::asked("main", Some("c001"));
    assert!(boards.open(&scope) && boards.view(&scope).is_none(), "nothing is shown before it is filled");
    let mut read = update(11);
    read.figures = vec![figure("env.pm25", "c001", Some(1), 3), figure("env.pm10", "c001", Some(2), 3)];
    let mut newer = update(12);
    newer.figures = vec![figure("env.pm25", "c001", Some(9), 3)];
    boards.apply(&newer);
    boards.fill(&scope, &read);
    let board = boards.view(&scope).expect("filled");
    let values: Vec<_> = board.rows().iter().map(|row| row.shown.value.map(|value| value.mantissa)).collect();
    assert_eq!(values, [Some(9), Some(2)]);
    assert_eq!((board.last_change(), boards.offset()), (12, Some(12)), "all of it is news since before");
    assert!(!boards.open(&scope), "open already");
}

#[test]
fn the_sources_of_an_area_are_counted_apart() {
    let mut boards = Boards::new("e", profile(3));
    let mut told = update(10);
    (told.tick, told.sources) = (tick(10), vec![heard("s001", 5), heard("s003", 5)]);
    boards.seed(&told);
    let counts = |area: &str| boards.sources_json(Some(&nhip_proto::AreaCode::new(area)));
    assert_eq!(
        ["80", "c001", "c002"].map(counts),
        [r#"{"live":2,"due":3}"#, r#"{"live":1,"due":1}"#, r#"{"live":0,"due":1}"#,]
    );
}
