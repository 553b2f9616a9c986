//! The keeper of retention over ports in memory: which keys go when, and what the log says of it.

use std::sync::Arc;
use std::time::Duration;

use nhip_ingest::{DESTROY_KEYS, IngestRoom, IngestSettings, KEYS_PER_PASS_MAX};
use nhip_ports::memory::{MemoryKeys, SteppedClock};
use nhip_ports::{Clock, Destruction, Intake, KeyClass, KeyStore};
use nhip_profile::{Label, Profile, Retention, RetentionOf, Validity};
use nhip_proto::{ArrivalTime, Command, Record, SECOND, Span, StreamId};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::stage::{MIDNIGHT, StageLog, delivery, profile};

const DAY: Span = 86_400 * SECOND;
const UNDER: &str = "stream camera: sealed_days = 30; QĐ 7";

struct Kept {
    room: Arc<IngestRoom>,
    log: Arc<StageLog>,
    keys: Arc<MemoryKeys>,
    clock: Arc<SteppedClock>,
    profile: watch::Sender<Arc<Profile>>,
    keeping: Option<JoinHandle<()>>,
}

fn rule(of: RetentionOf, sealed_days: u16, valid: Validity) -> Retention {
    Retention { of, sealed_days, document: "QĐ 7".to_owned(), valid, note: Label::default() }
}

fn of_stream(stream: &str, sealed_days: u16) -> Retention {
    rule(RetentionOf::Stream(StreamId::new(stream)), sealed_days, Validity::default())
}

fn with_rules(rules: Vec<Retention>) -> Arc<Profile> {
    let mut profile = profile();
    profile.hash = [rules.len() as u8; 16];
    profile.retentions = rules;
    Arc::new(profile)
}

impl Kept {
    fn new(rules: Vec<Retention>) -> Self {
        let (log, keys) = (StageLog::open(), Arc::new(MemoryKeys::default()));
        let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
        let profile = with_rules(rules);
        let settings = IngestSettings::default();
        let room = IngestRoom::new(settings, profile.clone(), log.clone(), keys.clone(), clock.clone());
        Self { room: Arc::new(room), log, keys, clock, profile: watch::channel(profile).0, keeping: None }
    }

    fn keep(&mut self) {
        let (room, profile) = (self.room.clone(), self.profile.subscribe());
        self.keeping = Some(tokio::spawn(async move {
            room.keep_retention(profile, CancellationToken::new()).await.expect("kept");
        }));
    }

    async fn submit(&self, topic: &str) {
        let durable = self.room.submit(vec![delivery(topic, "{}")]).await.expect("taken");
        durable.wait().await.expect("durable");
    }

    /// A Tick at this time, and time enough for the keeper to see it.
    async fn tick_at(&self, at: i64) {
        self.clock.step(at - self.clock.now().0).expect("forward");
        self.room.tick().await.expect("durable");
        // The clock of the runtime is paused: this waits for nothing but the keeper.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    async fn living(&self) -> Vec<String> {
        self.keys.ids().await.expect("a list")
    }

    fn commands(&self) -> Vec<Command> {
        let command = |record| if let Record::Command(command) = record { Some(*command) } else { None };
        self.log.records().into_iter().filter_map(command).collect()
    }
}

const AIR: &str = "nhip/v1/tay-ninh/air/KK01";
const CAMERA: &str = "nhip/v1/tay-ninh/camera/c1";

#[tokio::test(start_paused = true)]
async fn a_key_goes_whole_days_after_its_day_and_the_log_says_so() {
    let mut kept = Kept::new(vec![of_stream("camera", 30)]);
    kept.keep();
    kept.submit(AIR).await;
    kept.submit(CAMERA).await;
    kept.submit("nobody/knows").await;
    let all = ["camera/2026-11-21", "machine/2026-11-21", "unrouted/2026-11-21"];
    kept.tick_at(MIDNIGHT + 31 * DAY - SECOND).await;
    assert_eq!(kept.living().await, all, "30 whole days after the day they were made in");
    assert!(kept.commands().is_empty());
    kept.tick_at(MIDNIGHT + 31 * DAY).await;
    assert_eq!(kept.living().await, all[1..], "what has no rule is kept for ever");
    let commands = kept.commands();
    let [command] = commands.as_slice() else { panic!("one Command: {commands:?}") };
    assert_eq!((command.verb.as_str(), command.author.as_str()), (DESTROY_KEYS, "retention"));
    let subject: Value = serde_json::from_str(&command.subject).expect("JSON");
    let at_ns = MIDNIGHT + 31 * DAY;
    assert_eq!(subject, json!({ "keys": ["camera/2026-11-21"], "at_ns": at_ns, "under": UNDER }));
    let listed = kept.keys.destroyed().await.expect("a list");
    let offset = kept.log.records().iter().position(|record| matches!(record, Record::Command(_)));
    assert_eq!(listed[0].logged.map(|offset| offset.0), offset.map(|at| at as u64));
    kept.tick_at(MIDNIGHT + 40 * DAY).await;
    assert_eq!(kept.commands().len(), 1, "once");
}

