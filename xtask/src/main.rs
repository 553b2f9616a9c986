//! Automation of the repository: `cargo xtask demo | test | bench | fuzz | web | coverage | prove | mutate`.

mod bench;
mod coverage;
mod demo;
mod demo_analyst;
mod fuzz;
mod mutate;
mod prove;
mod run;
mod setup;
mod test;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Automation of the Nhịp repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build everything and run a node with a simulated city.
    Demo {
        /// Also the analysts' worker (docs/analyst.md); its first build takes long.
        #[arg(long)]
        analyst: bool,
        /// Passed on to `nhip demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Run every test; installs what is missing, or names it.
    Test {
        /// Fail if a test was skipped for want of a tool or of root.
        #[arg(long)]
        no_skip: bool,
        /// Only the steps whose name contains this.
        #[arg(long)]
        only: Option<String>,
    },
    /// Measure speed beside rooflines of the same run.
    Bench {
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Throw changed and random bytes at every dialect.
    Fuzz {
        /// Inputs per dialect.
        #[arg(long, default_value_t = fuzz::EXECUTIONS)]
        executions: u64,
        /// Passed on to the fuzzer: `--dialect NAME`, `--seed N`, `--threads N`, `--keep`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Write docs/coverage.md.
    Coverage,
    /// Build the pages into web/dist.
    Web,
    /// Change the calculators' code one expression at a time: their tests must notice.
    Mutate {
        /// Passed on to `cargo mutants`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
    /// Check a promise on this machine's disk.
    Prove {
        /// Passed on to `nhip prove`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        flags: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo { analyst: false, flags } => demo::demo(&flags),
        Task::Demo { analyst: true, flags } => demo_analyst::demo(&flags),
        Task::Test { no_skip, only } => test::test(no_skip, only.as_deref()),
        Task::Bench { flags } => bench::bench(&flags),
        Task::Fuzz { executions, flags } => fuzz::fuzz(executions, &flags),
        Task::Mutate { flags } => mutate::mutate(&flags),
        Task::Coverage => coverage::write(),
        Task::Web => web::build(),
        Task::Prove { flags } => prove::prove(&flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            run::say(&format!("\nxtask: {reason}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo(words: &[&str]) -> (bool, Vec<String>) {
        let words = [&["xtask", "demo"], words].concat();
        match Arguments::try_parse_from(words).expect("understood").task {
            Task::Demo { analyst, flags } => (analyst, flags),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_demo_takes_its_own_flag_and_passes_the_others_on() {
        let passed = vec!["--speed".to_owned(), "2".to_owned()];
        assert_eq!(demo(&["--analyst", "--speed", "2"]), (true, passed.clone()));
        assert_eq!(demo(&["--speed", "2"]), (false, passed));
        assert_eq!(demo(&["--analyst"]), (true, Vec::new()));
    }
}
