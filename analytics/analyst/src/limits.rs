//! What one question may cost. Every bound can be set; the defaults fit a machine that also runs a node.

use clap::Args;
use serde::{Deserialize, Serialize};

/// Rows one table can have: polars counts them in 32 bits.
const ROWS_CEILING_MAX: u64 = 4_000_000_000;
/// The most memory a question can be allowed, in MiB.
const MEMORY_MIB_CEILING_MAX: u64 = 1 << 20;
/// Address space beside memory: code, stacks and reserves that hold nothing, in MiB.
const ADDRESS_RESERVE_MIB_MAX: u64 = 4_096;

/// The bounds of a question; each is a flag of `nhip-analyst serve` and `nhip-analyst query`.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Days between `from` and `to`.
    #[arg(long = "span-days", value_name = "DAYS", default_value_t = 800,
          value_parser = clap::value_parser!(u32).range(1..=40_000))]
    pub span_days_max: u32,
    /// Rows of the files that are left after `from` and `to`.
    #[arg(long = "rows-scanned", value_name = "ROWS", default_value_t = 50_000_000,
          value_parser = clap::value_parser!(u64).range(1..=ROWS_CEILING_MAX))]
    pub rows_scanned_max: u64,
    /// The same for a question without `from` or `to`.
    #[arg(long = "rows-unbounded", value_name = "ROWS", default_value_t = 5_000_000,
          value_parser = clap::value_parser!(u64).range(1..=ROWS_CEILING_MAX))]
    pub rows_unbounded_max: u64,
    /// Rows of the answer.
    #[arg(long = "rows-returned", value_name = "ROWS", default_value_t = 200_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub rows_returned_max: u32,
    /// Bytes of the answer, in MiB.
    #[arg(long = "answer-mib", value_name = "MIB", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub answer_mib_max: u32,
    /// Memory of the process that computes it, in MiB.
    #[arg(long = "memory-mib", value_name = "MIB", default_value_t = 1_024,
          value_parser = clap::value_parser!(u64).range(64..=MEMORY_MIB_CEILING_MAX))]
    pub memory_mib_max: u64,
    /// Seconds from the start of the process to its answer.
    #[arg(long = "seconds", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds_max: u64,
    /// Threads of that process.
    #[arg(long = "threads", value_name = "THREADS", default_value_t = 2,
          value_parser = clap::value_parser!(u64).range(1..=256))]
    pub threads_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            span_days_max: 800,
            rows_scanned_max: 50_000_000,
            rows_unbounded_max: 5_000_000,
            rows_returned_max: 200_000,
            answer_mib_max: 64,
            memory_mib_max: 1_024,
            seconds_max: 30,
            threads_max: 2,
        }
    }
}

impl Limits {
    /// Bytes of the answer.
    pub(crate) fn answer_bytes(&self) -> usize {
        usize::try_from(self.answer_mib_max).unwrap_or(usize::MAX).saturating_mul(1 << 20)
    }

    /// Bytes of memory that can be written.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_mib_max.saturating_mul(1 << 20)
    }

    /// Bytes of addresses: mapped files hold no memory of their own.
    pub(crate) fn address_bytes(&self, file_bytes: u64) -> u64 {
        self.memory_bytes().saturating_add(file_bytes).saturating_add(ADDRESS_RESERVE_MIB_MAX << 20)
    }

    /// Seconds of processor time; a process that never sleeps on all its threads reaches both bounds at once.
    pub(crate) fn processor_seconds(&self) -> u64 {
        self.seconds_max.saturating_mul(self.threads_max).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        limits: Limits,
    }

    #[test]
    fn flags_and_defaults_say_the_same_and_nonsense_is_refused() {
        assert_eq!(Flags::parse_from(["x"]).limits, Limits::default());
        assert_eq!(Flags::parse_from(["x", "--memory-mib", "256"]).limits.memory_bytes(), 256 << 20);
        for wrong in
            [["--memory-mib", "0"], ["--seconds", "0"], ["--span-days", "-1"], ["--rows-scanned", "0"]]
        {
            assert!(Flags::try_parse_from(["x", wrong[0], wrong[1]]).is_err(), "{wrong:?}");
        }
    }
}
