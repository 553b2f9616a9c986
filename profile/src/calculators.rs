//! The calculators a definition may name: their inputs and parameters, for checking. They compute in the engine.

/// What a calculator takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalculatorRule {
    /// Its name in profiles.
    pub name: &'static str,
    /// The inputs it knows.
    pub inputs: &'static [CalculatorInput],
    /// The parameters it knows, all numbers, with whether each must be given.
    pub parameters: &'static [(&'static str, bool)],
    /// The unit of its value.
    pub unit: CalculatorUnit,
}

/// The unit of what a calculator gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalculatorUnit {
    /// That of its first input.
    OfInput,
    /// This one.
    Fixed(&'static str),
    /// A count, a class or a point on a scale of its own: `1`, or a word of the definition's choice ("điểm").
    Index,
}

/// One input of a calculator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalculatorInput {
    /// Its name.
    pub name: &'static str,
    /// Its unit; none: any, but the same for all such inputs.
    pub unit: Option<&'static str>,
    /// Whether the definition must name it.
    pub needed: bool,
}

/// All calculators by name.
pub const CALCULATORS: [CalculatorRule; 24] = [
    rule("change", &[needed("now"), needed("before")], &[], CalculatorUnit::OfInput),
    rule("change_percent", &[needed("now"), needed("before")], &[], CalculatorUnit::Fixed("%")),
    rule("congestion", &[needed("travel_time"), needed("free_flow")], &[], CalculatorUnit::Fixed("%")),
    rule("hours_of_day", &[needed("of")], &[("from", true), ("to", true)], CalculatorUnit::OfInput),
    rule("index_766", &PARTS_766, &[], CalculatorUnit::Index),
    rule("mean_hours", &[needed("of")], &[("hours", true), ("hours_min", false)], CalculatorUnit::OfInput),
    rule("nowcast", &[in_air("of", true)], &[], CalculatorUnit::OfInput),
    rule("score_766", &RATE_766, &SCORE_766, CalculatorUnit::Index),
    rule("tti", &[needed("travel_time"), needed("free_flow")], &[], CalculatorUnit::Fixed("1")),
    rule("vn_aqi_class", &[needed("aqi")], &[], CalculatorUnit::Index),
    rule("vn_aqi_day", &POLLUTANTS_OF_DAY, &[], CalculatorUnit::Index),
    rule("vn_aqi_hour", &POLLUTANTS, &[], CalculatorUnit::Index),
    rule("vn_aqi_hour_co", &[in_air("of", true)], &[], CalculatorUnit::Index),
    rule("vn_aqi_hour_no2", &[in_air("of", true)], &[], CalculatorUnit::Index),
    rule("vn_aqi_hour_o3", &[in_air("of", true)], &[], CalculatorUnit::Index),
    rule("vn_aqi_hour_pm10", &[in_air("of", true)], &[], CalculatorUnit::Index),
    rule("vn_aqi_hour_pm25", &[in_air("of", true)], &[], CalculatorUnit::Index),
    rule("vn_aqi_hour_so2", &[in_air("of", true)], &[], CalculatorUnit::Index),
    rule("vn_wqi_class", &[needed("wqi")], &[], CalculatorUnit::Index),
    rule("vn_wqi_cube_root", &SURFACE_WATER, &LEAST_WQI, CalculatorUnit::Index),
    rule("vn_wqi_square_root", &SURFACE_WATER, &LEAST_WQI, CalculatorUnit::Index),
    rule("water_alarm", &WATER, &ALARMS, CalculatorUnit::Index),
    rule("water_alarm_distance", &WATER, &ALARMS, CalculatorUnit::Fixed("m")),
    rule("water_class", &RIVER, &[("measured_min", false)], CalculatorUnit::Index),
];

/// One of [`CALCULATORS`].
#[must_use]
pub fn calculator(name: &str) -> Option<&'static CalculatorRule> {
    CALCULATORS.iter().find(|rule| rule.name == name)
}

