//! Throws changed and random bytes at the dialects and asks after each what must always hold: no panic, the
//! same answer twice, nothing undeclared in the clear, bounds.
//!
//! `cargo run --release -p nhip-ingest --example fuzz_dialects -- [--dialect all|NAME] [--executions N]
//! [--seconds S] [--seed N] [--threads N] [--keep]`. Inputs that break something are written to
//! `ingest/tests/corpus/found`, where a test replays them; `--keep` writes inputs with new answers beside
//! the corpus.

#[path = "../../tests/dialects/corpus.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod corpus;
mod hunt;
mod mutate;
#[path = "../../tests/dialects/properties.rs"]
mod properties;
mod random;
mod watch;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nhip_ingest::Dialect;

use self::hunt::{Hunt, Report};
use self::watch::Watch;

struct Arguments {
    dialects: Vec<Dialect>,
    executions: u64,
    time: Option<Duration>,
    seed: u64,
    threads: usize,
    keeps: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(reason) => {
            say(&format!("fuzz_dialects: {reason}"));
            return ExitCode::from(2);
        }
    };
    say(&format!("seed {}", arguments.seed));
    // A panic is counted and its input kept; its message would only scroll the report away.
    std::panic::set_hook(Box::new(|_| {}));
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(0));
    let watch = Watch::default();
    std::thread::scope(|scope| {
        let hunters: Vec<_> = (0..arguments.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    while let Some(dialect) = arguments.dialects.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let report = hunt(*dialect, &arguments, &watch);
                        say(&report.line());
                        *failures.lock().expect("no thread panics while it counts") += report.failures;
                    }
                })
            })
            .collect();
        scope.spawn(|| watch.look());
        for hunter in hunters {
            hunter.join().ok();
        }
        watch.end();
    });
    let failures = failures.into_inner().unwrap_or(1);
    say(&format!("{failures} inputs broke something"));
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn hunt(dialect: Dialect, arguments: &Arguments, watch: &Watch) -> Report {
    let mut hunt = Hunt::new(dialect, arguments.seed, watch);
    let report = hunt.run(arguments.executions, arguments.time);
    if arguments.keeps {
        hunt.keep();
    }
    report
}

fn arguments() -> Result<Arguments, String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let mut arguments = Arguments {
        dialects: Dialect::ALL.to_vec(),
        executions: u64::MAX,
        time: None,
        seed: u64::from_le_bytes(random),
        threads: 1,
        keeps: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--keep" {
            arguments.keeps = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{word}: {value} is no number"));
        match word.as_str() {
            "--dialect" if value == "all" => {}
            "--dialect" => {
                let dialect = Dialect::of_name(&value).ok_or_else(|| format!("no dialect {value}"))?;
                arguments.dialects = vec![dialect];
            }
            "--executions" => arguments.executions = number()?,
            "--seconds" => arguments.time = Some(Duration::from_secs(number()?)),
            "--seed" => arguments.seed = number()?,
            "--threads" => arguments.threads = number()? as usize,
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    if arguments.executions == u64::MAX && arguments.time.is_none() {
        return Err("needs --executions or --seconds".to_owned());
    }
    Ok(arguments)
}

/// One line on the standard output.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").ok();
}
