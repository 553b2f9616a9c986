//! One data directory whose node dies again and again, and what keeps it busy meanwhile.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nhip_adapters::SystemClock;
use nhip_demo::load::{LoadConfig, LoadReport};
use nhip_ports::FileStep;
use nhip_proto::{ArrivalTime, MILLISECOND, SECOND};
use nhip_tests::{MqttWire, Node, NodeOptions, binary, metric, post, until};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How long a step may take to be reached (a loaded test machine, an unoptimised build).
const REACHED_MAX: Duration = Duration::from_secs(120);
/// What a program with deliberate faults says before it does as told.
const TOLD: &str = "deliberate fault";
/// 2030-01-10T00:00:00Z: where the stepped clock begins.
const START_NS: i64 = 1_894_233_600 * SECOND;
const DAY_NS: i64 = 86_400 * SECOND;
/// Months that lie behind, one after the other to be merged.
const MONTHS: i64 = 6;
/// The segment being written, the one kept on purpose, and the one that is prepared.
const SEGMENTS_LEFT: usize = 3;
/// Enough for more segments than archive files become one.
const BATCH_MESSAGES: u64 = 1_500;
/// Windows of a second, so that each Tick has enough rows for a row file of its own.
const QUICK_INDICATORS: usize = 4;

/// What a lane is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Segments into the archive, and trimmed.
    Sealing,
    /// Archive files into larger ones.
    Merging,
    /// Row files into the series.
    Rows,
    /// Files of a day into one.
    Days,
    /// Days of a month into one: only a stepped clock gets so far.
    Months,
}

/// Publishers in the background, or a clock that is stepped by hand.
enum Busy {
    Load {
        runtime: tokio::runtime::Runtime,
        task: Option<Publishers>,
        stop: CancellationToken,
    },
    Stepped {
        sequence: u64,
        now_ns: i64,
    },
    /// Archive files are merged only while no segment waits: the next messages come when all are sealed and trimmed.
    Batches {
        sequence: u64,
    },
}

type Publishers = tokio::task::JoinHandle<Result<LoadReport, nhip_demo::DemoError>>;

pub(crate) struct Lane {
    options: NodeOptions,
    journal: PathBuf,
    busy: Busy,
}

impl Lane {
    /// A directory whose node ran once, with what keeps the next ones busy.
    pub(crate) fn new(kind: Kind, directory: &Path) -> Self {
        let (data, journal) = (directory.join("data"), directory.join("acknowledged.jsonl"));
        if kind == Kind::Months {
            let busy = Busy::Stepped { sequence: 0, now_ns: START_NS };
            // Nothing is sealed, so nothing is merged, before the first start that is to die of it.
            let mut lane = Self { options: options(kind, directory, &data, 3_600), journal, busy };
            lane.live_through_months();
            lane.options = options(kind, directory, &data, 1);
            return lane;
        }
        let options = options(kind, directory, &data, 1);
        // Another loopback address than everybody's: while the node is dead nobody takes its port.
        let host = format!("127.0.0.{}", 20 + kind as u8);
        let mut node = Node::start(&options.clone().set("--mqtt", &format!("{host}:0"))).expect("a node");
        let mqtt = node.mqtt.expect("an endpoint");
        assert!(node.stop().success(), "{}", node.said());
        let options = options.set("--mqtt", &mqtt.to_string());
        if kind == Kind::Merging {
            return Self { options, journal, busy: Busy::Batches { sequence: 0 } };
        }
        let mut load =
            LoadConfig::new(mqtt, "proof", "load", "value", Arc::new(SystemClock::new(ArrivalTime(0))));
        load.connections = 20;
        load.rate_per_s = Some(200.0);
        load.journal = Some(journal.clone());
        let (runtime, stop) = (tokio::runtime::Runtime::new().expect("a runtime"), CancellationToken::new());
        let task = Some(runtime.spawn(nhip_demo::load::run(load, stop.clone())));
        Self { options, journal, busy: Busy::Load { runtime, task, stop } }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.options.data
    }

    pub(crate) fn journal(&self) -> &Path {
        &self.journal
    }

