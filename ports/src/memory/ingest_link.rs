//! A scripted link and an intake that records what it gets and settles it on command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use nhip_proto::{LinkState, Offset};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Appended, Commit, Delivery, Durable, GapNotice, IngestLink, Intake, LinkError, LogError, Refused,
};

/// How long [`RecordingIntake::until`] waits for its condition.
pub const UNTIL_S_MAX: u64 = 20;
/// Steps and submits a [`ScriptedLink`] holds at most.
const SCRIPT_STEPS_MAX: usize = 1_024;

/// What a [`RecordingIntake`] has seen.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Every delivery, in the order in which `submit` was entered.
    pub deliveries: Vec<Delivery>,
    /// Deliveries per submit.
    pub submits: Vec<usize>,
    /// Gaps noticed.
    pub gaps: Vec<GapNotice>,
}

impl Recorded {
    /// The payloads as text, in order.
    #[must_use]
    pub fn payloads(&self) -> Vec<String> {
        self.deliveries
            .iter()
            .map(|delivery| String::from_utf8_lossy(&delivery.payload).into_owned())
            .collect()
    }
}

#[derive(Debug, Default)]
struct Inside {
    recorded: Recorded,
    waiting: VecDeque<(Appended, oneshot::Sender<Result<Appended, LogError>>)>,
    holding: bool,
    refusing: bool,
    offset: u64,
}

/// An intake for tests. It settles each submit at once, or holds it until told.
#[derive(Debug)]
pub struct RecordingIntake {
    inside: Mutex<Inside>,
    changed: watch::Sender<u64>,
    open: watch::Sender<bool>,
}

impl RecordingIntake {
    /// Durable at once.
    #[must_use]
    pub fn settling() -> Arc<Self> {
        Self::build(false)
    }

    /// Durable only on command.
    #[must_use]
    pub fn holding() -> Arc<Self> {
        Self::build(true)
    }

