//! For those who run the node: health, readiness, metrics, the description of the API, the stepped clock.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nhip_ports::ClockError;
use nhip_proto::MILLISECOND;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::lists::json_response;
use super::problem::Problem;
use super::times::Zone;
use crate::dashboard::Readiness;

/// The API, by hand; a test holds it against the routes and the answers.
const OPENAPI: &str = include_str!("../../openapi.json");
/// Bytes of a clock step.
const STEP_BYTES_MAX: usize = 1024;

/// `POST /clock`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    step_ms: i64,
}

/// `GET /healthz`: the process answers.
pub(crate) async fn health(State(node): State<Arc<Node>>) -> Response {
    json_response(&json!({"status": "ok", "build": node.parts.build}))
}

/// `GET /readyz`: 200 when the node can be used.
pub(crate) async fn ready(State(node): State<Arc<Node>>) -> Response {
    let readiness = node.parts.ready.borrow().clone();
    let (status, word, doing) = match &readiness {
        Readiness::Ready if node.hub.boards().offset().is_some() => (StatusCode::OK, "ready", ""),
        Readiness::Ready => (StatusCode::SERVICE_UNAVAILABLE, "starting", "filling the boards"),
        Readiness::Starting(doing) => (StatusCode::SERVICE_UNAVAILABLE, "starting", doing.as_str()),
        Readiness::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping", ""),
    };
    let links = (node.parts.links)();
    let links: Vec<Value> = links
        .iter()
        .map(|link| {
            json!({
                "name": link.name,
                "up": link.up,
                "epoch": link.epoch,
                "delivered": link.delivered,
            })
        })
        .collect();
    let body = json!({"status": word, "doing": doing, "links": links, "build": node.parts.build});
    let mut response = json_response(&body);
    *response.status_mut() = status;
    response
}

/// `GET /metrics`
pub(crate) async fn metrics(State(node): State<Arc<Node>>) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    ([kind], (node.parts.metrics)()).into_response()
}

/// `GET /api/v1/openapi.json`
pub(crate) async fn openapi() -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([kind], OPENAPI).into_response()
}

/// `POST /clock {"step_ms":…}`: moves a stepped clock; any other clock has no such address.
pub(crate) async fn step_clock(State(node): State<Arc<Node>>, body: Body) -> Result<Response, Problem> {
    let absent = Problem::not_found("this node's clock runs by itself");
    let clock = &node.parts.clock;
    if clock.rate() != 0.0 {
        return Err(absent);
    }
    let wrong = Problem::bad_request("the body is {\"step_ms\": whole milliseconds}");
    let bytes = to_bytes(body, STEP_BYTES_MAX).await.map_err(|_| wrong)?;
    let step: Step = serde_json::from_slice(&bytes).map_err(|_| wrong)?;
    let span = step.step_ms.checked_mul(MILLISECOND).ok_or(wrong)?;
    let now = clock.step(span).map_err(|error| match error {
        ClockError::NotStepped => absent,
        ClockError::Backwards => Problem::unprocessable("a step must not lead back"),
    })?;
    let zone = Zone::of(&node.profile().zone);
    Ok(json_response(&json!({"now": zone.arrival(now), "now_ms": now.0.div_euclid(MILLISECOND)})))
}
