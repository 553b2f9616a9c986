//! The two doors of the live protocol: the snapshot of a view and the WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::lists::Asked;
use super::problem::Problem;
use super::{Node, past};
use crate::hub::{Encoded, NoSnapshot};
use crate::listener::Peer;
use crate::scope::Scope;
use crate::socket::{SocketLimits, serve};

/// The subprotocol.
const SUBPROTOCOL: &str = "nhip.v1";
/// tungstenite's own default of 128 KiB would cost a gigabyte for eight thousand screens.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Frames below this size (heartbeats, small deltas) are gathered until the flush; larger ones go at once.
const WRITE_BUFFER_BYTES: usize = 1024;

/// Parameters of a snapshot: none of them, and it is of now and of everything the view shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    as_of: Option<String>,
    mode: Option<String>,
    area: Option<String>,
}

/// `GET /api/v1/views/{view}/snapshot?area=&as_of=&mode=`
pub(crate) async fn snapshot(
    State(node): State<Arc<Node>>,
    view: Result<Path<String>, PathRejection>,
    Asked(moment): Asked<Moment>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = Problem::not_found("the profile has no such view");
    let Path(view) = view.map_err(|_| unknown)?;
    let scope = Scope::asked(&view, moment.area.as_deref());
    let mode = past::Mode::parse(moment.mode.as_deref())?;
    if let Some(as_of) = moment.as_of {
        return Ok(respond(&headers, past::snapshot(&node, &scope, &as_of, mode, patience(&headers)).await?));
    }
    if mode != past::Mode::Known {
        return Err(Problem::unprocessable("mode needs as_of"));
    }
    let encoded = node.hub.snapshot(&scope).await.map_err(|none| match none {
        NoSnapshot::UnknownView => unknown,
        NoSnapshot::UnknownArea => Problem::not_found("the profile has no such area"),
        NoSnapshot::Starting => Problem::unavailable("the boards are not filled yet"),
    })?;
    Ok(respond(&headers, encoded))
}

/// How long the client wants to wait (`Prefer: wait=2`, RFC 7240), which can only shorten what a question may take.
fn patience(headers: &HeaderMap) -> Duration {
    let preferred = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = preferred.flat_map(|text| text.split([',', ';']));
    let seconds = preferences.find_map(|word| word.trim().strip_prefix("wait=")?.trim().parse().ok());
    seconds.map_or(Duration::MAX, Duration::from_secs)
}

/// A snapshot as the client takes it.
fn respond(headers: &HeaderMap, encoded: Encoded) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let vary = (header::VARY, HeaderValue::from_static("accept-encoding"));
    if takes_gzip(headers) {
        let encoding = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return ([kind, vary, encoding], encoded.gzip).into_response();
    }
    ([kind, vary], encoded.plain).into_response()
}

/// `GET /ws/v1`
pub(crate) async fn websocket(
    State(node): State<Arc<Node>>,
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| Problem::bad_request("this address is for WebSockets"))?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return Err(Problem::bad_request("the subprotocol is nhip.v1"));
    }
    if node.stop.is_cancelled() {
        return Err(Problem::unavailable("the node is stopping"));
    }
    let full = Problem::unavailable("all places for sessions are taken");
    let place = node.places.take(address.ip()).ok_or(full)?;
    let limits =
        SocketLimits { hello_ms_max: node.config.hello_ms_max, send_ms_max: node.config.send_ms_max };
    let (hub, stop) = (Arc::clone(&node.hub), node.stop.clone());
    let tracked = node.sessions.token();
    let response = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(node.config.write_bytes_max)
        .max_message_size(node.config.incoming_bytes_max)
        .max_frame_size(node.config.incoming_bytes_max)
        .on_upgrade(move |socket| async move {
            serve(socket, hub, limits, stop, place).await;
            drop(tracked);
        });
    Ok(response)
}

/// Whether the client takes gzip (RFC 9110 §12.5.3, `q=0` refuses).
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or("");
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        name.eq_ignore_ascii_case("gzip") && !refused
    })
}
