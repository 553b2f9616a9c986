//! Any JSON, read by a mapping of the profile: paths, units, words and the form of the clock.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use nhip_profile::{
    Absent, MappedCondition, MappedState, MappedTime, MappedValue, Mapping, Path, Vn2000Zone,
};
use nhip_proto::{Decimal, Item, ItemFlags, Place, Rejection, RejectionReason};

use super::json::{self, Json, decimal_of_text};
use super::vn2000::to_wgs84;
use super::{
    DecodeContext, ID_BYTES_MAX, ITEMS_MAX, READINGS_MAX, Stamp, clear_unit, clock_text, identity_of,
    place_of, quantity_item, refuse, state_item,
};

/// The items of a payload. None at all where the mapping's conditions do not hold, where the message deletes a
/// retained one (no byte in it), or where it replays one that cannot be told from a new event.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let Some(mapping) = context.mapping else {
        return Err(refuse(RejectionReason::FieldMissing, "mapping", 0));
    };
    if payload.is_empty() || (context.retained && !mapping.retained) {
        return Ok(Vec::new());
    }
    let root = json::parse_unique(payload)?;
    let mut reader = Reader { mapping, context, root: &root, items: Vec::new(), passed_over: false };
    match &mapping.each {
        None => reader.reading(&root, 1)?,
        Some(each) => {
            let list = root.find(&each.steps);
            let list = list.ok_or_else(|| refuse(RejectionReason::FieldMissing, &each.text, 0))?;
            let elements =
                list.elements().ok_or_else(|| refuse(RejectionReason::FieldInvalid, &each.text, 0))?;
            if elements.len() > READINGS_MAX {
                return Err(refuse(RejectionReason::TooManyItems, "", elements.len()));
            }
            for (index, element) in elements.iter().enumerate() {
                reader.reading(element, index + 1)?;
            }
        }
    }
    if reader.items.is_empty() && !reader.passed_over {
        return Err(refuse(RejectionReason::Empty, "", 0));
    }
    Ok(reader.items)
}

struct Reader<'r> {
    mapping: &'r Mapping,
    context: &'r DecodeContext<'r>,
    root: &'r Json<'r>,
    items: Vec<Item>,
    /// Whether a reading did not meet the conditions: then a message without items is as it should be.
    passed_over: bool,
}

impl<'r> Reader<'r> {
    fn reading(&mut self, here: &'r Json<'r>, position: usize) -> Result<(), Rejection> {
        if !self.mapping.when.iter().all(|condition| self.holds(here, condition)) {
            self.passed_over = true;
            return Ok(());
        }
        let stamp = self.stamp(here, position)?;
        let faulty = self.mapping.fault.as_ref().is_some_and(|fault| self.holds(here, fault));
        let first = self.items.len();
        for value in &self.mapping.values {
            if let Some(item) = self.value(here, value, &stamp, position)? {
                self.items.push(item);
            }
        }
        for state in &self.mapping.states {
            if let Some(item) = self.state(here, state, &stamp, position)? {
                self.items.push(item);
            }
        }
        if faulty {
            let own = self.items.iter_mut().skip(first);
            own.for_each(|item| item.flags = item.flags.with(ItemFlags::DEVICE_FAULT));
        }
        let count = self.items.len();
        if count > ITEMS_MAX { Err(refuse(RejectionReason::TooManyItems, "", count)) } else { Ok(()) }
    }

    /// What stands at a path; `null` is something that stands there.
    fn find(&self, here: &'r Json<'r>, path: &Path) -> Option<&'r Json<'r>> {
        if path.from_root { self.root.find(&path.steps) } else { here.find(&path.steps) }
    }

    /// What stands at a path and is not `null`.
    fn present(&self, here: &'r Json<'r>, path: &Path) -> Option<&'r Json<'r>> {
        self.find(here, path).filter(|json| !matches!(json, Json::Null))
    }

    fn holds(&self, here: &'r Json<'r>, condition: &MappedCondition) -> bool {
        let value = self.find(here, &condition.path).and_then(Json::scalar);
        value.is_some_and(|value| condition.words.iter().any(|word| *word == value)) != condition.none_of
    }

    fn stamp(&self, here: &'r Json<'r>, position: usize) -> Result<Stamp, Rejection> {
        let Mapping { time, id_path, sequence, place, .. } = self.mapping;
        let invalid = |field: &str| refuse(RejectionReason::FieldInvalid, field, position);
        let mut stamp = Stamp::default();
        if let Some(time) = time {
            stamp.event_time = self.time(here, time, position)?;
        }
        if let Some(id) = id_path.as_ref().and_then(|path| self.present(here, path)) {
            let text = id.scalar().filter(|text| !text.is_empty() && text.len() <= ID_BYTES_MAX);
            stamp.identity = Some(identity_of(&text.ok_or_else(|| invalid("id"))?));
        }
        if let Some(sequence) = sequence.as_ref().and_then(|path| self.present(here, path)) {
            let number = sequence.scalar().and_then(|text| text.trim().parse().ok());
            stamp.sequence = Some(number.ok_or_else(|| invalid("sequence"))?);
        }
        if let Some(place) = place {
            let both = (self.present(here, &place.east), self.present(here, &place.north));
            if both != (None, None) {
                stamp.place = Some(place_at(both, place.zone).ok_or_else(|| invalid("place"))?);
            }
        }
        Ok(stamp)
    }

