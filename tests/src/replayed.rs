//! A plan published to a node whose clock is stepped along, then every final figure and the ledger beside the oracle's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nhip_demo::{Planned, PublishConfig, publish};
use nhip_ports::Clock;
use nhip_ports::memory::SteppedClock;
use nhip_proto::{ArrivalTime, Span};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::http::{get_json, metric};
use crate::node::{NodeOptions, binary};
use crate::oracle::Oracle;
use crate::stepped::SteppedNode;
use crate::wait::until;

/// How long the messages of one step may take into the log (a loaded test machine, an unoptimised build).
const LOGGED_MAX: Duration = Duration::from_secs(120);
/// Steps after the last message, so that every window closes.
const LAST_STEPS: usize = 4;
/// What the ledger counts.
const COUNTED: [&str; 9] = [
    "received",
    "decoded",
    "rejected",
    "items",
    "applied",
    "duplicate",
    "conflicting",
    "late",
    "item_rejected",
];

/// A plan, and how to play it.
#[derive(Debug)]
pub struct Replayed<'a> {
    /// The folder of the profile, from the root of the tree.
    pub profile: &'a str,
    /// Messages by time.
    pub plan: Vec<Planned>,
    /// The clock moves by this much; all messages of a step come after it.
    pub step: Span,
    /// Whether a delivery is as many messages as it has readings (`each` of its route).
    pub split: bool,
}

/// What the node said after the last message.
#[derive(Debug)]
pub struct Account {
    /// `/api/v1/ledger`.
    pub ledger: Value,
    /// `/api/v1/rejections`, the newest 1,000.
    pub rejections: Vec<Value>,
}

impl Replayed<'_> {
    /// Publishes everything to a new node in `directory` through its own MQTT endpoint, and stops it.
    #[must_use]
    pub fn play(&self, directory: &Path) -> Account {
        let first = self.plan.first().expect("a message").at.0;
        let start = ArrivalTime(first - first.rem_euclid(self.step) - self.step);
        let options = NodeOptions::run(&directory.join("data")).set("--profile", self.profile);
        let mut stepped = SteppedNode::start(options, start).expect("a node");
        let clock = Arc::new(SteppedClock::new(start));
        let config = PublishConfig {
            server: stepped.node.mqtt.expect("an MQTT endpoint"),
            login: None,
            client: "replayed".to_owned(),
            inflight_max: 200,
            journal: Some(directory.join("journal.jsonl")),
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let publishing = publish(config, self.plan.clone(), clock.clone(), CancellationToken::new());
        let publisher = runtime.spawn(publishing);
        let last = self.plan.last().expect("a message").at;
        while clock.now() < last {
            stepped.step_to(stepped.now().plus(self.step));
            clock.step(self.step).expect("a step forward");
            let due = self.due(clock.now());
            until("the step's messages are in the log", LOGGED_MAX, || {
                metric(stepped.node.http, "nhip_ingest_messages_total").unwrap_or(0.0) >= due
            });
            stepped.settle();
        }
        runtime.block_on(publisher).expect("the publisher ends").expect("and wrote its journal");
        for _ in 0..LAST_STEPS {
            stepped.step_to(stepped.now().plus(self.step));
        }
        let ledger = get_json(stepped.node.http, "/api/v1/ledger?limit=5000");
        let rejections = get_json(stepped.node.http, "/api/v1/rejections?limit=1000");
        assert!(stepped.node.stop().success(), "{}", stepped.node.said());
        let rejections = rejections["items"].as_array().cloned().unwrap_or_default();
        Account { ledger, rejections }
    }

    fn due(&self, now: ArrivalTime) -> f64 {
        let sent = self.plan.iter().take_while(|message| message.at <= now);
        sent.map(|message| if self.split { f64::from(message.readings) } else { 1.0 }).sum()
    }

    /// Compares all final rows and the ledger with the oracle's; returns what the comparison said.
    ///
    /// # Panics
    /// With every difference.
    #[must_use]
    pub fn compare(&self, directory: &Path, oracle: &Oracle, account: &Account) -> String {
        let rows = Command::new(binary())
            .args(["log", "rows", "--data"])
            .arg(directory.join("data"))
            .output()
            .expect("the program runs");
        assert!(rows.status.success(), "{}", String::from_utf8_lossy(&rows.stderr));
        let path = |name: &str| directory.join(name);
        let (actual, expected, ledger) = (path("actual.jsonl"), path("expected.jsonl"), path("ledger.json"));
        std::fs::write(&actual, &rows.stdout).expect("rows");
        let profile: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.profile);
        let journal = path("journal.jsonl");
        let named = |flag: &'static str, path: &Path| [PathBuf::from(flag), path.to_path_buf()];
        let arguments = [
            named("--profile", &profile),
            named("--journal", &journal),
            named("--out", &expected),
            named("--ledger", &ledger),
        ]
        .concat();
        let arguments: Vec<&Path> = arguments.iter().map(PathBuf::as_path).collect();
        oracle.run("oracle.py", &arguments).unwrap_or_else(|said| panic!("{}: {said}", self.profile));
        let said = oracle
            .run("compare.py", &[&expected, &actual])
            .unwrap_or_else(|said| panic!("{}: {said}", self.profile));
        let expected = std::fs::read_to_string(&ledger).expect("the oracle's ledger");
        account.assert_ledger(&serde_json::from_str(&expected).expect("JSON"));
        said
    }
}

impl Account {
    /// A count of the whole ledger.
    #[must_use]
    pub fn total(&self, class: &str) -> u64 {
        self.ledger["total"][class]
            .as_u64()
            .unwrap_or_else(|| panic!("no {class} in {}", self.ledger["total"]))
    }

    /// How many items of the whole ledger were rejected for a reason.
    #[must_use]
    pub fn for_reason(&self, reason: &str) -> u64 {
        self.ledger["total"]["item_reasons"][reason].as_u64().unwrap_or_else(|| panic!("no reason {reason}"))
    }

    /// Of the rejections told, how many are items rejected for this reason at this field.
    #[must_use]
    pub fn rejected(&self, reason: &str, field: &str) -> usize {
        let told = |line: &&Value| line["reason"] == reason && line["field"] == field;
        self.rejections.iter().filter(told).count()
    }

    fn assert_ledger(&self, expected: &BTreeMap<String, BTreeMap<String, u64>>) {
        let lines = self.ledger["items"].as_array().expect("lines");
        let of = |line: &Value| -> Vec<u64> {
            COUNTED.iter().map(|class| line[class].as_u64().unwrap_or(0)).collect()
        };
        let heard = |line: &&Value| line["received"].as_u64() != Some(0);
        let actual: BTreeMap<String, Vec<u64>> = lines
            .iter()
            .filter(heard)
            .map(|line| (line["source"].as_str().unwrap_or("").to_owned(), of(line)))
            .collect();
        let wanted: BTreeMap<String, Vec<u64>> = expected
            .iter()
            .map(|(source, counts)| {
                let count = |class: &&str| counts.get(*class).copied().unwrap_or(0);
                (source.clone(), COUNTED.iter().map(count).collect())
            })
            .collect();
        assert_eq!(actual, wanted, "the ledger by source: {COUNTED:?}");
        let balances = lines.iter().chain([&self.ledger["total"]]).all(|line| line["balances"] == true);
        assert!(balances, "every line of the ledger adds up");
    }
}
