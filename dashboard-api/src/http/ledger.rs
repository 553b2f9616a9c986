//! `ledger`: where every message and item went (P4).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use nhip_proto::{LedgerCounts, LedgerRow};
use serde_json::{Map, Value, json};

use super::Node;
use super::lists::{Asked, PageOnly};
use super::problem::Problem;
use super::rejections::{item_reasons, message_reasons};
use super::times::Zone;

/// `GET /api/v1/ledger`
pub(crate) async fn ledger(
    State(node): State<Arc<Node>>,
    Asked(page): Asked<PageOnly>,
) -> Result<Response, Problem> {
    let page = page.page(&node.config)?;
    let answer = node.parts.analysis.ledger().await;
    let (offset, rows) = answer.map_err(|error| Problem::of_analysis(&error))?;
    let mut total = LedgerCounts::default();
    for row in &rows {
        total.add(&row.counts);
    }
    let zone = Zone::of(&node.profile().zone);
    let show = |row: LedgerRow| {
        let mut shown = counts_json(&row.counts);
        shown.insert("source".to_owned(), Value::from(row.source.as_str()));
        shown.insert("stream".to_owned(), Value::from(row.stream.as_str()));
        shown.insert("event_time".to_owned(), zone.event_or_null(row.event_time));
        Value::Object(shown)
    };
    let key = |row: &LedgerRow| format!("{}\u{1}{}", row.source, row.stream);
    Ok(page.of(rows, key, show, json!({"offset": offset.0, "total": counts_json(&total)})))
}

fn counts_json(counts: &LedgerCounts) -> Map<String, Value> {
    let fields = [
        ("received", Value::from(counts.received)),
        ("decoded", Value::from(counts.decoded)),
        ("rejected", Value::from(counts.rejected)),
        ("message_reasons", Value::Object(message_reasons(counts))),
        ("items", Value::from(counts.items)),
        ("applied", Value::from(counts.applied)),
        ("duplicate", Value::from(counts.duplicate)),
        ("conflicting", Value::from(counts.conflicting)),
        ("late", Value::from(counts.late)),
        ("item_rejected", Value::from(counts.item_rejected)),
        ("item_reasons", Value::Object(item_reasons(counts))),
        ("superseded", Value::from(counts.superseded)),
        ("best_effort", Value::from(counts.best_effort)),
        ("balances", Value::from(counts.balances())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
