//! The story of a figure, and the TOML it stands in.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use nhip_profile::story::tell_time;
use nhip_profile::{Aggregate, Filter, Indicator, Operand, Profile};
use nhip_proto::{MINUTE, SECOND, Span};

use super::ask::{Live, Shown};

/// How long after a window's end nothing of it is waited for, beside disorder and idleness.
const AFTER: Span = MINUTE;
/// Sources are idle after as many cadences.
const IDLE_CADENCES: Span = 3;

/// A figure to be written.
pub(super) struct Written<'a> {
    pub(super) profile: &'a Profile,
    pub(super) zone: &'a TimeZone,
    pub(super) figure: &'a Shown,
    pub(super) live: &'a Live<'a>,
}

impl Written<'_> {
    /// The lines: records in the order they came, a Tick behind the last window, what the figure then is.
    /// `by_figures`: measured figures that may stand on more records are told as one reading.
    pub(super) fn story(&self, leaves: &[Shown], by_figures: bool) -> String {
        let mut lines: BTreeMap<(i64, u64), Vec<String>> = BTreeMap::new();
        let mut until = self.figure.end.saturating_add(AFTER);
        for (place, leaf) in leaves.iter().enumerate() {
            let reading = if by_figures && leaf.may_be_more() { self.one_reading(leaf) } else { None };
            match reading {
                Some((time, line)) => {
                    lines.insert((time, u64::MAX - place as u64), vec![line]);
                }
                None => {
                    for sample in &leaf.samples {
                        lines.insert((sample.arrival, sample.offset), sample.story.clone());
                    }
                }
            }
            until = until.max(leaf.end.saturating_add(self.wait(leaf)));
        }
        let last = lines.keys().next_back().map_or(i64::MIN, |(arrival, _)| *arrival);
        let tick = until.max(last.saturating_add(SECOND));
        let tick = tick.div_euclid(SECOND).saturating_add(1).saturating_mul(SECOND);
        let mut story: Vec<String> = lines.into_values().flatten().collect();
        story.push(format!("tick {}", tell_time(tick, self.zone)));
        story.push(self.expectation());
        story.join("\n")
    }

    /// The test as it stands in a profile.
    pub(super) fn toml(&self, story: &str, remarks: &[String]) -> String {
        let Self { figure, .. } = self;
        let place = self.place();
        let mut lines: Vec<String> = remarks.iter().map(|remark| format!("# {remark}")).collect();
        lines.push("[[indicator.test]]".to_owned());
        lines.push(format!("name = \"live: {place} from {}\"", figure.start_text));
        lines.push("story = '''".to_owned());
        lines.push(format!("# {} {place}, known at {}", figure.indicator, figure.known_at));
        lines.push(format!("# definition version {}", figure.version));
        lines.push(story.to_owned());
        lines.push("'''".to_owned());
        lines.join("\n")
    }

    fn expectation(&self) -> String {
        let figure = self.figure;
        let value = figure.value.as_deref().unwrap_or("none");
        let mut line =
            format!("expect {} {} {} = {value}", figure.indicator, self.place(), figure.start_text);
        if figure.value.is_some() {
            line.push_str(&format!(" {}", figure.unit));
        }
        line
    }

    fn place(&self) -> String {
        match self.figure.group.as_str() {
            "" => self.live.area.to_owned(),
            group => format!("{}@{group}", self.live.area),
        }
    }

    /// How long after its end a window of this figure is settled, whoever falls silent.
    fn wait(&self, leaf: &Shown) -> Span {
        let indicator = self.profile.indicators.get(leaf.indicator.as_str());
        let stream = indicator.and_then(|indicator| self.profile.streams.get(&indicator.stream));
        let Some(stream) = stream else { return AFTER };
        let idle = stream.cadence.saturating_mul(IDLE_CADENCES).max(MINUTE);
        stream.disorder.saturating_add(idle).saturating_add(AFTER)
    }

    /// One reading of a contributing source that gives the same figure, where one can.
    fn one_reading(&self, leaf: &Shown) -> Option<(i64, String)> {
        let indicator = self.profile.indicators.get(leaf.indicator.as_str())?;
        let name = single_quantity(indicator)?;
        let (source, value) = (leaf.sources.first()?, leaf.value.as_ref()?);
        let middle = leaf.start.saturating_add(leaf.end) / 2;
        let time = middle.div_euclid(SECOND).saturating_mul(SECOND);
        let mut words = vec!["at".to_owned(), tell_time(time, self.zone)];
        words.extend([indicator.stream.to_string(), source.clone()]);
        words.push(format!("{name}={value}{}", leaf.unit));
        words.extend(indicator.filter.iter().map(|filter| self.satisfied(filter)));
        Some((time, words.join(" ")))
    }

    /// A value that passes a filter.
    fn satisfied(&self, filter: &Filter) -> String {
        match filter {
            Filter::StateIn(name, words) => format!("{name}={}", words.first().map_or("", String::as_str)),
            Filter::Between(name, least, _) => {
                let quantity = self.profile.quantities.get(name);
                let scale = quantity.map_or(0, |quantity| quantity.scale);
                let unit = quantity.map_or("", |quantity| quantity.unit.as_str());
                format!("{name}={}{unit}", nhip_proto::Decimal::new(*least, scale))
            }
        }
    }
}

/// The quantity whose single reading is the figure.
fn single_quantity(indicator: &Indicator) -> Option<&str> {
    if indicator.cases.is_some() {
        return None;
    }
    match &indicator.aggregate {
        Aggregate::Sum(operand)
        | Aggregate::Mean(operand)
        | Aggregate::Min(operand)
        | Aggregate::Max(operand)
        | Aggregate::First(operand, _)
        | Aggregate::Last(operand, _) => match operand {
            Operand::Quantity(name) => Some(name),
            Operand::State(_) => None,
        },
        Aggregate::Leq(name) | Aggregate::HarmonicMean { quantity: name, weight: None } => Some(name),
        _ => None,
    }
}
