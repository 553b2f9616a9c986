//! The demo as the witness: one figure of every fed row, with value, k of m and an explanation down to a record.

#![expect(clippy::print_stdout, reason = "rows that nothing feeds are named, never left out in silence")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nhip_tests::{Node, NodeOptions, get_json};
use serde_json::Value;

use crate::plan::{Plan, Row};

/// The demo tells its past first and then lives thirty times as fast as the clock on the wall.
const FIGURES_WITHIN: Duration = Duration::from_secs(240);
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Asks until every fed row has answered; what is not fed is named.
pub(crate) fn judge(plan: &Plan) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut options =
        NodeOptions::run(&directory.path().join("data")).set("--seed", "5").set("--speed", "30");
    options.command = vec!["demo".to_owned()];
    let node = Node::start(&options).expect("a demo");
    let (fed, unfed): (Vec<&Row>, Vec<&Row>) = plan.rows.iter().partition(|row| row.connected > 0);
    let mut waiting: BTreeMap<i64, &Row> = fed.iter().map(|row| (row.number, *row)).collect();
    let began = Instant::now();
    while !waiting.is_empty() && began.elapsed() < FIGURES_WITHIN {
        let figures = all_figures(&node);
        waiting.retain(|_, row| !row.indicators.iter().any(|id| is_proved(&node, &figures, id)));
        if !waiting.is_empty() {
            pause();
        }
    }
    for row in &unfed {
        println!("not fed: row {} {} ({})", row.number, row.vi, row.en);
    }
    println!("{} rows proved by the demo, {} not fed", fed.len() - waiting.len(), unfed.len());
    let silent: Vec<String> = waiting.values().map(|row| format!("{} {}", row.number, row.vi)).collect();
    assert!(silent.is_empty(), "fed rows without a figure that leads to its messages: {silent:#?}");
}

#[expect(clippy::disallowed_methods, reason = "the pause between two looks at another process")]
fn pause() {
    std::thread::sleep(ASK_EVERY);
}

/// The newest figure of the province by indicator, where it has a value.
fn all_figures(node: &Node) -> BTreeMap<String, Value> {
    let mut figures = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = get_json(node.http, &format!("/api/v1/figures?area=80&group=&limit=5000{cursor}"));
        for figure in page["items"].as_array().into_iter().flatten() {
            let id = figure["indicator"].as_str().unwrap_or_default().to_owned();
            if !figure["value"].is_null() {
                figures.insert(id, figure.clone());
            }
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return figures,
        }
    }
}

/// Whether a figure has a value, sources that are counted, and records it stands on.
fn is_proved(node: &Node, figures: &BTreeMap<String, Value>, id: &str) -> bool {
    let Some(figure) = figures.get(id) else { return false };
    let counted = figure["k"].as_u64().is_some_and(|k| k > 0) && figure["m"].as_u64().is_some_and(|m| m > 0);
    if !counted {
        return false;
    }
    let answer = get_json(node.http, &format!("/api/v1/explain?indicator={id}&area=80"));
    let reaches = answer["offsets"]["first"].is_u64() && answer["samples"][0]["offset"].is_u64();
    assert_eq!(answer["figure"]["source_state"], "connected", "{id} has a value: {answer}");
    reaches
}
