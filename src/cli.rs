//! The command line, in the order a newcomer needs it.

mod imports;
mod operate;

pub(crate) use imports::{ImportFlags, TokenAction, TokenScope};
pub(crate) use operate::{BackupFlags, BackupKeys, DoctorFlags, EraseFlags, RestoreFlags};

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Nhịp: backend and live screens of a provincial Intelligent Operations Centre.
#[derive(Debug, Parser)]
#[command(name = "nhip", version, about, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node with a simulated city; everything it shows is marked as simulated.
    Demo {
        #[command(flatten)]
        node: NodeFlags,
        /// Play recordings of this directory instead of simulating (needs profiles/recordings).
        #[arg(long, value_name = "DIR")]
        recordings: Option<PathBuf>,
        /// Write every message sent and acknowledged to this file (JSON lines).
        #[arg(long, value_name = "FILE")]
        journal: Option<PathBuf>,
    },
    /// Run a node.
    Run {
        /// The configuration file (TOML); flags win over it.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        node: NodeFlags,
    },
    /// Check a profile and print every mistake at once.
    Check {
        /// The profile directory.
        #[arg(default_value = "profiles/tay-ninh")]
        profile: PathBuf,
    },
    /// Run the tests a profile's indicators carry, or write one from a live figure.
    Test {
        /// The profile directory.
        #[arg(default_value = "profiles/tay-ninh")]
        profile: PathBuf,
        #[command(flatten)]
        figure: FigureFlags,
    },
    /// Say what differs between two profiles, and which figures change through it.
    Diff {
        /// The older profile directory.
        old: PathBuf,
        /// The newer one.
        new: PathBuf,
    },
    /// Apply a log again from its first record and compare every row and the state with what the node wrote.
    Replay {
        /// The data directory (of a stopped node).
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Engine threads.
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Seed of random batch sizes and restarts; without it the log is read in large batches.
        #[arg(long)]
        seed: Option<u64>,
        /// Stop before this record; without it at the end.
        #[arg(long, value_name = "OFFSET")]
        until: Option<u64>,
    },
    /// Ask a running node why a figure is what it is.
    Explain {
        /// The indicator.
        indicator: String,
        /// The area code; `code@group` for the figure of a group in it.
        area: String,
        /// The start of its window (RFC 3339); without it the newest.
        #[arg(long, value_name = "START")]
        window: Option<String>,
        /// The node.
        #[arg(long, default_value = "127.0.0.1:8080")]
        http: SocketAddr,
        #[command(flatten)]
        unseal: UnsealFlags,
    },
    /// Write figures of a stopped node's past to a file.
    Export(ExportFlags),
    /// Let a running node read its profile directory again and make it valid (SIGHUP does the same).
    Reload {
        /// The node.
        #[arg(long, default_value = "127.0.0.1:8080")]
        http: SocketAddr,
    },
    /// Let a running node read stored messages again by the profile now valid.
    Redecode(RedecodeFlags),
    /// Let a running node compute figures of the past again by the profile now valid.
    Restate(RestateFlags),
    /// Judge a document of figures (CSV, XLSX) and, with --apply, write it whole or not at all.
    Import(ImportFlags),
    /// Tokens: who may write by HTTP in whose name.
    Token {
        #[command(subcommand)]
        action: TokenAction,
    },
    /// Copy the data directory of a running or stopped node. Its keys are copied apart: `nhip backup keys`.
    Backup(BackupFlags),
    /// Make a data directory from a backup, after checking every digest.
    Restore(RestoreFlags),
    /// Destroy keys of a stopped node for good; what they sealed is erased. Its next start puts that into the log.
    Erase(EraseFlags),
    /// Look at what a node stands on here: disk, clock, ports, limits, keys, profile, log.
    Doctor(DoctorFlags),
    /// Check a promise on this machine's disk.
    Prove {
        #[command(subcommand)]
        promise: Promise,
    },
    /// Look into a log.
    Log {
        #[command(subcommand)]
        action: LogAction,
    },
}

/// Opens the payloads behind a figure, on the machine that has log and keys.
#[derive(Clone, Debug, Args)]
pub(crate) struct UnsealFlags {
    /// Also show the sealed payloads of the sample records; the node logs who did so and why before anything is shown.
    #[arg(long, requires_all = ["reason", "author", "data"])]
    pub(crate) unseal: bool,
    /// Why they are opened.
    #[arg(long, requires = "unseal")]
    pub(crate) reason: Option<String>,
    /// By whom.
    #[arg(long, requires = "unseal")]
    pub(crate) author: Option<String>,
    /// The node's data directory.
    #[arg(long, value_name = "DIR", requires = "unseal")]
    pub(crate) data: Option<PathBuf>,
    /// Its keys; without it beside the data directory.
    #[arg(long, value_name = "DIR", requires = "unseal")]
    pub(crate) keys: Option<PathBuf>,
}

