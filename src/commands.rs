//! What each subcommand does, and how a failure becomes an exit code.

mod account;
mod backup;
mod check;
mod demo;
mod diff;
mod doctor;
mod erase;
mod explain;
mod export;
mod from_figure;
mod import;
mod log;
mod prove;
mod replay;
mod revise;
mod rows;
mod run;
mod token;
mod unseal;

pub(crate) use replay::{hex, read as read_batch};

use std::process::ExitCode;

use nhip_engine::EngineError;
use thiserror::Error;

use crate::cli::{Arguments, Command, LogAction, Promise};

/// Why a command failed.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Bad configuration or arguments: exit code 2.
    pub(crate) fn configuration(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: 2 }
    }

    /// Anything else: exit code 1.
    pub(crate) fn other(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: 1 }
    }

    /// The exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::other(error)
    }
}

/// Does what the command line says.
pub(crate) fn execute(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Demo { node, recordings, journal } => {
            runtime()?.block_on(demo::demo(&node, recordings, journal))
        }
        Command::Run { config, node } => runtime()?.block_on(run::run(config.as_deref(), &node)),
        Command::Check { profile } => check::check(&profile),
        Command::Test { profile, figure } => match &figure.from_figure {
            Some(indicator) => runtime()?.block_on(from_figure::from_figure(&profile, indicator, &figure)),
            None => check::test(&profile),
        },
        Command::Diff { old, new } => diff::diff(&old, &new),
        Command::Replay { data, threads, seed, until } => {
            runtime()?.block_on(replay::command(&data, threads, seed, until))
        }
        Command::Explain { indicator, area, window, http, unseal } => {
            let figure = explain::Asked { indicator, area, window, http };
            runtime()?.block_on(explain::explain(&figure, &unseal))
        }
        Command::Export(flags) => runtime()?.block_on(export::export(&flags)),
        Command::Reload { http } => runtime()?.block_on(revise::reload(http)),
        Command::Redecode(flags) => runtime()?.block_on(revise::redecode(&flags)),
        Command::Restate(flags) => runtime()?.block_on(revise::restate(&flags)),
        Command::Import(flags) => runtime()?.block_on(import::import(&flags)),
        Command::Token { action } => token::token(&action),
        Command::Backup(flags) => match &flags.keys {
            Some(keys) => backup::keys(keys),
            None => runtime()?.block_on(backup::backup(&flags)),
        },
        Command::Restore(flags) => runtime()?.block_on(backup::restore(&flags)),
        Command::Erase(flags) => runtime()?.block_on(erase::erase(&flags)),
        Command::Doctor(flags) => doctor::doctor(&flags),
        Command::Prove { promise } => match promise {
            Promise::Loss(flags) => runtime()?.block_on(prove::loss::loss(&flags)),
            Promise::Replay(flags) => runtime()?.block_on(prove::replay::replay_proof(&flags)),
            Promise::Ledger(flags) => runtime()?.block_on(prove::ledger::ledger(&flags)),
        },
        Command::Log { action } => match action {
            LogAction::Verify { data } => log::verify(&data),
            LogAction::Rows { data, all } => runtime()?.block_on(rows::rows(&data, all)),
            LogAction::Account { data, acknowledged } => {
                runtime()?.block_on(account::account(&data, acknowledged.as_deref()))
            }
            LogAction::Records { data, from, count } => runtime()?.block_on(log::records(&data, from, count)),
        },
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("nhip")
        .build()
        .map_err(|error| Failure::other(format!("no async runtime: {error}")))
}
