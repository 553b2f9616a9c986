//! What every ingest link promises: acknowledged only after durable, in order, and only on the connection
//! that brought it. Each function takes a factory of a fresh link and its other side.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::memory::RecordingIntake;
use crate::{IngestLink, LinkError};

/// The topic the other side sends to.
pub const TOPIC: &str = "nhip/v1/contract/test/one";
/// How long a promise may take to be kept.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the suite watches for an acknowledgement that must not come. Longer finds more, never fails
/// falsely.
const WATCH: Duration = Duration::from_millis(60);
const POLL: Duration = Duration::from_millis(2);

/// The other side of a link: a device in front of an endpoint, a broker behind a subscriber.
#[async_trait]
pub trait Peer: Send {
    /// Opens a connection; when it returns, messages can be sent.
    async fn connect(&mut self);

    /// Sends QoS 1 messages to [`TOPIC`], each with its packet id and payload, in one write.
    async fn send(&mut self, messages: &[(u16, String)]);

    /// Breaks the connection without a word.
    async fn break_connection(&mut self);

    /// Packet ids acknowledged on the current connection so far, in order. Does not wait for more.
    async fn acknowledged(&mut self) -> Vec<u16>;
}

/// A link that has not run yet, and its other side.
pub struct Bench {
    /// The link.
    pub link: Arc<dyn IngestLink>,
    /// Its other side.
    pub peer: Box<dyn Peer>,
}

/// A link in motion.
struct Running {
    peer: Box<dyn Peer>,
    link: Arc<dyn IngestLink>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), LinkError>>,
}

/// The whole suite.
pub async fn all(make: impl AsyncFn() -> Bench) {
    acknowledges_after_durable(&make).await;
    acknowledges_in_order(&make).await;
    keeps_several_submits_in_flight(&make).await;
    drops_acknowledgements_of_an_older_epoch(&make).await;
    never_acknowledges_what_failed(&make).await;
    gives_up_when_refused(&make).await;
    stops_when_told(&make).await;
}

/// No acknowledgement before the delivery is durable, one after.
pub async fn acknowledges_after_durable(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    running.peer.send(&messages(1..=3)).await;
    intake.until("three deliveries", |seen| seen.deliveries.len() == 3).await;
    silent(&mut running, &[], "nothing is durable yet").await;
    intake.settle_all();
    acknowledged(&mut running, &[1, 2, 3]).await;
    let seen = intake.recorded();
    assert_eq!(seen.payloads(), ["m1", "m2", "m3"], "payloads, whole and in order");
    assert!(seen.deliveries.iter().all(|delivery| delivery.topic == TOPIC), "the topic as sent");
    assert!(seen.deliveries.iter().all(|delivery| delivery.dedication.qos == 1), "QoS 1 as sent");
    assert_eq!(running.link.state().delivered, 3, "state counts the deliveries");
    assert!(running.link.state().up, "state says connected");
    finish(running).await;
}

/// Acknowledgements come in the order of receipt even if a later submit is durable first.
pub async fn acknowledges_in_order(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    for id in 1..=4 {
        running.peer.send(&messages(id..=id)).await;
        intake.until("one more delivery", |seen| seen.deliveries.len() == usize::from(id)).await;
    }
    assert!(intake.waiting() >= 2, "sent one by one, they stand in several submits");
    while intake.waiting() > 1 {
        intake.settle_newest();
    }
    silent(&mut running, &[], "the oldest submit is not durable").await;
    intake.settle_all();
    acknowledged(&mut running, &[1, 2, 3, 4]).await;
    finish(running).await;
}

/// A submit that waits for the disk does not keep the next one from being submitted.
pub async fn keeps_several_submits_in_flight(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    running.peer.send(&messages(1..=1)).await;
    intake.until("the first", |seen| seen.deliveries.len() == 1).await;
    running.peer.send(&messages(2..=2)).await;
    intake.until("the second while the first waits", |seen| seen.deliveries.len() == 2).await;
    assert_eq!(intake.waiting(), 2, "two submits in flight");
    intake.settle_oldest();
    acknowledged(&mut running, &[1]).await;
    silent(&mut running, &[1], "the second is not durable yet").await;
    intake.settle_all();
    acknowledged(&mut running, &[1, 2]).await;
    finish(running).await;
}

