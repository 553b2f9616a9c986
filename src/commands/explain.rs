//! `nhip explain`: why a figure is what it is, from a running node; with `--unseal` down to the payloads.

use std::net::SocketAddr;

use serde_json::Value;

use crate::cli::UnsealFlags;
use crate::commands::{Failure, unseal};
use crate::observe::say;

/// Which figure of which node.
pub(crate) struct Asked {
    pub(crate) indicator: String,
    /// A code, or `code@group` for the figure of a group in it.
    pub(crate) area: String,
    pub(crate) window: Option<String>,
    pub(crate) http: SocketAddr,
}

/// Prints the explanation as JSON, and behind it the payloads of its samples where they were asked for.
pub(crate) async fn explain(asked: &Asked, flags: &UnsealFlags) -> Result<(), Failure> {
    let opened = if flags.unseal { Some(unseal::Place::of(flags)?) } else { None };
    let (area, group) = asked.area.split_once('@').unwrap_or((&asked.area, ""));
    let window = asked.window.as_deref().map(|window| format!("&window={}", window.replace('+', "%2B")));
    let window = window.unwrap_or_default();
    let path = format!("/api/v1/explain?indicator={}&area={area}&group={group}{window}", asked.indicator);
    let (status, answer) =
        nhip_client::http_get_json(&asked.http.to_string(), &path).await.map_err(Failure::other)?;
    let text = serde_json::to_string_pretty(&answer).map_err(Failure::other)?;
    let Some(place) = opened else {
        say(&text);
        return Ok(());
    };
    if status != 200 {
        return Err(Failure::other(text));
    }
    let samples = answer.get("samples").and_then(Value::as_array).into_iter().flatten();
    let offsets = samples.filter_map(|sample| sample.get("offset")?.as_u64()).collect();
    let payloads = unseal::unseal(&place, asked.http, offsets).await?;
    say(&text);
    payloads.iter().for_each(|line| say(line));
    Ok(())
}
