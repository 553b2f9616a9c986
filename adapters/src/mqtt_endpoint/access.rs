//! Who may connect, publish where and hear which commands.

use std::fmt;

use nhip_ports::LinkError;

/// Rounds of BLAKE3 over a stored password: about a millisecond, so that a stolen file is slow to guess.
const PASSWORD_ROUNDS: u32 = 10_000;
const PASSWORD_ROUNDS_MAX: u32 = 10_000_000;
const SALT_BYTES: usize = 16;
/// The word in front of a stored password.
const PASSWORD_SCHEME: &str = "blake3";

/// A client that may connect.
#[derive(Clone, Debug)]
pub struct MqttUser {
    /// The user name; also the principal of its deliveries.
    pub name: String,
    /// Its password.
    pub password: MqttPassword,
    /// Its topics.
    pub access: MqttAccess,
}

/// A password as it is configured.
#[derive(Clone)]
pub enum MqttPassword {
    /// In plain text.
    Plain(String),
    /// `blake3$ROUNDS$SALT$HASH`, both in hex, as [`hash_password`] writes it.
    Hash(String),
}

impl fmt::Debug for MqttPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MqttPassword(…)")
    }
}

/// Topic filters; `{client}` and `{user}` stand for the client id and the user name of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttAccess {
    /// What it may publish to. Topics that begin with `$` never match.
    pub publish: Vec<String>,
    /// What it may subscribe to: a requested filter must lie within one of these.
    pub subscribe: Vec<String>,
}

impl Default for MqttAccess {
    /// Publishes anywhere, hears command topics only.
    fn default() -> Self {
        Self {
            publish: vec!["#".to_owned()],
            subscribe: ["nhip/v1/+/+/+/command", "spBv1.0/+/NCMD/+/#", "spBv1.0/+/DCMD/+/#"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// What a stored form of a password looks like, with a fresh salt.
///
/// # Errors
/// The system has no randomness.
pub fn hash_password(password: &str) -> Result<String, LinkError> {
    let mut salt = [0_u8; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|error| LinkError::Configuration(format!("no randomness: {error}")))?;
    let hash = stretch(password.as_bytes(), &salt, PASSWORD_ROUNDS);
    Ok(format!("{PASSWORD_SCHEME}${PASSWORD_ROUNDS}${}${}", hex(&salt), hash.to_hex()))
}

impl MqttPassword {
    /// Whether the stored form can be read at all.
    pub(super) fn check(&self) -> Result<(), LinkError> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Hash(stored) => parse(stored).map(|_| ()).ok_or_else(|| {
                LinkError::Configuration("a password hash must read blake3$ROUNDS$SALT$HASH".to_owned())
            }),
        }
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, given: &[u8]) -> bool {
        match self {
            Self::Plain(stored) => blake3::hash(stored.as_bytes()) == blake3::hash(given),
            Self::Hash(stored) => {
                parse(stored).is_some_and(|(rounds, salt, hash)| stretch(given, &salt, rounds) == hash)
            }
        }
    }
}

fn parse(stored: &str) -> Option<(u32, Vec<u8>, blake3::Hash)> {
    let mut parts = stored.split('$');
    let (scheme, rounds, salt, hash) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rounds: u32 = rounds.parse().ok()?;
    if scheme != PASSWORD_SCHEME || parts.next().is_some() || rounds > PASSWORD_ROUNDS_MAX {
        return None;
    }
    Some((rounds, unhex(salt)?, blake3::Hash::from_hex(hash).ok()?))
}

fn stretch(password: &[u8], salt: &[u8], rounds: u32) -> blake3::Hash {
    let key = blake3::hash(salt);
    let mut hash = blake3::keyed_hash(key.as_bytes(), password);
    for _ in 0..rounds {
        hash = blake3::keyed_hash(hash.as_bytes(), password);
    }
    hash
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    if !digits.remainder().is_empty() {
        return None;
    }
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The rules of one connection, its names filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    publish: Vec<String>,
    subscribe: Vec<String>,
}

impl Rules {
    pub(super) fn new(access: &MqttAccess, client: &str, user: &str) -> Self {
        let fill =
            |filters: &[String]| filters.iter().filter_map(|filter| fill(filter, client, user)).collect();
        Self { publish: fill(&access.publish), subscribe: fill(&access.subscribe) }
    }

    pub(super) fn may_publish(&self, topic: &str) -> bool {
        !topic.starts_with('$') && self.publish.iter().any(|rule| matches(rule, topic))
    }

    pub(super) fn may_subscribe(&self, filter: &str) -> bool {
        !filter.starts_with('$') && self.subscribe.iter().any(|rule| covers(rule, filter))
    }
}

/// Fills the names in; none if a name could widen the rule (it holds a separator or a wildcard).
fn fill(filter: &str, client: &str, user: &str) -> Option<String> {
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '+', '#', '\0', '{', '}']);
    if (filter.contains("{client}") && !plain(client)) || (filter.contains("{user}") && !plain(user)) {
        return None;
    }
    Some(filter.replace("{client}", client).replace("{user}", user))
}

/// Whether a topic matches a filter (MQTT 5 §4.7).
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for rule in filter.split('/') {
        if rule == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if rule == "+" || rule == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Whether every topic that matches `filter` also matches `rule`.
fn covers(rule: &str, filter: &str) -> bool {
    let mut levels = filter.split('/');
    for rule in rule.split('/') {
        if rule == "#" {
            return true;
        }
        match levels.next() {
            Some("#") | None => return false,
            Some(level) if rule == "+" || rule == level => {}
            Some(_) => return false,
        }
    }
    levels.next().is_none()
}

/// Whether a topic filter is well formed (MQTT 5 §4.7.1).
pub(super) fn filter_valid(filter: &str) -> bool {
    if filter.is_empty() || filter.contains('\0') {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let wild = level.contains(['+', '#']);
        if wild && level.len() != 1 || level == "#" && levels.peek().is_some() {
            return false;
        }
    }
    true
}

/// Whether a topic name is well formed: not empty, no wildcard (MQTT 5 §3.3.2.1).
pub(super) fn topic_valid(topic: &str, bytes_max: usize) -> bool {
    !topic.is_empty() && topic.len() <= bytes_max && !topic.contains(['+', '#', '\0'])
}

#[cfg(test)]
mod tests;
