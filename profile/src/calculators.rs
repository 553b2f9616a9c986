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
pub const CALCULATORS: [CalculatorRule; 17] = [
    rule("change", &[needed("now"), needed("before")], &[], CalculatorUnit::OfInput),
    rule("change_percent", &[needed("now"), needed("before")], &[], CalculatorUnit::Fixed("%")),
    rule("congestion", &[needed("travel_time"), needed("free_flow")], &[], CalculatorUnit::Fixed("%")),
    rule("mean_hours", &[needed("of")], &[("hours", true), ("hours_min", false)], CalculatorUnit::OfInput),
    rule("nowcast", &[in_air("of", true)], &[], CalculatorUnit::OfInput),
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
    rule("water_alarm", &WATER, &ALARMS, CalculatorUnit::Index),
    rule("water_alarm_distance", &WATER, &ALARMS, CalculatorUnit::Fixed("m")),
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