    fn time(
        &self,
        here: &'r Json<'r>,
        time: &MappedTime,
        position: usize,
    ) -> Result<Option<nhip_proto::EventTime>, Rejection> {
        let invalid = || refuse(RejectionReason::TimeInvalid, "time", position);
        let Some(json) = self.present(here, &time.path) else {
            return if time.optional { Ok(None) } else { Err(invalid()) };
        };
        let zone = self.context.zone.unwrap_or(const { &TimeZone::UTC });
        clock_text::read(json, &time.format, zone).map(Some).ok_or_else(invalid)
    }

    fn value(
        &self,
        here: &'r Json<'r>,
        value: &MappedValue,
        stamp: &Stamp,
        position: usize,
    ) -> Result<Option<Item>, Rejection> {
        let invalid = || refuse(RejectionReason::FieldInvalid, &value.name, position);
        let meant = match self.find(here, &value.path) {
            None => value.absent,
            Some(Json::Null) => value.null,
            Some(Json::Text(text)) if text.trim().is_empty() => value.null,
            Some(json) if is_sentinel(json, value) => Absent::Missing,
            Some(json) => {
                let number = number_of(json, value).ok_or_else(invalid)?;
                let number = value.factor.map_or(Some(number), |factor| product(number, factor));
                let number = number.ok_or_else(invalid)?;
                return Ok(Some(self.item(here, value, stamp, Some(number))));
            }
        };
        Ok(match meant {
            Absent::Skip => None,
            Absent::Missing => Some(self.item(here, value, stamp, None)),
            Absent::Zero => Some(self.item(here, value, stamp, Some(Decimal::new(0, 0)))),
        })
    }

    fn item(&self, here: &'r Json<'r>, value: &MappedValue, stamp: &Stamp, number: Option<Decimal>) -> Item {
        let mut item = quantity_item(stamp, self.context, &value.name, number);
        let named = value.unit_path.as_ref().and_then(|path| self.find(here, path)).and_then(Json::text);
        if let Some(unit) = named.or(value.unit.as_deref()) {
            item.unit = clear_unit(self.context, &value.name, unit.trim());
        }
        item
    }

    fn state(
        &self,
        here: &'r Json<'r>,
        state: &MappedState,
        stamp: &Stamp,
        position: usize,
    ) -> Result<Option<Item>, Rejection> {
        let item = |word: Option<&str>| Some(state_item(stamp, self.context, &state.name, word));
        let Some(json) = self.find(here, &state.path) else {
            return Ok(state.absent.as_deref().and_then(|word| item(Some(word))));
        };
        if matches!(json, Json::Null) {
            return Ok(item(None));
        }
        let Some(word) = json.scalar() else {
            return Err(refuse(RejectionReason::FieldInvalid, &state.name, position));
        };
        Ok(item(Some(state.words.get(word.as_ref()).map_or(word.as_ref(), String::as_str))))
    }
}

fn number_of(json: &Json<'_>, value: &MappedValue) -> Option<Decimal> {
    match json {
        Json::Bool(truth) => Some(Decimal::new(i128::from(*truth), 0)),
        Json::Text(text) if value.decimal_comma => decimal_of_text(&with_point(text)),
        json => json.loose_decimal(),
    }
}

/// `1.234,5` as people write it where the comma is the decimal point.
fn with_point(text: &str) -> Cow<'_, str> {
    if text.contains(',') { Cow::Owned(text.replace('.', "").replace(',', ".")) } else { Cow::Borrowed(text) }
}

fn is_sentinel(json: &Json<'_>, value: &MappedValue) -> bool {
    let Some(text) = json.scalar() else { return false };
    let number = number_of(json, value);
    value.sentinels.iter().any(|sentinel| {
        let same_number = number.is_some_and(|number| decimal_of_text(sentinel) == Some(shortest(number)));
        same_number || *sentinel == text.trim()
    })
}

fn shortest(number: Decimal) -> Decimal {
    Decimal::parse(&number.to_string()).unwrap_or(number)
}

fn product(number: Decimal, factor: Decimal) -> Option<Decimal> {
    let mantissa = number.mantissa.checked_mul(factor.mantissa)?;
    let exact = Decimal { mantissa, scale: number.scale.checked_add(factor.scale)? };
    Decimal::parse(&exact.to_string()).ok()
}

fn place_at(
    (east, north): (Option<&Json<'_>>, Option<&Json<'_>>),
    zone: Option<Vn2000Zone>,
) -> Option<Place> {
    let (east, north) = (east?.loose_decimal()?, north?.loose_decimal()?);
    let (longitude, latitude) = match zone {
        Some(zone) => to_wgs84(zone, east, north)?,
        None => (east.at_scale(7)?, north.at_scale(7)?),
    };
    place_of(longitude, latitude)
}
