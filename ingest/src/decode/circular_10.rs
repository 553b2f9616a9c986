//! Station files of Circular 10/2021/TT-BTNMT: one line per parameter, `name ⇥ value ⇥ unit ⇥ yyyyMMddHHmmss ⇥ status`.
//! Status 00 is measuring, 01 calibrating, 02 a device error: the last two never enter a figure.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use nhip_proto::{Decimal, Item, ItemFlags, ItemValue, Rejection, RejectionReason};

use super::json::decimal_of_text;
use super::{DecodeContext, ITEMS_MAX, Stamp, clear_unit, clock_text, quantity_item, refuse, undeclared};

/// What stations write where they have no value.
const NO_VALUE: [&str; 6] = ["", "-", "--", "---", "NA", "N/A"];
/// Unit spellings of Vietnamese stations that nobody else uses, and what they mean. `Nm3` is a cubic metre at normal
/// conditions, the unit the limits for ambient air are written in.
const SPELLINGS: [(&str, &str); 12] = [
    ("ug/Nm3", "µg/m³"),
    ("µg/Nm3", "µg/m³"),
    ("µg/Nm³", "µg/m³"),
    ("mg/Nm3", "mg/m³"),
    ("mg/Nm³", "mg/m³"),
    ("oC", "°C"),
    ("0C", "°C"),
    ("độ C", "°C"),
    ("oF", "°F"),
    ("độ", "°"),
    ("đơn vị pH", "pH"),
    ("-", "1"),
];

/// The items of a file, in the order of its lines.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<Vec<Item>, Rejection> {
    let text = std::str::from_utf8(payload)
        .map_err(|error| refuse(RejectionReason::Syntax, "", error.valid_up_to() + 1))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut items = Vec::new();
    for (index, line) in text.split(['\n', '\r']).enumerate() {
        let line = line.trim_matches([' ', '\u{a0}', '\0', '\u{1a}']);
        if line.trim().is_empty() {
            continue;
        }
        if items.len() == ITEMS_MAX {
            return Err(refuse(RejectionReason::TooManyItems, "", items.len()));
        }
        items.push(read_line(line, index + 1, items.len(), context)?);
    }
    if items.is_empty() { Err(refuse(RejectionReason::Empty, "", 0)) } else { Ok(items) }
}

fn read_line(
    line: &str,
    position: usize,
    place: usize,
    context: &DecodeContext<'_>,
) -> Result<Item, Rejection> {
    let fields: Vec<&str> = if line.contains('\t') {
        line.split('\t').map(str::trim).collect()
    } else {
        line.split_whitespace().collect()
    };
    let [name, value, unit, time, status] = fields.as_slice() else {
        return Err(refuse(RejectionReason::Syntax, "", position));
    };
    let zone = context.zone.unwrap_or(const { &TimeZone::UTC });
    let time = clock_text::local_digits(time, zone)
        .ok_or_else(|| refuse(RejectionReason::TimeInvalid, "time", position))?;
    let stamp = Stamp { event_time: Some(time), ..Stamp::default() };
    let Some(quantity) = quantity_of(name, context) else {
        return Ok(undeclared(&stamp, context, place));
    };
    let number = if NO_VALUE.contains(value) { Ok(None) } else { number_of(value).map(Some).ok_or(()) };
    let mut item = quantity_item(&stamp, context, quantity, number.unwrap_or_default());
    if number.is_err() {
        item.value = ItemValue::Missing;
        item.flags = item.flags.with(ItemFlags::UNDECLARED_VALUE);
    }
    item.unit = clear_unit(context, quantity, &unit_of(unit));
    // What is no 00, whatever it is, is not a measurement the station vouches for.
    if !matches!(*status, "00" | "0") {
        item.flags = item.flags.with(ItemFlags::DEVICE_FAULT);
    }
    Ok(item)
}

/// The stream's name for a station's: the same, or the same letters and digits in any case (`PM2.5` is `pm25`).
fn quantity_of<'c>(name: &str, context: &DecodeContext<'c>) -> Option<&'c str> {
    let quantities = &context.stream.quantities;
    if let Some((own, _)) = quantities.get_key_value(name) {
        return Some(own);
    }
    let wanted = letters(name);
    quantities.keys().map(String::as_str).find(|own| !wanted.is_empty() && letters(own) == wanted)
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// `12.5` and `12,5` are the same. Where both signs stand, the last is the decimal sign; one that comes more than
/// once groups digits. A lone comma is the decimal sign, as Vietnamese stations write it.
fn number_of(text: &str) -> Option<Decimal> {
    let plain: Cow<'_, str> = match (text.rfind('.'), text.rfind(',')) {
        (_, None) => Cow::Borrowed(text),
        (Some(point), Some(comma)) if point > comma => Cow::Owned(text.replace(',', "")),
        (Some(_), Some(_)) => Cow::Owned(text.replace('.', "").replace(',', ".")),
        (None, Some(_)) if text.matches(',').count() > 1 => Cow::Owned(text.replace(',', "")),
        (None, Some(_)) => Cow::Owned(text.replace(',', ".")),
    };
    decimal_of_text(&plain)
}

fn unit_of(text: &str) -> Cow<'_, str> {
    let known = SPELLINGS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(text));
    known.map_or(Cow::Borrowed(text), |(_, unit)| Cow::Borrowed(unit))
}
