//! What the data models say without writing it: units, and truth by absence. Source: schemas of the Smart
//! Data Models (smart-data-models/dataModel.Environment, .Transportation, .Weather, .WaterQuality).

/// Attributes whose unit the model fixes, whatever model: shares from 0 to 1.
const SHARES: [&str; 2] = ["relativeHumidity", "reliability"];

/// UN/CEFACT Recommendation 20, as far as the unit table has the units.
const CODES: &[(&str, &str)] = &[
    ("GP", "mg/m³"),
    ("GQ", "µg/m³"),
    ("59", "ppm"),
    ("61", "ppb"),
    ("CEL", "°C"),
    ("KEL", "K"),
    ("FAH", "°F"),
    ("P1", "%"),
    ("C62", "1"),
    ("MTR", "m"),
    ("CMT", "cm"),
    ("MMT", "mm"),
    ("KMT", "km"),
    ("MTS", "m/s"),
    ("KMH", "km/h"),
    ("KNT", "kn"),
    ("SEC", "s"),
    ("MIN", "min"),
    ("HUR", "h"),
    ("C26", "ms"),
    ("PAL", "Pa"),
    ("A97", "hPa"),
    ("KPA", "kPa"),
    ("MQS", "m³/s"),
    ("M1", "mg/L"),
    ("DD", "°"),
    ("2N", "dB"),
    ("DBM", "dBm"),
    ("VLT", "V"),
    ("WTT", "W"),
    ("KWT", "kW"),
    ("WHR", "Wh"),
    ("KWH", "kWh"),
    ("Q30", "pH"),
];

/// The unit of a code; a code the table does not have is told as an unknown unit.
pub(super) fn unit_of_code(code: &str) -> &'static str {
    CODES.iter().find(|(known, _)| *known == code).map_or("?", |(_, unit)| unit)
}

/// The unit a model fixes for an attribute that comes without one; empty: the profile's.
pub(super) fn unit(model: &str, name: &str) -> &'static str {
    if SHARES.contains(&name) {
        return "1";
    }
    match (model, name) {
        ("TrafficFlowObserved" | "CrowdFlowObserved", "occupancy") => "1",
        ("TrafficFlowObserved", "averageVehicleSpeed") | ("CrowdFlowObserved", "averageCrowdSpeed") => "km/h",
        ("TrafficFlowObserved", "averageVehicleLength" | "averageGapDistance") => "m",
        ("TrafficFlowObserved" | "CrowdFlowObserved", "averageHeadwayTime") => "s",
        ("WeatherObserved", "temperature" | "dewPoint" | "feelsLikeTemperature") => "°C",
        ("WeatherObserved", "windSpeed") => "m/s",
        ("WeatherObserved", "windDirection") => "°",
        // Litres per square metre are millimetres.
        ("WeatherObserved", "precipitation") => "mm",
        ("WeatherObserved", "atmosphericPressure") => "hPa",
        ("WeatherObserved", "streamGauge" | "snowHeight") => "cm",
        ("NoiseLevelObserved", name) if name.starts_with('L') => "dBA",
        _ => "",
    }
}

/// Attributes that are false where they are absent.
pub(super) fn false_if_absent(model: &str) -> &'static [&'static str] {
    match model {
        "TrafficFlowObserved" => &["congested", "reversedLane"],
        "CrowdFlowObserved" => &["congested"],
        _ => &[],
    }
}
