//! The ingest room at work: every delivery becomes one record, in the order it came, and is durable before
//! anybody acknowledges it.

mod entries;
mod keyring;
mod order;
mod record;
mod redecode;
mod retention;
mod ticks;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use nhip_ports::{
    Appended, Clock, Delivery, Durable, EventLog, GapNotice, Intake, KeyError, KeyStore, LogError, Refused,
};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, Gap, GapCause, MessageBody, ProfileText, Record};
use tokio::time::Instant;

use self::keyring::Keyring;
use self::order::{Entered, Order};
use crate::route::{Part, Router};
use crate::telemetry;

pub(crate) use self::entries::EntryBatch;
pub use self::redecode::REDECODE_RECORDS_MAX;
pub use self::retention::{DESTROY_KEYS, KEYS_PER_PASS_MAX};
pub use self::ticks::TICKS_PER_REAL_SECOND_MAX;

/// Records after which the rest of a batch waits for the next append, so that deliveries which split into many do
/// not stand in memory all at once.
const RECORDS_PER_APPEND_MAX: usize = 4_096;

/// The bounds of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IngestSettings {
    /// Bytes of a payload at most; a larger one is logged as a rejection.
    pub payload_bytes_max: usize,
    /// Bytes that are kept, sealed, of a payload that was too large.
    pub oversize_kept_bytes_max: usize,
    /// Batches between entry and log at most; further ones wait in order.
    pub inflight_batches_max: usize,
    /// Principals whose last arrival is remembered, for the beginning of their gaps.
    pub principals_max: usize,
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            payload_bytes_max: 1024 * 1024,
            oversize_kept_bytes_max: 64 * 1024,
            inflight_batches_max: 64,
            principals_max: 1_024,
        }
    }
}

/// Bytes in, durable records out. A `submit` that was entered holds its place in the order: whoever calls it polls it
/// on or drops it, for everybody behind waits.
pub struct IngestRoom {
    settings: IngestSettings,
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    keyring: Keyring,
    order: Order,
    /// The last durable Tick in ns; the least number: none yet.
    last_tick: AtomicI64,
}

impl IngestRoom {
    /// A room over these ports; nothing enters the log before it is told to.
    #[must_use]
    pub fn new(
        settings: IngestSettings,
        profile: Arc<Profile>,
        log: Arc<dyn EventLog>,
        keys: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let order = Order::new(settings, Arc::new(Router::new(profile)), clock.now());
        let last_tick = AtomicI64::new(i64::MIN);
        Self { settings, log, clock, keyring: Keyring::new(keys), order, last_tick }
    }

    /// Takes up a log whose last record was made at `last`: no later record goes below it, and the downtime
    /// since then is logged as a gap. Call it once, before links and Ticks start; not for a new log.
    ///
    /// # Errors
    /// [`Refused`] if the log failed.
    pub async fn resume(&self, last: ArrivalTime) -> Result<(), Refused> {
        self.order.raise(last);
        let gap =
            |at| Gap { at, cause: GapCause::Downtime, from: last, to: at, principal: String::new(), lost: 0 };
        self.log_one(|at| Record::Gap(gap(at))).await?;
        telemetry::gap_logged(GapCause::Downtime);
        Ok(())
    }

    /// Reads deliveries that enter from now on by another profile, without a Profile record (a node's
    /// start, tests).
    pub fn set_profile(&self, profile: Arc<Profile>) {
        self.order.set_router(Arc::new(Router::new(profile)));
    }

    /// Logs a Profile record (stamped here) and reads every delivery that stands behind it in the log by that
    /// profile.
    ///
    /// # Errors
    /// [`Refused`] if the log failed; then the node is going down.
    pub async fn adopt_profile(
        &self,
        profile: Arc<Profile>,
        mut text: ProfileText,
    ) -> Result<Appended, Refused> {
        let router = Arc::new(Router::new(profile));
        let entered = self.enter(|state| state.router = router).await?;
        text.at = entered.at;
        self.append(entered, vec![Record::Profile(Box::new(text))]).await?.wait().await
    }

    /// The last Tick this room made durable; none yet.
    #[must_use]
    pub fn last_tick(&self) -> Option<ArrivalTime> {
        let last = self.last_tick.load(Ordering::Acquire);
        (last != i64::MIN).then_some(ArrivalTime(last))
    }

    /// Takes nothing more; what has entered is still logged.
    pub fn close(&self) {
        self.order.close();
    }

    async fn enter(&self, edit: impl FnOnce(&mut order::State) + Send) -> Result<Entered, Refused> {
        self.order.enter(self.clock.as_ref(), edit).await.ok_or(Refused::Stopping)
    }

