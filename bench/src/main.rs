//! Speed beside rooflines of the same run: what `cargo xtask bench` starts. docs/benchmarks.md explains each row.

mod broker;
mod context;
mod disk;
mod end_to_end;
mod engine;
mod fan_out;
mod history;
mod http_load;
mod idle;
mod limits;
mod mix;
mod node;
mod point;
mod probe;
mod process;
mod recovery;
mod report;
mod sink;
mod traffic;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::context::{Context, Outcome};

#[derive(Debug, Parser)]
#[command(name = "nhip-bench", about = "Speed beside rooflines of the same run")]
struct Arguments {
    #[command(subcommand)]
    row: Option<Row>,
    /// Seconds of every measured point.
    #[arg(long, default_value_t = 10, global = true)]
    seconds: u64,
    /// The disk to measure; a directory inside it is made and removed.
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
enum Row {
    /// Every row.
    All,
    /// What this machine can do without us: loopback, disk, memory.
    Limits,
    /// Publish → durable → figure → frame, through the embedded endpoint, Mosquitto and HTTP.
    EndToEnd,
    /// Records per second of the engine on the reference mix.
    Engine,
    /// From the start of the program to ready over a long log, cold and with a snapshot.
    Recovery {
        /// 10 million records instead of 1.24 million.
        #[arg(long)]
        full: bool,
    },
    /// Thousands of walls.
    FanOut,
    /// A node with nothing to do, and the first moments of a demo.
    Idle,
    /// A year of ten thousand series beside polars and DuckDB on the same files, exports, records computed again.
    History(HistorySize),
    /// Records a second of a re-run over archive and log; `history` ends with it.
    Recompute {
        /// Minutes of the reference mix, about 2,100 records each.
        #[arg(long, default_value_t = history::RECOMPUTE_MINUTES)]
        minutes: i64,
    },
    /// What `history` asks of the series store, in a process of its own.
    #[command(hide = true)]
    HistoryAsk {
        #[arg(long)]
        data_directory: PathBuf,
        #[command(flatten)]
        size: HistorySize,
    },
}

/// How much past there is.
#[derive(Clone, Copy, Debug, clap::Args)]
struct HistorySize {
    /// Series, each with one figure an hour.
    #[arg(long, default_value_t = 10_000)]
    series: u32,
    /// Days of them, at most 730.
    #[arg(long, default_value_t = 365)]
    days: u32,
    /// As many series as come to so many figures, instead of --series.
    #[arg(long)]
    points: Option<u64>,
}

impl HistorySize {
    fn size(self) -> Outcome<history::Size> {
        if self.days == 0 || self.days > history::DAYS_MAX {
            return Err(format!("--days lies outside 1…{}", history::DAYS_MAX).into());
        }
        let series = match self.points {
            Some(points) => u32::try_from(points / (u64::from(self.days) * 24))?,
            None => self.series,
        };
        if series == 0 || series > 25_000 {
            return Err("--series lies outside 1…25,000".into());
        }
        Ok(history::Size { series, days: self.days })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Outcome<()> {
    if let Some(Row::HistoryAsk { data_directory, size }) = &arguments.row {
        return history::ask(data_directory, size.size()?).await;
    }
    let context = Context::new(arguments.seconds, arguments.data.as_deref())?;
    report::say(&format!("load average {}, {} cores", process::load_average(), process::cores()));
    match arguments.row.as_ref().unwrap_or(&Row::All) {
        Row::All => {
            limits::measure(&context).await?;
            engine::measure(&context)?;
            end_to_end::measure(&context).await?;
            recovery::measure(&context, false).await?;
            fan_out::measure(&context).await?;
            idle::measure(&context).await?;
            history::measure(&context, history::Size { series: 10_000, days: 365 }).await?;
            history::recompute(&context, history::RECOMPUTE_MINUTES).await
        }
        Row::Limits => limits::measure(&context).await,
        Row::EndToEnd => end_to_end::measure(&context).await,
        Row::Engine => engine::measure(&context),
        Row::Recovery { full } => recovery::measure(&context, *full).await,
        Row::FanOut => fan_out::measure(&context).await,
        Row::Idle => idle::measure(&context).await,
        Row::History(size) => {
            history::measure(&context, size.size()?).await?;
            history::recompute(&context, history::RECOMPUTE_MINUTES).await
        }
        Row::Recompute { minutes } => history::recompute(&context, *minutes).await,
        Row::HistoryAsk { .. } => Ok(()),
    }
}