/// Which live figure becomes a test.
#[derive(Clone, Debug, Args)]
pub(crate) struct FigureFlags {
    /// The indicator of a running node whose figure becomes a test, written to stdout.
    #[arg(long, value_name = "ID", requires = "area")]
    pub(crate) from_figure: Option<String>,
    /// Its area.
    #[arg(long, value_name = "CODE", requires = "from_figure")]
    pub(crate) area: Option<String>,
    /// Its group; without it the area as a whole.
    #[arg(long, value_name = "G", default_value = "")]
    pub(crate) group: String,
    /// The start of its window (RFC 3339); without it the newest.
    #[arg(long, value_name = "START")]
    pub(crate) window: Option<String>,
    /// The node.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Promise {
    /// P1 and P2: kill the node again and again under load; nothing acknowledged is lost or counted twice.
    Loss(ProveFlags),
    /// P3: the same log gives the same bytes, whatever the batches, threads and restarts.
    Replay(ProveFlags),
    /// P4: every message and item is in exactly one class of the ledger.
    Ledger(ProveFlags),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ProveFlags {
    /// How long to try.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) minutes: f64,
    /// Stop after this many rounds, if sooner.
    #[arg(long)]
    pub(crate) rounds: Option<u32>,
    /// The disk to try: a directory, emptied afterwards.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Seed of the random moments.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The profile of the load.
    #[arg(long, value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// A deliberate fault of the node under proof (only in builds with the feature).
    #[cfg(feature = "fault-injection")]
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Option<String>,
}

impl ProveFlags {
    /// The flags that give the fault on to the node.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn fault_words(&self) -> Vec<String> {
        self.fault.iter().flat_map(|fault| ["--fault".to_owned(), fault.clone()]).collect()
    }

    /// Nothing: this program has no faults to inject.
    #[cfg(not(feature = "fault-injection"))]
    pub(crate) fn fault_words(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Which figures, and into which file.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportFlags {
    /// The data directory (of a stopped node).
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The profile directory.
    #[arg(long, value_name = "DIR", default_value = "profiles/tay-ninh")]
    pub(crate) profile: PathBuf,
    /// The indicator.
    #[arg(long, value_name = "ID")]
    pub(crate) indicator: String,
    /// Only this area; without it every area that has figures.
    #[arg(long, value_name = "CODE")]
    pub(crate) area: Option<String>,
    /// The group; without it areas as a whole.
    #[arg(long, value_name = "G", default_value = "")]
    pub(crate) group: String,
    /// Windows that start here or later (RFC 3339) …
    #[arg(long)]
    pub(crate) from: String,
    /// … and before; without it now.
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// window, hour, day or month.
    #[arg(long, default_value = "window")]
    pub(crate) step: String,
    /// Whose knowledge: now, a time (RFC 3339) or the offset of a record.
    #[arg(long, value_name = "MOMENT", default_value = "now")]
    pub(crate) as_of: String,
    /// csv, xlsx, parquet or geojson.
    #[arg(long, default_value = "csv")]
    pub(crate) format: String,
    /// The file; without it stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Which stored messages, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct RedecodeFlags {
    /// The node.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
    /// Only of this source.
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only of this stream.
    #[arg(long)]
    pub(crate) stream: Option<String>,
    /// From this record on.
    #[arg(long)]
    pub(crate) from_offset: Option<u64>,
    /// Up to this record, exclusive.
    #[arg(long)]
    pub(crate) to_offset: Option<u64>,
    /// From this arrival on (RFC 3339).
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Up to this arrival, exclusive (RFC 3339).
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// By whom.
    #[arg(long)]
    pub(crate) author: String,
}

/// Which figures, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct RestateFlags {
    /// The node.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) http: SocketAddr,
    /// The indicator.
    #[arg(long)]
    pub(crate) indicator: String,
    /// Windows that start here or later (RFC 3339) …
    #[arg(long)]
    pub(crate) from: String,
    /// … and before (RFC 3339).
    #[arg(long)]
    pub(crate) to: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
    /// By whom.
    #[arg(long)]
    pub(crate) author: String,
    /// Only show what would change.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogAction {
    /// Check every checksum, offset and the hash chain.
    Verify {
        /// The data directory, or a copy of its log.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Print the last revision of every row as JSON lines.
    Rows {
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Print every revision.
        #[arg(long)]
        all: bool,
    },
    /// Count a log of profiles/proof naively and compare with figures, ledger and what publishers saw acknowledged.
    Account {
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Acknowledged messages as JSON lines: {"source":"…","boot":1,"sequence":12}.
        #[arg(long, value_name = "FILE")]
        acknowledged: Option<PathBuf>,
    },
    /// Print the clear part of records as JSON lines.
    Records {
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The first offset.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many.
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
}

/// The flags every node takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct NodeFlags {
    /// Where to serve pages and API.
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Where devices connect (the embedded MQTT endpoint).
    #[arg(long, value_name = "ADDR")]
    pub(crate) mqtt: Option<SocketAddr>,
    /// Where log, rows and snapshots live.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the keys of sealed parts live; never inside the data directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    /// The profile directory.
    #[arg(long, value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// The socket of the worker for analysts (`nhip-analyst serve`), which may start later.
    #[arg(long, value_name = "SOCKET")]
    pub(crate) analyst: Option<PathBuf>,
    /// How fast the Clock runs; 0: only when stepped by POST /clock. Makes the log simulated.
    #[arg(long, value_name = "X")]
    pub(crate) speed: Option<f64>,
    /// Where the Clock starts (RFC 3339). Makes the log simulated.
    #[arg(long, value_name = "START")]
    pub(crate) clock: Option<String>,
    /// Seed of the simulated city.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Engine threads.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Serve beyond this machine although there is no sign-in yet.
    #[arg(long)]
    pub(crate) open: bool,
    /// Logs as JSON lines.
    #[arg(long)]
    pub(crate) json_logs: bool,
    /// A deliberate fault of the test harness (only in builds with the feature).
    #[cfg(feature = "fault-injection")]
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Option<String>,
}
