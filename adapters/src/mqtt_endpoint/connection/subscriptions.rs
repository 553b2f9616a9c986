//! SUBSCRIBE and UNSUBSCRIBE: a client hears its own commands, nothing else.

use bytes::BytesMut;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, End};
use crate::mqtt_endpoint::access::filter_valid;
use crate::mqtt_endpoint::frame::{Frame, kind, write_codes};
use crate::mqtt_endpoint::packet::{Wanted, read_subscribe, read_unsubscribe};

/// Reason codes of SUBACK (MQTT 5 §3.9.3); MQTT 3.1.1 knows only 0x80.
const FAILURE: u8 = 0x80;
const NOT_AUTHORIZED: u8 = 0x87;
const FILTER_INVALID: u8 = 0x8F;
const QUOTA_EXCEEDED: u8 = 0x97;
const SHARED_UNSUPPORTED: u8 = 0x9E;
/// UNSUBACK: there was no such subscription (MQTT 5 §3.11.3).
const NO_SUBSCRIPTION: u8 = 0x11;

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<'_, S> {
    pub(super) fn take_subscribe(&mut self, frame: &Frame) -> Result<(), End> {
        let (packet_id, wanted) = read_subscribe(frame, self.client.version_5).map_err(End::Fault)?;
        let codes: Vec<u8> = wanted.iter().map(|wanted| self.subscribe(wanted)).collect();
        write_codes(&mut self.out, kind::SUBSCRIBE + 1, packet_id, &codes, self.client.version_5);
        Ok(())
    }

    fn subscribe(&self, wanted: &Wanted) -> u8 {
        let qos = wanted.qos.min(1);
        let refusal = if wanted.filter.starts_with("$share/") {
            SHARED_UNSUPPORTED
        } else if !filter_valid(&wanted.filter) || wanted.filter.len() > self.around.config.topic_bytes_max {
            FILTER_INVALID
        } else if !self.client.rules.may_subscribe(&wanted.filter) {
            NOT_AUTHORIZED
        } else if !self.around.place.subscribe(&wanted.filter, qos, self.around.config.subscriptions_max) {
            QUOTA_EXCEEDED
        } else {
            return qos;
        };
        counter!("nhip_mqtt_subscriptions_refused_total").increment(1);
        if self.client.version_5 { refusal } else { FAILURE }
    }

    pub(super) fn take_unsubscribe(&mut self, frame: &Frame) -> Result<(), End> {
        let (packet_id, filters) = read_unsubscribe(frame, self.client.version_5).map_err(End::Fault)?;
        let end = |filter: &String| if self.around.place.unsubscribe(filter) { 0 } else { NO_SUBSCRIPTION };
        let codes: Vec<u8> = filters.iter().map(end).collect();
        // MQTT 3.1.1 has no codes here.
        let codes = if self.client.version_5 { codes } else { Vec::new() };
        let mut answer = BytesMut::new();
        write_codes(&mut answer, kind::UNSUBSCRIBE + 1, packet_id, &codes, self.client.version_5);
        self.out.extend_from_slice(&answer);
        Ok(())
    }
}
