//! `ledger` and `rejections`: where every message and item went (P4).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use nhip_ports::RejectionRow;
use nhip_proto::{ItemReason, LedgerCounts, LedgerRow};
use serde_json::{Map, Value, json};

use super::Node;
use super::lists::{Asked, PageOnly};
use super::problem::Problem;
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

/// `GET /api/v1/rejections`
pub(crate) async fn rejections(
    State(node): State<Arc<Node>>,
    Asked(page): Asked<PageOnly>,
) -> Result<Response, Problem> {
    let page = page.page(&node.config)?;
    let answer = node.parts.analysis.rejections(node.config.rejections_max).await;
    let rows = answer.map_err(|error| Problem::of_analysis(&error))?;
    let zone = Zone::of(&node.profile().zone);
    // One message may have several rejected items: the newest first, then their place in the list.
    let mut place = (u64::MAX, 0_u32);
    let placed = rows.into_iter().map(|row| {
        let within = if place.0 == row.offset.0 { place.1 + 1 } else { 0 };
        place = (row.offset.0, within);
        (row, within)
    });
    let key = |(row, within): &(RejectionRow, u32)| format!("{:020}.{within:010}", u64::MAX - row.offset.0);
    let show = |(row, _): (RejectionRow, u32)| {
        let (scope, reason) = match row.reason {
            Ok(reason) => ("message", reason.as_str()),
            Err(reason) => ("item", reason.as_str()),
        };
        json!({
            "offset": row.offset.0,
            "arrival": zone.arrival(row.arrival),
            "source": row.source.as_str(),
            "stream": row.stream.as_str(),
            "scope": scope,
            "reason": reason,
            "field": row.field,
        })
    };
    Ok(page.of(placed, key, show, Value::Null))
}

fn counts_json(counts: &LedgerCounts) -> Map<String, Value> {
    let reasons = ItemReason::ALL.iter().zip(counts.item_reasons);
    let reasons: Map<String, Value> =
        reasons.map(|(reason, count)| (reason.as_str().to_owned(), Value::from(count))).collect();
    let fields = [
        ("received", Value::from(counts.received)),
        ("decoded", Value::from(counts.decoded)),
        ("rejected", Value::from(counts.rejected)),
        ("items", Value::from(counts.items)),
        ("applied", Value::from(counts.applied)),
        ("duplicate", Value::from(counts.duplicate)),
        ("conflicting", Value::from(counts.conflicting)),
        ("late", Value::from(counts.late)),
        ("item_rejected", Value::from(counts.item_rejected)),
        ("item_reasons", Value::Object(reasons)),
        ("superseded", Value::from(counts.superseded)),
        ("best_effort", Value::from(counts.best_effort)),
        ("balances", Value::from(counts.balances())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
