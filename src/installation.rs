//! The data directory: its layout, and the installation's id that every log segment carries.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::commands::Failure;

/// Where things lie in a data directory.
pub(crate) struct DataDirectory {
    pub(crate) log: PathBuf,
    pub(crate) rows: PathBuf,
    pub(crate) states: PathBuf,
    pub(crate) series: PathBuf,
    pub(crate) archive: PathBuf,
    /// How far foreign databases were told.
    pub(crate) sinks: PathBuf,
    /// The list of destroyed keys.
    pub(crate) destroyed_keys: PathBuf,
}

impl DataDirectory {
    /// The layout of a directory that may not exist yet.
    pub(crate) fn of(root: &Path) -> Self {
        let inside = |name| root.join(name);
        Self {
            log: inside("log"),
            rows: inside("rows"),
            states: inside("state"),
            series: inside("series"),
            archive: inside("archive"),
            sinks: inside("sinks"),
            destroyed_keys: inside("destroyed-keys"),
        }
    }
}

/// The id of the installation, made once and durable before first use.
pub(crate) fn identify(root: &Path) -> Result<[u8; 16], Failure> {
    let path = root.join("installation");
    let failed = |error: std::io::Error| Failure::other(format!("{}: {error}", path.display()));
    std::fs::create_dir_all(root).map_err(failed)?;
    if let Ok(text) = std::fs::read_to_string(&path) {
        return parse(text.trim()).ok_or_else(|| {
            Failure::other(format!("{}: not an installation id (32 hexadecimal digits)", path.display()))
        });
    }
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id).map_err(|error| Failure::other(format!("no randomness: {error}")))?;
    let text: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let temporary = root.join("installation.tmp");
    let mut file = std::fs::File::create(&temporary).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&temporary, &path).map_err(failed)?;
    std::fs::File::open(root).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(id)
}

fn parse(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(number.to_be_bytes())
}
