//! The accumulator of one window of one figure, with its provenance and what of it is already a row.

use std::borrow::Cow;

use nhip_profile::LastRollup;
use nhip_proto::{Level, MINUTE, RowState, divide_half_even};

use crate::amend::Cause;
use crate::calculator::leq;
use crate::plan::{Definition, Kind};
use crate::sketch::{Distinct, Histogram};
use crate::table::mix;
use crate::touch::{Change, Touch};

/// Sample offsets kept per figure.
pub(crate) const SAMPLES_MAX: usize = 8;
/// The least Tick time between two provisional rows of one window.
const PROVISIONAL_SPAN: i64 = MINUTE;

/// One window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Sum, extreme, or time in the counted states.
    pub(crate) above: i128,
    /// Number of values, lower sum, or known time.
    pub(crate) below: i128,
    /// Readings received for the window.
    pub(crate) readings: u64,
    /// Contributing sources, sorted.
    pub(crate) sources: Vec<u32>,
    /// What only some aggregates need.
    pub(crate) extra: Option<Box<Extra>>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The eight contributing offsets with the smallest mix, sorted by it.
    pub(crate) samples: Vec<u64>,
    /// The greatest event time.
    pub(crate) time: Option<i64>,
    /// The last record that changed it.
    pub(crate) changed: u64,
    pub(crate) written: Written,
}

/// What only some aggregates need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    /// Each source's last (or first), sorted by source. Of what may be taken back: how much each source brought that
    /// stands, in the place of the value.
    pub(crate) ones: Vec<One>,
    /// Counted and known time of the newest samples; they count when the window is closed.
    pub(crate) ahead: (i128, i128),
    /// Whose newest samples these are, sorted; a source with several series as often as it has one here.
    pub(crate) waiting: Vec<u32>,
    /// Values by size.
    pub(crate) histogram: Histogram,
    /// Different elements.
    pub(crate) distinct: Distinct,
}

/// Source, event time, sequence, value.
pub(crate) type One = (u32, i64, u64, i128);

/// What the durable rows already say of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Changed since the last row.
    pub(crate) dirty: bool,
    /// The revision of the next row.
    pub(crate) revision: u32,
    /// The state of the last row; none: no row yet.
    pub(crate) state: Option<RowState>,
    /// The Tick time of the last row.
    pub(crate) at: i64,
    pub(crate) level: Level,
    /// A hash of the last row but known_*, badge and revision.
    pub(crate) essence: u64,
    /// The value of the last row.
    pub(crate) value: Option<i128>,
    /// Why it changed, if by a Redecode or Restate.
    pub(crate) cause: Option<Cause>,
}

impl Default for Written {
    fn default() -> Self {
        let (level, at) = (Level::None, i64::MIN);
        Self { dirty: false, revision: 0, state: None, at, level, essence: 0, value: None, cause: None }
    }
}

/// What a window amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) above: i128,
    pub(crate) below: i128,
    /// At the definition's scale.
    pub(crate) value: Option<i128>,
    pub(crate) k: u32,
}

impl Written {
    /// The Tick time at which a change is due for a row.
    pub(crate) fn due(&self) -> i64 {
        if self.closed() { i64::MIN } else { self.at.saturating_add(PROVISIONAL_SPAN) }
    }

    /// Whether a final row was written.
    pub(crate) fn closed(&self) -> bool {
        matches!(self.state, Some(RowState::Final | RowState::Revised))
    }
}

impl Cell {
    pub(crate) fn new(start: i64, end: i64) -> Self {
        let written = Written::default();
        Self {
            start,
            end,
            above: 0,
            below: 0,
            readings: 0,
            sources: Vec::new(),
            extra: None,
            first: u64::MAX,
            last: 0,
            samples: Vec::new(),
            time: None,
            changed: 0,
            written,
        }
    }