/// What an older connection brought is never acknowledged on the next one, even with the same packet id.
pub async fn drops_acknowledgements_of_an_older_epoch(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    running.peer.send(&messages(1..=2)).await;
    intake.until("two deliveries of the first connection", |seen| seen.deliveries.len() == 2).await;
    running.peer.break_connection().await;
    running.peer.connect().await;
    // The packet id 1 now means another message.
    running.peer.send(&[(1, "other".to_owned())]).await;
    intake.until("the delivery of the second connection", |seen| seen.deliveries.len() == 3).await;
    let seen = intake.recorded();
    let (first, second) = (&seen.deliveries[0], &seen.deliveries[2]);
    assert!(second.epoch > first.epoch, "epochs count up: {} then {}", first.epoch, second.epoch);
    while intake.waiting() > 1 {
        intake.settle_oldest();
    }
    silent(&mut running, &[], "only what the older connection brought is durable").await;
    intake.settle_all();
    acknowledged(&mut running, &[1]).await;
    finish(running).await;
}

/// What could not be made durable is never acknowledged, nor anything after it; the link gives up.
pub async fn never_acknowledges_what_failed(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    running.peer.send(&messages(1..=2)).await;
    intake.until("two deliveries", |seen| seen.deliveries.len() == 2).await;
    intake.fail_all();
    silent(&mut running, &[], "the log failed").await;
    match ended(&mut running.task).await {
        Err(LinkError::Refused(_)) => {}
        other => panic!("a link whose intake failed must end with Refused, ended with {other:?}"),
    }
}

/// An intake that refuses ends the link; nothing is acknowledged.
pub async fn gives_up_when_refused(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    intake.refuse();
    running.peer.send(&messages(1..=1)).await;
    silent(&mut running, &[], "the intake refused").await;
    match ended(&mut running.task).await {
        Err(LinkError::Refused(_)) => {}
        other => panic!("a refused link must end with Refused, ended with {other:?}"),
    }
}

/// `run` returns `Ok` soon after it was told to stop, whatever is still in flight.
pub async fn stops_when_told(make: &impl AsyncFn() -> Bench) {
    let intake = RecordingIntake::holding();
    let mut running = start(make, &intake).await;
    running.peer.send(&messages(1..=1)).await;
    intake.until("one delivery", |seen| seen.deliveries.len() == 1).await;
    running.stop.cancel();
    if let Err(error) = ended(&mut running.task).await {
        panic!("stopping is no error: {error}");
    }
}

async fn start(make: &impl AsyncFn() -> Bench, intake: &Arc<RecordingIntake>) -> Running {
    let Bench { link, mut peer } = make().await;
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (link, stop) = (Arc::clone(&link), stop.clone());
        let intake: Arc<RecordingIntake> = Arc::clone(intake);
        async move { link.run(intake, stop).await }
    });
    tokio::time::timeout(PATIENCE, peer.connect()).await.expect("the link connects in time");
    Running { peer, link, stop, task }
}

async fn finish(mut running: Running) {
    running.stop.cancel();
    if let Err(error) = ended(&mut running.task).await {
        panic!("stopping is no error: {error}");
    }
}

async fn ended(task: &mut JoinHandle<Result<(), LinkError>>) -> Result<(), LinkError> {
    tokio::time::timeout(PATIENCE, task)
        .await
        .expect("the link ends in time")
        .expect("the link does not panic")
}

/// Waits until exactly these ids are acknowledged.
async fn acknowledged(running: &mut Running, expected: &[u16]) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let seen = running.peer.acknowledged().await;
        assert!(expected.starts_with(&seen), "acknowledged {seen:?}, expected {expected:?}");
        if seen == expected {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "acknowledged only {seen:?} of {expected:?} in time");
        tokio::time::sleep(POLL).await;
    }
}

/// Watches that no more than these ids are acknowledged.
async fn silent(running: &mut Running, expected: &[u16], because: &str) {
    let deadline = tokio::time::Instant::now() + WATCH;
    while tokio::time::Instant::now() < deadline {
        let seen = running.peer.acknowledged().await;
        assert_eq!(seen, expected, "acknowledged too much: {because}");
        tokio::time::sleep(POLL).await;
    }
}

fn messages(ids: std::ops::RangeInclusive<u16>) -> Vec<(u16, String)> {
    ids.map(|id| (id, format!("m{id}"))).collect()
}
