//! `POST profile | redecode | restatements | unsealings`: what counts is changed here, and only here.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use nhip_ports::{
    DestroyedKey, RedecodeOrder, RedecodeReport, RestateOrder, RestateReport, RevisionError,
    UNSEAL_OFFSETS_MAX, UnsealOrder,
};
use nhip_proto::{ArrivalTime, Decimal, EventTime, IndicatorId, Offset, SourceId, StreamId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::lists::{Asked, json_response};
use super::problem::{Mistakes, Problem};
use super::times::{self, Zone};

/// Bytes of one order.
const ORDER_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a reason or an author.
const TEXT_BYTES_MAX: usize = 1_000;

/// Body of `POST /api/v1/redecode`; times are RFC 3339.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redecode {
    source: Option<String>,
    stream: Option<String>,
    from_offset: Option<u64>,
    to_offset: Option<u64>,
    from: Option<String>,
    to: Option<String>,
    reason: String,
    author: String,
}

/// Body of `POST /api/v1/restatements`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restate {
    indicator: String,
    from: String,
    to: String,
    reason: String,
    author: String,
}

/// Body of `POST /api/v1/unsealings`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unseal {
    offsets: Vec<u64>,
    reason: String,
    author: String,
}

/// Parameters of `POST /api/v1/restatements`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestateAsked {
    #[serde(default)]
    dry_run: bool,
}

