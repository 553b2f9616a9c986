//! `nhip reload | redecode | restate`: changes of what counts, on a running node.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::cli::{RedecodeFlags, RestateFlags};
use crate::commands::Failure;
use crate::observe::say;

/// The node reads its profile directory again.
pub(crate) async fn reload(http: SocketAddr) -> Result<(), Failure> {
    send(http, "/api/v1/profile", None).await
}

/// Stored messages are read again.
pub(crate) async fn redecode(flags: &RedecodeFlags) -> Result<(), Failure> {
    let mut body = json!({ "reason": flags.reason, "author": flags.author });
    let further = [
        ("source", flags.source.clone().map(Value::from)),
        ("stream", flags.stream.clone().map(Value::from)),
        ("from_offset", flags.from_offset.map(Value::from)),
        ("to_offset", flags.to_offset.map(Value::from)),
        ("from", flags.from.clone().map(Value::from)),
        ("to", flags.to.clone().map(Value::from)),
    ];
    if let Some(body) = body.as_object_mut() {
        body.extend(further.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    send(flags.http, "/api/v1/redecode", Some(&body)).await
}

/// Figures of the past are computed again.
pub(crate) async fn restate(flags: &RestateFlags) -> Result<(), Failure> {
    let body = json!({
        "indicator": flags.indicator, "from": flags.from, "to": flags.to,
        "reason": flags.reason, "author": flags.author,
    });
    let path = format!("/api/v1/restatements?dry_run={}", flags.dry_run);
    send(flags.http, &path, Some(&body)).await
}

async fn send(http: SocketAddr, path: &str, body: Option<&Value>) -> Result<(), Failure> {
    let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
    let answer = nhip_client::http_post(&http.to_string(), path, "application/json", &bytes).await;
    let answer = answer.map_err(Failure::other)?;
    let value: Value = answer.json().map_err(Failure::other)?;
    let text = serde_json::to_string_pretty(&value).map_err(Failure::other)?;
    match answer.status {
        200 => {
            say(&text);
            Ok(())
        }
        422 => Err(Failure::configuration(text)),
        _ => Err(Failure::other(text)),
    }
}
