//! Tokens: one that stands in a file, or one given out for client credentials (RFC 6749 §4.4). None of them reaches a
//! log, an error or a metric.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Mutex;

use super::PullLogin;
use super::address::Address;
use super::client::{Client, Fault};

/// A token is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token is used whose end the server does not tell, and at most.
const TOKEN_S_MAX: u64 = 24 * 3_600;
/// Bytes of a secret file at most.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The way to a token.
pub(super) struct Login {
    kind: Kind,
    held: Mutex<Option<(String, Instant)>>,
}

enum Kind {
    None,
    File(PathBuf),
    Credentials { token_url: Address, client_id: String, secret_file: PathBuf, scope: String },
}

impl Login {
    /// Reads the secret once, to say early that it cannot be read.
    pub(super) fn new(login: &PullLogin) -> Result<Self, String> {
        let kind = match login {
            PullLogin::None => Kind::None,
            PullLogin::Bearer { token_file } => {
                secret(token_file)?;
                Kind::File(token_file.clone())
            }
            PullLogin::ClientCredentials { token_url, client_id, client_secret_file, scope } => {
                secret(client_secret_file)?;
                Kind::Credentials {
                    token_url: Address::parse(token_url).ok_or("token_url: http(s)://host[:port]/…")?,
                    client_id: client_id.clone(),
                    secret_file: client_secret_file.clone(),
                    scope: scope.clone(),
                }
            }
        };
        Ok(Self { kind, held: Mutex::default() })
    }

    /// Whether a refused token may be a stale one.
    pub(super) fn can_renew(&self) -> bool {
        !matches!(self.kind, Kind::None)
    }

    /// The token to send; `fresh` throws the held one away.
    pub(super) async fn token(&self, client: &Client, fresh: bool) -> Result<Option<String>, Fault> {
        let mut held = self.held.lock().await;
        if let Some((token, until)) = held.as_ref().filter(|_| !fresh)
            && Instant::now() < *until
        {
            return Ok(Some(token.clone()));
        }
        let (token, lives) = match &self.kind {
            Kind::None => return Ok(None),
            Kind::File(path) => (secret(path).map_err(Fault::Token)?, TOKEN_S_MAX),
            Kind::Credentials { token_url, client_id, secret_file, scope } => {
                let secret = secret(secret_file).map_err(Fault::Token)?;
                ask(client, token_url, (client_id, &secret), scope).await?
            }
        };
        let lives = Duration::from_secs(lives.min(TOKEN_S_MAX)).saturating_sub(EARLY);
        *held = Some((token.clone(), Instant::now() + lives));
        Ok(Some(token))
    }
}

/// RFC 6749 §4.4.2; the credentials go in the body (§2.3.1), where every character may be escaped.
async fn ask(
    client: &Client,
    token_url: &Address,
    (client_id, secret): (&str, &str),
    scope: &str,
) -> Result<(String, u64), Fault> {
    let mut form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        escaped(client_id),
        escaped(secret)
    );
    if !scope.is_empty() {
        form += &format!("&scope={}", escaped(scope));
    }
    let headers = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let answer = client.send("POST", token_url, &headers, Bytes::from(form)).await?;
    if !(200..300).contains(&answer.status) {
        return Err(Fault::Token(format!("status {}", answer.status)));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&answer.body).map_err(|_| Fault::Token("the answer is no JSON".to_owned()))?;
    let token = json.get("access_token").and_then(serde_json::Value::as_str);
    let usable = |token: &&str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let token = token.filter(usable).ok_or_else(|| Fault::Token("the answer holds no token".to_owned()))?;
    let lives = json.get("expires_in").and_then(serde_json::Value::as_u64).unwrap_or(TOKEN_S_MAX);
    Ok((token.to_owned(), lives))
}

/// A secret from a file of its own, without the line end.
fn secret(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let length = std::fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?.len();
    if length > SECRET_BYTES_MAX {
        return Err(format!("{shown}: larger than 64 KiB"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    let usable = !text.is_empty() && !text.contains(|letter: char| letter.is_control());
    if usable { Ok(text.to_owned()) } else { Err(format!("{shown}: holds no secret of one line")) }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}
