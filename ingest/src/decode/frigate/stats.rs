//! The recorder's own figures, once a minute: how it keeps up, and which cameras give no pictures.

use crate::decode::json::Json;
use crate::decode::members;
use crate::decode::sheet::Sheet;

/// Reads the figures of the recorder as a whole; those of a camera are in its `status` topics.
pub(super) fn read(json: &Json<'_>, sheet: &mut Sheet<'_, '_>) {
    let mut value = |name: &str, path: &[&str], unit: &str| {
        if let Some(json) = members::at(json, path) {
            sheet.value(name, json, unit);
        }
    };
    value("detection_fps", &["detection_fps"], "");
    value("uptime", &["service", "uptime"], "s");
    let cameras = members::members(members::member(json, "cameras"));
    let silent = |camera: &Json<'_>| {
        let rate = members::member(camera, "camera_fps").and_then(Json::loose_decimal);
        rate.is_none_or(|rate| rate.mantissa <= 0)
    };
    if !cameras.is_empty() {
        sheet.count("cameras", cameras.len());
        sheet.count("cameras_silent", cameras.iter().filter(|(_, camera)| silent(camera)).count());
    }
    let detectors = members::members(members::member(json, "detectors"));
    let speed =
        |detector: &Json<'_>| members::member(detector, "inference_speed").and_then(Json::loose_decimal);
    let slowest =
        detectors.iter().filter_map(|(_, detector)| speed(detector)).max_by_key(|one| one.at_scale(9));
    if slowest.is_some() {
        sheet.number("inference_speed", slowest, "ms");
    }
}
