//! The list of destroyed keys: one file with the data, apart from the keys (docs/log-format.md, "Destroyed keys").

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use nhip_ports::{DestroyedKey, Destruction};
use nhip_proto::{ArrivalTime, Offset};

use crate::file_io::write_whole;

const MAGIC: [u8; 8] = *b"NhipDes\0";
const FORMAT: u32 = 1;
/// Stands for an entry the log does not have yet.
const NOT_LOGGED: u64 = u64::MAX;

/// Entries by key id.
pub(crate) type Destroyed = BTreeMap<String, DestroyedKey>;

/// The list of a data directory, also of a running node's, sorted by key id; empty if there is none.
///
/// # Errors
/// The file cannot be read or is damaged.
pub fn destroyed_keys(list: &Path) -> io::Result<Vec<DestroyedKey>> {
    Ok(read(list)?.into_values().collect())
}

pub(crate) fn read(list: &Path) -> io::Result<Destroyed> {
    let bytes = match fs::read(list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Destroyed::new()),
        read => read?,
    };
    let damaged = || {
        let what =
            format!("{}: the list of destroyed keys is damaged: take it from a backup", list.display());
        io::Error::new(io::ErrorKind::InvalidData, what)
    };
    decoded(&bytes).ok_or_else(damaged)
}

/// Whole or not at all, and durable when this returns.
pub(crate) fn write(list: &Path, destroyed: &Destroyed) -> io::Result<()> {
    let directory = list.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = list.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a list without a name"))?;
    write_whole(directory, name, &encoded(destroyed))
}

fn encoded(destroyed: &Destroyed) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(u32::try_from(destroyed.len()).unwrap_or(u32::MAX).to_le_bytes());
    for key in destroyed.values() {
        bytes.extend(key.destruction.at.0.to_le_bytes());
        bytes.extend(key.logged.map_or(NOT_LOGGED, |offset| offset.0).to_le_bytes());
        for text in [&key.id, &key.destruction.under, &key.destruction.author] {
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
    }
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn decoded(bytes: &[u8]) -> Option<Destroyed> {
    let (covered, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(covered).to_le_bytes() != *checksum {
        return None;
    }
    let (magic, rest) = covered.split_first_chunk::<8>()?;
    let (format, rest) = rest.split_first_chunk::<4>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    if *magic != MAGIC || u32::from_le_bytes(*format) != FORMAT {
        return None;
    }
    let mut destroyed = Destroyed::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let key = entry(&mut rest)?;
        destroyed.insert(key.id.clone(), key);
    }
    rest.is_empty().then_some(destroyed)
}

fn entry(rest: &mut &[u8]) -> Option<DestroyedKey> {
    let (at, after) = rest.split_first_chunk::<8>()?;
    let (logged, after) = after.split_first_chunk::<8>()?;
    *rest = after;
    let logged = Some(u64::from_le_bytes(*logged)).filter(|offset| *offset != NOT_LOGGED).map(Offset);
    let (id, under, author) = (text(rest)?, text(rest)?, text(rest)?);
    let at = ArrivalTime(i64::from_le_bytes(*at));
    Some(DestroyedKey { id, destruction: Destruction { at, under, author }, logged })
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (text, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *rest = after;
    String::from_utf8(text.to_vec()).ok()
}