#[tokio::test(start_paused = true)]
async fn a_shared_key_lives_as_long_as_the_longest_of_its_streams() {
    let class = |days| rule(RetentionOf::KeyClass("machine".to_owned()), days, Validity::default());
    let mut shared = profile();
    let mut noise = crate::stage::stream("noise");
    noise.open = true;
    shared = shared.with_stream(noise);
    let day = MIDNIGHT + 31 * DAY;
    let due = |rules: Vec<Retention>, at: i64| {
        let mut profile = shared.clone();
        profile.retentions = rules;
        let ids = ["machine/2026-11-21".to_owned(), "machine+2/2026-11-21".to_owned()];
        nhip_ingest::due_keys(&profile, &ids, ArrivalTime(at)).len()
    };
    assert_eq!(
        due(vec![of_stream("air", 30)], day + 400 * DAY),
        0,
        "noise is sealed with it, and has no rule"
    );
    assert_eq!(due(vec![of_stream("air", 30), of_stream("noise", 90)], day), 0, "noise is not expired");
    assert_eq!(
        due(vec![of_stream("air", 30), of_stream("noise", 90)], day + 60 * DAY),
        2,
        "both generations"
    );
    assert_eq!(
        due(vec![of_stream("air", 30), class(90)], day),
        0,
        "the class is for those without their own"
    );
    assert_eq!(due(vec![class(30)], day), 2);
    let past = Validity { from: None, to: Some(jiff::civil::date(2026, 12, 1)) };
    let ended = rule(RetentionOf::KeyClass("machine".to_owned()), 30, past);
    assert_eq!(due(vec![ended], day), 0, "a rule that no longer holds destroys nothing");
}

#[tokio::test(start_paused = true)]
async fn a_new_rule_is_followed_at_once_and_in_portions() {
    let mut kept = Kept::new(Vec::new());
    let class = KeyClass { class: "camera".to_owned(), case: String::new() };
    let days = 2 * KEYS_PER_PASS_MAX as i64 + 5;
    for day in 0..days {
        kept.keys.current(&class, ArrivalTime(MIDNIGHT + day * DAY)).await.expect("a key");
    }
    kept.keep();
    kept.tick_at(MIDNIGHT + (days + 30) * DAY).await;
    assert_eq!(kept.living().await.len() as i64, days);
    kept.profile.send_replace(with_rules(vec![of_stream("camera", 30)]));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(kept.living().await, Vec::<String>::new());
    let keys = |command: &Command| {
        let subject: Value = serde_json::from_str(&command.subject).expect("JSON");
        subject["keys"].as_array().map_or(0, Vec::len)
    };
    let told: Vec<usize> = kept.commands().iter().map(keys).collect();
    assert_eq!(told, [KEYS_PER_PASS_MAX, KEYS_PER_PASS_MAX, 5]);
}

#[tokio::test(start_paused = true)]
async fn what_was_destroyed_and_not_logged_is_logged_at_the_start() {
    let mut kept = Kept::new(Vec::new());
    kept.submit(CAMERA).await;
    let id = "camera/2026-11-21".to_owned();
    let why =
        Destruction { at: ArrivalTime(MIDNIGHT), under: "a reason".to_owned(), author: "me".to_owned() };
    kept.keys.destroy(std::slice::from_ref(&id), &why).await.expect("destroyed");
    kept.keep();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let first = kept.commands();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].author, "me");
    // The log of a restored backup ends before the record the list names.
    kept.keys.note_logged(std::slice::from_ref(&id), nhip_proto::Offset(1_000)).await.expect("noted");
    kept.keeping.take().expect("it keeps").abort();
    kept.keep();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let commands = kept.commands();
    assert_eq!(commands.len(), 2, "told again");
    assert_eq!(commands[0].id, commands[1].id, "with the same id, which acts once");
}
