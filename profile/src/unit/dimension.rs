//! Units as products of powers, so that formulas can be checked: `km/h × h = km`.

use std::collections::BTreeMap;

use super::{canonical_unit, find};

/// The most signs of a compound unit.
const UNIT_LENGTH_MAX: usize = 40;
/// Units that are products of others.
const PRODUCTS: &[(&str, &[&str])] = &[("Wh", &["W", "h"]), ("kWh", &["kW", "h"])];

/// What a unit is made of: atoms and their powers. No two units are mixed: `m` and `km` are different atoms, and
/// `%` is not 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dimension {
    powers: BTreeMap<String, i32>,
}

impl Dimension {
    /// The dimension of a unit in its one spelling.
    pub(crate) fn of(unit: &str) -> Self {
        let mut dimension = Self::default();
        let mut sign = 1;
        for part in unit.split('/') {
            for factor in part.split('·') {
                dimension.take(factor, sign);
            }
            sign = -1;
        }
        dimension
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        self.combined(other, 1)
    }

    pub(crate) fn over(&self, other: &Self) -> Self {
        self.combined(other, -1)
    }

    /// Whether it is a plain number.
    pub(crate) fn is_number(&self) -> bool {
        self.powers.is_empty()
    }

    /// As a unit: `km/h`, `1/h`, `µg/m³`, `1`.
    pub(crate) fn text(&self) -> String {
        let side = |above: bool| {
            let atoms = self.powers.iter().filter(|(_, power)| (**power > 0) == above);
            atoms.map(|(atom, power)| powered(atom, power.abs())).collect::<Vec<_>>()
        };
        let (above, below) = (side(true).join("·"), side(false).join("/"));
        match (above.as_str(), below.as_str()) {
            ("", "") => "1".to_owned(),
            ("", below) => format!("1/{below}"),
            (above, "") => above.to_owned(),
            (above, below) => format!("{above}/{below}"),
        }
    }

    fn take(&mut self, factor: &str, sign: i32) {
        if let Some((_, parts)) = PRODUCTS.iter().find(|(name, _)| *name == factor) {
            parts.iter().for_each(|part| self.take(part, sign));
            return;
        }
        let (atom, power) = if let Some(atom) = factor.strip_suffix('²') {
            (atom, 2)
        } else if let Some(atom) = factor.strip_suffix('³') {
            (atom, 3)
        } else {
            (factor, 1)
        };
        if !matches!(atom, "" | "1") {
            self.add(atom, power * sign);
        }
    }

    fn combined(&self, other: &Self, sign: i32) -> Self {
        let mut product = self.clone();
        other.powers.iter().for_each(|(atom, power)| product.add(atom, power.saturating_mul(sign)));
        product
    }

    fn add(&mut self, atom: &str, power: i32) {
        let sum = self.powers.entry(atom.to_owned()).or_default();
        *sum = sum.saturating_add(power);
        self.powers.retain(|_, power| *power != 0);
    }
}

/// The one spelling of a unit or of a product and quotient of units, `people/h`, `events·km`; none: unknown.
pub(crate) fn unit_named(text: &str) -> Option<String> {
    if let Some(unit) = canonical_unit(text) {
        return Some(unit.to_owned());
    }
    if text.len() > UNIT_LENGTH_MAX {
        return None;
    }
    let factor = |factor: &str| find(factor.trim()).map(|unit| unit.name);
    let part = |part: &str| part.split(['·', '*']).map(factor).collect::<Option<Vec<_>>>();
    let parts: Option<Vec<Vec<&str>>> = text.split('/').map(part).collect();
    let spelled: Vec<String> = parts?.into_iter().map(|factors| factors.join("·")).collect();
    let text = spelled.join("/");
    Some(canonical_unit(&text).map_or(text, str::to_owned))
}

fn powered(atom: &str, power: i32) -> String {
    match power {
        1 => atom.to_owned(),
        2 => format!("{atom}²"),
        3 => format!("{atom}³"),
        other => format!("{atom}^{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_multiply_and_cancel() {
        let cases = [
            ("km/h", "h", "km"),
            ("vehicles/h", "h", "vehicles"),
            ("µg/m³", "m³", "µg"),
            ("kWh", "1", "h·kW"),
            ("1", "%", "%"),
        ];
        for (left, right, product) in cases {
            let times = Dimension::of(left).times(&Dimension::of(right));
            assert_eq!(times.text(), product, "{left} × {right}");
        }
        assert_eq!(Dimension::of("kWh").over(&Dimension::of("h")), Dimension::of("kW"));
        assert!(Dimension::of("m³/s").over(&Dimension::of("m³/s")).is_number());
        assert_ne!(Dimension::of("m"), Dimension::of("km"));
        assert_eq!(Dimension::of("1").over(&Dimension::of("h")).text(), "1/h");
    }

    #[test]
    fn compound_units_have_one_spelling() {
        let told = |text: &str| unit_named(text);
        assert_eq!(told("veh/h").as_deref(), Some("vehicles/h"));
        assert_eq!(told("vụ / h").as_deref(), Some("events/h"));
        assert_eq!(told("person/hour").as_deref(), Some("people/h"));
        assert_eq!(told("ug/m3").as_deref(), Some("µg/m³"));
        assert_eq!(told("events*km").as_deref(), Some("events·km"));
        assert_eq!((told("furlong/h"), told("/"), told("")), (None, None, None));
        assert_eq!(told(&"m/".repeat(50)), None);
    }
}
