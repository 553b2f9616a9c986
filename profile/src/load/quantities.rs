//! `[[quantity]]`: what is measured, in which unit, with how many digits, between which bounds.

use super::{Loading, TOPIC_LEVEL, is_topic_level};
use crate::read::Section;
use crate::unit::{all_units, unit_named};
use crate::{Quantity, QuantityKind, canonical_unit};

/// So that products of two quantities and sums over years fit into 128 bits.
const SCALE_MAX: u8 = 9;

const KINDS: [(&str, QuantityKind); 3] = [
    ("gauge", QuantityKind::Gauge),
    ("counter", QuantityKind::Counter),
    ("interval_sum", QuantityKind::IntervalSum),
];

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        let quantity = read_one(&section, loading);
        if let Some(quantity) = quantity {
            loading.profile.quantities.insert(quantity.name.clone(), quantity);
        }
        section.finish();
    }
}

fn read_one(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<Quantity> {
    let name = section.text("name");
    if let Some(name) = &name {
        if !is_topic_level(name) {
            section.mistake("name", format!("\"{name}\" is no plain word"), TOPIC_LEVEL);
        }
        if !loading.declared.quantities.insert(name.clone()) {
            section.mistake("name", format!("\"{name}\" is declared twice"), "each quantity once");
        }
    }
    let label = section.label("label");
    let unit = read_unit(section, "unit");
    let scale = section.whole("scale", SCALE_MAX);
    let digits = scale.unwrap_or(SCALE_MAX);
    let (least, greatest) = (section.number("min", digits), section.number("max", digits));
    if let (Some(least), Some(greatest)) = (least, greatest)
        && least > greatest
    {
        section.mistake("min", "is greater than max", "min ≤ max");
    }
    let kind = if section.has("kind") { section.choice("kind", &KINDS) } else { Some(QuantityKind::Gauge) };
    Some(Quantity {
        name: name?,
        label: label?,
        unit: unit?,
        scale: scale?,
        kind: kind?,
        range: (least?, greatest?),
    })
}

/// A known unit, in its one spelling.
fn read_unit(section: &Section<'_>, key: &'static str) -> Option<String> {
    read_known(section, key, |text| canonical_unit(text).map(str::to_owned))
}

/// A known unit or a product or quotient of known units, in its one spelling.
pub(super) fn read_shown_unit(section: &Section<'_>, key: &'static str) -> Option<String> {
    read_known(section, key, unit_named)
}

fn read_known(section: &Section<'_>, key: &'static str, named: fn(&str) -> Option<String>) -> Option<String> {
    let text = section.text(key)?;
    let unit = named(&text);
    if unit.is_none() {
        section.unknown(key, "unit", &text, all_units());
    }
    unit
}
