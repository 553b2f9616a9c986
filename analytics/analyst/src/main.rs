//! `nhip-analyst`: SQL over the files of the past, one bounded process a question.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use jiff::Timestamp;
use nhip_analyst::{Catalogue, Limits, Places, Worker, be_a_child, listen, serve};
use nhip_proto::{AnalystFormat, AnalystQuestion, Origin};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[derive(Debug, Parser)]
#[command(
    name = "nhip-analyst",
    version,
    about = "SQL over the series and the archive of a node, read-only and bounded"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Answer the questions of the node beside, over a Unix socket.
    Serve {
        /// The data directory of the node; only read.
        #[arg(long)]
        data: PathBuf,
        /// The socket the node's [analyst] section names.
        #[arg(long, default_value = "/run/nhip-analyst/socket")]
        socket: PathBuf,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        places: Places,
    },
    /// Answer one question here.
    Query {
        /// The data directory of a node, running or stopped; only read.
        #[arg(long)]
        data: PathBuf,
        /// One SELECT over figures, revisions, records.
        #[arg(long)]
        sql: String,
        /// Only what starts at or after this time (RFC 3339).
        #[arg(long)]
        from: Option<Timestamp>,
        /// Only what starts before this time (RFC 3339).
        #[arg(long)]
        to: Option<Timestamp>,
        /// json, csv or parquet.
        #[arg(long, default_value = "csv", value_parser = format)]
        format: AnalystFormat,
        /// The file the answer goes to; without it, standard output.
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        limits: Limits,
    },
    /// The process of one question; started by the others.
    #[command(hide = true)]
    Run,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    let outcome = match task {
        Task::Run => be_a_child().map_err(Into::into),
        Task::Serve { data, socket, limits, places } => serving(&data, &socket, limits, places),
        Task::Query { data, sql, from, to, format, out, limits } => {
            let nanoseconds =
                |time: Option<Timestamp>| time.map(|time| i64::try_from(time.as_nanosecond())).transpose();
            nanoseconds(from)
                .and_then(|from_ns| Ok((from_ns, nanoseconds(to)?)))
                .map_err(Into::into)
                .and_then(|(from_ns, to_ns)| {
                    let question = AnalystQuestion { sql, from_ns, to_ns, format };
                    one(&data, &question, out.as_deref(), limits)
                })
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn format(name: &str) -> Result<AnalystFormat, String> {
    AnalystFormat::parse(name).ok_or_else(|| "allowed are json, csv and parquet".to_owned())
}

type Outcome = Result<(), Box<dyn Error>>;

fn serving(data: &Path, socket: &Path, limits: Limits, places: Places) -> Outcome {
    logs("info");
    if !data.is_dir() {
        return Err(format!("{}: no such directory", data.display()).into());
    }
    let listener = listen(socket)?;
    let worker = Worker::new(Catalogue::new(data), limits, std::env::current_exe()?);
    // One thread that lives as long as the process: a child ends with the thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        say(&format!("ready socket={}", socket.display()));
        serve(listener, worker, places, stop).await
    })?;
    // The data directory is not ours; the socket is.
    drop(std::fs::remove_file(socket));
    Ok(())
}

fn one(data: &Path, question: &AnalystQuestion, out: Option<&Path>, limits: Limits) -> Outcome {
    logs("warn");
    let worker = Worker::new(Catalogue::new(data), limits, std::env::current_exe()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut answered = worker.ask(question).await.map_err(|refusal| refusal.message)?;
        let mut target: Box<dyn io::Write> = match out {
            Some(path) => Box::new(std::fs::File::create(path)?),
            None => Box::new(io::stdout().lock()),
        };
        while let Some(part) = answered.part().await.map_err(|refusal| refusal.message)? {
            target.write_all(&part)?;
        }
        target.flush()?;
        if answered.head.origin != Origin::Machine.as_str() {
            complain(&format!("these figures are {}, not measured", answered.head.origin));
        }
        Ok(())
    })
}

fn logs(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}

#[expect(clippy::print_stdout, reason = "whoever started it waits for this line")]
fn say(line: &str) {
    println!("{line}");
}

/// For the person who started it; standard output is the answer's.
fn complain(line: &str) {
    drop(writeln!(io::stderr(), "nhip-analyst: {line}"));
}