    /// Starts the program that dies after this step, and keeps it busy until it does.
    pub(crate) fn dies_after(&mut self, step: FileStep) {
        let said = match Node::start(&self.faulty("die", step)) {
            Ok(mut node) => {
                until(&format!("it dies after {step}"), REACHED_MAX, || {
                    self.keep_busy(&node);
                    !node.is_running()
                });
                node.said()
            }
            // While it starts it seals what the one before left.
            Err(said) => said,
        };
        assert!(said.contains(TOLD) && said.contains(&step.to_string()), "it died of something else: {said}");
    }

    /// Starts the program that stands still after this step, and kills it after the act.
    pub(crate) fn stands_still_after(&mut self, step: FileStep, act: impl FnOnce(&Path)) {
        let mut node = Node::start(&self.faulty("stall", step)).expect("a node");
        until(&format!("it stands still after {step}"), REACHED_MAX, || {
            self.keep_busy(&node);
            node.said().contains(TOLD)
        });
        act(&self.options.data);
        node.kill();
    }

    /// The program without faults gets everything done.
    pub(crate) fn finish(&mut self) {
        let mut node = Node::start(&self.options).expect("it starts again");
        if let Busy::Load { runtime, task, stop } = &mut self.busy {
            stop.cancel();
            let ended = task.take().map(|task| runtime.block_on(task));
            let report = ended.expect("publishers").expect("they end").expect("and write their journal");
            assert!(report.acknowledged > 300, "the test acknowledged nothing and shows nothing: {report:?}");
        }
        until("everything is moved", REACHED_MAX, || {
            let left = |folder: &str, ending: &str| files(&self.options.data.join(folder), ending);
            left("log", ".seg") <= SEGMENTS_LEFT && left("rows", ".rows") <= 1
        });
        until("what was there at the start is sealed", REACHED_MAX, || {
            metric(node.http, "nhip_rows_sealed_files").is_some_and(|files| files > 0.0)
        });
        assert!(node.stop().success(), "{}", node.said());
    }

    fn faulty(&self, act: &str, step: FileStep) -> NodeOptions {
        let mut options = self.options.clone().set("--fault", &format!("{act}:{step}"));
        let mutant = binary().with_file_name("nhip-mutant");
        assert!(mutant.exists(), "{} is not built: run cargo xtask test", mutant.display());
        options.program = Some(mutant);
        options
    }

    /// A message, a second later; it may die of it.
    fn keep_busy(&mut self, node: &Node) {
        match self.busy {
            Busy::Load { .. } => {}
            Busy::Stepped { .. } => self.step(node, SECOND),
            Busy::Batches { .. } if files(&self.options.data.join("log"), ".seg") > SEGMENTS_LEFT => {}
            Busy::Batches { .. } => self.publish_batch(node),
        }
    }

    /// Some segments full of messages; those of a batch that is not wholly acknowledged are not counted on.
    fn publish_batch(&mut self, node: &Node) {
        let (Busy::Batches { sequence }, Some(mqtt)) = (&mut self.busy, node.mqtt) else { return };
        let (first, time_ms) = (*sequence, SystemClock::system().0 / MILLISECOND);
        *sequence += BATCH_MESSAGES;
        let payload = |sequence: u64| {
            json!({"time": time_ms, "boot": 1, "sequence": sequence, "values": {"value": 7}}).to_string()
        };
        let batch: Vec<String> = (first..*sequence).map(payload).collect();
        let messages = batch.iter().map(|payload| ("nhip/v1/proof/load/load-0000", payload.as_bytes()));
        let sent = MqttWire::connect(mqtt, "batches").and_then(|mut wire| wire.publish_all(messages));
        if sent.is_ok() {
            (first..first + BATCH_MESSAGES).for_each(|sequence| note(&self.journal, sequence));
        }
    }

    /// Half a year of a stepped clock: messages of a few days of each month.
    fn live_through_months(&mut self) {
        let mut node = Node::start(&self.options).expect("a node");
        for _ in 0..MONTHS {
            for days in [1, 1, 28] {
                self.step(&node, days * DAY_NS);
            }
        }
        assert!(node.stop().success(), "{}", node.said());
    }

