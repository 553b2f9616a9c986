//! `Authorization: Bearer …`: who writes, in whose name, within which scope (RFC 6750).

use axum::http::{HeaderMap, header};
use nhip_ports::{Grant, TokenRefusal};
use nhip_proto::{SourceId, StreamId};

use super::Node;
use super::problem::Problem;

/// Bytes of a token with its scheme.
const AUTHORIZATION_BYTES_MAX: usize = 256;

/// What the request's token allows; none: it brought none. One that is not good is refused, whatever is asked for.
pub(crate) async fn grant(node: &Node, headers: &HeaderMap) -> Result<Option<Grant>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.len() <= AUTHORIZATION_BYTES_MAX);
    let secret = text.and_then(|text| {
        let (scheme, secret) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
    });
    let Some(secret) = secret else { return Err(refused("unknown", Problem::unauthorized())) };
    let unreadable = Problem::unavailable("the tokens cannot be read; see the node's log");
    match node.parts.tokens.check(secret).await {
        Ok(grant) => Ok(Some(grant)),
        Err(TokenRefusal::Unknown) => Err(refused("unknown", Problem::unauthorized())),
        Err(TokenRefusal::Expired) => Err(refused("expired", Problem::unauthorized())),
        Err(TokenRefusal::Revoked) => Err(refused("revoked", Problem::unauthorized())),
        Err(TokenRefusal::Failed(what)) => {
            tracing::error!(what, "the tokens cannot be read; nobody is let in");
            Err(refused("failed", unreadable))
        }
    }
}

/// The same where a token is needed.
pub(crate) async fn needed(node: &Node, headers: &HeaderMap) -> Result<Grant, Problem> {
    grant(node, headers).await?.ok_or_else(|| refused("missing", Problem::unauthorized()))
}

/// Whether it may write here.
pub(crate) fn may_write(grant: &Grant, stream: &StreamId, source: &SourceId) -> Result<(), Problem> {
    if grant.writes(stream, source) {
        return Ok(());
    }
    Err(refused("scope", Problem::forbidden("the token may not write for this stream and source")))
}

/// Whether it may read what people wrote.
pub(crate) fn may_read(grant: &Grant) -> Result<(), Problem> {
    if grant.read {
        return Ok(());
    }
    Err(refused("scope", Problem::forbidden("the token may not read what people wrote")))
}

fn refused(reason: &'static str, problem: Problem) -> Problem {
    metrics::counter!("nhip_dashboard_tokens_refused_total", "reason" => reason).increment(1);
    problem
}
