//! What both protocol versions do alike: connections counted, publications turned into deliveries.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use metrics::counter;
use nhip_ports::{Delivery, GapNotice};
use nhip_proto::{Dedication, GapCause};
use tokio::time::Instant;

use super::fault::Fault;
use super::pipeline::{Received, Work};
use super::{Loop, Shared};
use crate::mqtt_broker::Backoff;

/// A connection that lasted so long was a good one: the next pause is the shortest.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// One publication, whatever the protocol version.
pub(super) struct Publication {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) dedication: Dedication,
    pub(super) content_type: String,
    pub(super) packet_id: u16,
}

impl Shared {
    /// A connection stands: its epoch, and the gap if the broker has forgotten us.
    pub(super) fn connected(&self, session_present: bool) -> (u64, Option<GapNotice>) {
        let epoch = self.epoch.fetch_add(1, Ordering::Relaxed) + 1;
        self.connected.fetch_add(1, Ordering::Relaxed);
        let had_session = self.had_session.swap(true, Ordering::Relaxed);
        let gap = (had_session && !session_present).then(|| {
            counter!("nhip_mqtt_sessions_lost_total", "link" => self.config.name.clone()).increment(1);
            GapNotice { cause: GapCause::SessionLost, principal: self.config.name.clone(), lost: 0 }
        });
        (epoch, gap)
    }

    /// The subscription stands.
    pub(super) fn subscribed(&self) {
        self.up.store(true, Ordering::Relaxed);
        self.note("");
    }

    pub(super) fn note(&self, error: &str) {
        let mut shown = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown != error {
            error.clone_into(&mut shown);
        }
    }

    /// Takes a publication into a batch. One larger than the bound is cut to just above it: the intake logs
    /// it as too large, it is acknowledged, and the broker does not send it again for ever.
    pub(super) fn take(&self, publication: Publication, received: &mut Received) {
        let Publication { topic, mut payload, dedication, content_type, packet_id } = publication;
        let bytes_max = usize::try_from(self.config.packet_bytes_max).unwrap_or(usize::MAX);
        if payload.len() > bytes_max {
            counter!("nhip_mqtt_oversize_total", "link" => self.config.name.clone()).increment(1);
            payload = Bytes::copy_from_slice(payload.get(..=bytes_max).unwrap_or_default());
        }
        if dedication.qos > 0 {
            received.ids.push(packet_id);
        }
        received.bytes += topic.len() + payload.len();
        received.deliveries.push(Delivery {
            topic,
            payload,
            dedication,
            content_type,
            principal: self.config.name.clone(),
            epoch: received.epoch,
        });
    }
}

impl Loop {
    /// Hands work on; waits while the submitter is behind, which is no stall.
    pub(super) async fn hand_on(&self, work: Work) {
        self.shared.watchdog.wait_for_intake();
        // The submitter ends only with the whole link.
        drop(self.work.send(work).await);
        self.shared.watchdog.beat();
    }

    /// After a lost connection: says so, rests; false when told to stop.
    pub(super) async fn rest(&self, fault: &Fault, since: Option<Instant>, backoff: &mut Backoff) -> bool {
        self.shared.up.store(false, Ordering::Relaxed);
        self.shared.note(&fault.text);
        let link = self.shared.config.name.clone();
        counter!("nhip_mqtt_disconnections_total", "link" => link, "reason" => fault.reason).increment(1);
        if since.is_some_and(|since| since.elapsed() > GOOD_CONNECTION) {
            backoff.reset();
        }
        self.shared.watchdog.beat();
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = self.stop.cancelled() => return false,
        }
        self.shared.watchdog.beat();
        true
    }
}
