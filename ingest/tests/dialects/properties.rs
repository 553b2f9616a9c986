//! What holds for every decoded message, whatever the bytes were. The fuzzer asks the same.

use nhip_ingest::{Decoded, ITEMS_MAX, PERIOD_MAX};
use nhip_profile::{Stream, known_unit};
use nhip_proto::{Item, ItemFlags, ItemName, ItemValue, MessageBody};

/// Letters that stand in no name, state or unit of a corpus: planted as values, names and topic levels they
/// may appear nowhere in the clear.
pub(crate) const CANARY: &str = "QJXZKWV";
/// Bytes of a rejection's field: names of dialects and profiles are shorter.
const FIELD_BYTES_MAX: usize = 64;

/// The first property that does not hold, in words.
pub(crate) fn broken(stream: &Stream, decoded: &Decoded) -> Option<String> {
    match &decoded.body {
        MessageBody::Rejected(rejection) => {
            let quiet = rejection.field.len() <= FIELD_BYTES_MAX && !rejection.field.contains(CANARY);
            (!quiet).then(|| format!("a rejection tells of the payload: {}", rejection.field))
        }
        MessageBody::Items(items) if items.len() > ITEMS_MAX => Some(format!("{} items", items.len())),
        MessageBody::Items(items) => items.iter().find_map(|item| broken_item(stream, item)),
    }
}

fn broken_item(stream: &Stream, item: &Item) -> Option<String> {
    let name_is_declared = match &item.name {
        ItemName::Text(name) => stream.quantities.contains_key(name) || stream.states.contains_key(name),
        ItemName::Alias(_) | ItemName::Undeclared(_) => true,
    };
    if !name_is_declared {
        return Some(format!("undeclared name: {:?}", item.name));
    }
    if let ItemValue::State(state) = &item.value {
        let listed = |states: &Vec<String>| states.iter().any(|one| one == state);
        let declared = match &item.name {
            ItemName::Text(name) => stream.states.get(name).is_some_and(listed),
            ItemName::Alias(_) => stream.states.values().any(listed),
            ItemName::Undeclared(_) => false,
        };
        if !declared {
            return Some(format!("undeclared state: {state}"));
        }
    }
    let unit = item.unit.as_str();
    let declared = stream.quantities.values().any(|known| known == unit);
    if !(unit.is_empty() || unit == "?" || declared || known_unit(unit)) {
        return Some(format!("undeclared unit: {unit}"));
    }
    if matches!(item.name, ItemName::Undeclared(_)) && !item.flags.has(ItemFlags::UNDECLARED_VALUE) {
        return Some("an undeclared name without its flag".to_owned());
    }
    let period_is_bounded =
        item.period.is_none_or(|(from, to)| (1..=PERIOD_MAX).contains(&to.0.saturating_sub(from.0)));
    let place_is_on_earth = item.place.is_none_or(|place| {
        place.longitude_e7.abs() <= 1_800_000_000 && place.latitude_e7.abs() <= 900_000_000
    });
    (!period_is_bounded || !place_is_on_earth).then(|| format!("beyond a bound: {item:?}"))
}
