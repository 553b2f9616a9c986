//! What the two LoRaWAN servers share: the best gateway's signal and the decoded values of a codec.

use nhip_proto::Decimal;

use super::json::Json;
use super::members;
use super::sheet::Sheet;

/// Signal of the gateway that heard best, and how many heard. A gateway that lists no value has 0: both
/// servers write proto3 JSON, which leaves zeros out.
pub(super) fn signal(gateways: Option<&Json<'_>>, sheet: &mut Sheet<'_, '_>) {
    let gateways = members::elements(gateways);
    let of = |gateway: &Json<'_>, name: &str| match members::member(gateway, name) {
        None => Some(Decimal::new(0, 0)),
        Some(json) => json.decimal(),
    };
    let strength = |gateway: &&Json<'_>| {
        let at = |name| of(gateway, name).and_then(|number| number.at_scale(3));
        (at("rssi"), at("snr"))
    };
    if let Some(best) = gateways.iter().max_by_key(strength) {
        sheet.number("rssi", of(best, "rssi"), "dBm");
        sheet.number("snr", of(best, "snr"), "dB");
        sheet.count("gateways", gateways.len());
    }
}

/// The values a codec decoded, by their path: `temperature`, `air.co2`. What the codec leaves out stays
/// out: it is no proto3 field.
pub(super) fn decoded(object: Option<&Json<'_>>, sheet: &mut Sheet<'_, '_>) {
    if let Some(object) = object {
        members::leaves(object, &mut |path, value| sheet.value(path, value, ""));
    }
}

/// The run of a device an uplink counter belongs to: its address changes at every join.
pub(super) fn boot(address: Option<&str>) -> Option<u64> {
    address.and_then(|address| u64::from_str_radix(address, 16).ok())
}

/// A proto3 number that is left out where it is 0.
pub(super) fn whole_or_zero(json: Option<&Json<'_>>) -> Option<u64> {
    match json {
        None => Some(0),
        Some(Json::Text(digits)) => digits.parse().ok(),
        Some(json) => json.whole(),
    }
}
