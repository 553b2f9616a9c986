//! `POST /api/v1/ingest/{stream}?source=`: one reading or a list of them; 202 only after it is durable.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use nhip_ports::Delivery;
use nhip_proto::{Dedication, SourceId, StreamId};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::Node;
use super::bearer;
use super::lists::{Asked, json_response};
use super::problem::Problem;

/// Who delivers by HTTP without a token.
const PRINCIPAL: &str = "http";
/// Longest source id.
const SOURCE_BYTES_MAX: usize = 256;

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IngestAsked {
    source: Option<String>,
}

/// `POST /api/v1/ingest/{stream}?source=`
pub(crate) async fn ingest(
    State(node): State<Arc<Node>>,
    Path(stream): Path<String>,
    Asked(asked): Asked<IngestAsked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let profile = node.profile();
    let stream = StreamId::new(&stream);
    if !profile.streams.contains_key(&stream) {
        return Err(Problem::not_found("the profile has no such stream"));
    }
    let source = asked.source.ok_or(Problem::unprocessable("source is missing"))?;
    if source.is_empty() || source.len() > SOURCE_BYTES_MAX || source.contains(['/', '+', '#', '\0']) {
        return Err(Problem::unprocessable("source is no level of a topic"));
    }
    // Without a token as ever; with one in its name, within its scope.
    let grant = bearer::grant(&node, &headers).await?;
    if let Some(grant) = &grant {
        bearer::may_write(grant, &stream, &SourceId::new(&source))?;
    }
    let content_type = content_type(&headers)?;
    let bytes_max = node.config.body_bytes_max;
    let (payload, _held) = read_body(&node, &headers, body, bytes_max, Problem::too_large()).await?;
    let delivery = Delivery {
        topic: format!("nhip/v1/{}/{stream}/{source}", profile.id),
        payload,
        dedication: Dedication { qos: 1, retain: false, dup: false },
        content_type: content_type.to_owned(),
        principal: grant.map_or_else(|| PRINCIPAL.to_owned(), |grant| grant.name),
        epoch: 0,
    };
    let refused = |_| Problem::unavailable("the node takes no messages now");
    let durable = node.parts.intake.submit(vec![delivery]).await.map_err(refused)?;
    let appended = durable.wait().await.map_err(refused)?;
    let mut response = json_response(&json!({"offset": appended.first.0})).into_response();
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn content_type(headers: &HeaderMap) -> Result<&'static str, Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok("application/json"),
        "application/x-protobuf" => Ok("application/x-protobuf"),
        _ => Err(Problem::media_type()),
    }
}

/// Reads the body inside the bound of all bodies, which stays taken until the permit is dropped.
pub(super) async fn read_body(
    node: &Node,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
    too_large: Problem,
) -> Result<(Bytes, OwnedSemaphorePermit), Problem> {
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let expected = told.unwrap_or(bytes_max);
    if expected > bytes_max {
        return Err(too_large);
    }
    let kibibytes = u32::try_from(expected / 1024 + 1).unwrap_or(u32::MAX);
    let bodies = Arc::clone(&node.bodies);
    let closed = |_| Problem::unavailable("the node is stopping");
    let held = bodies.acquire_many_owned(kibibytes).await.map_err(closed)?;
    let wait_max = Duration::from_millis(node.config.body_ms_max);
    match timeout(wait_max, to_bytes(body, bytes_max)).await {
        Ok(Ok(payload)) => Ok((payload, held)),
        Ok(Err(_)) => Err(too_large),
        Err(_) => Err(Problem::timeout()),
    }
}
