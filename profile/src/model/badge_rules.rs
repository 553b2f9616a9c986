//! Which named formula gives each of the four words for a class of data (design: đúng · đủ · sạch · sống).

use super::Class;

/// The formulas of one class, versioned in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadgeRules {
    /// For streams of this class.
    pub class: Class,
    /// The profile's own version of the choice, shown with the badge.
    pub version: u32,
    /// đúng (accurate).
    pub dung: DungFormula,
    /// đủ (complete).
    pub du: DuFormula,
    /// sạch (clean).
    pub sach: SachFormula,
    /// sống (live).
    pub song: SongFormula,
}

/// đúng.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DungFormula {
    /// `reconcile`: share of closed windows that agree with the second source an indicator names; without one
    /// it is *chưa đối soát*.
    Reconcile,
    /// `none`: never judged.
    None,
}

/// đủ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuFormula {
    /// `readings_and_sources`: the worse of the next two.
    ReadingsAndSources,
    /// `readings`: readings received ÷ expected by the cadence.
    Readings,
    /// `sources`: sources that sent ÷ sources due.
    Sources,
    /// `reports`: reports of the due days whose deadline has passed ÷ due (one for each source and day).
    Reports,
}

/// sạch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SachFormula {
    /// `items`: 1 − (rejected + out of range + device-flagged + conflicting) ÷ judged.
    Items,
    /// `none`: never judged.
    None,
}

/// sống.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SongFormula {
    /// `staleness`: sources whose newest event time is inside the staleness limit ÷ sources due.
    Staleness,
    /// `deadline`: sources that do not owe the report of the last due day ÷ sources due.
    Deadline,
    /// `none`: never judged.
    None,
}

impl DungFormula {
    /// The names in the profile.
    pub const NAMES: [(&'static str, Self); 2] = [("reconcile", Self::Reconcile), ("none", Self::None)];
}

impl DuFormula {
    /// The names in the profile.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("readings_and_sources", Self::ReadingsAndSources),
        ("readings", Self::Readings),
        ("sources", Self::Sources),
        ("reports", Self::Reports),
    ];
}

impl SachFormula {
    /// The names in the profile.
    pub const NAMES: [(&'static str, Self); 2] = [("items", Self::Items), ("none", Self::None)];
}

impl SongFormula {
    /// The names in the profile.
    pub const NAMES: [(&'static str, Self); 3] =
        [("staleness", Self::Staleness), ("deadline", Self::Deadline), ("none", Self::None)];
}

impl BadgeRules {
    /// What holds for a class the profile says nothing about (version 1).
    #[must_use]
    pub fn standard(class: Class) -> Self {
        let (du, song) = match class {
            Class::Machine => (DuFormula::ReadingsAndSources, SongFormula::Staleness),
            Class::Case => (DuFormula::Sources, SongFormula::Staleness),
            Class::Statistic | Class::Typed => (DuFormula::Reports, SongFormula::Deadline),
        };
        Self { class, version: 1, dung: DungFormula::Reconcile, du, sach: SachFormula::Items, song }
    }
}
