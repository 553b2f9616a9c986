//! How the windows of an indicator become one longer period, exactly: amounts are added, never shown values.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Unit};
use nhip_proto::{Decimal, EventTime, SECOND, divide_half_even};

use crate::{Aggregate, CalendarUnit, Indicator, Operand, Profile, Term, Window};

/// Digits behind the point of reciprocals.
pub const RECIPROCAL_SCALE: u8 = 12;
const HOUR: i64 = 3_600 * SECOND;

/// What becomes of the amounts of several windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeRollup {
    /// What stands above and below is added.
    Add,
    /// The window with the least.
    Least,
    /// The window with the greatest.
    Greatest,
    /// The first window.
    First,
    /// The last window.
    Last,
}

/// A civil period of the profile's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CivilStep {
    /// A civil hour.
    Hour,
    /// A civil day (23, 24 or 25 hours).
    Day,
    /// A civil month.
    Month,
}

impl Indicator {
    /// How its windows become a longer period; none: from its windows that cannot be told (of percentiles, different
    /// things, levels and derived figures the parts are not in the rows).
    #[must_use]
    pub fn time_rollup(&self) -> Option<TimeRollup> {
        if matches!(self.window, Window::Hopping { .. }) {
            return None;
        }
        match &self.aggregate {
            Aggregate::Count(_)
            | Aggregate::Sum(_)
            | Aggregate::Mean(_)
            | Aggregate::Ratio { .. }
            | Aggregate::TimeInState { .. }
            | Aggregate::Delta { .. }
            | Aggregate::Rate { .. }
            | Aggregate::Onsets { .. }
            | Aggregate::HarmonicMean { .. } => Some(TimeRollup::Add),
            Aggregate::Min(_) => Some(TimeRollup::Least),
            Aggregate::Max(_) => Some(TimeRollup::Greatest),
            Aggregate::First(..) => Some(TimeRollup::First),
            // A stock at the end of a longer period is that of its last window.
            Aggregate::Last(..) | Aggregate::Stock(_) => Some(TimeRollup::Last),
            Aggregate::Percentile { .. }
            | Aggregate::Distinct(_)
            | Aggregate::Leq(_)
            | Aggregate::Derived(_) => None,
        }
    }

    /// `above ÷ below × factor` at the indicator's scale, rounded once, half to even; none without a denominator.
    #[must_use]
    pub fn shown(&self, profile: &Profile, above: i128, below: i128) -> Option<Decimal> {
        let (above_scale, below_scale) = self.aggregate.scales(profile);
        let up = u32::from(self.scale) + u32::from(below_scale);
        let down = u32::from(above_scale);
        let ten = |power: u32| 10_i128.checked_pow(power);
        let above = above.checked_mul(self.aggregate.factor())?.checked_mul(ten(up.saturating_sub(down))?)?;
        let value = divide_half_even(above, below.checked_mul(ten(down.saturating_sub(up))?)?)?;
        Some(Decimal::new(value, self.scale))
    }
}

impl TimeRollup {
    /// The amounts of several windows, in their order, as those of one; none of no window, or where a number is too
    /// large.
    #[must_use]
    pub fn over(self, windows: &[(i128, i128)]) -> Option<(i128, i128)> {
        match self {
            Self::First => windows.first().copied(),
            Self::Last => windows.last().copied(),
            Self::Least => windows.iter().copied().min(),
            Self::Greatest => windows.iter().copied().max(),
            Self::Add => {
                let (first, rest) = windows.split_first()?;
                rest.iter().try_fold(*first, |(above, below), more| {
                    Some((above.checked_add(more.0)?, below.checked_add(more.1)?))
                })
            }
        }
    }
}

impl Aggregate {
    /// Digits behind the point of what stands above and below.
    #[must_use]
    pub fn scales(&self, profile: &Profile) -> (u8, u8) {
        let scale = |name: &str| profile.quantities.get(name).map_or(0, |quantity| quantity.scale);
        let term = |term: &Term| match term {
            Term::Sum(name) => scale(name),
            Term::SumOfProducts(left, right) => scale(left).saturating_add(scale(right)),
            Term::Count(..) => 0,
        };
        match self {
            Self::Count(_)
            | Self::TimeInState { .. }
            | Self::Distinct(_)
            | Self::Onsets { .. }
            | Self::Stock(_)
            | Self::Derived(_) => (0, 0),
            Self::Delta { counter: name, .. }
            | Self::Rate { counter: name, .. }
            | Self::Percentile { quantity: name, .. }
            | Self::Leq(name) => (scale(name), 0),
            Self::HarmonicMean { quantity, .. } => (scale(quantity), RECIPROCAL_SCALE),
            Self::Sum(operand)
            | Self::Mean(operand)
            | Self::Min(operand)
            | Self::Max(operand)
            | Self::First(operand, _)
            | Self::Last(operand, _) => match operand {
                Operand::Quantity(name) | Operand::State(name) => (scale(name), 0),
            },
            Self::Ratio { numerator, denominator, .. } => (term(numerator), term(denominator)),
        }
    }

    /// What the quotient is multiplied by: 100 for percent.
    #[must_use]
    pub fn factor(&self) -> i128 {
        match self {
            Self::Ratio { factor, .. } | Self::TimeInState { factor, .. } => i128::from(*factor),
            Self::Rate { per, .. } => i128::from(*per),
            _ => 1,
        }
    }
}

