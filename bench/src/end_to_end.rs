//! Publish → durable → figure → frame: how much, how fast, at which cost.

use crate::broker::Mosquitto;
use crate::context::{Context, Outcome};
use crate::disk;
use crate::node::Archive;
use crate::point::{Bed, CONNECTIONS, Demand, PAYLOAD_BYTES, Point};
use crate::report::{Figure, Report};
use crate::sink;
use crate::traffic::{self, Ask, Way};

/// The latency at which a rate counts as sustained.
const P99_MS_MAX: f64 = 100.0;
/// A rate is sustained only if this share of it was applied while it was offered.
const KEPT_SHARE: f64 = 0.97;
/// Shares of the capacity that are tried, the highest first.
const STEPS: [f64; 5] = [0.95, 0.85, 0.7, 0.55, 0.4];
/// The quiet point.
const QUIET_PER_S: f64 = 1_000.0;

/// What the same machine does without us.
struct Rooflines {
    publisher: f64,
    sync_p50_ms: f64,
    sync_p99_ms: f64,
}

/// The row `end-to-end`.
pub(crate) async fn measure(context: &Context) -> Outcome<()> {
    let mut report = Report::begin(context, "end-to-end")?;
    report.remark(&format!(
        "{CONNECTIONS} connections, QoS 1, {PAYLOAD_BYTES}-byte payloads, fdatasync before each acknowledgement; \
         publishers and wall share the {} cores",
        crate::process::cores()
    ))?;
    let sync = disk::syncs(&context.directory("sync")?, 4 << 10, 200)?;
    let (sync_p50_ms, sync_p99_ms) = (disk::ms(&sync, 0.5), disk::ms(&sync, 0.99));
    let beds = [
        (Way::Embedded, Archive::Working),
        (Way::Embedded, Archive::Off),
        (Way::Mosquitto, Archive::Working),
        (Way::Http, Archive::Working),
    ];
    for (way, archive) in beds {
        let Some(publisher) = alone(context, way).await? else {
            report.remark("SKIPPED Mosquitto: it is not installed")?;
            continue;
        };
        let Some(mut bed) = Bed::make(context, way, archive).await? else { continue };
        let rooflines = Rooflines { publisher, sync_p50_ms, sync_p99_ms };
        quiet(&mut report, &mut bed, &rooflines).await?;
        sustained(&mut report, &mut bed, &rooflines).await?;
    }
    Ok(())
}

/// The publishers against a server that does nothing, or against the broker with nobody behind it.
async fn alone(context: &Context, way: Way) -> Outcome<Option<f64>> {
    let directory = context.directory("alone")?;
    let broker = if way == Way::Mosquitto { Mosquitto::start(&directory).await? } else { None };
    let server = match (way, &broker) {
        (Way::Embedded, _) => sink::mqtt()?,
        (Way::Http, _) => sink::http()?,
        (Way::Mosquitto, Some(broker)) => broker.address,
        (Way::Mosquitto, None) => return Ok(None),
    };
    let seconds = context.seconds.min(5);
    let ask = Ask {
        way,
        server,
        connections: CONNECTIONS,
        payload_bytes: PAYLOAD_BYTES,
        rate: None,
        seconds,
        boot: 1,
    };
    Ok(Some(traffic::run(ask).await?.rate()))
}

/// 1,000 messages a second and a wall that waits for nothing.
async fn quiet(report: &mut Report, bed: &mut Bed, rooflines: &Rooflines) -> Outcome<()> {
    let way = bed.name.clone();
    let probes_per_s = if bed.way == Way::Http { 50.0 } else { 200.0 };
    let demand = Demand { rate: Some(QUIET_PER_S - probes_per_s), probes_per_s, rate_ms: 0 };
    let point = bed.point(demand).await?;
    let figure = Figure::cost(&format!("{way}: publish → frame at 1,000/s, p50"), point.p50_ms, "ms");
    report.add(&figure.beside("fdatasync p50", rooflines.sync_p50_ms).budget(15.0))?;
    let figure = Figure::cost(&format!("{way}: publish → frame at 1,000/s, p99"), point.p99_ms, "ms");
    report.add(&figure.beside("fdatasync p99", rooflines.sync_p99_ms).budget(40.0).note(&lost(&point)))?;
    report.add(&cpu(&format!("{way}: our CPU at 1,000/s, per 1,000"), &point))
}

/// The capacity as fast as acknowledged, then the highest step below it that meets the latency.
async fn sustained(report: &mut Report, bed: &mut Bed, rooflines: &Rooflines) -> Outcome<()> {
    let way = bed.name.clone();
    let alone =
        if bed.way == Way::Mosquitto { "publisher → Mosquitto alone" } else { "publisher → null server" };
    let demand = Demand { rate: None, probes_per_s: 50.0, rate_ms: 50 };
    let full = bed.point(demand).await?;
    let words = format!("p99 {:.0} ms, drained in {:.1} s, {}", full.p99_ms, full.drain_s, lost(&full));
    let figure = Figure::rate(&format!("{way}: capacity, closed loop"), full.applied_per_s, "msg/s");
    report.add(&figure.beside(alone, rooflines.publisher).note(&words))?;
    report.add(&cpu(&format!("{way}: our CPU at capacity, per 1,000"), &full))?;
    let mut best = None;
    for step in STEPS {
        let rate = full.applied_per_s * step;
        let point = bed.point(Demand { rate: Some(rate), ..demand }).await?;
        let kept = point.applied_per_s >= rate * KEPT_SHARE * bed_share(bed);
        let words = format!(
            "offered {rate:.0}/s: p50 {:.1} ms, p99 {:.1} ms, applied meanwhile {:.0}/s, {}",
            point.p50_ms,
            point.p99_ms,
            point.applied_per_s,
            lost(&point)
        );
        report.remark(&format!("{way}: {words}"))?;
        if kept && point.lost == 0 && point.p99_ms < P99_MS_MAX {
            best = Some((rate, point));
            break;
        }
    }
    let (rate, words) = match &best {
        Some((rate, point)) => {
            (*rate, format!("p50 {:.1}, p99 {:.1} ms, 0 lost", point.p50_ms, point.p99_ms))
        }
        None => (0.0, "no step met p99 < 100 ms with 0 lost".to_owned()),
    };
    let figure = Figure::rate(&format!("{way}: sustained with p99 < 100 ms"), rate, "msg/s");
    let figure = figure.beside(alone, rooflines.publisher).note(&words);
    report.add(&match bed.way {
        Way::Embedded => figure.budget(40_000.0),
        Way::Mosquitto => figure.budget(15_000.0),
        Way::Http => figure,
    })
}

/// The load ends a little after its last message was due: the beginning and the end of a run weigh in short ones.
fn bed_share(bed: &Bed) -> f64 {
    1.0 - 0.5 / bed.seconds() as f64
}

fn cpu(what: &str, point: &Point) -> Figure {
    let figure = Figure::cost(what, point.cpu_per_1000, "core").budget(0.05);
    if point.broker_cpu_per_1000 > 0.0 {
        figure.beside("the broker's own", point.broker_cpu_per_1000)
    } else {
        figure
    }
}

fn lost(point: &Point) -> String {
    format!("{} lost", point.lost)
}
