//! Speed beside rooflines of the same run: what `cargo xtask bench` starts. docs/benchmarks.md explains each row.

mod broker;
mod context;
mod disk;
mod end_to_end;
mod engine;
mod fan_out;
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

#[derive(Clone, Copy, Debug, Subcommand)]
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
    let context = Context::new(arguments.seconds, arguments.data.as_deref())?;
    report::say(&format!("load average {}, {} cores", process::load_average(), process::cores()));
    match arguments.row.unwrap_or(Row::All) {
        Row::All => {
            limits::measure(&context).await?;
            engine::measure(&context)?;
            end_to_end::measure(&context).await?;
            recovery::measure(&context, false).await?;
            fan_out::measure(&context).await?;
            idle::measure(&context).await
        }
        Row::Limits => limits::measure(&context).await,
        Row::EndToEnd => end_to_end::measure(&context).await,
        Row::Engine => engine::measure(&context),
        Row::Recovery { full } => recovery::measure(&context, full).await,
        Row::FanOut => fan_out::measure(&context).await,
        Row::Idle => idle::measure(&context).await,
    }
}
