//! `nhip explain`: why a figure is what it is, from a running node.

use std::net::SocketAddr;

use crate::commands::Failure;
use crate::observe::say;

/// Prints the explanation as JSON. `area` is a code, or `code@group` for the figure of a group in it.
pub(crate) async fn explain(indicator: &str, area: &str, http: SocketAddr) -> Result<(), Failure> {
    let (area, group) = area.split_once('@').unwrap_or((area, ""));
    let path = format!("/api/v1/explain?indicator={indicator}&area={area}&group={group}");
    let (_, answer) = nhip_client::http_get_json(&http.to_string(), &path).await.map_err(Failure::other)?;
    let text = serde_json::to_string_pretty(&answer).map_err(Failure::other)?;
    say(&text);
    Ok(())
}
