//! Dies or stands still after a step of file work, as `--fault` says: for the tests that look at what is left behind.
//! Only in builds with deliberate faults.

use std::sync::atomic::{AtomicU64, Ordering};

use nhip_ports::{FileStep, watch_file_steps};

use crate::commands::Failure;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// The process ends at once; nothing is flushed, no destructor runs.
    Die,
    /// The work stands still for ever, everything else goes on.
    Stall,
}

/// Watches for `die:STEP`, `die:STEP:NUMBER`, `stall:STEP` or `stall:STEP:NUMBER`; whether it was one of these.
pub(crate) fn arm(fault: &str) -> Result<bool, Failure> {
    let act = match fault.split_once(':') {
        Some(("die", _)) => Act::Die,
        Some(("stall", _)) => Act::Stall,
        _ => return Ok(false),
    };
    let mut words = fault.split(':').skip(1);
    let name = words.next().unwrap_or_default();
    let wanted = FileStep::all().into_iter().find(|step| step.to_string() == name);
    let number = words.next().map_or(Some(1), |word| word.parse().ok());
    let (Some(wanted), Some(number)) = (wanted, number) else {
        return Err(Failure::configuration(format!("--fault {fault}: no such step of file work")));
    };
    let seen = AtomicU64::new(0);
    watch_file_steps(move |step| {
        // A step that is in no list would never be tried.
        if !step.work.acts().contains(&step.act) {
            tracing::error!(%step, "a step of file work is in no list");
            std::process::abort();
        }
        if step == wanted && seen.fetch_add(1, Ordering::Relaxed) + 1 == number {
            happen(act, step);
        }
    });
    Ok(true)
}

fn happen(act: Act, step: FileStep) {
    tracing::error!(%step, ?act, "deliberate fault");
    match act {
        Act::Die => std::process::abort(),
        Act::Stall => loop {
            std::thread::park();
        },
    }
}
