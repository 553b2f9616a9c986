//! One simulated device: a source, its wire format, and what it would measure at any moment.

use jiff::tz::TimeZone;
use nhip_profile::{Class, Identity, Profile, Stream};
use nhip_proto::{Decimal, EventTime, MINUTE, SECOND, SourceId, Span, StreamId};

use super::dice::Dice;
use super::faults::{Faults, Suffers};
use super::foreign::Dialect;
use super::model::{Gauge, Moment, gauge_of, step_of};
use super::period::{Period, year_share};
use super::routes::{self, NodeName};
use super::systems;
use crate::reading::{Measure, MeasureValue, Reading};
use crate::wire::{self, TimeForm};

/// Words for "well" that profiles use, the most usual first.
const WELL: [&str; 8] = ["online", "ok", "normal", "running", "on", "up", "active", "open"];
/// A device's state is drawn anew this often.
const STATE_SPAN_S: i64 = 20 * 60;

/// How a device writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json(TimeForm),
    Protobuf,
    /// Behind a Sparkplug edge node, under this device name.
    Sparkplug(NodeName),
    /// As the system of another maker.
    Foreign(Dialect),
}

/// One quantity of a device.
#[derive(Clone, Debug)]
struct Sense {
    name: String,
    gauge: Option<Gauge>,
    /// The unit written with each value; empty where it is the stream's.
    unit: String,
    /// The plausible range at this scale, for quantities the model does not know.
    range: (i128, i128),
    scale: u8,
}

/// A simulated device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) source: SourceId,
    pub(crate) stream: StreamId,
    /// Its place among the sources of its stream, and how many there are.
    pub(crate) place: (usize, usize),
    pub(crate) cadence: Span,
    /// What is told once a civil month, quarter or year is told of the one that has ended.
    pub(crate) period: Option<Period>,
    pub(crate) format: Format,
    topic: String,
    phase: Span,
    dice: Dice,
    /// Of the source it stands below, if the profile groups it so.
    parent: Option<Dice>,
    zone: TimeZone,
    identity: Identity,
    stamp_is_start: bool,
    senses: Vec<Sense>,
    states: Vec<(String, Vec<String>)>,
    pub(crate) faults: Faults,
}

impl Device {
    pub(crate) fn new(
        profile: &Profile,
        stream: &Stream,
        source: &SourceId,
        place: (usize, usize),
        seed: u64,
    ) -> Self {
        let cadence = profile.cadence_of(source, stream).max(SECOND);
        let format = format_of(profile, stream, source, place);
        let protobuf = format == Format::Protobuf;
        let among = i64::try_from(place.1.max(1)).unwrap_or(1);
        let turn = i64::try_from(place.0).unwrap_or(0);
        let phase = (i128::from(cadence) * i128::from(turn) / i128::from(among)) as Span;
        let faults = Faults::new(seed, stream.id.as_str(), place.1, suffers(stream, &format));
        let topic = match &format {
            Format::Foreign(dialect) => dialect.topic.clone(),
            _ => wire::native_topic(&profile.id, stream.id.as_str(), source.as_str(), protobuf),
        };
        Self {
            faults,
            topic,
            source: source.clone(),
            stream: stream.id.clone(),
            place,
            cadence,
            period: Period::of(cadence).filter(|_| stream.class != Class::Machine),
            phase: phase - phase.rem_euclid(10 * nhip_proto::MILLISECOND),
            dice: Dice::of(seed, source.as_str()),
            parent: parent_of(profile, source).map(|parent| Dice::of(seed, parent.as_str())),
            zone: TimeZone::get(&profile.zone).unwrap_or(TimeZone::UTC),
            identity: stream.identity,
            stamp_is_start: stream.stamp_is_start,
            senses: senses(profile, stream, matches!(format, Format::Sparkplug(_))),
            states: stream.states.iter().map(|(name, words)| (name.clone(), words.clone())).collect(),
            format,
        }
    }

    pub(crate) fn node(&self) -> Option<&NodeName> {
        if let Format::Sparkplug(node) = &self.format { Some(node) } else { None }
    }

    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// Whether it counts things, so that a longer period counts more.
    pub(crate) fn counts(&self) -> bool {
        self.senses.iter().any(|sense| sense.gauge.is_some_and(|gauge| gauge.counts()))
    }

    pub(crate) fn has_numbers(&self) -> bool {
        !self.senses.is_empty()
    }

    /// How many slots one reading may add up before a count could leave its plausible range.
    pub(crate) fn slots_max(&self) -> i64 {
        let minutes = (self.cadence / MINUTE).max(1);
        let bound = |sense: &Sense| {
            let gauge = sense.gauge.filter(Gauge::counts)?;
            let most = i64::try_from(sense.range.1 / 10_i128.pow(u32::from(sense.scale))).unwrap_or(i64::MAX);
            Some((most / (gauge.count_max() * minutes)).max(1))
        };
        self.senses.iter().filter_map(bound).min().unwrap_or(i64::MAX)
    }

