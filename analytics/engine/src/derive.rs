//! Derived figures: which definitions follow from which, and where they are evaluated.

mod cascade;
mod compile;
mod exact;
mod formula;
mod gather;
mod reconcile;
mod standing;

use std::collections::BTreeMap;

use nhip_profile::{AreaRollup, OverTime};
use nhip_proto::Decimal;

use crate::calculator::Exact;
use crate::level::Limit;
use crate::plan::Plan;

pub(crate) use compile::derive;
pub(crate) use exact::Overflow;
pub(crate) use formula::Term;
pub(crate) use gather::{Field, Window};
pub(crate) use reconcile::Agreement;
pub(crate) use standing::{Scene, Standing};

/// A definition that follows from no other.
pub(crate) const MEASURED: u32 = u32::MAX;

/// All that follows from the derived definitions of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Derivations {
    /// By definition number; none: measured.
    pub(crate) plans: Vec<Option<Derivation>>,
    /// By definition number: those that read it. Empty for all if nothing is derived.
    pub(crate) dependents: Vec<Vec<Dependent>>,
    /// Derived definitions, each behind its inputs.
    pub(crate) order: Vec<u32>,
    /// By definition number: its place in `order`; [`MEASURED`] for all others.
    pub(crate) ranks: Vec<u32>,
    /// By stream: derived definitions that stand on it.
    pub(crate) by_stream: Vec<Vec<u32>>,
    /// By definition number: whose figures may look different when one of its windows closes.
    pub(crate) followers: Vec<Vec<u32>>,
    /// By definition number: whose figures may look different whenever one of its does, as they are checked against it.
    pub(crate) checked: Vec<Vec<u32>>,
    /// By area: the lowest areas inside; none for a lowest area.
    parts: Vec<Vec<u32>>,
    /// By area: the places of groups in it.
    groups: Vec<Vec<u32>>,
}

/// How one definition follows from others.
#[derive(Clone, Debug)]
pub(crate) struct Derivation {
    pub(crate) inputs: Vec<Input>,
    pub(crate) compute: Compute,
    pub(crate) rollup: Option<AreaRollup>,
    /// Whether the roll-up combines groups; else lowest areas.
    pub(crate) grouped: bool,
    /// The streams it stands on, through all inputs, sorted.
    pub(crate) streams: Vec<u32>,
}

/// One indicator a definition reads.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// The definitions of the indicator; the one that covers a window's start is read.
    pub(crate) versions: Vec<u32>,
    /// How many windows back it is read, sorted; with windows inside: [0].
    pub(crate) backs: Vec<u16>,
}

/// What is made of the inputs.
#[derive(Clone, Debug)]
pub(crate) enum Compute {
    /// With the limits it reads and their digits behind the point.
    Formula(Term, Vec<(Vec<Limit>, u8)>),
    Calculator(Calculation),
    /// Of the windows inside.
    OverTime(OverTime),
}

/// A calculator with what it is given.
#[derive(Clone, Debug)]
pub(crate) struct Calculation {
    pub(crate) name: String,
    /// Its names for the inputs, by number.
    pub(crate) inputs: Vec<(String, usize)>,
    pub(crate) parameters: BTreeMap<String, Decimal>,
    /// Dated alarm levels by group, as further inputs.
    pub(crate) levels: Vec<AlarmLevels>,
}

/// The alarm levels of one river point, in the unit of the input.
#[derive(Clone, Debug)]
pub(crate) struct AlarmLevels {
    pub(crate) group: String,
    pub(crate) levels: [Exact; 3],
    pub(crate) valid: nhip_profile::Validity,
}

/// A definition that reads another.
#[derive(Clone, Debug)]
pub(crate) struct Dependent {
    pub(crate) definition: u32,
    /// How many windows later a change matters, 0 among them.
    pub(crate) backs: Vec<u16>,
    /// Whether it reads the windows inside its own.
    pub(crate) inside: bool,
}

/// Where a definition's value at a place comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From the inputs at the same place.
    Direct,
    /// From its own values at the places inside.
    Combined,
    /// There is none.
    Nowhere,
}

impl Derivations {
    /// How a definition follows from others; none: it is measured.
    pub(crate) fn of(&self, definition: u32) -> Option<&Derivation> {
        self.plans.get(definition as usize)?.as_ref()
    }

    /// Whether anything follows from a definition.
    pub(crate) fn is_read(&self, definition: u32) -> bool {
        self.dependents.get(definition as usize).is_some_and(|dependents| !dependents.is_empty())
    }

    /// Where the value at a place comes from.
    pub(crate) fn stage(&self, plan: &Plan, derivation: &Derivation, place: u32) -> Stage {
        let group = !plan.group(place).is_empty();
        let combined = match (derivation.rollup, derivation.grouped) {
            (_, false) if group => return Stage::Nowhere,
            (None, _) => false,
            (Some(_), true) => !group,
            (Some(_), false) => !self.parts(place).is_empty(),
        };
        match derivation.rollup {
            Some(AreaRollup::None) if combined => Stage::Nowhere,
            _ if combined => Stage::Combined,
            _ => Stage::Direct,
        }
    }

    /// The places whose values a combined one is made of.
    pub(crate) fn inside(&self, derivation: &Derivation, area: u32) -> &[u32] {
        let lists = if derivation.grouped { &self.groups } else { &self.parts };
        lists.get(area as usize).map_or(&[], |inside| inside)
    }

    fn parts(&self, area: u32) -> &[u32] {
        self.parts.get(area as usize).map_or(&[], |parts| parts)
    }
}
