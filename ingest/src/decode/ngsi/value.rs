//! One attribute in its three encodings, and its unit.

use nhip_proto::Decimal;

use super::models;
use crate::decode::json::Json;
use crate::decode::members;
use crate::decode::sheet::Sheet;

/// Strings of one `measurand` that are read.
const MEASURANDS_MAX: usize = 256;

/// What an attribute says.
pub(super) struct Attribute<'j, 'a> {
    pub(super) value: &'j Json<'a>,
    /// In the words of the unit table; what it does not know becomes `?`.
    pub(super) unit: Option<&'j str>,
    /// NGSI-LD: the attribute's own time.
    pub(super) observed_at: Option<&'j str>,
}

impl<'j, 'a> Attribute<'j, 'a> {
    /// `500`, `{"type":"Number","value":500,"metadata":{"unitCode":{"value":"GQ"}}}` or
    /// `{"type":"Property","value":500,"unitCode":"GQ","observedAt":"…"}`.
    pub(super) fn of(json: &'j Json<'a>) -> Self {
        let Some(value) = written(json, "value") else {
            return Self { value: json, unit: None, observed_at: None };
        };
        let code = members::text_at(json, &["unitCode"])
            .or_else(|| members::text_at(json, &["metadata", "unitCode", "value"]));
        Self {
            value: written(value, "@value").unwrap_or(value),
            unit: code.map(models::unit_of_code),
            observed_at: members::text_at(json, &["observedAt"])
                .or_else(|| members::text_at(json, &["metadata", "TimeInstant", "value"])),
        }
    }
}

/// The member of an object, `null` as well: a value that is written down as absent.
fn written<'j, 'a>(json: &'j Json<'a>, name: &str) -> Option<&'j Json<'a>> {
    members::members(Some(json)).iter().find(|(member, _)| member == name).map(|(_, value)| value)
}

/// The text of an attribute; times also come as relationships in published examples.
pub(super) fn text_of<'j>(json: &'j Json<'_>) -> Option<&'j str> {
    members::text(Attribute::of(json).value).or_else(|| members::text_at(json, &["object"]))
}

/// `"NO3, 0.01, M1, Concentration of Nitrates"`: name, value, unit code and free text, which stays sealed.
/// An attribute of the same name wins.
pub(super) fn measurands(json: &Json<'_>, entity: &Json<'_>, sheet: &mut Sheet<'_, '_>) {
    let value = Attribute::of(json).value;
    let list =
        if let Json::Text(_) = value { std::slice::from_ref(value) } else { members::elements(Some(value)) };
    for text in list.iter().take(MEASURANDS_MAX).filter_map(members::text) {
        let mut parts = text.split(',').map(str::trim);
        let (Some(name), Some(number)) = (parts.next(), parts.next()) else { continue };
        if members::member(entity, name).is_none() {
            let unit = parts.next().map_or("", models::unit_of_code);
            if let Ok(number) = Decimal::parse(number) {
                sheet.number(name, Some(number), unit);
            }
        }
    }
}
