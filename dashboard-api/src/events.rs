//! The lane of events: ordered, none left out, kept within a bound for screens that come back.

use std::collections::VecDeque;

use crate::shown::append;

/// Events kept at most.
pub(crate) const EVENTS_MAX: usize = 1_000;
/// Their bytes at most.
pub(crate) const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its number in the epoch, from 1.
    pub(crate) number: u64,
    /// The log offset since which it holds.
    pub(crate) offset: u64,
    /// Of what: the id of a source.
    pub(crate) id: String,
    tail: String,
}

/// The newest events of an epoch.
#[derive(Debug, Default)]
pub(crate) struct EventRing {
    kept: VecDeque<Event>,
    bytes: usize,
    last: u64,
    dropped_offset: u64,
}

/// Some of the events asked for are no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventsLost;

impl Event {
    /// The `ev` frame covering `(from, to]`.
    #[must_use]
    pub(crate) fn frame(&self, from: u64, to: u64) -> String {
        let mut out = String::with_capacity(self.tail.len() + 64);
        append(
            &mut out,
            format_args!("{{\"t\":\"ev\",\"o\":{to},\"p\":{from},\"n\":{}{}", self.number, self.tail),
        );
        out
    }
}

impl EventRing {
    /// Keeps an event; `data` is JSON.
    pub(crate) fn push(&mut self, offset: u64, kind: &str, operation: &str, id: &str, data: &str) {
        self.last += 1;
        let quoted = serde_json::Value::from(id);
        let mut tail = String::new();
        append(
            &mut tail,
            format_args!(",\"k\":\"{kind}\",\"op\":\"{operation}\",\"id\":{quoted},\"data\":{data}}}"),
        );
        self.bytes += tail.len();
        self.kept.push_back(Event { number: self.last, offset, id: id.to_owned(), tail });
        while self.kept.len() > EVENTS_MAX || self.bytes > EVENT_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.tail.len();
            self.dropped_offset = oldest.offset;
        }
    }

    /// The number of the newest event, 0 if there was none.
    #[must_use]
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The number of the last event a screen at `offset` is sure to have.
    ///
    /// # Errors
    /// [`EventsLost`] if a later one is no longer kept.
    pub(crate) fn seen_at(&self, offset: u64) -> Result<u64, EventsLost> {
        if self.dropped_offset > offset {
            return Err(EventsLost);
        }
        let newer = self.kept.iter().rev().take_while(|event| event.offset > offset).count();
        Ok(self.last - newer as u64)
    }

    /// The events after number `seen`, oldest first.
    ///
    /// # Errors
    /// [`EventsLost`] if one of them is no longer kept.
    pub(crate) fn after(&self, seen: u64) -> Result<impl Iterator<Item = &Event>, EventsLost> {
        let missed = self.last.saturating_sub(seen);
        let kept = self.kept.len() as u64;
        if missed > kept {
            return Err(EventsLost);
        }
        Ok(self.kept.iter().skip((kept - missed) as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_leave_in_order_and_losses_are_told() {
        let mut ring = EventRing::default();
        for offset in 1..=EVENTS_MAX as u64 + 5 {
            ring.push(offset, "source", "put", "a", "null");
        }
        assert_eq!(ring.seen_at(4), Err(EventsLost));
        assert_eq!(ring.seen_at(5), Ok(5));
        assert!(ring.after(4).is_err());
        let numbers: Vec<u64> = ring.after(1_003).into_iter().flatten().map(|event| event.number).collect();
        assert_eq!(numbers, [1_004, 1_005]);
    }

    #[test]
    fn ids_are_escaped() {
        let mut ring = EventRing::default();
        ring.push(9, "source", "put", "a\"b", "{\"up\":true}");
        let frames: Vec<String> =
            ring.after(0).into_iter().flatten().map(|event| event.frame(3, 9)).collect();
        let want = r#"{"t":"ev","o":9,"p":3,"n":1,"k":"source","op":"put","id":"a\"b","data":{"up":true}}"#;
        assert_eq!(frames, [want]);
    }
}
