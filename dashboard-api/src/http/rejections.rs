//! `rejections`: what was refused, why, how often, and a sealed sample of it: never its content.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use nhip_ports::{RejectionQuery, RejectionRow};
use nhip_proto::{ItemReason, LedgerCounts, LedgerRow, Offset, RejectionReason, SourceId, StreamId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Node;
use super::lists::{Asked, Page};
use super::problem::Problem;
use super::times::Zone;

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectionsAsked {
    source: Option<String>,
    stream: Option<String>,
    reason: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /api/v1/rejections?source=&stream=&reason=&limit=&cursor=`
pub(crate) async fn rejections(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<RejectionsAsked>,
) -> Result<Response, Problem> {
    let page = Page::new(asked.limit, asked.cursor.as_deref(), &node.config)?;
    let reason = asked.reason.as_deref().map(reason_of).transpose()?;
    let query = RejectionQuery {
        source: asked.source.as_deref().map(SourceId::new),
        stream: asked.stream.as_deref().map(StreamId::new),
        reason,
        before: page.after().map(place_of).transpose()?,
        // One more tells whether there is a next page.
        rows_max: page.limit().saturating_add(1).min(node.config.rejections_max),
    };
    let ledger = node.parts.analysis.ledger().await;
    let (offset, ledger) = ledger.map_err(|error| Problem::of_analysis(&error))?;
    let rows = node.parts.analysis.rejections(query.clone()).await;
    let rows = rows.map_err(|error| Problem::of_analysis(&error))?;
    let zone = Zone::of(&node.profile().zone);
    let sources = sources_json(&ledger, &query);
    let more = json!({"offset": offset.0, "sources": sources, "kept_max": node.config.rejections_max});
    Ok(page.of(rows, key, |row| row_json(&zone, row), more))
}

/// Newest first, the items of a record last to first: keys grow as places fall.
fn key(row: &RejectionRow) -> String {
    format!("{:020}.{:010}", u64::MAX - row.offset.0, u32::MAX - row.place)
}

fn place_of(key: &str) -> Result<(Offset, u32), Problem> {
    let wrong = Problem::unprocessable("cursor is none this server gave");
    let (offset, place) = key.split_once('.').ok_or(wrong)?;
    let (offset, place): (Option<u64>, Option<u32>) = (offset.parse().ok(), place.parse().ok());
    let wrong = Problem::unprocessable("cursor is none this server gave");
    let (offset, place) = offset.zip(place).ok_or(wrong)?;
    Ok((Offset(u64::MAX - offset), u32::MAX - place))
}

fn reason_of(word: &str) -> Result<Result<RejectionReason, ItemReason>, Problem> {
    let message = RejectionReason::ALL.iter().find(|reason| reason.as_str() == word).copied().map(Ok);
    let item = || ItemReason::ALL.iter().find(|reason| reason.as_str() == word).copied().map(Err);
    message.or_else(item).ok_or(Problem::unprocessable("reason is none there is"))
}

fn row_json(zone: &Zone, row: RejectionRow) -> Value {
    let (scope, reason) = match row.reason {
        Ok(reason) => ("message", reason.as_str()),
        Err(reason) => ("item", reason.as_str()),
    };
    json!({
        "offset": row.offset.0,
        "place": row.place,
        "arrival": zone.arrival(row.arrival),
        "source": row.source.as_str(),
        "stream": row.stream.as_str(),
        "scope": scope,
        "reason": reason,
        "field": row.field,
        "sample": row.sample.map(|sample| json!({"payload_hash": sample.payload_hash, "bytes": sample.bytes})),
    })
}

/// Per source the counts of each reason since the log began, where anything was refused.
fn sources_json(ledger: &[LedgerRow], query: &RejectionQuery) -> Value {
    let wanted = |row: &&LedgerRow| {
        row.counts.rejected + row.counts.item_rejected > 0
            && query.source.as_ref().is_none_or(|source| source == &row.source)
            && query.stream.as_ref().is_none_or(|stream| stream == &row.stream)
    };
    let shown = ledger.iter().filter(wanted).map(|row| {
        json!({
            "source": row.source.as_str(),
            "stream": row.stream.as_str(),
            "messages": row.counts.rejected,
            "items": row.counts.item_rejected,
            "message_reasons": some_of(message_reasons(&row.counts)),
            "item_reasons": some_of(item_reasons(&row.counts)),
        })
    });
    shown.collect()
}

fn some_of(counts: Map<String, Value>) -> Value {
    Value::Object(counts.into_iter().filter(|(_, count)| count.as_u64() != Some(0)).collect())
}

/// How many whole messages were refused for each reason.
pub(crate) fn message_reasons(counts: &LedgerCounts) -> Map<String, Value> {
    let reasons = RejectionReason::ALL.iter().zip(counts.message_reasons);
    reasons.map(|(reason, count)| (reason.as_str().to_owned(), Value::from(count))).collect()
}

/// How many items were refused for each reason.
pub(crate) fn item_reasons(counts: &LedgerCounts) -> Map<String, Value> {
    let reasons = ItemReason::ALL.iter().zip(counts.item_reasons);
    reasons.map(|(reason, count)| (reason.as_str().to_owned(), Value::from(count))).collect()
}
