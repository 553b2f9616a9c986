//! Publishing over real sockets: nothing acknowledged is forgotten, nothing unacknowledged is lost, the same
//! identity goes out again after the server's death.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nhip_demo::load::{self, LoadConfig, LoadFormat, LoadTime};
use nhip_demo::{DemoConfig, PlannedKind, PublishConfig, publish, schedule};
use nhip_ports::Clock;
use nhip_ports::memory::SteppedClock;
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, EventTime, MINUTE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const MIDNIGHT: ArrivalTime = ArrivalTime(1_795_194_000_000_000_000);
/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A broker that takes every message, and cuts each connection after a number of them, the last
/// unacknowledged.
#[derive(Clone, Default)]
struct Broker {
    taken: Arc<Mutex<Vec<(String, Vec<u8>)>>>,
    acknowledged: Arc<Mutex<u64>>,
    connections: Arc<Mutex<u64>>,
    wills: Arc<Mutex<Vec<Vec<u8>>>>,
    cut_after: Option<u64>,
    command: Option<(String, Vec<u8>)>,
}

impl Broker {
    async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().serve(stream));
            }
        });
        address
    }

    async fn serve(self, mut stream: TcpStream) {
        *self.connections.lock().expect("lock") += 1;
        let mut own = 0;
        loop {
            let Some((first, body)) = packet(&mut stream).await else { return };
            let answer = match first >> 4 {
                1 => {
                    self.wills.lock().expect("lock").push(body);
                    vec![0x20, 2, 0, 0]
                }
                3 => {
                    let Some(answer) = self.take(first, &body, &mut own) else { return };
                    answer
                }
                8 => {
                    let mut answer = vec![0x90, 3, body[0], body[1], 1];
                    if let Some((topic, payload)) = &self.command {
                        answer.extend([0x30, (2 + topic.len() + payload.len()) as u8, 0, topic.len() as u8]);
                        answer.extend(topic.as_bytes());
                        answer.extend(payload);
                    }
                    answer
                }
                12 => vec![0xD0, 0],
                14 => return,
                other => panic!("packet type {other}"),
            };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    fn take(&self, first: u8, body: &[u8], own: &mut u64) -> Option<Vec<u8>> {
        let size = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = String::from_utf8(body[2..2 + size].to_vec()).expect("topics are UTF-8");
        let qos = first >> 1 & 3;
        let rest = &body[2 + size..];
        let payload = if qos == 0 { rest } else { &rest[2..] };
        self.taken.lock().expect("lock").push((topic, payload.to_vec()));
        if qos == 0 {
            return Some(Vec::new());
        }
        *own += 1;
        if self.cut_after.is_some_and(|after| *own > after) {
            return None;
        }
        *self.acknowledged.lock().expect("lock") += 1;
        Some(vec![0x40, 2, rest[0], rest[1]])
    }
}

async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let (mut size, mut shift) = (0_usize, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        size |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; size];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}