    fn build(holding: bool) -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::new(Inside { holding, ..Inside::default() }),
            changed: watch::Sender::new(0),
            open: watch::Sender::new(true),
        })
    }

    /// What it has seen.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        self.lock().recorded.clone()
    }

    /// Submits not yet settled.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// From now on submits are held (or settled at once); what is held stays held.
    pub fn hold(&self, holding: bool) {
        self.lock().holding = holding;
    }

    /// From now on `submit` and `gap` refuse.
    pub fn refuse(&self) {
        self.lock().refusing = true;
    }

    /// Closed: `submit` waits, as it does while the queue is at its bound.
    pub fn door(&self, open: bool) {
        self.open.send_replace(open);
    }

    /// Makes the oldest held submit durable; false if there is none.
    pub fn settle_oldest(&self) -> bool {
        let held = self.lock().waiting.pop_front();
        settle(held, Ok(()))
    }

    /// Makes the newest held submit durable; false if there is none.
    pub fn settle_newest(&self) -> bool {
        let held = self.lock().waiting.pop_back();
        settle(held, Ok(()))
    }

    /// Makes everything held durable, oldest first.
    pub fn settle_all(&self) {
        while self.settle_oldest() {}
    }

    /// Fails everything held: it never becomes durable.
    pub fn fail_all(&self) {
        loop {
            let held = self.lock().waiting.pop_front();
            if !settle(held, Err(LogError::Failed("told to".to_owned()))) {
                return;
            }
        }
    }

    /// Waits until a condition on what was seen holds.
    ///
    /// # Panics
    /// With `what` and what was seen when it does not hold within [`UNTIL_S_MAX`] seconds.
    pub async fn until(&self, what: &str, condition: impl Fn(&Recorded) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            loop {
                changed.borrow_and_update();
                if condition(&self.lock().recorded) {
                    return;
                }
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(UNTIL_S_MAX), wait).await.is_err() {
            let seen = self.recorded();
            let first: Vec<String> = seen.payloads().into_iter().take(20).collect();
            panic!(
                "waited {UNTIL_S_MAX} s for: {what}; seen {} deliveries (first {first:?}), gaps {:?}",
                seen.deliveries.len(),
                seen.gaps
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settle(
    held: Option<(Appended, oneshot::Sender<Result<Appended, LogError>>)>,
    outcome: Result<(), LogError>,
) -> bool {
    let Some((appended, sender)) = held else { return false };
    // A link that no longer waits (its connection is gone) is fine.
    drop(sender.send(outcome.map(|()| appended)));
    true
}

#[async_trait]
impl Intake for RecordingIntake {
    async fn submit(&self, deliveries: Vec<Delivery>) -> Result<Durable, Refused> {
        let mut open = self.open.subscribe();
        if open.wait_for(|open| *open).await.is_err() {
            return Err(Refused::Stopping);
        }
        let (sender, commit) = Commit::pair();
        {
            let mut inside = self.lock();
            if inside.refusing {
                return Err(Refused::Stopping);
            }
            let count = deliveries.len() as u64;
            let appended = Appended { first: Offset(inside.offset), count };
            inside.offset += count;
            inside.recorded.submits.push(deliveries.len());
            inside.recorded.deliveries.extend(deliveries);
            if inside.holding {
                inside.waiting.push_back((appended, sender));
            } else {
                settle(Some((appended, sender)), Ok(()));
            }
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(Durable::new(commit))
    }

    async fn gap(&self, notice: GapNotice) -> Result<(), Refused> {
        {
            let mut inside = self.lock();
            if inside.refusing {
                return Err(Refused::Stopping);
            }
            inside.recorded.gaps.push(notice);
        }
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }
}

enum Step {
    Connect,
    Deliver(Vec<(u16, Delivery)>),
    Break,
}

/// A link whose other side is a script: the plainest one that keeps the port's promise.
pub struct ScriptedLink {
    name: String,
    steps: tokio::sync::Mutex<mpsc::Receiver<Step>>,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    epoch: u64,
    up: bool,
    delivered: u64,
    acknowledged: Vec<(u64, u16)>,
}

/// Drives a [`ScriptedLink`].
pub struct Script {
    steps: mpsc::Sender<Step>,
    link: Arc<ScriptedLink>,
}

impl ScriptedLink {
    /// A link and its script.
    #[must_use]
    pub fn new(name: &str) -> (Arc<Self>, Script) {
        let (sender, receiver) = mpsc::channel(SCRIPT_STEPS_MAX);
        let link = Arc::new(Self {
            name: name.to_owned(),
            steps: tokio::sync::Mutex::new(receiver),
            shown: Mutex::new(Shown::default()),
        });
        (Arc::clone(&link), Script { steps: sender, link })
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn feed(
        &self,
        intake: &dyn Intake,
        submitted: mpsc::Sender<(u64, Vec<u16>, Durable)>,
    ) -> Result<(), Refused> {
        let mut steps = self.steps.lock().await;
        while let Some(step) = steps.recv().await {
            let messages = match step {
                Step::Connect => {
                    let mut shown = self.lock();
                    shown.epoch += 1;
                    shown.up = true;
                    continue;
                }
                Step::Break => {
                    self.lock().up = false;
                    continue;
                }
                Step::Deliver(messages) => messages,
            };
            let epoch = self.lock().epoch;
            let (ids, mut deliveries): (Vec<u16>, Vec<Delivery>) = messages.into_iter().unzip();
            deliveries.iter_mut().for_each(|delivery| delivery.epoch = epoch);
            self.lock().delivered += deliveries.len() as u64;
            let durable = intake.submit(deliveries).await?;
            if submitted.send((epoch, ids, durable)).await.is_err() {
                break;
            }
        }
        std::future::pending().await
    }

    async fn settle(&self, mut submitted: mpsc::Receiver<(u64, Vec<u16>, Durable)>) -> Result<(), Refused> {
        while let Some((epoch, ids, durable)) = submitted.recv().await {
            durable.wait().await?;
            let mut shown = self.lock();
            if shown.up && shown.epoch == epoch {
                shown.acknowledged.extend(ids.into_iter().map(|id| (epoch, id)));
            }
        }
        Ok(())
    }
}

impl Script {
    /// Opens a connection: the next epoch.
    pub async fn connect(&self) {
        self.step(Step::Connect).await;
    }

    /// Sends deliveries with their packet ids as one submit.
    pub async fn deliver(&self, messages: Vec<(u16, Delivery)>) {
        self.step(Step::Deliver(messages)).await;
    }

    /// Breaks the connection.
    pub async fn break_connection(&self) {
        self.step(Step::Break).await;
    }

    /// Packet ids acknowledged on the current connection, in order.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<u16> {
        let shown = self.link.lock();
        let current = shown.epoch;
        shown.acknowledged.iter().filter(|(epoch, _)| *epoch == current).map(|(_, id)| *id).collect()
    }

    async fn step(&self, step: Step) {
        // The link may have stopped: the script then leads nowhere.
        drop(self.steps.send(step).await);
    }
}

#[async_trait]
impl IngestLink for ScriptedLink {
    async fn run(&self, intake: Arc<dyn Intake>, stop: CancellationToken) -> Result<(), LinkError> {
        let (sender, receiver) = mpsc::channel(SCRIPT_STEPS_MAX);
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            outcome = self.feed(&*intake, sender) => outcome,
            outcome = self.settle(receiver) => outcome,
        };
        Ok(outcome?)
    }

    fn state(&self) -> LinkState {
        let shown = self.lock();
        LinkState {
            name: self.name.clone(),
            up: shown.up,
            epoch: shown.epoch,
            delivered: shown.delivered,
            error: String::new(),
        }
    }
}
