//! Copies of a data directory: taken while the node runs, believed only with every digest right.

mod copier;
mod folder;
mod gather;
mod keys;
mod manifest;
mod pinned;
mod place;
mod progress;
mod restore;

pub(crate) use keys::copy_keys;
pub(crate) use restore::restore;

use std::path::{Path, PathBuf};

use nhip_adapters::{LogIdentity, SystemClock};

use crate::commands::{Failure, hex};
use copier::Copier;
use folder::Folder;
use gather::Gathered;
use manifest::{FORMAT, FileEntry, KIND, Manifest};

/// What is copied, and where to.
pub(crate) struct Order<'a> {
    /// The data directory, of a running or a stopped node.
    pub(crate) data: &'a Path,
    /// Where its keys lie: never copied here.
    pub(crate) keys: &'a Path,
    /// The configuration file, copied beside the data.
    pub(crate) config: Option<&'a Path>,
    /// The profile directory, copied beside the data.
    pub(crate) profile: Option<&'a Path>,
    /// The folder that holds one directory per backup.
    pub(crate) to: &'a Path,
}

/// What came of it.
pub(crate) struct Backup {
    /// Its directory.
    pub(crate) path: PathBuf,
    /// What stands in it.
    pub(crate) manifest: Manifest,
    /// Bytes that an earlier backup already held.
    pub(crate) reused_bytes: u64,
}

/// Copies a data directory without stopping its node. Until the manifest is in its place there is no backup.
pub(crate) async fn backup(order: Order<'_>) -> Result<Backup, Failure> {
    let log = order.data.join("log");
    let identity = nhip_adapters::SegmentLog::identity(&log).map_err(Failure::other)?;
    let identity = identity.ok_or_else(|| {
        Failure::configuration(format!("{}: no log, so this is no data directory", log.display()))
    })?;
    let installation = hex(&identity.installation);
    let folder = Folder::open(order.to, order.data, order.keys, &installation)?;
    let earlier = folder.newest()?;
    let begun = folder.begin(SystemClock::system())?;
    let mut copier = Copier::new(begun.partial(), earlier, place::bytes_in(order.data));
    folder.refuse_too_little_space(copier.expected_new_bytes(order.data)?)?;
    let gathered = take_all(&order, &mut copier).await?;
    let reused_bytes = copier.reused_bytes();
    let manifest = described(&identity, &gathered, copier.finish()?, begun.made_at());
    let path = folder.finish(begun, &manifest)?;
    Ok(Backup { path, manifest, reused_bytes })
}

async fn take_all(order: &Order<'_>, copier: &mut Copier) -> Result<Gathered, Failure> {
    if let Some(config) = order.config {
        copier.take(config, "nhip.toml")?;
    }
    if let Some(profile) = order.profile.filter(|profile| profile.is_dir()) {
        copier.take_tree(profile, "profile")?;
    }
    gather::gather(order.data, copier).await
}

fn described(
    identity: &LogIdentity,
    gathered: &Gathered,
    files: Vec<FileEntry>,
    made_at: String,
) -> Manifest {
    Manifest {
        kind: KIND.to_owned(),
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        made_at,
        installation: hex(&identity.installation),
        node: identity.node.clone(),
        origin: identity.origin.to_string(),
        log_first: gathered.log.first.0,
        log_end: gathered.log.end.0,
        log_chain: hex(&gathered.log.chain),
        rows_last: gathered.rows_last.map(|tick| tick.0),
        files,
    }
}