const POLLUTANTS: [CalculatorInput; 6] = [
    in_air("pm25", false),
    in_air("pm10", false),
    in_air("o3", false),
    in_air("no2", false),
    in_air("so2", false),
    in_air("co", false),
];
const POLLUTANTS_OF_DAY: [CalculatorInput; 7] = [
    in_air("pm25", false),
    in_air("pm10", false),
    in_air("o3", false),
    in_air("o3_8h", false),
    in_air("no2", false),
    in_air("so2", false),
    in_air("co", false),
];
/// The alarm levels may also be parameters, in metres.
const WATER: [CalculatorInput; 4] = [
    in_metres("level", true),
    in_metres("alarm_1", false),
    in_metres("alarm_2", false),
    in_metres("alarm_3", false),
];
const ALARMS: [(&str, bool); 3] = [("alarm_1", false), ("alarm_2", false), ("alarm_3", false)];

/// Points of the parts of QĐ 766/QĐ-TTg.
const PARTS_766: [CalculatorInput; 6] = [
    needed("openness"),
    needed("progress"),
    needed("online"),
    needed("payment"),
    needed("satisfaction"),
    needed("digitisation"),
];
const RATE_766: [CalculatorInput; 2] = [of_unit("rate", "%", true), optional("total")];
const SCORE_766: [(&str, bool); 3] = [("max", true), ("full_percent", false), ("zero_when_missing", false)];
/// What VN_WQI may stand on; dissolved oxygen counts only with the temperature of the water.
const SURFACE_WATER: [CalculatorInput; 24] = [
    of_unit("ph", "pH", false),
    of_unit("aldrin", "µg/L", false),
    of_unit("bhc", "µg/L", false),
    of_unit("dieldrin", "µg/L", false),
    of_unit("ddt", "µg/L", false),
    of_unit("heptachlor", "µg/L", false),
    in_water("arsenic"),
    in_water("cadmium"),
    in_water("lead"),
    in_water("chromium6"),
    in_water("copper"),
    in_water("zinc"),
    in_water("mercury"),
    in_water("oxygen"),
    of_unit("temperature", "°C", false),
    in_water("bod5"),
    in_water("cod"),
    in_water("toc"),
    in_water("nh4"),
    in_water("no3"),
    in_water("no2"),
    in_water("po4"),
    of_unit("coliform", MICROBES, false),
    of_unit("e_coli", MICROBES, false),
];
const LEAST_WQI: [(&str, bool); 2] = [("groups_min", false), ("organics_min", false)];
/// The parameters of Bảng 2 of QCVN 08:2023/BTNMT for rivers.
const RIVER: [CalculatorInput; 10] = [
    of_unit("ph", "pH", false),
    in_water("bod5"),
    in_water("cod"),
    in_water("toc"),
    in_water("tss"),
    in_water("oxygen"),
    in_water("phosphorus"),
    in_water("nitrogen"),
    of_unit("coliform", MICROBES, false),
    of_unit("faecal", MICROBES, false),
];
/// Most probable number of microbes in 100 millilitres.
const MICROBES: &str = "MPN/100mL";

const fn rule(
    name: &'static str,
    inputs: &'static [CalculatorInput],
    parameters: &'static [(&'static str, bool)],
    unit: CalculatorUnit,
) -> CalculatorRule {
    CalculatorRule { name, inputs, parameters, unit }
}

const fn needed(name: &'static str) -> CalculatorInput {
    CalculatorInput { name, unit: None, needed: true }
}

const fn optional(name: &'static str) -> CalculatorInput {
    CalculatorInput { name, unit: None, needed: false }
}

const fn of_unit(name: &'static str, unit: &'static str, needed: bool) -> CalculatorInput {
    CalculatorInput { name, unit: Some(unit), needed }
}

const fn in_water(name: &'static str) -> CalculatorInput {
    of_unit(name, "mg/L", false)
}

const fn in_air(name: &'static str, needed: bool) -> CalculatorInput {
    CalculatorInput { name, unit: Some("µg/m³"), needed }
}

const fn in_metres(name: &'static str, needed: bool) -> CalculatorInput {
    CalculatorInput { name, unit: Some("m"), needed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(CALCULATORS.is_sorted_by_key(|rule| rule.name));
        assert_eq!(calculator("vn_aqi_hour").map(|rule| rule.inputs.len()), Some(6));
        assert_eq!(calculator("vn_aqi"), None);
    }
}
