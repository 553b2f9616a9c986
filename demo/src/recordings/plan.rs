//! A recording and how it is played: moved by whole days, once or again and again.

use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, Decimal, EventTime, SECOND, SourceId, Span, StreamId};

use super::Attribution;
use crate::plan::{Body, Plan, PlannedKind, Step};
use crate::reading::{Measure, Reading};
use crate::wire::{self, TimeForm};

/// Recordings shorter than this repeat by whole days (the hour is kept, the weekday is not), longer ones by
/// weeks.
const WEEK_DAYS: i64 = 7;
const DAY_S: i64 = 86_400;

/// One value of a reading, small: there are hundreds of thousands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Number { name: &'static str, mantissa: i64, scale: u8 },
    State { name: &'static str, state: &'static str },
    Missing { name: &'static str },
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Which of the recording's sources.
    pub(super) source: u16,
    /// Its number within the source.
    pub(super) number: u32,
    /// Its civil time as if it were UTC, seconds.
    pub(super) civil_s: i64,
    pub(super) fields: Vec<Field>,
}

/// A recording with the sources a profile lists.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    pub(super) attribution: Attribution,
    pub(super) stream: StreamId,
    pub(super) sources: Vec<SourceId>,
    /// By civil time, then source.
    pub(super) readings: Vec<Recorded>,
    /// What each line covers.
    pub(super) period: Span,
    /// Whether its times are the starts of their periods.
    pub(super) stamp_is_start: bool,
    pub(super) protobuf: bool,
}

impl Recording {
    pub(super) fn plays(&self) -> bool {
        !self.readings.is_empty() && !self.sources.is_empty()
    }

    fn first_s(&self) -> i64 {
        self.readings.first().map_or(0, |reading| reading.civil_s)
    }

    /// When the last line is complete.
    fn last_s(&self) -> i64 {
        let last = self.readings.last().map_or(0, |reading| reading.civil_s);
        if self.stamp_is_start { last + self.period / SECOND } else { last }
    }
}

impl Field {
    /// A number with its digits; what has more than a figure may have (a float's noise around 0 in the PRSA
    /// table) is rounded to nine behind the point.
    pub(super) fn number(name: &'static str, text: &str) -> Option<Self> {
        let rounded = || Decimal::parse(&format!("{:.9}", text.parse::<f64>().ok()?)).ok();
        let number = Decimal::parse(text).ok().or_else(rounded)?;
        Some(Self::Number { name, mantissa: i64::try_from(number.mantissa).ok()?, scale: number.scale })
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Number { name, .. } | Self::State { name, .. } | Self::Missing { name } => name,
        }
    }

    fn measure(&self) -> Measure {
        match self {
            Self::Number { name, mantissa, scale } => {
                Measure::number(name, Decimal::new(i128::from(*mantissa), *scale))
            }
            Self::State { name, state } => Measure::state(name, state),
            Self::Missing { name } => Measure::missing(name),
        }
    }
}

/// A recording at its place in time.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    recording: Arc<Recording>,
    tenant: String,
    zone: TimeZone,
    stream_stamp_is_start: bool,
    shift_s: i64,
    repeat_s: Option<i64>,
}

impl Replay {
    fn new(recording: Arc<Recording>, profile: &Profile) -> Self {
        let stream = profile.streams.get(&recording.stream);
        Self {
            tenant: profile.id.clone(),
            zone: TimeZone::get(&profile.zone).unwrap_or(TimeZone::UTC),
            stream_stamp_is_start: stream.is_some_and(|stream| stream.stamp_is_start),
            shift_s: 0,
            repeat_s: None,
            recording,
        }
    }

    /// Moved by whole weeks, so that it ends at `end` or less than a week before.
    pub(super) fn once(recording: Arc<Recording>, profile: &Profile, end: ArrivalTime) -> Self {
        let mut replay = Self::new(recording, profile);
        let week_s = WEEK_DAYS * DAY_S;
        let weeks = (replay.civil_s(end) - replay.recording.last_s()).div_euclid(week_s);
        replay.shift_s = weeks * week_s;
        replay
    }

    /// Repeated without end in both directions.
    pub(super) fn repeated(recording: Arc<Recording>, profile: &Profile) -> Self {
        let mut replay = Self::new(recording, profile);
        let days = (replay.recording.last_s() - replay.recording.first_s()).div_euclid(DAY_S) + 1;
        let whole = if days >= WEEK_DAYS { days.div_euclid(WEEK_DAYS) * WEEK_DAYS } else { days };
        replay.repeat_s = Some(whole.max(1) * DAY_S);
        replay
    }

