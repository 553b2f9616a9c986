//! The sealed payloads behind a figure, opened on the machine that has log and keys. First the node logs who opens
//! which records and why, then they are read from its files, without its lock; nothing of them ever goes over HTTP.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nhip_adapters::{destroyed_keys, read_key};
use nhip_ingest::{Opened, open};
use nhip_ports::{KeyError, UNSEAL_OFFSETS_MAX};
use nhip_proto::{Logged, Message, Offset, Record};
use serde_json::{Value, json};

use crate::cli::UnsealFlags;
use crate::commands::Failure;
use crate::config::keys_beside;
use crate::installation::DataDirectory;
use crate::stopped_log::read_beside;

/// Bytes of one payload that are shown.
const SHOWN_BYTES_MAX: usize = 4_096;
/// How long the Command may take to be found in the files.
const LOGGED_WAIT_MAX: Duration = Duration::from_secs(30);
const LOGGED_LOOK: Duration = Duration::from_millis(50);

/// Where log and keys are, and on whose word they are opened.
pub(crate) struct Place {
    directory: DataDirectory,
    keys: PathBuf,
    reason: String,
    author: String,
}

impl Place {
    /// Checks what can be checked before anybody is asked.
    pub(crate) fn of(flags: &UnsealFlags) -> Result<Self, Failure> {
        let data = flags.data.clone().unwrap_or_default();
        let keys = flags.keys.clone().unwrap_or_else(|| keys_beside(&data));
        let given = |what: &str, text: &Option<String>| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
            let why = format!("--{what} is empty: an unsealing names who does it and why");
            text.map(str::to_owned).ok_or_else(|| Failure::configuration(why))
        };
        let (reason, author) = (given("reason", &flags.reason)?, given("author", &flags.author)?);
        for (what, place) in [("data", &data), ("keys", &keys)] {
            if !place.is_dir() {
                return Err(Failure::configuration(format!(
                    "--{what} {}: no such directory",
                    place.display()
                )));
            }
        }
        Ok(Self { directory: DataDirectory::of(&data), keys, reason, author })
    }
}

/// Lets the node log the unsealing, then opens each record. Returns what to print.
pub(crate) async fn unseal(
    place: &Place,
    http: SocketAddr,
    mut offsets: Vec<u64>,
) -> Result<Vec<String>, Failure> {
    offsets.truncate(UNSEAL_OFFSETS_MAX);
    if offsets.is_empty() {
        return Ok(vec!["the figure names no records".to_owned()]);
    }
    let command = log_command(place, http, &offsets).await?;
    wait_for(place, command).await?;
    let mut lines = vec![format!("unsealed: logged as record {}", command.0)];
    for offset in offsets {
        lines.push(show(place, Offset(offset)));
    }
    Ok(lines)
}

async fn log_command(place: &Place, http: SocketAddr, offsets: &[u64]) -> Result<Offset, Failure> {
    let body = json!({ "offsets": offsets, "reason": place.reason, "author": place.author }).to_string();
    let (kind, path) = ("application/json", "/api/v1/unsealings");
    let answer = nhip_client::http_post(&http.to_string(), path, kind, body.as_bytes()).await;
    let answer = answer.map_err(|error| {
        Failure::other(format!("{error}: an unsealing is logged by the running node, or nothing is opened"))
    })?;
    let value: Value = answer.json().map_err(Failure::other)?;
    match (answer.status, value.get("offset").and_then(Value::as_u64)) {
        (200, Some(offset)) => Ok(Offset(offset)),
        _ => Err(Failure::other(format!("the node did not log the unsealing, nothing was opened: {value}"))),
    }
}

/// Waits until the Command stands in the files here: then it is durable, and these are the files of that node.
async fn wait_for(place: &Place, command: Offset) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        match read_beside(&place.directory, command)?.map(|logged| logged.record) {
            Some(Record::Command(found)) if found.verb == "unseal" && found.author == place.author => {
                return Ok(());
            }
            Some(_) => break,
            None if began.elapsed() > LOGGED_WAIT_MAX => break,
            None => tokio::time::sleep(LOGGED_LOOK).await,
        }
    }
    let what = "--data is not the directory of the node that answers: its log does not hold the unsealing";
    Err(Failure::configuration(format!("{what} at record {}, nothing was opened", command.0)))
}

/// One record as lines for people.
fn show(place: &Place, offset: Offset) -> String {
    let logged = match read_beside(&place.directory, offset) {
        Ok(Some(Logged { record: Record::Message(message), .. })) => message,
        Ok(_) => return format!("record {}: no message stands there", offset.0),
        Err(error) => return format!("record {}: {error}", offset.0),
    };
    let head = format!("record {} of {}", offset.0, safe(logged.source.as_str().as_bytes()));
    match opened(place, &logged) {
        Ok(opened) => format!("{head}, {}", told(&logged, &opened)),
        Err(why) => format!("{head}: {why}"),
    }
}

fn opened(place: &Place, message: &Message) -> Result<Opened, String> {
    let Some(sealed) = &message.sealed else { return Err("nothing was sealed with it".to_owned()) };
    let id = safe(sealed.key.as_bytes());
    // The list first: an older copy of the keys may still hold what was destroyed.
    let listed = destroyed_keys(&place.directory.destroyed_keys).map_err(|error| error.to_string())?;
    if let Some(gone) = listed.iter().find(|gone| gone.id == sealed.key) {
        let under = safe(gone.destruction.under.as_bytes());
        return Err(format!("its key {id} was destroyed under \"{under}\": the payload is gone for ever"));
    }
    let key = match read_key(&place.keys, &sealed.key) {
        Ok(Some(key)) => key,
        Ok(None) => return Err(format!("its key {id} was destroyed: the payload is gone for ever")),
        Err(KeyError::Gone(_)) => return Err(format!("{} has no key {id}", place.keys.display())),
        Err(error) => return Err(error.to_string()),
    };
    open(&key, sealed).map_err(|error| format!("key {id}: {error}"))
}

fn told(message: &Message, opened: &Opened) -> String {
    let topic = opened.topic.as_deref().unwrap_or(&message.topic);
    let shown = opened.payload.get(..SHOWN_BYTES_MAX).unwrap_or(&opened.payload);
    let all = opened.payload_bytes;
    let cut = if shown.len() as u64 == all { String::new() } else { format!(", the first {}", shown.len()) };
    let element = if opened.is_element { ", one element of what was delivered" } else { "" };
    format!("topic {}, {all} bytes{cut}{element}:\n  {}", safe(topic.as_bytes()), safe(shown))
}

/// Text that cannot drive a terminal: controls, marks that turn the direction of writing, invisible characters and
/// bytes that are no text stand as escapes.
fn safe(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\'' => text.push(character),
                other => text.extend(other.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            // Writing into a String never fails.
            write!(text, "\\x{byte:02x}").unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn a_payload_cannot_drive_the_terminal() {
        for (bytes, shown) in [
            (&b"{\"pm25\": 35.2}"[..], "{\"pm25\": 35.2}"),
            ("Tây Ninh".as_bytes(), "Tây Ninh"),
            (b"\x1b]0;owned\x07\x1b[2J", "\\u{1b}]0;owned\\u{7}\\u{1b}[2J"),
            (b"a\r\nb\tc\\", "a\\r\\nb\\tc\\\\"),
            ("\u{202e}drow\u{200b}\u{9b}1m".as_bytes(), "\\u{202e}drow\\u{200b}\\u{9b}1m"),
            (b"\xff\xfe51A", "\\xff\\xfe51A"),
        ] {
            assert_eq!(safe(bytes), shown);
        }
    }
}
