//! The directory a proof works in: on the disk the buyer names, emptied afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::ProveFlags;
use crate::commands::Failure;

/// A directory that is removed when the proof ends well; after a failure it stays, to be looked at.
pub(crate) struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// Under the directory the buyer names, else under the current one.
    pub(crate) fn new(flags: &ProveFlags) -> Result<Self, Failure> {
        let parent = flags.data.clone().unwrap_or_else(|| PathBuf::from("."));
        let path = parent.join(format!("nhip-prove-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .map_err(|error| Failure::configuration(format!("{}: {error}", path.display())))?;
        Ok(Self { path, keep: true })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The proof ended well.
    pub(crate) fn forget(mut self) {
        self.keep = false;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.keep {
            crate::observe::complain(&format!("what the proof wrote stays in {}", self.path.display()));
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            crate::observe::complain(&format!("{}: {error}", self.path.display()));
        }
    }
}

/// When a proof has tried enough.
pub(crate) struct Budget {
    until: Instant,
    rounds_left: u32,
}

impl Budget {
    /// Minutes or rounds, whichever ends first; at least one round.
    pub(crate) fn new(flags: &ProveFlags) -> Self {
        let minutes = flags.minutes.clamp(0.0, 10_000.0);
        Self {
            until: Instant::now() + Duration::from_secs_f64(minutes * 60.0),
            rounds_left: flags.rounds.unwrap_or(u32::MAX),
        }
    }

    /// Takes one round, if there is one left.
    pub(crate) fn another(&mut self, done: u32) -> bool {
        let go = done == 0 || (self.rounds_left > 0 && Instant::now() < self.until);
        self.rounds_left = self.rounds_left.saturating_sub(1);
        go
    }
}

/// The seed of a proof: given, or from the clock's low bits; always printed.
pub(crate) fn seed(flags: &ProveFlags) -> u64 {
    flags.seed.unwrap_or_else(|| nhip_adapters::SystemClock::system().0.unsigned_abs())
}
