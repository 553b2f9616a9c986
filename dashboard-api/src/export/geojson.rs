//! GeoJSON (RFC 7946): areas with their points. The profile has no boundaries, so geometry is null and says so.

use nhip_ports::SeriesKey;
use nhip_profile::{Indicator, Profile};
use serde_json::{Value, json};

use super::ExportOrder;
use crate::http::catalog::hex;
use crate::http::times::Zone;
use crate::past::Point;
use crate::snapshot::{label_json, number};

/// Behind the points of an area.
pub(super) const FEATURE_END: &str = "]}}";
/// Behind the last area.
pub(super) const END: &str = "]}\n";

/// Everything before the first area.
pub(super) fn head(profile: &Profile, indicator: &Indicator, order: &ExportOrder) -> String {
    let zone = Zone::of(&profile.zone);
    let about = json!({
        "indicator": indicator.id.as_str(),
        "name": label_json(&indicator.name),
        "unit": indicator.unit,
        "zone": profile.zone,
        "version": hex(&indicator.definition),
        "basis": indicator.basis,
        "owner": indicator.owner,
        "origin": profile.origin.as_str(),
        "from": zone.event(order.from),
        "to": zone.event(order.to),
        "step": order.step,
        "geometry": "null: the profile has no boundaries",
    });
    format!("{{\"type\":\"FeatureCollection\",\"nhip\":{about},\"features\":[")
}

/// Everything of an area before its points.
pub(super) fn feature_head(profile: &Profile, key: &SeriesKey, more: bool) -> String {
    let area = profile.areas.get(&key.area);
    let name = area.map_or(Value::Null, |area| label_json(&area.name));
    let comma = if more { "," } else { "" };
    let (code, group) = (Value::from(key.area.as_str()), Value::from(key.group.as_str()));
    let note = Value::from("geometry is null: the profile has no boundaries");
    format!(
        "{comma}{{\"type\":\"Feature\",\"id\":{code},\"geometry\":null,\"properties\":{{\"area\":{code},\
         \"name\":{name},\"group\":{group},\"note\":{note},\"points\":["
    )
}

/// Points of the area; `first`: none stands before them.
pub(super) fn points(profile: &Profile, points: &[Point], first: bool) -> String {
    let zone = Zone::of(&profile.zone);
    let mut out = String::new();
    for (at, point) in points.iter().enumerate() {
        if at > 0 || !first {
            out.push(',');
        }
        let shown = json!({
            "start": zone.event(point.start),
            "end": zone.event(point.end),
            "value": point.value.map(number),
            "state": point.state.as_str(),
            "revision": point.revision,
            "known_at": zone.arrival(point.known_at),
            "k": point.k,
            "m": point.m,
        });
        out.push_str(&shown.to_string());
    }
    out
}
