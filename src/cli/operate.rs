//! The flags of what operators do: backup, restore, doctor.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::NodeFlags;

/// What to copy, and where to.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BackupFlags {
    #[command(subcommand)]
    pub(crate) keys: Option<BackupKeys>,
    /// The configuration file: names data, keys and profile, and is copied with the profile.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The profile directory, copied beside the data.
    #[arg(long, value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// The folder of backups: new, empty, or of this installation; each backup is a directory in it.
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) to: Option<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BackupKeys {
    /// Copy the keys of sealed parts to a directory of their own (mode 0700); destroyed ones are destroyed there too.
    Keys {
        /// The configuration file, which names the keys.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The data directory the keys belong to.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// The keys, if they do not lie beside the data directory.
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
        /// Where to; never together with a backup of the data.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
}

/// Which backup, and where to.
#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreFlags {
    /// A backup, or a folder of backups: then its newest.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// The data directory to make: new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Also check every record, apply the log again and compare all rows and snapshots.
    #[arg(long)]
    pub(crate) verify: bool,
}

/// Which keys, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct EraseFlags {
    /// The configuration file, which names data and keys.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory (of a stopped node).
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The keys, if they do not lie beside the data directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// The key: class/YYYY-MM-DD or class/case; may be given several times.
    #[arg(long, value_name = "ID", required = true)]
    pub(crate) key: Vec<String>,
    /// Why; it stands in the log in the clear, so it names no person.
    #[arg(long)]
    pub(crate) reason: String,
    /// By whom.
    #[arg(long)]
    pub(crate) author: String,
}

/// What to look at: the flags of `nhip run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorFlags {
    /// The configuration file (TOML); flags win over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeFlags,
    /// The findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
