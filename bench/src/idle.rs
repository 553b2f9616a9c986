//! A node with nothing to do, and the first moments of a demo.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nhip_adapters::SystemClock;
use nhip_proto::MILLISECOND;

use crate::broker::Mosquitto;
use crate::context::{Context, Outcome};
use crate::node::{Archive, Node};
use crate::probe;
use crate::process::{cpu_seconds, resident_kib};
use crate::report::{Figure, Report};

/// An event younger than this is live, not backlog.
const LIVE_MS: i64 = 60_000;
const FIRST_VALUE_MAX: Duration = Duration::from_secs(60);

/// The row `idle`.
pub(crate) async fn measure(context: &Context) -> Outcome<()> {
    let mut report = Report::begin(context, "idle")?;
    let directory = context.directory("idle")?;
    let help_s = help(context)?;
    let node = Node::start(context, "run", &directory.join("run"), &[])?;
    let figure = Figure::cost("run: start to ready, empty directory", node.ready_after.as_secs_f64(), "s");
    report.add(&figure.beside("nhip --help", help_s).budget(1.0))?;
    let config = directory.join("off.toml");
    std::fs::write(&config, Archive::Off.config())?;
    let flags = ["--config", &config.display().to_string()];
    let without = Node::start(context, "run", &directory.join("off"), &flags)?;
    let broker = Mosquitto::start(&directory).await?;
    // The first seconds after a start are not idle.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let pids = [Some(node.pid()), broker.as_ref().map(Mosquitto::pid), Some(without.pid())];
    let before = pids.map(|pid| pid.map(cpu_seconds));
    tokio::time::sleep(Duration::from_secs(context.seconds)).await;
    let percent = |at: usize| {
        let (pid, before) = (pids.get(at).copied().flatten()?, before.get(at).copied().flatten()?);
        Some((cpu_seconds(pid) - before) * 100.0 / context.seconds as f64)
    };
    let beside = |figure: Figure, value: Option<f64>| match value {
        Some(value) => figure.beside("Mosquitto", value),
        None => figure,
    };
    let broker_mib = broker.as_ref().map(|broker| resident_kib(broker.pid()) / 1_024.0);
    let figure = Figure::cost("run: resident memory", resident_kib(node.pid()) / 1_024.0, "MiB").budget(60.0);
    report.add(&beside(figure, broker_mib))?;
    let figure = Figure::cost("run: CPU", percent(0).unwrap_or(f64::NAN), "%").budget(0.5);
    report.add(&beside(figure, percent(1)).note("of one core; a Tick and a heartbeat a second"))?;
    let figure = Figure::cost("run, archive off: memory", resident_kib(without.pid()) / 1_024.0, "MiB");
    report.add(&figure.beside("with the archive", resident_kib(node.pid()) / 1_024.0))?;
    let figure = Figure::cost("run, archive off: CPU", percent(2).unwrap_or(f64::NAN), "%");
    report.add(&figure.beside("with the archive", percent(0).unwrap_or(f64::NAN)))?;
    drop((node, without));
    demo(context, &mut report, help_s).await
}

async fn demo(context: &Context, report: &mut Report, help_s: f64) -> Outcome<()> {
    let data = context.directory("demo")?.join("data");
    let node = Node::start(context, "demo", &data, &[])?;
    let figure = Figure::cost("demo: start to ready", node.ready_after.as_secs_f64(), "s");
    report.add(&figure.beside("nhip --help", help_s).budget(1.0))?;
    let mut wall = probe::wall(&node.http, 50).await?;
    let (mut first, mut live) = (None, None);
    let deadline = tokio::time::Instant::from_std(node.began + FIRST_VALUE_MAX);
    while live.is_none() {
        let Ok(received) = tokio::time::timeout_at(deadline, wall.next()).await else { break };
        let after = received?.at.duration_since(node.began).as_secs_f64();
        let now_ms = SystemClock::system().0 / MILLISECOND;
        let mut valued = wall.table().rows().values().filter(|row| row.v.is_some()).peekable();
        first = first.or(valued.peek().map(|_| after));
        live = valued.any(|row| row.t.is_some_and(|t| now_ms - t < LIVE_MS)).then_some(after);
    }
    let cost = |what: &str, value: Option<f64>| Figure::cost(what, value.unwrap_or(f64::INFINITY), "s");
    report.add(&cost("demo: start to first value in a frame", first))?;
    let figure = cost("demo: start to first live value in a frame", live).budget(3.0);
    report.add(&figure.note("its event is younger than a minute"))
}

/// The least a program of this size needs: being loaded.
fn help(context: &Context) -> Outcome<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let began = Instant::now();
        Command::new(context.program()).arg("--help").stdout(Stdio::null()).status()?;
        best = best.min(began.elapsed().as_secs_f64());
    }
    Ok(best)
}
