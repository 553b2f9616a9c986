//! API tokens in one file beside the log: hashes only, whole or not there, read again when it changed
//! (docs/log-format.md, "Token file").

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use nhip_ports::{Grant, TokenRefusal, Tokens};
use nhip_proto::ArrivalTime;
use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

use crate::file_io::{off_the_runtime, write_whole_secretly};

mod format;

const FILE: &str = "tokens";
const LOCK: &str = "tokens.lock";
/// What a secret begins with, so that one that leaked is known for what it is.
const PREFIX: &str = "nhip_";
const SECRET_BYTES: usize = 32;
/// Tokens kept, revoked and expired ones too.
pub const TOKENS_MAX: usize = 1_000;
/// Bytes of a name.
const TOKEN_NAME_BYTES_MAX: usize = 100;
/// Streams or sources one token names.
const TOKEN_SCOPES_MAX: usize = 100;
/// Bytes of the file.
const TOKEN_FILE_BYTES_MAX: u64 = 16 << 20;

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Short, for lists and revocations.
    pub id: String,
    /// BLAKE3 of its secret.
    hash: blake3::Hash,
    /// What it allows.
    pub grant: Grant,
    /// When it was made.
    pub created: ArrivalTime,
    /// Good before this; none: until it is revoked.
    pub valid_to: Option<ArrivalTime>,
    /// When it was revoked.
    pub revoked: Option<ArrivalTime>,
}

/// Why tokens could not be kept or read.
#[derive(Debug, Error)]
pub enum TokenFileError {
    /// The text says what is allowed.
    #[error("{0}")]
    Refused(String),
    /// The file system refuses, or the file is damaged.
    #[error("{0}")]
    Failed(String),
}

/// The tokens of one data directory.
pub struct TokenFile {
    kept: Arc<Kept>,
}

struct Kept {
    dir: PathBuf,
    read: Mutex<Option<(Stamp, Arc<[StoredToken]>)>>,
    now: fn() -> ArrivalTime,
}

/// Which file was read: it is replaced whole, so another one is another inode, length or time.
type Stamp = (u64, u64, i64, i64);

impl TokenFile {
    /// The tokens of a data directory, which need not be there yet. Time is the system's, whatever clock the node has.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self::with_clock(data, crate::SystemClock::system)
    }

    fn with_clock(data: &Path, now: fn() -> ArrivalTime) -> Self {
        Self { kept: Arc::new(Kept { dir: data.to_owned(), read: Mutex::default(), now }) }
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// [`TokenFileError`]: damaged, or the file system refuses.
    pub fn list(&self) -> Result<Arc<[StoredToken]>, TokenFileError> {
        self.kept.tokens().map_err(|error| self.kept.failed(&error))
    }

    /// Gives out a token and returns its id and its secret, which is kept nowhere.
    ///
    /// # Errors
    /// [`TokenFileError`]: the name is taken or too long, too many scopes or tokens, or the file system refuses.
    pub fn add(
        &self,
        grant: Grant,
        valid_to: Option<ArrivalTime>,
    ) -> Result<(String, String), TokenFileError> {
        let mut secret = [0_u8; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| TokenFileError::Failed(error.to_string()))?;
        let secret: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = format!("{PREFIX}{secret}");
        let hash = hash_of(&secret);
        let id = hash.to_hex().get(..8).unwrap_or_default().to_owned();
        let created = (self.kept.now)();
        allowed(&grant)?;
        let token = StoredToken { id: id.clone(), hash, grant, created, valid_to, revoked: None };
        self.kept.change(|tokens| {
            let taken = |one: &StoredToken| one.grant.name == token.grant.name && one.is_good(created);
            if tokens.iter().any(taken) {
                return Err(refused("another good token has this name: revoke it first"));
            }
            if tokens.len() >= TOKENS_MAX {
                return Err(refused(&format!("{TOKENS_MAX} tokens are kept already")));
            }
            if tokens.iter().any(|one| one.id == token.id) {
                return Err(refused("another token has this id by chance: try again"));
            }
            tokens.push(token);
            Ok(())
        })?;
        Ok((id, secret))
    }

    /// Revokes a token by its id, or a good one by its name; says which.
    ///
    /// # Errors
    /// [`TokenFileError`]: there is none, or the file system refuses.
    pub fn revoke(&self, wanted: &str) -> Result<StoredToken, TokenFileError> {
        let now = (self.kept.now)();
        let mut revoked = None;
        self.kept.change(|tokens| {
            let named = |one: &&mut StoredToken| {
                one.revoked.is_none() && (one.id == wanted || one.grant.name == wanted)
            };
            let token = tokens.iter_mut().find(named).ok_or_else(|| refused("no such token, or revoked"))?;
            token.revoked = Some(now);
            revoked = Some(token.clone());
            Ok(())
        })?;
        revoked.ok_or_else(|| refused("no such token"))
    }
}

