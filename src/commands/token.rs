//! `nhip token`: tokens on the machine that has the data directory.

use std::path::Path;

use jiff::Timestamp;
use nhip_adapters::{SystemClock, TokenFile, TokenFileError};
use nhip_ports::Grant;
use nhip_proto::ArrivalTime;

use crate::cli::{TokenAction, TokenScope};
use crate::commands::Failure;
use crate::observe::say;

/// Does what was asked for.
pub(crate) fn token(action: &TokenAction) -> Result<(), Failure> {
    match action {
        TokenAction::Add { name, scope, valid_to, data } => add(name, scope, valid_to.as_deref(), data),
        TokenAction::List { data } => list(data),
        TokenAction::Revoke { token, data } => {
            let revoked = TokenFile::new(data).revoke(token).map_err(failed)?;
            say(&format!("revoked {} {}", revoked.id, revoked.grant.name));
            Ok(())
        }
    }
}

fn add(name: &str, scope: &TokenScope, valid_to: Option<&str>, data: &Path) -> Result<(), Failure> {
    let valid_to = valid_to.map(instant).transpose()?;
    let grant = Grant {
        name: name.to_owned(),
        streams: scope.streams.clone(),
        sources: scope.sources.clone(),
        write: !scope.read_only,
        read: scope.read || scope.read_only,
    };
    let (id, secret) = TokenFile::new(data).add(grant, valid_to).map_err(failed)?;
    say(&format!("token {id} of {name}; its secret is shown this once:"));
    say(&secret);
    Ok(())
}

fn list(data: &Path) -> Result<(), Failure> {
    let now = SystemClock::system();
    for token in TokenFile::new(data).list().map_err(failed)?.iter() {
        let state = match token.revoked {
            Some(at) => format!("revoked {}", text(at)),
            None if token.is_good(now) => "good".to_owned(),
            None => "expired".to_owned(),
        };
        let valid_to = token.valid_to.map_or_else(|| "-".to_owned(), text);
        let Grant { name, streams, sources, write, read } = &token.grant;
        say(&format!(
            "{} {state} name={name:?} streams={} sources={} write={write} read={read} created={} valid_to={valid_to}",
            token.id,
            streams.join(","),
            sources.join(","),
            text(token.created),
        ));
    }
    Ok(())
}

fn instant(text: &str) -> Result<ArrivalTime, Failure> {
    let wrong = || Failure::configuration("--valid-to is a time of RFC 3339, 2027-01-01T00:00:00+07:00");
    let at: Timestamp = text.parse().map_err(|_| wrong())?;
    i64::try_from(at.as_nanosecond()).map(ArrivalTime).map_err(|_| wrong())
}

fn text(at: ArrivalTime) -> String {
    Timestamp::from_nanosecond(i128::from(at.0)).map_or_else(|_| "-".to_owned(), |at| at.to_string())
}

fn failed(error: TokenFileError) -> Failure {
    match error {
        TokenFileError::Refused(_) => Failure::configuration(error),
        TokenFileError::Failed(_) => Failure::other(error),
    }
}