    /// Takes a touch in. `mixed` is [`mix`] of its offset.
    pub(crate) fn take(&mut self, touch: &Touch, mixed: u64) {
        if touch.retracts {
            return self.take_back(touch);
        }
        match touch.change {
            Change::Add(above, below) => {
                self.above = self.above.wrapping_add(above);
                self.below = self.below.wrapping_add(below);
            }
            Change::Least(value) => {
                self.above = if self.below == 0 { value } else { self.above.min(value) };
                self.below += 1;
            }
            Change::Greatest(value) => {
                self.above = if self.below == 0 { value } else { self.above.max(value) };
                self.below += 1;
            }
            Change::Last(sequence, value) => self.take_one(touch, sequence, value, Ord::max),
            Change::First(sequence, value) => self.take_one(touch, sequence, value, Ord::min),
            Change::Bucket(key) => self.extra.get_or_insert_default().histogram.take(key),
            Change::Element(hash) => self.extra.get_or_insert_default().distinct.take(hash),
            Change::Held(above, below) => {
                self.above += above;
                self.below += below;
            }
            Change::Ahead(above, below, begins) => {
                let extra = self.extra.get_or_insert_default();
                extra.ahead.0 += above;
                extra.ahead.1 += below;
                match (extra.waiting.binary_search(&touch.source), begins) {
                    // One of each series of the source: a split by a state has many.
                    (Ok(at) | Err(at), true) => extra.waiting.insert(at, touch.source),
                    (Ok(at), false) => drop(extra.waiting.remove(at)),
                    _ => {}
                }
            }
            Change::Stand | Change::Present => {}
        }
        if touch.held {
            self.hold(touch.source, 1);
        }
        let is_member = !matches!(touch.change, Change::Ahead(..) | Change::Stand);
        if touch.joins
            && is_member
            && let Err(at) = self.sources.binary_search(&touch.source)
        {
            self.sources.insert(at, touch.source);
        }
        self.changed = self.changed.max(touch.offset);
        self.written.dirty = true;
        self.readings += u64::from(touch.counted);
        if let Some(time) = touch.time {
            self.time = self.time.max(Some(time));
            self.remember(touch.offset, mixed);
        }
    }

    /// Takes back what an earlier touch brought; a window that lost everything has no value.
    fn take_back(&mut self, touch: &Touch) {
        match touch.change {
            Change::Add(above, below) => {
                self.above = self.above.wrapping_sub(above);
                self.below = self.below.wrapping_sub(below);
            }
            Change::Bucket(key) => self.extra.get_or_insert_default().histogram.take_back(key),
            Change::Stand => {}
            // A statistic's later figure follows at once, with a greater sequence.
            Change::Last(..) => {}
            // What does not add up is never taken back: check allows it to nobody who corrects.
            _ => return,
        }
        if touch.held
            && self.hold(touch.source, -1) == 0
            && touch.change != Change::Stand
            && let Ok(at) = self.sources.binary_search(&touch.source)
        {
            self.sources.remove(at);
        }
        self.changed = self.changed.max(touch.offset);
        self.written.dirty = true;
        self.readings = self.readings.saturating_sub(u64::from(touch.counted));
    }

    /// Counts what a source brought that may be taken back; returns how much of it stands.
    fn hold(&mut self, source: u32, more: i128) -> i128 {
        let ones = &mut self.extra.get_or_insert_default().ones;
        match ones.binary_search_by(|one| one.0.cmp(&source)) {
            Ok(at) => {
                let Some(one) = ones.get_mut(at) else { return 0 };
                one.3 += more;
                let left = one.3;
                if left == 0 {
                    ones.remove(at);
                }
                left
            }
            Err(at) => {
                ones.insert(at, (source, 0, 0, more));
                more
            }
        }
    }

    /// How many cases of the sources that were heard stand so.
    fn standing(&self) -> i128 {
        let ones = self.extra.as_ref().map_or(&[][..], |extra| &extra.ones);
        ones.iter().filter(|one| self.sources.binary_search(&one.0).is_ok()).map(|one| one.3).sum()
    }

    /// Keeps one value of the source, the last or the first.
    fn take_one(&mut self, touch: &Touch, sequence: u64, value: i128, choose: fn(One, One) -> One) {
        let ones = &mut self.extra.get_or_insert_default().ones;
        let new = (touch.source, touch.time.unwrap_or(i64::MIN), sequence, value);
        match ones.binary_search_by(|one| one.0.cmp(&touch.source)) {
            Ok(at) => {
                if let Some(one) = ones.get_mut(at) {
                    *one = choose(*one, new);
                }
            }
            Err(at) => ones.insert(at, new),
        }
    }

    fn remember(&mut self, offset: u64, mixed: u64) {
        self.first = self.first.min(offset);
        self.last = self.last.max(offset);
        let full = self.samples.len() >= SAMPLES_MAX;
        if full && self.samples.last().is_some_and(|last| mix(*last) <= mixed) {
            return;
        }
        if let Err(at) = self.samples.binary_search_by(|known| mix(*known).cmp(&mixed)) {
            self.samples.truncate(if full { SAMPLES_MAX - 1 } else { SAMPLES_MAX });
            self.samples.insert(at, offset);
        }
    }