fn profile() -> Arc<Profile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/tay-ninh");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("the profile is in the tree") {
        let path = entry.expect("a directory can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(&path).expect("profile files are text")));
    }
    Arc::new(nhip_profile::load(&files).expect("the profile has no mistake"))
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SteppedClock::new(MIDNIGHT))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_survives_a_server_that_keeps_dying() {
    let broker = Broker { cut_after: Some(97), ..Broker::default() };
    let address = broker.clone().start().await;
    let directory = tempfile::tempdir().expect("a directory");
    let journal = directory.path().join("journal.jsonl");
    let mut config = LoadConfig::new(address, "t", "traffic", "count", clock());
    config.connections = 3;
    config.sources_per_connection = 2;
    config.messages = Some(2_000);
    config.inflight_max = 40;
    config.boot = 9;
    config.time = LoadTime::Fixed { start: EventTime(MIDNIGHT.0), step: MINUTE };
    config.journal = Some(journal.clone());
    let run = load::run(config, CancellationToken::new());
    let report = tokio::time::timeout(PATIENCE, run).await.expect("in time").expect("it works");
    assert_eq!((report.sent, report.acknowledged), (2_000, 2_000));
    assert!(report.reconnects >= 15 && report.resent > 0, "{report:?}");
    assert_eq!(report.sources.len(), 6);
    for source in &report.sources {
        assert!(source.sent == 333 || source.sent == 334, "{}", source.sent);
        assert_eq!(source.acknowledged.iter().collect::<Vec<_>>(), (0..source.sent).collect::<Vec<_>>());
    }
    let taken = broker.taken.lock().expect("lock").clone();
    let different: BTreeSet<_> = taken.iter().collect();
    assert_eq!(different.len(), 2_000, "a message went out again with other bytes");
    assert!(taken.len() > 2_000 && taken.iter().all(|(_, payload)| payload.len() == 200));
    let lines = std::fs::read_to_string(journal).expect("the journal");
    let lines: BTreeSet<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 2_000);
    assert!(lines.contains(r#"{"source":"load-0000","boot":9,"sequence":0}"#));
}

#[tokio::test]
async fn a_load_keeps_its_rate_and_its_size_in_json_too() {
    let broker = Broker::default();
    let address = broker.clone().start().await;
    let mut config = LoadConfig::new(address, "t", "air", "pm25", clock());
    config.connections = 2;
    config.messages = Some(100);
    config.rate_per_s = Some(200.0);
    config.format = LoadFormat::Json;
    let run = load::run(config, CancellationToken::new());
    let report = tokio::time::timeout(PATIENCE, run).await.expect("in time").expect("it works");
    // The fiftieth message of each connection is due after 49 / 100 seconds.
    assert!(report.elapsed >= Duration::from_millis(480), "{:?}", report.elapsed);
    assert_eq!(report.latencies.count(), 100);
    let taken = broker.taken.lock().expect("lock").clone();
    assert!(taken.iter().all(|(_, payload)| payload.len() == 200));
    let parsed: serde_json::Value = serde_json::from_slice(&taken[0].1).expect("JSON");
    assert_eq!((&parsed["boot"], &parsed["sequence"]), (&1.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_tells_its_past_and_ends() {
    let broker = Broker::default();
    let address = broker.clone().start().await;
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = DemoConfig::new(address, 3);
    config.live = false;
    config.backlog_hours = 3;
    config.journal = Some(directory.path().join("journal.jsonl"));
    let run = nhip_demo::run(config.clone(), profile(), clock(), CancellationToken::new());
    let report = tokio::time::timeout(PATIENCE, run).await.expect("in time").expect("it works");
    let taken = broker.taken.lock().expect("lock").len() as u64;
    assert_eq!(report.sent.values().sum::<u64>(), taken);
    assert_eq!(report.acknowledged, *broker.acknowledged.lock().expect("lock"));
    assert!(report.sent.contains_key(&PlannedKind::Backlog) && report.sent.contains_key(&PlannedKind::Birth));
    assert!(taken > 3_000 && report.reconnects == 0, "{report:?}");
    let journal = std::fs::read_to_string(config.journal.expect("set above")).expect("the journal");
    let count = |start: &str| journal.lines().filter(|line| line.starts_with(start)).count() as u64;
    assert_eq!((count("{\"sent\""), count("{\"acked\"")), (taken, report.acknowledged));
    let numbers: BTreeSet<&str> = journal.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(numbers.len() as u64, taken + report.acknowledged, "numbers are counted over all connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_lives_by_its_clock_and_answers_a_rebirth_request() {
    // Node Control/Rebirth = true, by hand: metrics { name, datatype 11, boolean_value true }.
    let mut metric = vec![0x0A, 20];
    metric.extend(b"Node Control/Rebirth");
    metric.extend([0x20, 11, 0x70, 1]);
    let mut payload = vec![0x12, metric.len() as u8];
    payload.extend(metric);
    let command = Some(("spBv1.0/tay-ninh/NCMD/tn-gw-01".to_owned(), payload));
    let broker = Broker { command, ..Broker::default() };
    let address = broker.clone().start().await;
    let mut config = DemoConfig::new(address, 3);
    config.backlog_hours = 1;
    let (clock, stop) = (clock(), CancellationToken::new());
    let run = tokio::spawn(nhip_demo::run(config, profile(), Arc::clone(&clock), stop.clone()));
    let alive = async {
        loop {
            clock.step(MINUTE).expect("a stepped clock");
            let topics: BTreeMap<String, usize> =
                broker.taken.lock().expect("lock").iter().fold(BTreeMap::new(), |mut all, (topic, _)| {
                    *all.entry(topic.clone()).or_default() += 1;
                    all
                });
            let births = topics.get("spBv1.0/tay-ninh/NBIRTH/tn-gw-01").copied().unwrap_or(0);
            let deaths = *broker.connections.lock().expect("lock") > 11;
            if topics.values().sum::<usize>() > 30_000 && births > 2 && deaths {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, alive).await.expect("the demo lives");
    stop.cancel();
    let report =
        tokio::time::timeout(PATIENCE, run).await.expect("in time").expect("no panic").expect("works");
    assert!(report.rebirths >= 1, "{report:?}");
    assert!(report.sent.get(&PlannedKind::Regular).is_some_and(|count| *count > 10_000), "{report:?}");
    assert!(report.sent.get(&PlannedKind::Death).is_some_and(|count| *count >= 1) && report.reconnects >= 1);
    let wills = broker.wills.lock().expect("lock").clone();
    let dying = wills.iter().filter(|hello| contains(hello, b"spBv1.0/tay-ninh/NDEATH/tn-gw-0"));
    let different: BTreeSet<_> = dying.collect();
    assert!(different.len() >= 3, "a reconnect must carry the next bdSeq in its will");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_ready_plan_goes_out_in_its_order() {
    let broker = Broker { cut_after: Some(500), ..Broker::default() };
    let address = broker.clone().start().await;
    let mut plan = schedule(&profile(), 3, MIDNIGHT, MIDNIGHT.plus(3 * MINUTE));
    plan.retain(|message| message.qos == 1);
    let directory = tempfile::tempdir().expect("a directory");
    let journal = directory.path().join("journal.jsonl");
    let config = PublishConfig {
        server: address,
        login: None,
        client: "plan".to_owned(),
        inflight_max: 20,
        journal: Some(journal.clone()),
    };
    let clock: Arc<dyn Clock> = Arc::new(SteppedClock::new(MIDNIGHT.plus(3 * MINUTE)));
    let run = publish(config, plan.clone(), clock, CancellationToken::new());
    let counts = tokio::time::timeout(PATIENCE, run).await.expect("in time").expect("it works");
    assert_eq!(counts.acknowledged, plan.len() as u64);
    let sent = std::fs::read_to_string(journal).expect("the journal");
    let topics = sent.lines().filter(|line| line.starts_with("{\"sent\"")).map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["topic"].as_str().map(str::to_owned)
    });
    assert!(topics.eq(plan.iter().map(|message| Some(message.topic.clone()))), "another order");
    assert!(broker.taken.lock().expect("lock").len() > plan.len(), "nothing was sent again");
}