    /// Publishes one message of now, then steps the clock on.
    fn step(&mut self, node: &Node, span_ns: i64) {
        let (Busy::Stepped { sequence, now_ns }, Some(mqtt)) = (&mut self.busy, node.mqtt) else { return };
        let time_ms = *now_ns / MILLISECOND;
        let payload = json!({"time": time_ms, "boot": 1, "sequence": *sequence, "values": {"value": 7}});
        let (topic, payload) = ("nhip/v1/proof/load/load-0000", payload.to_string());
        let sent = MqttWire::connect(mqtt, "stepped")
            .and_then(|mut wire| wire.publish_all([(topic, payload.as_bytes())]));
        if sent.is_err() {
            return;
        }
        note(&self.journal, *sequence);
        *sequence += 1;
        let body = json!({"step_ms": span_ns / MILLISECOND}).to_string();
        let before = metric(node.http, "nhip_ingest_ticks_total");
        if post(node.http, "/clock", "application/json", body.as_bytes()).is_ok_and(|answer| answer.0 == 200)
        {
            *now_ns += span_ns;
            // Gone, or one Tick further.
            until("the step becomes a Tick", REACHED_MAX, || {
                let now = metric(node.http, "nhip_ingest_ticks_total");
                now.is_none() || now > before
            });
        }
    }
}

/// An acknowledged message of the one source that is published by hand.
fn note(journal: &Path, sequence: u64) {
    let mut journal = std::fs::File::options().create(true).append(true).open(journal).expect("a journal");
    writeln!(journal, "{}", json!({"source": "load-0000", "boot": 1, "sequence": sequence}))
        .expect("written");
}

/// Small files and short pauses, so that every step comes within seconds.
fn options(kind: Kind, directory: &Path, data: &Path, series_pause_seconds: u64) -> NodeOptions {
    let config = directory.join("nhip.toml");
    let text = format!(
        "snapshot_seconds = 1\n[log]\nsegment_kib = 64\n[archive]\nkeep_log_segments = 1\npause_seconds = 1\n\
         [series]\nrow_file_kib = 1\npause_seconds = {series_pause_seconds}\n"
    );
    std::fs::write(&config, text).expect("written");
    let options = NodeOptions::run(data).set("--config", &config.to_string_lossy());
    match kind {
        Kind::Sealing | Kind::Merging => options.set("--profile", "profiles/proof"),
        Kind::Rows | Kind::Days => options.set("--profile", &quick_profile(directory).to_string_lossy()),
        Kind::Months => {
            let start = jiff::Timestamp::from_second(START_NS / SECOND).expect("a time").to_string();
            options.set("--profile", "profiles/proof").set("--speed", "0").set("--clock", &start)
        }
    }
}

/// `profiles/proof` with more indicators.
fn quick_profile(directory: &Path) -> PathBuf {
    let profile = directory.join("profile");
    std::fs::create_dir_all(&profile).expect("a directory");
    let proof = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/proof");
    for entry in std::fs::read_dir(proof).expect("the profile").map(|entry| entry.expect("an entry")) {
        std::fs::copy(entry.path(), profile.join(entry.file_name())).expect("copied");
    }
    let mut quick = String::from("# Windows of a second.\n");
    for number in 0..QUICK_INDICATORS {
        write!(
            quick,
            "[[indicator]]\nid = \"load.quick_{number}\"\nname = {{ vi = \"Nhanh\", en = \"Quick\" }}\n\
             domain = \"load\"\nunit = \"vehicles\"\nscale = 0\nowner = \"Nhịp\"\nbasis = \"test\"\n\
             stream = \"load\"\nsum = \"value\"\nwindow = \"1s\"\ndirection = \"neutral\"\ncompleteness_min = 0.0\n\n\
             [[indicator.test]]\nname = \"a sum\"\nstory = '''\non 2026-11-21\n\
             at 07:00:00 load load-0000 value=5 seq=1 boot=1\nat 07:00:08 load load-0000 value=1 seq=2 boot=1\n\
             tick 07:02\nexpect load.quick_{number} proof 07:00:00 = 5 final\n'''\n\n"
        )
        .expect("a string takes it");
    }
    std::fs::write(profile.join("quick.toml"), quick).expect("written");
    profile
}

fn files(directory: &Path, ending: &str) -> usize {
    let names = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().ends_with(ending)).count()
}