    /// The last slot that is not after `time`.
    pub(crate) fn slot_at(&self, time: EventTime) -> i64 {
        match self.period {
            Some(period) => period.at(time, &self.zone),
            None => (time.0 - self.phase).div_euclid(self.cadence),
        }
    }

    /// When a slot is.
    pub(crate) fn slot_time(&self, slot: i64) -> EventTime {
        match self.period {
            Some(period) => period.begin(slot, &self.zone),
            None => EventTime(slot.saturating_mul(self.cadence).saturating_add(self.phase)),
        }
    }

    /// What it measures at a slot; counts add up over the last `slots` of them.
    pub(crate) fn reading(&self, slot: i64, slots: i64) -> Reading {
        let time = self.slot_time(slot);
        let mut measures: Vec<Measure> = Vec::with_capacity(self.senses.len() + self.states.len());
        for (index, sense) in self.senses.iter().enumerate() {
            let number = self.number(sense, index as u64, slot, slots);
            measures.push(Measure { unit: sense.unit.clone(), ..Measure::number(&sense.name, number) });
        }
        self.drop_speed_of_nobody(&mut measures);
        for (index, (name, words)) in self.states.iter().enumerate() {
            measures.push(Measure::state(name, &self.state((name, words), index as u64, time)));
        }
        let covered = self.cadence.saturating_mul(slots.max(1));
        let mut reading = Reading::at(time, measures);
        if self.period.is_some() {
            reading.period = Some(time.since(self.slot_time(slot - 1)));
        } else if self.counts() {
            reading.period = Some(covered);
            if self.stamp_is_start {
                reading.time = time.plus(-covered);
            }
        }
        if self.identity == Identity::Sequence || matches!(self.format, Format::Protobuf | Format::Foreign(_))
        {
            (reading.boot, reading.sequence) = (Some(1), u64::try_from(slot).ok());
        }
        if self.identity == Identity::Id {
            reading.id = Some(format!("{}-{slot}", self.source));
        }
        reading
    }

    /// The bytes of readings in this device's own format (not for devices behind a gateway).
    pub(crate) fn write(&self, readings: &[Reading]) -> bytes::Bytes {
        match (&self.format, readings) {
            (Format::Json(form), readings) => wire::json(readings, *form),
            (Format::Foreign(dialect), [reading, ..]) => dialect.write(self.source.as_str(), reading),
            (_, [reading, ..]) => wire::protobuf(reading),
            (_, []) => bytes::Bytes::new(),
        }
    }

    fn number(&self, sense: &Sense, index: u64, slot: i64, slots: i64) -> Decimal {
        let Some(gauge) = sense.gauge else {
            let middle = (sense.range.0 + sense.range.1) / 2;
            let span =
                i64::try_from((sense.range.1 - sense.range.0) / 40).unwrap_or(i64::MAX / 4).min(1 << 30);
            return Decimal::new(middle + i128::from(self.dice.around(slot, index, span)), sense.scale);
        };
        let at = |slot: i64| gauge.milli(&self.moment(slot, index));
        if step_of(&sense.name) {
            // A running total since the device's midnight, when it starts again from 0.
            let civil_s = self.moment(slot, index).civil_s;
            let slots = civil_s.saturating_mul(SECOND) / self.cadence;
            return gauge.decimal((slot - slots..=slot).map(at).sum());
        }
        if gauge.counts() {
            return gauge.decimal((slot - slots + 1..=slot).map(at).sum());
        }
        gauge.decimal(at(slot))
    }

    /// No vehicle has no speed: a 0 would be a jam.
    fn drop_speed_of_nobody(&self, measures: &mut [Measure]) {
        let counted = |(sense, measure): (&Sense, &Measure)| {
            let counts = sense.gauge.is_some_and(|gauge| gauge.counts());
            counts && matches!(measure.value, MeasureValue::Number(number) if number.mantissa > 0)
        };
        let somebody = self.senses.iter().zip(measures.iter()).any(counted);
        if self.counts() && !somebody {
            for measure in measures.iter_mut().filter(|measure| measure.name.contains("speed")) {
                measure.value = MeasureValue::Missing;
            }
        }
    }

    fn moment(&self, slot: i64, purpose: u64) -> Moment<'_> {
        let time = self.slot_time(slot);
        let seconds = time.0.div_euclid(SECOND);
        let stamp = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let civil_s = (seconds + i64::from(self.zone.to_offset(stamp).seconds())).rem_euclid(86_400);
        let (minutes, year) = ((self.cadence / MINUTE).max(1), year_share(time, &self.zone));
        Moment { dice: &self.dice, seconds, civil_s, purpose, minutes, year }
    }

    /// The word of a state; below a parent also what became of the parent.
    fn state(&self, (name, words): (&str, &[String]), index: u64, time: EventTime) -> String {
        let own = |dice: &Dice, words: &[String]| word_of(dice, (name, words), index, time).to_owned();
        systems::below(self.parent.as_ref(), &self.dice, words, own).unwrap_or_else(|| own(&self.dice, words))
    }
}

