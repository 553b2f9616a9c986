//! The binary `nhip`: parse, do, exit code. 0 fine, 2 bad configuration or arguments, 1 anything else.

mod account;
mod backup;
mod chance;
mod cli;
mod clock;
mod commands;
mod compose;
mod compose_feeds;
mod compose_links;
mod compose_sink;
mod config;
mod config_links;
mod config_log;
mod doctor;
#[cfg(feature = "fault-injection")]
mod file_faults;
mod installation;
mod node;
mod observe;
mod profile_dir;
mod rebirth;
mod revise;
mod self_report;
mod stopped_log;
mod supervise;

use std::process::ExitCode;

use clap::Parser;

use cli::Arguments;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no mistakes; clap prints them to stdout and the rest to stderr.
            let wanted = !error.use_stderr();
            drop(error.print());
            return if wanted { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    match commands::execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            observe::complain(&failure.to_string());
            failure.exit_code()
        }
    }
}
