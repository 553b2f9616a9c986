//! Dated limits: thresholds of indicators, alarm levels of water.

use nhip_proto::{AreaCode, Decimal, IndicatorId};

use super::Validity;

/// A dated limit of an indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Of which indicator.
    pub indicator: IndicatorId,
    /// What it means to be beyond it.
    pub severity: Severity,
    /// Only for this area; none: for every area.
    pub area: Option<AreaCode>,
    /// Only for this group; none: for every group.
    pub group: Option<String>,
    /// Exceeded above (or below) this value, at the indicator's scale.
    pub limit: i128,
    /// Whether beyond means below.
    pub below: bool,
    /// How far the value must come back before it is normal again, at the indicator's scale.
    pub dead_band: i128,
    /// Civil dates of validity; the end is exclusive.
    pub valid: Validity,
    /// The issuing document.
    pub document: String,
}

/// What it means to be beyond a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look: the level `warning`.
    Warning,
    /// Beyond what is allowed: the level `exceeded`.
    Critical,
}

/// The alarm levels I, II, III of one river point (QĐ 05/2020/QĐ-TTg and its local successors).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaterLevel {
    /// The group of the figures it holds for: a source id, or a word of the state they are grouped by.
    pub group: String,
    /// The levels I, II, III in metres, rising.
    pub levels: [Decimal; 3],
    /// Civil dates of validity; the end is exclusive.
    pub valid: Validity,
    /// The issuing document.
    pub document: String,
}
