//! One order for everything the room logs.
//!
//! Entering takes, in one step under one lock: the arrival (never below the last one), the profile to read
//! by, and a place in two first-come queues (room to decode, turn to append). Batches decode side by side,
//! but are appended in the order of entry; so arrivals in the log never decrease, a Tick stands behind
//! every arrival stamped before it, and a caller that goes away gives its place up without a gap.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use nhip_ports::{Clock, Delivery};
use nhip_proto::ArrivalTime;
use tokio::sync::{AcquireError, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use super::IngestSettings;
use crate::route::Router;

pub(super) struct Order {
    state: Mutex<State>,
    turn: Arc<tokio::sync::Mutex<()>>,
    inflight: Arc<Semaphore>,
    settings: IngestSettings,
    closed: AtomicBool,
}

/// What changes in one step with an entry.
pub(super) struct State {
    pub(super) router: Arc<Router>,
    last: ArrivalTime,
    started: ArrivalTime,
    heard: BTreeMap<String, ArrivalTime>,
    principals_max: usize,
}

/// A place in the order; dropping it gives the place up.
pub(super) struct Entered {
    pub(super) at: ArrivalTime,
    pub(super) router: Arc<Router>,
    turn: Queued<OwnedMutexGuard<()>>,
    permit: Queued<Result<OwnedSemaphorePermit, AcquireError>>,
}

/// A future that stands in its queue since it was made.
enum Queued<T> {
    Waiting(Pin<Box<dyn Future<Output = T> + Send>>),
    Here(T),
}

impl Order {
    pub(super) fn new(settings: IngestSettings, router: Arc<Router>, now: ArrivalTime) -> Self {
        let IngestSettings { principals_max, inflight_batches_max, .. } = settings;
        let state = State { router, last: now, started: now, heard: BTreeMap::new(), principals_max };
        Self {
            state: Mutex::new(state),
            turn: Arc::default(),
            inflight: Arc::new(Semaphore::new(inflight_batches_max.max(1))),
            settings,
            closed: AtomicBool::new(false),
        }
    }

    /// Enters; none once the room is closed. `edit` runs in the same step, after the arrival was stamped.
    pub(super) async fn enter(&self, clock: &dyn Clock, edit: impl FnOnce(&mut State)) -> Option<Entered> {
        // Without `unconstrained` a task that used up its budget would not be queued by its first poll.
        let turn = tokio::task::unconstrained(Arc::clone(&self.turn).lock_owned());
        let permit = tokio::task::unconstrained(Arc::clone(&self.inflight).acquire_owned());
        let (mut turn, mut permit) = (Queued::new(turn), Queued::new(permit));
        let mut edit = Some(edit);
        let (at, router) = poll_fn(|context| {
            let mut state = self.lock();
            state.last = state.last.max(clock.now());
            if let Some(edit) = edit.take() {
                edit(&mut state);
            }
            turn.queue(context);
            permit.queue(context);
            Poll::Ready((state.last, Arc::clone(&state.router)))
        })
        .await;
        let open = !self.closed.load(Ordering::Acquire);
        open.then_some(Entered { at, router, turn, permit })
    }

    /// No entry goes below `last` from now on.
    pub(super) fn raise(&self, last: ArrivalTime) {
        let mut state = self.lock();
        state.last = state.last.max(last);
    }

    pub(super) fn set_router(&self, router: Arc<Router>) {
        self.lock().router = router;
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Batches between entry and log.
    pub(super) fn inflight(&self) -> usize {
        self.settings.inflight_batches_max.saturating_sub(self.inflight.available_permits())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Remembers who was heard.
    pub(super) fn hear(&mut self, deliveries: &[Delivery]) {
        let mut previous = None;
        for Delivery { principal, .. } in deliveries {
            if previous == Some(principal) {
                continue;
            }
            previous = Some(principal);
            if let Some(heard) = self.heard.get_mut(principal) {
                *heard = self.last;
            } else if self.heard.len() < self.principals_max {
                self.heard.insert(principal.clone(), self.last);
            }
        }
    }

    /// When this principal (empty: anybody) was last heard, or since when it was not.
    pub(super) fn last_heard(&self, principal: &str) -> ArrivalTime {
        let last = if principal.is_empty() { self.heard.values().max() } else { self.heard.get(principal) };
        last.copied().unwrap_or(self.started)
    }
}

impl Entered {
    /// Waits until the batch may be decoded.
    pub(super) async fn admitted(&mut self) {
        self.permit.here().await;
    }

    /// Waits for the turn to append; it ends when the answer is dropped.
    pub(super) async fn turn(mut self) -> impl Sized {
        self.permit.here().await;
        self.turn.here().await;
        self
    }
}

impl<T> Queued<T> {
    fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Waiting(Box::pin(future))
    }

    /// Takes a place in the queue.
    fn queue(&mut self, context: &mut std::task::Context<'_>) {
        // Whether it was free at once is seen when somebody waits for it.
        let (Poll::Ready(()) | Poll::Pending) = self.poll(context);
    }

    fn poll(&mut self, context: &mut std::task::Context<'_>) -> Poll<()> {
        if let Self::Waiting(future) = self {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *self = Self::Here(value),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    async fn here(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }
}