    async fn append(&self, entered: Entered, records: Vec<Record>) -> Result<Durable, Refused> {
        let _turn = entered.turn().await;
        Ok(Durable::new(self.log.append(records).await?))
    }

    async fn log_one(&self, record: impl FnOnce(ArrivalTime) -> Record + Send) -> Result<Appended, Refused> {
        let entered = self.enter(|_| ()).await?;
        let record = record(entered.at);
        self.append(entered, vec![record]).await?.wait().await
    }

    /// The records of the next deliveries: of at least one, and of no more than make [`RECORDS_PER_APPEND_MAX`].
    async fn records(
        &self,
        deliveries: &mut VecDeque<Delivery>,
        (router, arrival): (&Router, ArrivalTime),
    ) -> Result<Vec<Record>, Refused> {
        let mut taken: Vec<(Delivery, Vec<Part<'_>>)> = Vec::with_capacity(deliveries.len());
        let mut count = 0;
        while count < RECORDS_PER_APPEND_MAX
            && let Some(delivery) = deliveries.pop_front()
        {
            let Delivery { topic, content_type, payload, .. } = &delivery;
            let parts = router.read(topic, content_type, payload, self.settings.payload_bytes_max);
            count += parts.len();
            taken.push((delivery, parts));
        }
        let parts = || taken.iter().flat_map(|(_, parts)| parts);
        let classes = parts().map(|part| record::key_class(&part.routed));
        let keys = self.keyring.ready(classes, arrival).await.map_err(broken_keys)?;
        let mut nonces = vec![[0_u8; 12]; count];
        getrandom::fill(nonces.as_flattened_mut())
            .map_err(|_| Refused::Log(LogError::Failed("the system has no randomness".to_owned())))?;
        let scribe = record::Scribe { settings: &self.settings, router, arrival };
        let mut records = Vec::with_capacity(count);
        let mut items = 0;
        let mut nonces = nonces.into_iter();
        for (delivery, parts) in taken {
            for part in parts {
                let key = keys.of(record::key_class(&part.routed)).ok_or_else(no_key)?;
                let nonce = nonces.next().ok_or_else(no_key)?;
                let message = scribe.write(&delivery, part, key, nonce).ok_or_else(no_key)?;
                match &message.body {
                    MessageBody::Items(decoded) => items += decoded.len(),
                    MessageBody::Rejected(rejection) => telemetry::message_rejected(rejection.reason),
                }
                records.push(Record::Message(Box::new(message)));
            }
        }
        telemetry::messages_received(records.len());
        telemetry::items_decoded(items);
        Ok(records)
    }
}

#[async_trait]
impl Intake for IngestRoom {
    async fn submit(&self, deliveries: Vec<Delivery>) -> Result<Durable, Refused> {
        let started = Instant::now();
        count(&deliveries);
        let mut entered = self.enter(|state| state.hear(&deliveries)).await?;
        telemetry::batches_inflight(self.order.inflight());
        entered.admitted().await;
        let mut deliveries = VecDeque::from(deliveries);
        let (router, at) = (Arc::clone(&entered.router), entered.at);
        let mut records = self.records(&mut deliveries, (&router, at)).await?;
        let turn = entered.turn().await;
        // What was split into very many records goes to the log in portions; the last is durable last.
        while !deliveries.is_empty() {
            self.log.append(records).await?;
            records = self.records(&mut deliveries, (&router, at)).await?;
        }
        let durable = Durable::new(self.log.append(records).await?);
        drop(turn);
        telemetry::batches_inflight(self.order.inflight());
        telemetry::batch_submitted(started.elapsed());
        Ok(durable)
    }

    async fn gap(&self, notice: GapNotice) -> Result<(), Refused> {
        let mut from = None;
        let entered = self.enter(|state| from = Some(state.last_heard(&notice.principal))).await?;
        let at = entered.at;
        let gap = Gap {
            at,
            cause: notice.cause,
            from: from.unwrap_or(at),
            to: at,
            principal: notice.principal,
            lost: notice.lost,
        };
        self.append(entered, vec![Record::Gap(gap)]).await?.wait().await?;
        telemetry::gap_logged(notice.cause);
        Ok(())
    }
}

fn count(deliveries: &[Delivery]) {
    telemetry::bytes_received(deliveries.iter().map(|delivery| delivery.payload.len()).sum());
    telemetry::best_effort_received(deliveries.iter().filter(|one| one.dedication.qos == 0).count());
}

/// Without a durable key nothing may be sealed, so nothing may be acknowledged: the node goes down as it
/// would without its log.
fn broken_keys(error: KeyError) -> Refused {
    Refused::Log(LogError::Failed(error.to_string()))
}

fn no_key() -> Refused {
    Refused::Log(LogError::Failed("no key to seal with".to_owned()))
}