#[async_trait]
impl Tokens for TokenFile {
    async fn check(&self, secret: &str) -> Result<Grant, TokenRefusal> {
        let kept = Arc::clone(&self.kept);
        let read = off_the_runtime(move || kept.tokens().map_err(|error| error.to_string())).await;
        let read = read.unwrap_or_else(|| Err("the node is stopping".to_owned()));
        let tokens = read.map_err(TokenRefusal::Failed)?;
        let hash = hash_of(secret);
        let mut found = None;
        // Hashes compare in constant time, and every token is looked at, whichever fits.
        for token in tokens.iter() {
            if token.hash == hash {
                found = Some(token);
            }
        }
        let token = found.ok_or(TokenRefusal::Unknown)?;
        if token.revoked.is_some() {
            return Err(TokenRefusal::Revoked);
        }
        if token.is_good((self.kept.now)()) { Ok(token.grant.clone()) } else { Err(TokenRefusal::Expired) }
    }
}

impl StoredToken {
    /// Whether it allows anything at this time.
    #[must_use]
    pub fn is_good(&self, now: ArrivalTime) -> bool {
        self.revoked.is_none() && self.valid_to.is_none_or(|valid_to| now < valid_to)
    }
}

impl Kept {
    fn tokens(&self) -> io::Result<Arc<[StoredToken]>> {
        let Some(stamp) = stamp(&self.dir.join(FILE))? else { return Ok(Arc::from([])) };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, tokens)) = read.as_ref()
            && *known == stamp
        {
            return Ok(Arc::clone(tokens));
        }
        let tokens: Arc<[StoredToken]> = read_file(&self.dir.join(FILE))?.into();
        *read = Some((stamp, Arc::clone(&tokens)));
        Ok(tokens)
    }

    /// Reads, changes and replaces the file while nobody else does.
    fn change(
        &self,
        change: impl FnOnce(&mut Vec<StoredToken>) -> Result<(), TokenFileError>,
    ) -> Result<(), TokenFileError> {
        let locked = self.lock().map_err(|error| self.failed(&error))?;
        let mut tokens = match read_file(&self.dir.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| self.failed(&error))?,
        };
        change(&mut tokens)?;
        let written = write_whole_secretly(&self.dir, FILE, &format::encoded(&tokens));
        drop(locked);
        written.map_err(|error| self.failed(&error))
    }

    fn lock(&self) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o750).create(&self.dir)?;
        let path = self.dir.join(LOCK);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }

    fn failed(&self, error: &io::Error) -> TokenFileError {
        TokenFileError::Failed(format!("{}: {error}", self.dir.join(FILE).display()))
    }
}

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(facts) => Ok(Some((facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_file(path: &Path) -> io::Result<Vec<StoredToken>> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if fs::metadata(path)?.len() > TOKEN_FILE_BYTES_MAX {
        return Err(damaged("larger than a file of tokens can be"));
    }
    format::decoded(&fs::read(path)?).ok_or_else(|| damaged("damaged, or written by a later version"))
}

fn hash_of(secret: &str) -> blake3::Hash {
    blake3::hash(secret.as_bytes())
}

fn allowed(grant: &Grant) -> Result<(), TokenFileError> {
    let plain = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
    if !plain(&grant.name) || grant.name.len() > TOKEN_NAME_BYTES_MAX {
        let what =
            format!("a name is a text of 1 to {TOKEN_NAME_BYTES_MAX} bytes without control characters");
        return Err(refused(&what));
    }
    for scope in [&grant.streams, &grant.sources] {
        let fits = |one: &String| plain(one) && one.len() <= 256;
        if scope.len() > TOKEN_SCOPES_MAX || !scope.iter().all(fits) {
            return Err(refused(&format!("a token names up to {TOKEN_SCOPES_MAX} streams and sources")));
        }
    }
    Ok(())
}

fn refused(what: &str) -> TokenFileError {
    TokenFileError::Refused(what.to_owned())
}

#[cfg(test)]
mod tests;
