//! What a long copy says on stderr while it runs.

use std::time::{Duration, Instant};

use crate::observe::complain;

/// Nothing is said before this, and then not more often.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// How far a copy is.
pub(super) struct Progress {
    what: &'static str,
    total_bytes: u64,
    done_bytes: u64,
    began: Instant,
    said: Instant,
}

impl Progress {
    /// At its beginning.
    pub(super) fn new(what: &'static str, total_bytes: u64) -> Self {
        let now = Instant::now();
        Self { what, total_bytes, done_bytes: 0, began: now, said: now }
    }

    /// So many bytes further.
    pub(super) fn step(&mut self, bytes: u64) {
        self.done_bytes += bytes;
        if self.said.elapsed() >= SAY_EVERY {
            self.said = Instant::now();
            complain(&line(self.what, self.done_bytes, self.total_bytes, self.began.elapsed()));
        }
    }
}

fn line(what: &str, done_bytes: u64, total_bytes: u64, elapsed: Duration) -> String {
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    // The node writes on while it is copied, so the total is only what it was at the beginning.
    let percent = (done_bytes.saturating_mul(100) / total_bytes.max(1)).min(100);
    let rate = mebibytes(done_bytes) / elapsed.as_secs_f64().max(0.001);
    format!(
        "{what}: {:.0} of about {:.0} MiB, {percent} %, {rate:.0} MiB/s",
        mebibytes(done_bytes),
        mebibytes(total_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_fast() {
        let said = line("backup", 30 << 20, 40 << 20, Duration::from_secs(3));
        assert_eq!(said, "backup: 30 of about 40 MiB, 75 %, 10 MiB/s");
        let grown = line("backup", 50 << 20, 40 << 20, Duration::from_secs(5));
        assert_eq!(grown, "backup: 50 of about 40 MiB, 100 %, 10 MiB/s");
    }
}
