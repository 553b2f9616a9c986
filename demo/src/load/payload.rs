//! The payload of a load message: one reading with sequence identity, filled up to a size.

use std::sync::Arc;

use bytes::Bytes;
use nhip_ports::Clock;
use nhip_proto::{ArrivalTime, Decimal, EventTime, Span};

use super::LoadConfig;
use crate::reading::{Measure, MeasureValue, Reading};
use crate::wire;

/// Tries to meet the size: the filling itself needs a name and a length. Its length stays until the digits of
/// a number change.
const FITTINGS_MAX: usize = 4;

/// How load messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadFormat {
    /// Native JSON.
    Json,
    /// Native protobuf on a `/pb` topic.
    Protobuf,
}

impl LoadFormat {
    pub(super) fn topic(self, tenant: &str, stream: &str, source: &str) -> String {
        wire::native_topic(tenant, stream, source, self == Self::Protobuf)
    }
}

/// Event times of load messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadTime {
    /// The clock's now, in milliseconds.
    Now,
    /// `start + (sequence − first sequence) × step`: the same in every run.
    Fixed {
        /// Of the first message of each source.
        start: EventTime,
        /// Between two messages of a source.
        step: Span,
    },
}

/// Encodes one connection's messages.
pub(super) struct Encoder {
    format: LoadFormat,
    time: LoadTime,
    clock: Arc<dyn Clock>,
    sequence_first: u64,
    payload_bytes: usize,
    reading: Reading,
    filler: usize,
}

impl Encoder {
    pub(super) fn new(config: &LoadConfig) -> Self {
        let measure = Measure::number(&config.quantity, Decimal::new(0, 0));
        let mut reading = Reading::at(EventTime(0), vec![measure]);
        reading.boot = Some(config.boot);
        Self {
            format: config.format,
            time: config.time,
            clock: Arc::clone(&config.clock),
            sequence_first: config.sequence_first,
            payload_bytes: config.payload_bytes,
            reading,
            filler: 0,
        }
    }

    /// The payload of a sequence; the sender's id field is the filling.
    pub(super) fn encode(&mut self, sequence: u64) -> Bytes {
        self.reading.time = match self.time {
            LoadTime::Now => milliseconds(self.clock.now()),
            LoadTime::Fixed { start, step } => {
                let steps = i64::try_from(sequence.saturating_sub(self.sequence_first)).unwrap_or(i64::MAX);
                start.plus(step.saturating_mul(steps))
            }
        };
        self.reading.sequence = Some(sequence);
        if let Some(measure) = self.reading.measures.first_mut() {
            measure.value = MeasureValue::Number(Decimal::new(i128::from(sequence % 100), 0));
        }
        let mut bytes = self.write(self.filler);
        for _ in 0..FITTINGS_MAX {
            if bytes.len() == self.payload_bytes {
                break;
            }
            self.filler = (self.filler + self.payload_bytes).saturating_sub(bytes.len());
            bytes = self.write(self.filler);
        }
        bytes
    }

    fn write(&mut self, filler: usize) -> Bytes {
        self.reading.id = (filler > 0).then(|| "x".repeat(filler));
        match self.format {
            LoadFormat::Json => wire::json(std::slice::from_ref(&self.reading), wire::TimeForm::Milliseconds),
            LoadFormat::Protobuf => wire::protobuf(&self.reading),
        }
    }
}

fn milliseconds(at: ArrivalTime) -> EventTime {
    EventTime(at.0 - at.0.rem_euclid(nhip_proto::MILLISECOND))
}
