//! What an item of a reading adds to a measured figure: one change of an accumulator. Terms that are no exact
//! numbers are rounded here, item by item, so that sums are exact in any order.

use nhip_profile::RECIPROCAL_SCALE;
use nhip_proto::{Decimal, Item, divide_half_even};

use crate::calculator::leq;
use crate::plan::{Amount, Definition, Drive, Kind, Split};
use crate::reading::{Value, holds};
use crate::sketch;
use crate::touch::Change;

/// An item in its reading.
#[derive(Clone, Copy)]
pub(crate) struct Measured<'a> {
    /// None: a case, not an item.
    pub(crate) item: Option<&'a Item>,
    /// The item's name in its stream, and its value.
    pub(crate) name: u32,
    pub(crate) value: Value,
    /// The values of the reading, by name.
    pub(crate) values: &'a [Option<Value>],
}

impl Measured<'_> {
    /// What the item changes, and whether it counts as a reading received; none: it adds nothing.
    pub(crate) fn change(&self, definition: &Definition, drive: &Drive) -> Option<(Change, bool)> {
        if !holds(&definition.filter, self.values) {
            return None;
        }
        let above = drive.numerator.as_ref().and_then(|amount| self.amount(amount));
        let below = drive.denominator.as_ref().and_then(|amount| self.amount(amount));
        let sequence = self.item.and_then(|item| item.sequence).unwrap_or(0);
        let change = match (definition.kind, above, below) {
            (_, None, None) => return None,
            (Kind::Count | Kind::Sum | Kind::Mean | Kind::Ratio, above, below) => {
                Change::Add(above.unwrap_or(0), below.unwrap_or(0))
            }
            (Kind::Min, above, _) => Change::Least(above?),
            (Kind::Max, above, _) => Change::Greatest(above?),
            (Kind::Last(_), above, _) => Change::Last(sequence, above?),
            (Kind::First(_), above, _) => Change::First(sequence, above?),
            (Kind::Percentile(..), above, _) => Change::Bucket(sketch::bucket(above?)),
            (Kind::Leq, above, _) => Change::Add(leq::energy(Decimal::new(above?, definition.scales.0))?, 1),
            (Kind::Harmonic, above, below) => reciprocal(above?, below?)?,
            (Kind::Distinct, above, _) => Change::Element(sketch::element(above? as u128)),
            (Kind::Ids, ..) => Change::Element(sketch::element(self.item?.identity?)),
            (Kind::Sources, ..) => Change::Add(0, 0),
            // These stand on series of samples, or on other figures.
            (Kind::InState | Kind::Delta | Kind::Rate | Kind::Onsets, ..) => return None,
            (Kind::Stock | Kind::Derived, ..) => return None,
        };
        let counted = match definition.kind {
            Kind::Ids | Kind::Sources => self.is_first(),
            _ => below.is_some(),
        };
        Some((change, counted))
    }

    /// Which group of a split by a state the reading is in.
    pub(crate) fn slot(&self, split: &Split) -> u32 {
        let Split::State(split) = split else { return 0 };
        match self.values.get(split.name as usize) {
            Some(Some(Value::State(word))) => split.slot(Some(*word)),
            _ => split.slot(None),
        }
    }

    /// Whether it is the first of its reading: where every name drives a figure, the reading counts once.
    fn is_first(&self) -> bool {
        self.values.iter().position(Option::is_some) == Some(self.name as usize)
    }

    fn amount(&self, amount: &Amount) -> Option<i128> {
        let beside = |name: &u32| match self.values.get(*name as usize) {
            Some(Some(Value::Number(number))) => Some(*number),
            _ => None,
        };
        match (amount, self.value) {
            (Amount::Value, value) => Some(value.digits()),
            (Amount::One(conditions), _) => holds(conditions, self.values).then_some(1),
            (Amount::Times(other), Value::Number(number)) => number.checked_mul(beside(other)?),
            (Amount::Beside(other), _) => beside(other),
            (Amount::Times(_), Value::State(_) | Value::Thing(_)) => None,
        }
    }
}

/// A weight, and the weight over its value. A value of 0 or below has no reciprocal that means something here.
fn reciprocal(value: i128, weight: i128) -> Option<Change> {
    if value <= 0 || weight < 0 {
        return None;
    }
    let scaled = weight.checked_mul(10_i128.pow(u32::from(RECIPROCAL_SCALE)))?;
    Some(Change::Add(weight, divide_half_even(scaled, value)?))
}
