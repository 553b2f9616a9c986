//! Who answers: units (agencies) with validity and successor, the state of a source, the class of a stream.

use super::{Label, Validity};

/// An agency, a commune's people's committee, a company: whoever answers for figures and sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its id, as in `owner`.
    pub id: String,
    /// On screens.
    pub name: Label,
    /// Whom to call, or empty.
    pub phone: String,
    /// The unit it belongs to.
    pub parent: Option<String>,
    /// The unit that took over its duties when its validity ended.
    pub successor: Option<String>,
    /// Civil dates of validity; the end is exclusive.
    pub valid: Validity,
}

/// Whether a source really sends (the open-data list's three answers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceState {
    /// *kết nối thật*: it sends; only such a source is due.
    #[default]
    Connected,
    /// *cam kết*: its owner promised it.
    Committed,
    /// *chưa có*: it is wanted and nobody promised it.
    None,
}

/// What kind of data a stream carries: it chooses the formulas of its badge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Devices and systems that send by a cadence.
    #[default]
    Machine,
    /// Cases and events, which come when they come.
    Case,
    /// Periodic statistics.
    Statistic,
    /// Figures typed by people.
    Typed,
}

/// By when each source of a stream owes one report for each due day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The civil time of the day in the profile's zone.
    pub at: jiff::civil::Time,
    /// Which days are due: the working days of this calendar; none: every day.
    pub calendar: Option<String>,
}

impl SourceState {
    /// The word in `sources.csv` and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Committed => "committed",
            Self::None => "none",
        }
    }
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Machine, Self::Case, Self::Statistic, Self::Typed];

    /// The word in the profile and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Case => "case",
            Self::Statistic => "statistic",
            Self::Typed => "typed",
        }
    }
}
