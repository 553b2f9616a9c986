//! The unit of a figure follows from what it computes; the profile must say the same.

use super::Loading;
use super::samples::per_name;
use crate::read::Section;
use crate::unit::{Dimension, counts_things};
use crate::{Aggregate, Operand, Term};

/// What a unit has to be.
enum Wanted {
    /// This one.
    Exactly(Dimension),
    /// One in which things are counted.
    Counting,
    /// Nothing follows.
    Free,
}

pub(super) fn check_unit(section: &Section<'_>, aggregate: &Aggregate, unit: &str, loading: &Loading<'_>) {
    let (right, allowed) = match wanted(aggregate, loading) {
        Wanted::Exactly(wanted) => (wanted == Dimension::of(unit), wanted.text()),
        Wanted::Counting => {
            (counts_things(unit), "readings, vehicles, people, events, sources, cases, reports".to_owned())
        }
        Wanted::Free => (true, String::new()),
    };
    if !right {
        section.mistake("unit", format!("{unit} is not the unit of what is computed"), allowed);
    }
}

fn wanted(aggregate: &Aggregate, loading: &Loading<'_>) -> Wanted {
    let of = |name: &str| {
        let quantity = loading.profile.quantities.get(name);
        quantity.map_or(Wanted::Free, |quantity| Wanted::Exactly(Dimension::of(&quantity.unit)))
    };
    match aggregate {
        Aggregate::Count(_) | Aggregate::Distinct(_) | Aggregate::Onsets { .. } | Aggregate::Stock(_) => {
            Wanted::Counting
        }
        Aggregate::Sum(operand)
        | Aggregate::Mean(operand)
        | Aggregate::Min(operand)
        | Aggregate::Max(operand)
        | Aggregate::First(operand, _)
        | Aggregate::Last(operand, _) => match operand {
            Operand::Quantity(name) => of(name),
            Operand::State(_) => Wanted::Free,
        },
        Aggregate::Delta { counter: name, .. }
        | Aggregate::Percentile { quantity: name, .. }
        | Aggregate::Leq(name)
        | Aggregate::HarmonicMean { quantity: name, .. } => of(name),
        Aggregate::Rate { counter, per, .. } => match of(counter) {
            Wanted::Exactly(unit) => Wanted::Exactly(unit.over(&Dimension::of(per_name(*per)))),
            other => other,
        },
        Aggregate::TimeInState { factor, .. } => Wanted::Exactly(share_unit(*factor)),
        Aggregate::Ratio { numerator, denominator, factor } => {
            of_ratio(numerator, denominator, *factor, loading)
        }
        Aggregate::Derived(_) => Wanted::Free,
    }
}

fn of_ratio(numerator: &Term, denominator: &Term, factor: u32, loading: &Loading<'_>) -> Wanted {
    if matches!((numerator, denominator), (Term::Count(..), Term::Count(..))) {
        return Wanted::Exactly(share_unit(factor));
    }
    let (Some(above), Some(below)) = (of_term(numerator, loading), of_term(denominator, loading)) else {
        return Wanted::Free;
    };
    let quotient = above.over(&below);
    // A hundredfold of anything but a share is no percent.
    Wanted::Exactly(if quotient.is_number() { share_unit(factor) } else { quotient })
}

/// None: things are counted, in whatever unit.
fn of_term(term: &Term, loading: &Loading<'_>) -> Option<Dimension> {
    let of = |name: &str| Some(Dimension::of(&loading.profile.quantities.get(name)?.unit));
    match term {
        Term::Sum(name) => of(name),
        Term::SumOfProducts(left, right) => Some(of(left)?.times(&of(right)?)),
        Term::Count(..) => None,
    }
}

fn share_unit(factor: u32) -> Dimension {
    Dimension::of(if factor == 100 { "%" } else { "1" })
}