/// An answer that is no success.
pub(crate) enum Refusal {
    /// An ordinary problem.
    Problem(Problem),
    /// A profile with mistakes.
    Mistakes(Mistakes),
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Mistakes(mistakes) => mistakes.into_response(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// `POST /api/v1/profile`: the node's profile directory is read again and becomes valid.
pub(crate) async fn apply_profile(State(node): State<Arc<Node>>) -> Result<Response, Refusal> {
    let applied = node.parts.revisions.apply_profile().await.map_err(refused)?;
    Ok(json_response(&json!({
        "offset": applied.offset.map(|offset| offset.0),
        "hash": applied.hash,
        "changes": applied.changes,
        "unsubscribed": applied.unsubscribed,
    })))
}

/// `POST /api/v1/redecode`: stored messages are read again by the profile now valid.
pub(crate) async fn redecode(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: Redecode = order(&headers, body).await?;
    let (reason, author) = texts(asked.reason, asked.author)?;
    let order = RedecodeOrder {
        source: asked.source.as_deref().map(SourceId::new),
        stream: asked.stream.as_deref().map(StreamId::new),
        from: Offset(asked.from_offset.unwrap_or(0)),
        to: asked.to_offset.map(Offset),
        from_arrival: asked.from.as_deref().map(instant).transpose()?.map(ArrivalTime),
        to_arrival: asked.to.as_deref().map(instant).transpose()?.map(ArrivalTime),
        reason,
        author,
    };
    if order.source.is_none() && order.stream.is_none() {
        return Err(Problem::unprocessable("name a source or a stream").into());
    }
    let report = node.parts.revisions.redecode(order).await.map_err(refused)?;
    Ok(json_response(&redecoded(&report, &Zone::of(&node.profile().zone))))
}

/// `POST /api/v1/restatements?dry_run=`: figures of the past are computed again.
pub(crate) async fn restate(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<RestateAsked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let wanted: Restate = order(&headers, body).await?;
    let (reason, author) = texts(wanted.reason, wanted.author)?;
    let order = RestateOrder {
        indicator: IndicatorId::new(&wanted.indicator),
        from: EventTime(instant(&wanted.from)?),
        to: EventTime(instant(&wanted.to)?),
        reason,
        author,
    };
    let zone = Zone::of(&node.profile().zone);
    let report = node.parts.revisions.restate(order, asked.dry_run).await.map_err(refused)?;
    Ok(json_response(&restated(&report, &zone)))
}

/// `POST /api/v1/unsealings`: logs who is about to open which payloads, and why. No payload is ever an answer.
pub(crate) async fn unseal(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: Unseal = order(&headers, body).await?;
    let (reason, author) = texts(asked.reason, asked.author)?;
    if !(1..=UNSEAL_OFFSETS_MAX).contains(&asked.offsets.len()) {
        return Err(Problem::unprocessable("offsets are 1 to 8 records of a figure").into());
    }
    let offsets = asked.offsets.into_iter().map(Offset).collect();
    let order = UnsealOrder { offsets, reason, author };
    let offset = node.parts.revisions.unseal(order).await.map_err(refused)?;
    Ok(json_response(&json!({ "offset": offset.0 })))
}

/// An order is JSON, so that no form of a foreign page can send one.
async fn order<T: for<'de> Deserialize<'de>>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    json_within(headers, body, ORDER_BYTES_MAX).await
}

pub(super) async fn json_within<T: for<'de> Deserialize<'de>>(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<T, Problem> {
    let kind = headers.get(axum::http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| kind.split(';').next().is_none_or(|kind| kind.trim() != "application/json")) {
        return Err(Problem::media_type());
    }
    let wrong = Problem::bad_request("the body is no order of this kind; see openapi.json");
    let bytes = to_bytes(body, bytes_max).await.map_err(|_| wrong)?;
    serde_json::from_slice(&bytes).map_err(|_| wrong)
}

fn texts(reason: String, author: String) -> Result<(String, String), Problem> {
    let fits = |text: &String| !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX;
    if fits(&reason) && fits(&author) {
        return Ok((reason, author));
    }
    Err(Problem::unprocessable("reason and author are texts of 1 to 1,000 bytes"))
}

fn instant(text: &str) -> Result<i64, Problem> {
    let time = times::parse(text).ok_or(Problem::unprocessable("a time is RFC 3339 with an offset"))?;
    Ok(time.0)
}

/// When and under what a key went, and which record of the log says so.
pub(crate) fn destroyed_json(zone: &Zone, key: &DestroyedKey) -> Value {
    json!({
        "key": key.id,
        "at": zone.arrival(key.destruction.at),
        "under": key.destruction.under,
        "author": key.destruction.author,
        "offset": key.logged.map(|offset| offset.0),
    })
}

fn redecoded(report: &RedecodeReport, zone: &Zone) -> Value {
    let offsets = |offsets: &[Offset]| -> Vec<u64> { offsets.iter().map(|offset| offset.0).collect() };
    json!({
        "messages": report.messages,
        "redecoded": report.redecoded,
        "unchanged": report.unchanged,
        "key_gone": report.key_gone,
        "still_rejected": report.still_rejected,
        "key_gone_offsets": offsets(&report.key_gone_offsets),
        "still_rejected_offsets": offsets(&report.still_rejected_offsets),
        "last_offset": report.last.map(|offset| offset.0),
        "keys_destroyed": report.keys_destroyed.iter().map(|key| destroyed_json(zone, key)).collect::<Vec<_>>(),
        "next_offset": report.next.map(|offset| offset.0),
    })
}

fn restated(report: &RestateReport, zone: &Zone) -> Value {
    let figures: Vec<Value> = report
        .figures
        .iter()
        .map(|figure| {
            json!({
                "area": figure.key.area.as_str(),
                "group": figure.key.group,
                "window_start": zone.event(figure.key.window_start),
                "old": number(figure.old),
                "new": number(figure.new),
            })
        })
        .collect();
    json!({
        "offset": report.offset.map(|offset| offset.0),
        "computed_to": report.computed_to.0,
        "rows_digest": report.rows_digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "windows": report.windows,
        "changed": report.changed,
        "figures": figures,
    })
}

/// An exact decimal as a JSON number.
fn number(value: Option<Decimal>) -> Value {
    let number = value.and_then(|value| value.to_string().parse::<serde_json::Number>().ok());
    number.map_or(Value::Null, Value::Number)
}

fn refused(error: RevisionError) -> Refusal {
    match error {
        RevisionError::Profile(mistakes) => Refusal::Mistakes(Mistakes(mistakes)),
        RevisionError::Refused(_) => {
            Problem::unprocessable("no such indicator, an empty range, or too many windows").into()
        }
        RevisionError::Unavailable(_) => {
            Problem::unavailable("another change is under way, or the node is stopping").into()
        }
    }
}
