//! Thousands of walls on one node, one change a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nhip_client::{Applied, Client, ClientOptions, Keep, Table};
use tokio::task::JoinSet;

use crate::context::{Context, Outcome};
use crate::limits::quantile_ms;
use crate::node::Node;
use crate::probe::{self, Plan};
use crate::process::{cpu_seconds, open_files_max, resident_kib};
use crate::report::{Figure, Report};
use crate::sink;
use crate::traffic::Way;

const CLIENTS: [usize; 2] = [1_000, 5_000];
/// Files of this process that are not clients.
const OTHER_FILES: usize = 200;
/// Connections made at a time.
const CONNECTING_MAX: usize = 50;
/// How long the last frames may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The row `fan-out`.
pub(crate) async fn measure(context: &Context) -> Outcome<()> {
    let mut report = Report::begin(context, "fan-out")?;
    for wanted in CLIENTS {
        let clients = wanted.min(open_files_max().saturating_sub(OTHER_FILES));
        if clients < wanted {
            report.remark(&format!(
                "only {clients} clients: a process may open {} files here",
                open_files_max()
            ))?;
        }
        let null = sink::fan_out(clients).await?;
        point(context, &mut report, clients, quantile_ms(&null, 0.99)).await?;
    }
    Ok(())
}

async fn point(context: &Context, report: &mut Report, clients: usize, null_p99: f64) -> Outcome<()> {
    let directory = context.directory("fan-out")?;
    let profile = context.profile()?.0.display().to_string();
    let node = Node::start(context, "run", &directory.join("data"), &["--profile", &profile])?;
    let row = row_id(&node).await?;
    let empty_kib = resident_kib(node.pid());
    let joined = Instant::now();
    let walls = connect(&node, clients).await?;
    let join_s = joined.elapsed().as_secs_f64();
    let count = context.seconds.max(5);
    let plan = Plan { way: Way::Embedded, server: node.mqtt, first: 1, per_s: 1.0, count, warm: 0 };
    let (began, cpu) = (Instant::now(), cpu_seconds(node.pid()));
    let sender = tokio::spawn(probe::send(plan, began));
    let until = began + Duration::from_secs(count) + PATIENCE;
    let mark: Arc<str> = Arc::from(format!("[{row},"));
    let mut tasks = JoinSet::new();
    for wall in walls {
        tasks.spawn(watch(wall, Arc::clone(&mark), count, until));
    }
    let mut seen: Vec<(u64, Instant)> = Vec::new();
    while let Some(own) = tasks.join_next().await {
        seen.extend(own??);
    }
    sender.abort();
    let per_client_kib = (resident_kib(node.pid()) - empty_kib) / clients as f64;
    let seconds = began.elapsed().as_secs_f64();
    let cpu_share = (cpu_seconds(node.pid()) - cpu) / seconds;
    let late = sorted(&seen, |number| Some(began + Duration::from_secs(number - 1)));
    let first = |number| seen.iter().filter(|(known, _)| *known == number).map(|(_, at)| *at).min();
    let firsts: Vec<Option<Instant>> = (0..=count).map(first).collect();
    let skew = sorted(&seen, |number| firsts.get(number as usize).copied().flatten());
    let words = format!(
        "p50 {:.1} ms, {} frames of {} seen, joined in {join_s:.1} s, node {cpu_share:.2} core",
        quantile_ms(&late, 0.5),
        seen.len(),
        clients as u64 * count
    );
    let null = "null fan-out";
    let figure = Figure::cost(
        &format!("{clients} walls at 1 Hz: publish → frame, p99"),
        quantile_ms(&late, 0.99),
        "ms",
    );
    report.add(&figure.beside(null, null_p99).budget(250.0).note(&words))?;
    let figure =
        Figure::cost(&format!("{clients} walls: first to last receipt, p99"), quantile_ms(&skew, 0.99), "ms");
    report.add(&figure.beside(null, null_p99).budget(250.0))?;
    report.add(
        &Figure::cost(&format!("{clients} walls: memory per client"), per_client_kib, "KiB").budget(16.0),
    )
}

/// The row id of the probe's figure.
async fn row_id(node: &Node) -> Outcome<u32> {
    let wall = probe::wall(&node.http, 50).await?;
    let table = wall.table();
    let mut ids = table.rows().keys().copied();
    Ok(ids.find(|id| table.key(*id) == Some(("probe.number", "proof"))).ok_or("the view lacks the probe")?)
}

async fn connect(node: &Node, clients: usize) -> Outcome<Vec<Client>> {
    let (mut tasks, mut walls) = (JoinSet::new(), Vec::with_capacity(clients));
    for _ in 0..clients {
        if tasks.len() >= CONNECTING_MAX
            && let Some(wall) = tasks.join_next().await
        {
            walls.push(wall??);
        }
        let options = ClientOptions::wall(&node.http);
        tasks.spawn(async move { Client::connect(options, Table::new(Keep::Position)).await });
    }
    while let Some(wall) = tasks.join_next().await {
        walls.push(wall??);
    }
    Ok(walls)
}

/// The numbers a wall was shown, and when.
async fn watch(mut wall: Client, mark: Arc<str>, last: u64, until: Instant) -> Outcome<Vec<(u64, Instant)>> {
    let mut seen = Vec::new();
    let mut newest = 0;
    while newest < last {
        let Ok(received) = tokio::time::timeout_at(until.into(), wall.next()).await else { break };
        let received = received?;
        if !matches!(received.applied, Applied::Delta { .. }) {
            continue;
        }
        if let Some(number) = number_in(&received.text, &mark).filter(|number| *number > newest) {
            seen.push((number, received.at));
            newest = number;
        }
    }
    // Nobody leaves before the end: memory is counted with all of them.
    tokio::time::sleep_until(until.into()).await;
    Ok(seen)
}

/// The value of a row in a delta: the third field of its tuple.
fn number_in(text: &str, mark: &str) -> Option<u64> {
    let rows = text.split_once("\"u\":")?.1;
    rows.split_once(mark)?.1.split(',').nth(1)?.parse().ok()
}

/// Microseconds from a number's beginning to each receipt.
fn sorted(seen: &[(u64, Instant)], began: impl Fn(u64) -> Option<Instant>) -> Vec<u64> {
    let late = |(number, at): &(u64, Instant)| {
        Some(at.saturating_duration_since(began(*number)?).as_micros() as u64)
    };
    let mut micros: Vec<u64> = seen.iter().filter_map(late).collect();
    micros.sort_unstable();
    micros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_row_is_found_in_a_delta() {
        let text = r#"{"t":"d","o":9,"p":5,"b":1000,"u":[[2,-10,7,0],[12,-10,42,0,2]]}"#;
        assert_eq!(number_in(text, "[12,"), Some(42));
        assert_eq!(number_in(text, "[2,"), Some(7));
        assert_eq!(number_in(text, "[3,"), None);
    }
}