    /// Whether the window has anything to show; a closed one also counts what the newest samples hold.
    pub(crate) fn has_data(&self, closed: bool) -> bool {
        !self.sources.is_empty()
            || (closed && self.extra.as_ref().is_some_and(|extra| !extra.waiting.is_empty()))
    }

    /// Whether a row says something of it, or will when it is closed.
    pub(crate) fn is_known(&self) -> bool {
        self.has_data(true) || self.written.revision > 0
    }

    /// What it amounts to.
    pub(crate) fn amounts(&self, definition: &Definition, closed: bool) -> Amounts {
        let (above, below, k) = match (definition.kind, &self.extra) {
            (Kind::Last(rollup) | Kind::First(rollup), Some(extra)) => {
                let (above, below) = match rollup {
                    LastRollup::None => {
                        let newest = extra.ones.iter().max_by_key(|one| (one.1, one.2, one.3));
                        (newest.map_or(0, |one| one.3), i128::from(newest.is_some()))
                    }
                    rollup => roll_up(rollup, extra.ones.iter().map(|one| one.3)),
                };
                (above, below, self.sources.len())
            }
            (Kind::Percentile(part, whole), Some(extra)) => {
                let found = extra.histogram.percentile((part, whole));
                (found.unwrap_or(0), i128::from(found.is_some()), self.sources.len())
            }
            (Kind::Distinct | Kind::Ids, Some(extra)) => {
                let some = i128::from(!self.sources.is_empty());
                (i128::from(extra.distinct.count()), some, self.sources.len())
            }
            (Kind::Stock, _) => (self.standing(), i128::from(!self.sources.is_empty()), self.sources.len()),
            (Kind::Sources, _) => {
                let sources = self.sources.len();
                (sources as i128, i128::from(sources > 0), sources)
            }
            (Kind::InState, Some(extra)) if closed => {
                let (above, below) = (self.above + extra.ahead.0, self.below + extra.ahead.1);
                (above, below, self.contributors(true).len())
            }
            (Kind::Count | Kind::Sum | Kind::Min | Kind::Max | Kind::Delta | Kind::Onsets, _) => {
                (self.above, i128::from(!self.sources.is_empty()), self.sources.len())
            }
            _ => (self.above, self.below, self.sources.len()),
        };
        let above = if below == 0 { 0 } else { above };
        Amounts { above, below, value: shown(definition, above, below), k: k as u32 }
    }

    /// All sources that contribute, sorted.
    pub(crate) fn contributors(&self, closed: bool) -> Cow<'_, [u32]> {
        let waiting = self.extra.as_ref().filter(|_| closed).map_or(&[][..], |extra| &extra.waiting);
        if waiting.is_empty() {
            return Cow::Borrowed(&self.sources);
        }
        let mut all = self.sources.clone();
        all.extend(waiting);
        all.sort_unstable();
        all.dedup();
        Cow::Owned(all)
    }
}

fn roll_up(rollup: LastRollup, values: impl Iterator<Item = i128> + Clone) -> (i128, i128) {
    let count = values.clone().count() as i128;
    let some = i128::from(count > 0);
    match rollup {
        LastRollup::Sum => (values.fold(0, i128::wrapping_add), some),
        LastRollup::Mean => (values.fold(0, i128::wrapping_add), count),
        LastRollup::Min => (values.min().unwrap_or(0), some),
        LastRollup::Max | LastRollup::None => (values.max().unwrap_or(0), some),
    }
}

/// `above ÷ below × factor` at the definition's scale, rounded once, half to even; none without a denominator.
fn shown(definition: &Definition, above: i128, below: i128) -> Option<i128> {
    if below == 0 {
        return None;
    }
    if definition.kind == Kind::Leq {
        return leq::level(above, below, definition.scale);
    }
    let (above_scale, below_scale) = definition.scales;
    let up = u32::from(definition.scale) + u32::from(below_scale);
    let down = u32::from(above_scale);
    let ten = |power: u32| 10_i128.checked_pow(power);
    let above = above.checked_mul(definition.factor)?.checked_mul(ten(up.saturating_sub(down))?)?;
    divide_half_even(above, below.checked_mul(ten(down.saturating_sub(up))?)?)
}

#[cfg(test)]
mod tests;
