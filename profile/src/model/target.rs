//! Targets: what a document asks of an indicator, for an area, for a time.

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
    /// For which area.
    pub area: AreaCode,
    /// The issuing document.
    pub document: String,
    /// Civil dates of validity; the end is exclusive.
    pub valid: Validity,
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