impl CivilStep {
    /// `hour`, `day` or `month`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "hour" => Some(Self::Hour),
            "day" => Some(Self::Day),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// The civil period an instant lies in: its start and its end.
    #[must_use]
    pub fn around(self, zone: &TimeZone, at: EventTime) -> Option<(EventTime, EventTime)> {
        let at = Timestamp::from_nanosecond(i128::from(at.0)).ok()?.to_zoned(zone.clone());
        let (start, end) = match self {
            Self::Hour => {
                let start =
                    at.round(jiff::ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc));
                let start = start.ok()?;
                let end = start.checked_add(1.hour()).ok()?;
                (start, end)
            }
            Self::Day => {
                let start = at.start_of_day().ok()?;
                let end = start.checked_add(1.day()).ok()?.start_of_day().ok()?;
                (start, end)
            }
            Self::Month => {
                let start = at.first_of_month().ok()?.start_of_day().ok()?;
                let end = start.checked_add(1.month()).ok()?.start_of_day().ok()?;
                (start, end)
            }
        };
        let nanoseconds = |at: jiff::Zoned| i64::try_from(at.timestamp().as_nanosecond()).ok().map(EventTime);
        Some((nanoseconds(start)?, nanoseconds(end)?))
    }
}

impl Window {
    /// How many windows begin in a civil period and fill it, of those that end by `known`; none if they do not fill
    /// it: they are longer, or lie across its ends.
    #[must_use]
    pub fn due_in(
        &self,
        zone: &TimeZone,
        (start, end): (EventTime, EventTime),
        known: EventTime,
    ) -> Option<u32> {
        let until = |length: i64| {
            let whole = known.0.min(end.0).saturating_sub(start.0).max(0) / length;
            u32::try_from(whole).ok()
        };
        match self {
            Self::Tumbling(length) => {
                let fills = start.0.rem_euclid(*length) == 0 && end.0.rem_euclid(*length) == 0;
                if fills { until(*length) } else { None }
            }
            Self::Calendar(CalendarUnit::Hour) => until(HOUR),
            Self::Calendar(CalendarUnit::Day) if end.since(start) >= 23 * HOUR => {
                let (mut days, mut at) = (0, start);
                while at < end {
                    let (_, next) = CivilStep::Day.around(zone, at)?;
                    days += u32::from(next <= known);
                    at = next;
                }
                Some(days)
            }
            Self::Calendar(CalendarUnit::Month) if end.since(start) >= 28 * 24 * HOUR => {
                Some(u32::from(end <= known))
            }
            Self::Hopping { .. } | Self::Calendar(_) | Self::Closing(..) | Self::Dated(_) => None,
        }
    }

    /// The least span from one window's start to the next.
    #[must_use]
    pub fn spacing(&self) -> i64 {
        match self {
            Self::Tumbling(length) => *length,
            Self::Hopping { hop, .. } => *hop,
            Self::Calendar(CalendarUnit::Hour) => HOUR,
            Self::Calendar(CalendarUnit::Day) => 23 * HOUR,
            Self::Calendar(CalendarUnit::Week) => 7 * 23 * HOUR,
            Self::Calendar(_) | Self::Closing(..) => 28 * 23 * HOUR,
            // A period is a day at least, and there are no more windows than periods.
            Self::Dated(_) => 23 * HOUR,
        }
    }
}

#[cfg(test)]
mod tests {
    use nhip_proto::SECOND;

    use super::*;

    #[test]
    fn ratios_are_added_above_and_below_never_averaged() {
        // 1 of 10 and 99 of 100: the mean of the ratios would be 54.5 %.
        assert_eq!(TimeRollup::Add.over(&[(1, 10), (99, 100)]), Some((100, 110)));
        assert_eq!(TimeRollup::Add.over(&[]), None, "nothing is not 0");
        assert_eq!(TimeRollup::Add.over(&[(i128::MAX, 1), (1, 1)]), None);
        assert_eq!(TimeRollup::Least.over(&[(3, 1), (-2, 1), (9, 1)]), Some((-2, 1)));
        assert_eq!(TimeRollup::Greatest.over(&[(3, 1), (-2, 1), (9, 1)]), Some((9, 1)));
        assert_eq!(TimeRollup::Last.over(&[(3, 1), (9, 2)]), Some((9, 2)));
        assert_eq!(TimeRollup::First.over(&[(3, 1), (9, 2)]), Some((3, 1)));
    }

    #[test]
    fn civil_periods_follow_the_zone_and_its_summer_time() {
        let zone = TimeZone::get("Europe/Paris").expect("a zone");
        let at = |second: i64| EventTime(second * SECOND);
        // 2026-03-29 has 23 hours there: 2026-03-28T23:00Z to 2026-03-29T22:00Z.
        let day = CivilStep::Day.around(&zone, at(1_774_750_000)).expect("a day");
        assert_eq!(day, (at(1_774_738_800), at(1_774_821_600)));
        assert_eq!(Window::Tumbling(HOUR).due_in(&zone, day, at(i64::MAX / SECOND)), Some(23));
        assert_eq!(Window::Tumbling(HOUR).due_in(&zone, day, at(1_774_738_800 + 3 * 3_600 + 60)), Some(3));
        assert_eq!(
            Window::Tumbling(24 * HOUR).due_in(&zone, day, at(i64::MAX / SECOND)),
            None,
            "across its ends"
        );
        let month = CivilStep::Month.around(&zone, at(1_774_750_000)).expect("a month");
        assert_eq!(Window::Calendar(CalendarUnit::Day).due_in(&zone, month, at(i64::MAX / SECOND)), Some(31));
        assert_eq!(Window::Calendar(CalendarUnit::Day).due_in(&zone, month, at(1_774_821_600)), Some(29));
    }
}
