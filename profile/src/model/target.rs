//! Targets: what a document asks of an indicator, for an area, for a time.

use jiff::civil::Date;
use nhip_proto::{AreaCode, IndicatorId};

use super::{Direction, Label, Validity};

/// A dated target. Expired ones are history; a day without one shows *chưa giao chỉ tiêu* (no target set).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Of which indicator.
    pub indicator: IndicatorId,
    /// At the indicator's scale.
    pub value: i128,
    /// The document's own rule of reckoning, or empty.
    pub formula: String,
    /// For which area; without meaning where there is a former area.
    pub area: AreaCode,
    /// An area that is in no table any more, by name; empty: the target is for `area`. Such a target is history.
    pub former_area: Label,
    /// The issuing document.
    pub document: String,
    /// Civil dates of validity; the end is exclusive.
    pub valid: Validity,
    /// A remark for screens, or empty.
    pub note: Label,
    /// How much of it is expected by each month's end; none: only the whole is told.
    pub curve: Option<Curve>,
}

/// A plan's course over the year: the share due by the end of each month, counted up from January.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// Parts of `whole`, January first; they never fall, and December has all of it.
    pub shares: [u32; 12],
    /// What the parts are of.
    pub whole: u32,
}

impl Curve {
    /// As much of the plan as of the year.
    #[must_use]
    pub fn elapsed() -> Self {
        Self { shares: std::array::from_fn(|month| month as u32 + 1), whole: 12 }
    }

    /// The parts due by the end of a month, 1 to 12.
    #[must_use]
    pub fn share(&self, month: i8) -> u32 {
        let at = usize::try_from(month).unwrap_or(1).saturating_sub(1);
        self.shares.get(at).copied().unwrap_or(self.whole)
    }
}

/// Where an indicator stood on a day, by a document: a result to compare with, never something to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// Of which indicator.
    pub indicator: IndicatorId,
    /// At the indicator's scale.
    pub value: i128,
    /// The document says *above*: the value is the least it may have been.
    pub at_least: bool,
    /// For which area; without meaning where there is a former area.
    pub area: AreaCode,
    /// As in [`Target::former_area`].
    pub former_area: Label,
    /// The document that tells it.
    pub document: String,
    /// The civil day it tells of, the last where it is a span.
    pub as_of: Date,
    /// A remark for screens, or empty.
    pub note: Label,
}

/// Where a value stands against the target of its window's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetStatus {
    /// At the target or better.
    Met,
    /// Not there.
    Missed,
    /// No target on that day: *chưa giao chỉ tiêu*.
    Unset,
    /// There is a target and no value.
    Unknown,
}

impl Target {
    /// Whether it is for an area of today's tables; else it is never compared with a figure.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.former_area == Label::default()
    }

    /// Judges a value at the indicator's scale.
    #[must_use]
    pub fn judge(&self, value: Option<i128>, direction: Direction) -> TargetStatus {
        let Some(value) = value else { return TargetStatus::Unknown };
        let met = match direction {
            Direction::Worse => value <= self.value,
            Direction::Better => value >= self.value,
            Direction::Neutral => return TargetStatus::Unknown,
        };
        if met { TargetStatus::Met } else { TargetStatus::Missed }
    }
}

impl TargetStatus {
    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unset => "none",
            Self::Unknown => "unknown",
        }
    }
}
