//! Records per second of the engine, of one core, on the reference mix.

use std::collections::HashMap;

use nhip_engine::{Effects, Engine, EngineSettings};
use nhip_proto::{ItemValue, Logged, MINUTE, MessageBody, Origin, Record, SECOND, SourceId};

use crate::context::{Context, Outcome};
use crate::mix;
use crate::process::thread_cpu_seconds;
use crate::report::{Figure, Report};

/// Minutes of the mix: 2,100 messages each.
const MINUTES_SHORT: i64 = 180;
const MINUTES_LONG: i64 = 480;
/// As the service reads.
const BATCH_RECORDS: usize = 8_192;
const REPETITIONS: usize = 3;

/// The row `engine`.
pub(crate) fn measure(context: &Context) -> Outcome<()> {
    let mut report = Report::begin(context, "engine")?;
    let minutes = if context.seconds > 10 { MINUTES_LONG } else { MINUTES_SHORT };
    for (name, tick) in [("a Tick a minute", MINUTE), ("a Tick a second", SECOND)] {
        let log = mix::log(minutes, tick);
        let messages = log.iter().filter(|logged| matches!(logged.record, Record::Message(_))).count();
        let per_second = |seconds: f64| messages as f64 / seconds;
        let bare = (0..REPETITIONS).map(|_| bare(&log)).fold(f64::INFINITY, f64::min);
        let mut seconds = Vec::new();
        for _ in 0..REPETITIONS {
            seconds.push(apply(&log)?);
        }
        seconds.sort_by(f64::total_cmp);
        let at = |index: usize| seconds.get(index).copied().map_or(f64::NAN, per_second);
        let note = format!(
            "{:.0} messages a Tick; CPU time of one thread, median of 3 ({:.0}…{:.0}); stretch 1,000,000",
            messages as f64 / (log.len() - messages) as f64,
            at(REPETITIONS - 1),
            at(0)
        );
        let figure = Figure::rate(&format!("engine on the reference mix, {name}"), at(1), "records/s");
        let figure = figure.beside("hash lookup + 3 additions", per_second(bare));
        report.add(&figure.budget(300_000.0).note(&note))?;
    }
    Ok(())
}

fn apply(log: &[Logged]) -> Outcome<f64> {
    let settings = EngineSettings { threads: 1, origin: Origin::Simulated };
    let mut engine = Engine::with_loader(settings, |_| Some(mix::profile()));
    let mut effects = Effects::default();
    let began = thread_cpu_seconds();
    for batch in log.chunks(BATCH_RECORDS) {
        engine.apply(batch, &mut effects)?;
        effects.rows.clear();
        std::hint::black_box(engine.update());
    }
    Ok(thread_cpu_seconds() - began)
}

/// The least any engine does: find the source, add to three windows.
fn bare(log: &[Logged]) -> f64 {
    let mut sums: HashMap<&SourceId, [i128; 3]> = HashMap::new();
    let began = thread_cpu_seconds();
    for logged in log {
        let Record::Message(message) = &logged.record else { continue };
        let MessageBody::Items(items) = &message.body else { continue };
        for item in items {
            let ItemValue::Number(value) = &item.value else { continue };
            let value = value.at_scale(1).unwrap_or_default();
            for sum in sums.entry(&message.source).or_default() {
                *sum += value;
            }
        }
    }
    std::hint::black_box(&sums);
    thread_cpu_seconds() - began
}
