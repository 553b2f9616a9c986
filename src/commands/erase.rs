//! `nhip erase`: keys of a stopped node are destroyed on purpose; its next start puts that into the log.

use std::path::PathBuf;

use nhip_adapters::{KeyFiles, SystemClock};
use nhip_ports::{Destruction, KeyStore as _};

use crate::cli::{EraseFlags, NodeFlags};
use crate::commands::Failure;
use crate::config::{Config, Defaults};
use crate::installation::{self, DataDirectory};
use crate::observe::{complain, say};

/// Bytes of a reason or an author, as for the orders of a running node.
const TEXT_BYTES_MAX: usize = 1_000;

/// Destroys the keys named, all or none.
pub(crate) async fn erase(flags: &EraseFlags) -> Result<(), Failure> {
    let node = NodeFlags { data: flags.data.clone(), keys: flags.keys.clone(), ..NodeFlags::default() };
    let defaults = Defaults { data: PathBuf::from("data"), profile: PathBuf::from("profiles/tay-ninh") };
    let config = Config::read(flags.config.as_deref(), &node, defaults).map_err(Failure::configuration)?;
    for (name, text) in [("--reason", &flags.reason), ("--author", &flags.author)] {
        if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX {
            return Err(Failure::configuration(format!("{name}: a text of 1 to {TEXT_BYTES_MAX} bytes")));
        }
    }
    let directory = DataDirectory::of(&config.data);
    if !directory.log.join("identity").exists() {
        return Err(Failure::configuration(format!(
            "{}: no data directory of a node",
            config.data.display()
        )));
    }
    if nhip_adapters::log_is_open(&directory.log) {
        let what = "a node runs on it: stop it first, for it holds its keys in memory";
        return Err(Failure::configuration(format!("{}: {what}", config.data.display())));
    }
    let installation = installation::identify(&config.data)?;
    let keys =
        KeyFiles::open(&config.keys, &directory.destroyed_keys, installation).map_err(Failure::other)?;
    let living = keys.ids().await.map_err(Failure::other)?;
    if let Some(unknown) = flags.key.iter().find(|key| !living.contains(key)) {
        let known = living.iter().rev().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
        let what =
            format!("--key {unknown}: no living key of {}; nothing was destroyed", config.keys.display());
        return Err(Failure::configuration(format!("{what} (the last of {}: {known})", living.len())));
    }
    let (under, author) = (flags.reason.clone(), flags.author.clone());
    let destruction = Destruction { at: SystemClock::system(), under, author };
    let done = keys.destroy(&flags.key, &destruction).await.map_err(Failure::other)?;
    say(&format!("{} keys destroyed: {}", done.len(), done.join(", ")));
    complain("copies of the keys still open what they sealed: run `nhip backup keys` on each of them now");
    Ok(())
}
