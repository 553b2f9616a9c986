//! `cargo xtask demo --analyst`: the demo with the analysts' worker beside it, started again whenever it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::demo::built;
use crate::run::{Outcome, cargo, command, run, say, target};

/// The first pause before the worker is started again; doubled with each early end.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A worker that ran so long had not failed to start.
const STEADY: Duration = Duration::from_secs(60);

/// Builds both, then runs the demo until it is stopped.
pub(crate) fn demo(flags: &[String]) -> Outcome {
    let mut demo = built()?;
    say("the analysts' worker: polars takes about ten minutes on two cores, the first time only");
    run(cargo(&["build", "--package", "nhip-analyst", "--profile", "analyst"]))?;
    let home = std::env::temp_dir().join(format!("nhip-demo-analyst-{}", std::process::id()));
    let (data, socket) = (data_of(flags).unwrap_or_else(|| home.join("data")), home.join("socket"));
    for directory in [&home, &data] {
        std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    if data_of(flags).is_none() {
        demo.arg("--data").arg(&data);
    }
    demo.arg("--analyst").arg(&socket).args(flags);
    let (stop, stopped) = sync_channel(1);
    let current = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&current);
    let keeper = std::thread::spawn(move || keep(&data, &socket, &kept, &stopped));
    let outcome = run(demo);
    drop(stop);
    keeper.join().map_err(|_| "the keeper of the worker failed".to_owned())?;
    if let Some(mut worker) = current.lock().unwrap_or_else(PoisonError::into_inner).take() {
        end(&mut worker);
    }
    std::fs::remove_dir_all(&home).unwrap_or_default();
    outcome
}

/// Starts the worker again and again, until told to stop.
fn keep(data: &Path, socket: &Path, current: &Mutex<Option<Child>>, stopped: &Receiver<()>) {
    let program = target().join("analyst/nhip-analyst");
    let mut pause = PAUSE_MIN;
    loop {
        let mut worker: Command = command(&program.to_string_lossy(), &["serve", "--data"]);
        worker.arg(data).arg("--socket").arg(socket);
        let began = Instant::now();
        match worker.spawn() {
            Ok(child) => *current.lock().unwrap_or_else(PoisonError::into_inner) = Some(child),
            Err(error) => say(&format!("{}: {error}", program.display())),
        }
        // Looked at now and then: waiting for it would keep it from being stopped.
        while running(current) {
            if told(stopped, PAUSE_MIN) {
                return;
            }
        }
        pause = if began.elapsed() > STEADY { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        say(&format!("the analysts' worker ended; started again in {} s", pause.as_secs()));
        if told(stopped, pause) {
            return;
        }
    }
}

fn running(current: &Mutex<Option<Child>>) -> bool {
    let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
    current.as_mut().is_some_and(|worker| matches!(worker.try_wait(), Ok(None)))
}

/// Whether the demo has ended, within this time.
fn told(stopped: &Receiver<()>, within: Duration) -> bool {
    !matches!(stopped.recv_timeout(within), Err(std::sync::mpsc::RecvTimeoutError::Timeout))
}

fn end(worker: &mut Child) {
    drop(worker.kill());
    drop(worker.wait());
}

/// The data directory somebody named.
fn data_of(flags: &[String]) -> Option<PathBuf> {
    let place = flags.iter().position(|flag| flag == "--data");
    let apart = place.and_then(|place| flags.get(place + 1)).map(PathBuf::from);
    apart.or_else(|| flags.iter().find_map(|flag| flag.strip_prefix("--data=")).map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_that_was_named_is_the_workers_too() {
        let of = |flags: &[&str]| data_of(&flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["--seed", "3", "--data", "here"]), Some(PathBuf::from("here")));
        assert_eq!(of(&["--data=there"]), Some(PathBuf::from("there")));
        assert_eq!(of(&["--seed", "3"]), None);
    }
}
