//! `nhip backup`, `nhip backup keys`, `nhip restore`: what they are asked, and what they say.

use std::path::{Path, PathBuf};

use crate::backup::{self, Order};
use crate::cli::{BackupFlags, BackupKeys, NodeFlags, RestoreFlags};
use crate::commands::{Failure, log, replay};
use crate::config::{Config, Defaults};
use crate::observe::{complain, say};

/// Copies the data directory.
pub(crate) async fn backup(flags: &BackupFlags) -> Result<(), Failure> {
    let Some(to) = &flags.to else { return Err(Failure::configuration("backup: --to is needed")) };
    let node = NodeFlags { data: flags.data.clone(), profile: flags.profile.clone(), ..NodeFlags::default() };
    let config = configured(flags.config.as_ref(), node)?;
    let named = flags.config.is_some() || flags.profile.is_some();
    let order = Order {
        data: &config.data,
        keys: &config.keys,
        config: flags.config.as_deref(),
        profile: named.then_some(config.profile.as_path()),
        to,
    };
    let made = backup::backup(order).await?;
    let manifest = &made.manifest;
    say(&format!("backup {}", made.path.display()));
    say(&format!(
        "offsets {}..{}, rows up to {}, {} files, {} bytes, of these {} in an earlier backup",
        manifest.log_first,
        manifest.log_end,
        manifest.rows_last.map_or_else(|| "none".to_owned(), |tick| tick.to_string()),
        manifest.files.len(),
        manifest.bytes(),
        made.reused_bytes
    ));
    complain(&format!(
        "the keys of sealed parts are NOT in it: copy {} elsewhere with `nhip backup keys`",
        config.keys.display()
    ));
    Ok(())
}

/// Copies the keys.
pub(crate) fn keys(flags: &BackupKeys) -> Result<(), Failure> {
    let BackupKeys::Keys { config, data, keys, to } = flags;
    let node = NodeFlags { data: data.clone(), keys: keys.clone(), ..NodeFlags::default() };
    let config = configured(config.as_ref(), node)?;
    let done = backup::copy_keys(&config.keys, &config.data, to)?;
    say(&format!(
        "keys {}: {} copied, {} unchanged, {} destroyed as in {}, {} only here",
        to.display(),
        done.copied,
        done.unchanged,
        done.destroyed,
        config.keys.display(),
        done.kept
    ));
    complain(
        "THESE KEYS OPEN EVERYTHING SEALED: never keep them with a backup of the data, and never longer than it",
    );
    Ok(())
}

/// Makes a data directory.
pub(crate) async fn restore(flags: &RestoreFlags) -> Result<(), Failure> {
    let restored = backup::restore(&flags.from, &flags.to)?;
    if flags.verify {
        verify(restored.path()).await?;
    }
    let (manifest, from) = (restored.manifest.clone(), restored.backup.clone());
    restored.name()?;
    say(&format!("restored {} from {}", flags.to.display(), from.display()));
    say(&format!(
        "node {} of installation {}, made {}: offsets {}..{}, {} files, every digest right",
        manifest.node,
        manifest.installation,
        manifest.made_at,
        manifest.log_first,
        manifest.log_end,
        manifest.files.len()
    ));
    complain(
        "put the keys in their place before the first start, and never run two nodes of one installation",
    );
    Ok(())
}

/// Every record, then every row and snapshot against a replay; says the digests `nhip replay` says.
async fn verify(data: &Path) -> Result<(), Failure> {
    log::verify(data)?;
    replay::command(data, 1, None, None).await
}

fn configured(file: Option<&PathBuf>, flags: NodeFlags) -> Result<Config, Failure> {
    let defaults = Defaults { data: PathBuf::from("data"), profile: PathBuf::from("profiles/tay-ninh") };
    Config::read(file.map(PathBuf::as_path), &flags, defaults).map_err(Failure::configuration)
}