/// Most devices are nearly always well, some often not, a few hardly ever; what an event is about changes each time.
fn word_of<'a>(dice: &Dice, (name, words): (&str, &'a [String]), index: u64, time: EventTime) -> &'a str {
    let moment = time.0.div_euclid(SECOND);
    if matches!(name, "kind" | "service" | "service_code" | "label" | "disease")
        || systems::changes_each_time(name)
    {
        let word = dice.throw(moment, 56 + index, words.len().max(1) as u64) as usize;
        return words.get(word).map_or("", String::as_str);
    }
    let usual = match name {
        "verified" => Some(("yes", 85)),
        "on_time" => Some(("true", 92)),
        "fielddetection" => Some(("inactive", 96)),
        _ => systems::usual_word(name),
    };
    if let Some((usual, percent)) = usual {
        let is_usual = dice.throw(moment, 56 + index, 100) < percent;
        return words.iter().find(|word| (*word == usual) == is_usual).map_or("", String::as_str);
    }
    let well = WELL.iter().find_map(|well| words.iter().position(|word| word == well)).unwrap_or(0);
    let ill_percent = match dice.throw(0, 50 + index, 100) {
        0..=84 => 1,
        85..=96 => 9,
        _ => 90,
    };
    let span = time.0.div_euclid(SECOND).div_euclid(STATE_SPAN_S);
    let ill = dice.throw(span, 52 + index, 100) < ill_percent && words.len() > 1;
    let others = words.len().saturating_sub(1).max(1) as u64;
    let other = dice.throw(span, 54 + index, others) as usize;
    let chosen = if !ill {
        well
    } else if other >= well {
        other + 1
    } else {
        other
    };
    words.get(chosen).or(words.first()).map_or("", String::as_str)
}

/// The source of the same stream that the group of a source names.
fn parent_of<'a>(profile: &'a Profile, source: &SourceId) -> Option<&'a SourceId> {
    let own = profile.sources.get(source)?;
    let above = profile.sources.get(own.group.as_str())?;
    (above.stream == own.stream && above.id != own.id).then_some(&above.id)
}

fn senses(profile: &Profile, stream: &Stream, bare: bool) -> Vec<Sense> {
    let sense = |(name, stream_unit): (&String, &String)| {
        let quantity = profile.quantities.get(name);
        let gauge = gauge_of(name).filter(|gauge| {
            // A format without units can only carry what the stream expects.
            gauge.unit.is_empty() || !bare || gauge.unit == stream_unit
        });
        let own = gauge.map_or("", |gauge| gauge.unit);
        Sense {
            name: name.clone(),
            unit: if own == stream_unit { String::new() } else { own.to_owned() },
            gauge,
            range: quantity.map_or((0, 100), |quantity| quantity.range),
            scale: quantity.map_or(0, |quantity| quantity.scale),
        }
    };
    stream.quantities.iter().map(sense).collect()
}

/// Behind a gateway if a Sparkplug route makes its id; else protobuf for what counts vehicles, JSON for the
/// rest: stations write local time, status reports milliseconds.
fn format_of(profile: &Profile, stream: &Stream, source: &SourceId, place: (usize, usize)) -> Format {
    let foreign = |route: &&nhip_profile::Route| route.dialect == "sparkplug-b" && route.stream == stream.id;
    let nodes = edge_nodes(profile);
    let node = profile.routes.iter().filter(foreign).find_map(|route| {
        let route = (route.filter.as_str(), route.source.as_str());
        routes::node_name(route, source.as_str(), &profile.id, &nodes, place)
    });
    if let Some(node) = node {
        return Format::Sparkplug(node);
    }
    let dialect = profile.routes.iter().filter(|route| route.stream == stream.id);
    if let Some(dialect) = dialect.filter_map(|route| Dialect::of(route, source.as_str())).next() {
        return Format::Foreign(dialect);
    }
    let counts = |name: &String| gauge_of(name).is_some_and(|gauge| gauge.counts());
    if stream.quantities.keys().any(counts) {
        return Format::Protobuf;
    }
    Format::Json(if stream.quantities.is_empty() { TimeForm::Milliseconds } else { TimeForm::Hanoi })
}

/// The sources that are edge nodes themselves: those of a Sparkplug route without a device level.
fn edge_nodes(profile: &Profile) -> Vec<String> {
    let bare = |route: &&nhip_profile::Route| {
        route.dialect == "sparkplug-b" && route.filter.split('/').count() == 4 && !route.filter.ends_with('#')
    };
    let streams: Vec<&StreamId> = profile.routes.iter().filter(bare).map(|route| &route.stream).collect();
    let nodes = profile.sources.values().filter(|source| streams.contains(&&source.stream));
    nodes.map(|source| source.id.to_string()).collect()
}

fn suffers(stream: &Stream, format: &Format) -> Suffers {
    let node = if let Format::Sparkplug(node) = format { Some(node) } else { None };
    Suffers {
        sensors: stream.class == Class::Machine
            && stream.identity != Identity::Id
            && !systems::sent_by_servers(stream.id.as_str()),
        numbers: !stream.quantities.is_empty(),
        gateway: node.is_some(),
        node: node.is_some_and(|node| node.device.is_empty()),
    }
}