    /// The lines that are complete at `from ≤ time < to`, with repetition and time of completion.
    fn between(&self, from: ArrivalTime, to: ArrivalTime) -> Vec<(ArrivalTime, i64, &Recorded)> {
        // An hour of room on both sides for zones that change their offset.
        let (from_s, to_s) = (self.civil_s(from) - 3_600, self.civil_s(to) + 3_600);
        let (first, last) = match self.repeat_s {
            Some(repeat) => {
                let turn = |civil_s: i64, edge: i64| (civil_s - edge - self.shift_s).div_euclid(repeat);
                (turn(from_s, self.recording.last_s()), turn(to_s, self.recording.first_s()))
            }
            None => (0, 0),
        };
        let mut found = Vec::new();
        for turn in first..=last {
            let shift = self.shift_s + turn.saturating_mul(self.repeat_s.unwrap_or(0));
            let period_s = self.recording.period / SECOND;
            let readings = &self.recording.readings;
            let start =
                readings.partition_point(|reading| reading.civil_s + shift < from_s.saturating_sub(period_s));
            let own = readings.iter().skip(start).take_while(|reading| reading.civil_s + shift <= to_s);
            // A repetition shorter than the recording cuts its tail, so that no time is played twice.
            let cut = self.repeat_s.map_or(i64::MAX, |repeat| self.recording.first_s() + repeat);
            for reading in own.filter(|reading| reading.civil_s < cut) {
                let at = ArrivalTime(self.complete(reading, shift).0);
                if from <= at && at < to {
                    found.push((at, turn, reading));
                }
            }
        }
        found.sort_by_key(|(at, _, reading)| (*at, reading.source));
        found
    }

    fn step(&self, at: ArrivalTime, turn: i64, recorded: &Recorded, kind: PlannedKind) -> Option<Step> {
        let source = self.recording.sources.get(usize::from(recorded.source))?.clone();
        let end = EventTime(at.0);
        let time = if self.stream_stamp_is_start { end.plus(-self.recording.period) } else { end };
        let mut reading = Reading::at(time, recorded.fields.iter().map(Field::measure).collect());
        reading.period = Some(self.recording.period);
        let payload: Bytes = if self.recording.protobuf {
            reading.sequence = Some(u64::from(recorded.number));
            reading.boot = u64::try_from(turn.rem_euclid(1 << 32)).ok();
            wire::protobuf(&reading)
        } else {
            wire::json(&[reading], TimeForm::Hanoi)
        };
        let stream = self.recording.stream.as_str();
        let topic = wire::native_topic(&self.tenant, stream, source.as_str(), self.recording.protobuf);
        let body = Body::Message { topic, payload };
        Some(Step { at, source, event: Some(time), readings: 1, kind, body })
    }

    /// When a line is complete: the end of its period.
    fn complete(&self, reading: &Recorded, shift_s: i64) -> EventTime {
        let stamp = self.utc(reading.civil_s + shift_s);
        if self.recording.stamp_is_start { stamp.plus(self.recording.period) } else { stamp }
    }

    fn utc(&self, civil_s: i64) -> EventTime {
        let civil = jiff::Timestamp::from_second(civil_s).unwrap_or_default();
        let civil: DateTime = TimeZone::UTC.to_datetime(civil);
        let stamp = self.zone.to_ambiguous_timestamp(civil).compatible().unwrap_or_default();
        EventTime(stamp.as_second().saturating_mul(SECOND))
    }

    fn civil_s(&self, at: ArrivalTime) -> i64 {
        let second = at.0.div_euclid(SECOND);
        let stamp = jiff::Timestamp::from_second(second).unwrap_or_default();
        second.saturating_add(i64::from(self.zone.to_offset(stamp).seconds()))
    }
}

/// A replay as what one connection publishes.
pub(super) struct Playing {
    replay: Replay,
    since: Option<ArrivalTime>,
    backlog: Span,
    messages_max: usize,
}

impl Playing {
    /// All of it, as life.
    pub(super) fn whole(replay: Replay, since: Option<ArrivalTime>) -> Self {
        Self { replay, since, backlog: 0, messages_max: 0 }
    }

    /// With a past, in which every n-th reading of each source is told if all would be too many.
    pub(super) fn with_past(replay: Replay, backlog: Span, messages_max: usize) -> Self {
        Self { replay, since: None, backlog, messages_max }
    }
}

impl Plan for Playing {
    fn name(&self) -> String {
        format!("recording-{}", self.replay.recording.stream)
    }

    fn backlog(&mut self, now: ArrivalTime) -> Vec<Step> {
        let all = self.replay.between(now.plus(-self.backlog), now.plus(1));
        let every = all.len().div_ceil(self.messages_max.max(1)).max(1) as u32;
        let kept = all.into_iter().filter(|(_, _, reading)| reading.number % every == 0);
        let steps =
            kept.filter_map(|(at, turn, reading)| self.replay.step(at, turn, reading, PlannedKind::Backlog));
        steps.map(|step| Step { at: now, ..step }).collect()
    }

    fn live(&mut self, from: ArrivalTime, to: ArrivalTime) -> Vec<Step> {
        let from = self.since.map_or(from, |since| from.max(since.plus(1)));
        let due = self.replay.between(from, to).into_iter();
        due.filter_map(|(at, turn, reading)| self.replay.step(at, turn, reading, PlannedKind::Regular))
            .collect()
    }
}
