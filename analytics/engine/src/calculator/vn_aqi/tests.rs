//! The vectors of QĐ 1459/QĐ-TCMT 2.2.2 and 2.3, and of its formulas at breakpoints.

use std::collections::BTreeMap;

use jiff::civil::date;

use super::super::tests::{request, tenths, windows_of};
use super::*;

/// Input names with tenths of µg/m³, newest first.
type Inputs<'a> = &'a [(&'a str, &'a [Option<i128>])];

fn evaluated(name: &str, inputs: Inputs<'_>) -> Option<(i128, &'static str)> {
    let inputs: BTreeMap<_, _> = inputs.iter().map(|(name, hours)| windows_of(name, hours)).collect();
    let outcome = super::super::evaluate(name, &request(&inputs, &BTreeMap::new(), 0))?;
    Some((outcome.value, outcome.code.unwrap_or("")))
}

/// The index of tenths of µg/m³ with one digit behind the point.
fn of(column: Column, concentration: i128) -> i128 {
    let edition = edition(date(2026, 11, 21)).expect("an edition");
    let value = Ratio::of(tenths(concentration)).expect("not negative");
    on_lines(edition, column, &value, 1).expect("an index")
}

#[test]
fn b1_dust_at_and_between_breakpoints() {
    // 25.1 is 50.2: there is no gap between 25 and 25.1, which most public code copies from another country's table.
    let vectors = [
        (250, 500),
        (251, 502),
        (500, 1_000),
        (800, 1_500),
        (1_500, 2_000),
        (2_500, 3_000),
        (3_500, 4_000),
        (5_000, 5_000),
        (7_000, 5_000),
    ];
    for (concentration, index) in vectors {
        assert_eq!(of(Column::Pm25, concentration), index, "{concentration}");
    }
}

#[test]
fn b2_other_pollutants() {
    assert_eq!(of(Column::Pm10, 1_000), 750);
    assert_eq!(of(Column::Co, 200_000), 750);
    assert_eq!(of(Column::So2, 1_250), 500);
    assert_eq!(of(Column::O3EightHours, 4_000), 3_000);
}

#[test]
fn every_breakpoint_of_the_table_has_its_index() {
    // Bảng 2, read again column by column, not from the table of the code.
    let table = "
        Pm25 25 50 80 150 250 350 500
        Pm10 50 150 250 350 420 500 600
        O3Hour 160 200 300 400 800 1000 1200
        O3EightHours 100 120 170 210 400
        No2 100 200 700 1200 2350 3100 3850
        So2 125 350 550 800 1600 2100 2630
        Co 10000 30000 45000 60000 90000 120000 150000";
    let columns = [
        Column::Pm25,
        Column::Pm10,
        Column::O3Hour,
        Column::O3EightHours,
        Column::No2,
        Column::So2,
        Column::Co,
    ];
    for (line, column) in table.trim().lines().zip(columns) {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(format!("{column:?}").as_str()));
        for (point, index) in words.zip([50, 100, 150, 200, 300, 400, 500]) {
            let point: i128 = point.parse().expect("a number");
            assert_eq!(of(column, point * 10), index * 10, "{line}: {point}");
        }
        assert_eq!(of(column, 0), 0);
    }
}

#[test]
fn h1_the_hourly_example() {
    // The decision prints 60 for NO2 and for the hour; its own formula gives 50/100 × 18.7 + 50 = 59.35, so 59.
    // The formula stands. NowCast 20.3 comes of twelve equal hours.
    let dust = [Some(203); 12];
    assert_eq!(evaluated("vn_aqi_hour_o3", &[("of", &[Some(1_361)])]), Some((43, "")));
    assert_eq!(evaluated("vn_aqi_hour_no2", &[("of", &[Some(1_187)])]), Some((59, "")));
    assert_eq!(evaluated("vn_aqi_hour_pm25", &[("of", &dust)]), Some((41, "")));
    let all: Inputs<'_> = &[("o3", &[Some(1_361)]), ("no2", &[Some(1_187)]), ("pm25", &dust)];
    assert_eq!(evaluated("vn_aqi_hour", all), Some((59, "no2")));
}

#[test]
fn d1_the_daily_example() {
    let day = |inputs: Inputs<'_>| evaluated("vn_aqi_day", inputs);
    let clean: (&str, &[Option<i128>]) = ("pm10", &[Some(0)]);
    assert_eq!(day(&[clean, ("o3_8h", &[Some(893)])]), Some((45, "o3")));
    assert_eq!(day(&[clean, ("o3", &[Some(1_146)])]), Some((36, "o3")));
    assert_eq!(day(&[clean, ("no2", &[Some(1_308)])]), Some((65, "no2")));
    // 50/30 × 5.7 + 100 = 109.5, half up; a float says 109.49999999999999.
    assert_eq!(day(&[("pm25", &[Some(557)])]), Some((110, "pm25")));
    let all: Inputs<'_> =
        &[("o3_8h", &[Some(893)]), ("o3", &[Some(1_146)]), ("no2", &[Some(1_308)]), ("pm25", &[Some(557)])];
    assert_eq!(day(all), Some((110, "pm25")));
}

#[test]
fn d2_the_eight_hour_example() {
    let from_the_evening_before = [
        157, 142, 177, 189, 193, 157, 197, 226, 271, 290, 319, 253, 347, 352, 416, 457, 492, 558, 696, 783,
        915, 977, 812, 718, 435, 343, 215, 205, 194, 204, 213,
    ];
    let printed = [
        180, 194, 212, 230, 238, 258, 282, 309, 338, 366, 399, 447, 513, 584, 662, 711, 744, 737, 710, 650,
        578, 487, 391, 316,
    ];
    let mut found = Vec::new();
    for last in 7..from_the_evening_before.len() {
        let newest_first: Vec<_> = from_the_evening_before[..=last].iter().rev().copied().map(Some).collect();
        let inputs = BTreeMap::from([windows_of("of", &newest_first)]);
        let parameters = BTreeMap::from([("hours".to_owned(), nhip_proto::Decimal::new(8, 0))]);
        let outcome = super::super::evaluate("mean_hours", &request(&inputs, &parameters, 1));
        found.push(outcome.expect("eight hours").value);
    }
    assert_eq!(found.len(), printed.len());
    let differing = found.iter().zip(printed).enumerate().filter(|(_, (found, printed))| *found != printed);
    // For 12:00, (25.3 + 34.7 + 35.2 + 41.6 + 45.7 + 49.2 + 55.8 + 69.6) ÷ 8 = 44.6375; the decision prints 44.7.
    // For 3:00 it prints 21.2 of 21.25: means are rounded half to even, as all means here.
    assert_eq!(differing.collect::<Vec<_>>(), [(11, (&446, 447))]);
    assert_eq!(found.iter().max(), Some(&744));
}

#[test]
fn x1_gases_alone_make_no_index() {
    let gases: Inputs<'_> =
        &[("o3", &[Some(900)]), ("no2", &[Some(900)]), ("so2", &[Some(900)]), ("co", &[Some(9_000)])];
    assert_eq!(evaluated("vn_aqi_hour", gases), None);
    assert_eq!(evaluated("vn_aqi_day", gases), None);
    // One hour of dust is no NowCast.
    assert_eq!(evaluated("vn_aqi_hour", &[("o3", &[Some(900)]), ("pm25", &[Some(100)])]), None);
    assert_eq!(evaluated("vn_aqi_day", &[("o3", &[Some(900)]), ("pm10", &[Some(100)])]), Some((28, "o3")));
}

#[test]
fn eight_hours_of_ozone_count_up_to_400() {
    let day = |eight_hours| {
        let dust: (&str, &[Option<i128>]) = ("pm25", &[Some(250)]);
        evaluated("vn_aqi_day", &[dust, ("o3", &[Some(3_000)]), ("o3_8h", &[Some(eight_hours)])])
    };
    assert_eq!(day(4_000), Some((300, "o3")));
    // Above 400 µg/m³ only the greatest hour: 300 µg/m³ is 150.
    assert_eq!(day(4_001), Some((150, "o3")));
}

#[test]
fn a_missing_gas_is_not_zero_and_a_tie_has_an_order() {
    let dust = [Some(250), Some(250), None];
    let both: Inputs<'_> = &[("pm25", &dust), ("no2", &[Some(1_000)]), ("so2", &[None])];
    assert_eq!(evaluated("vn_aqi_hour", both), Some((50, "pm25")));
    assert_eq!(evaluated("vn_aqi_hour", &[("pm10", &dust), ("no2", &[None])]), Some((25, "pm10")));
    // The gas counts only with its own hour.
    assert_eq!(
        evaluated("vn_aqi_hour", &[("pm25", &dust), ("no2", &[None, Some(9_000)])]),
        Some((50, "pm25"))
    );
}

#[test]
fn a_mean_of_a_part_of_the_hours_needs_enough_of_them() {
    let mean = |hours: &[Option<i128>], parameters: &[(&str, i128)]| {
        let inputs = BTreeMap::from([windows_of("of", hours)]);
        let parameter =
            |(name, value): &(&str, i128)| (String::from(*name), nhip_proto::Decimal::new(*value, 0));
        let parameters = parameters.iter().map(parameter).collect();
        super::super::evaluate("mean_hours", &request(&inputs, &parameters, 1)).map(|outcome| outcome.value)
    };
    let six = [Some(10), None, Some(20), Some(30), None, Some(40), Some(50), Some(63), Some(9_999)];
    assert_eq!(mean(&six, &[("hours", 8)]), Some(36)); // 213 ÷ 6 = 35.5
    assert_eq!(mean(&six, &[("hours", 8), ("hours_min", 7)]), None);
    assert_eq!(mean(&six[1..], &[("hours", 8), ("hours_min", 6)]), Some(1_700)); // 10,202 ÷ 6 = 1,700.33…
    assert_eq!(mean(&six[1..7], &[("hours", 8)]), None);
    assert_eq!(mean(&six, &[("hours", 25)]), None);
    assert_eq!(mean(&six, &[]), None);
}

#[test]
fn the_class_of_an_index() {
    let class = |index: i128| evaluated("vn_aqi_class", &[("aqi", &[Some(index * 10)])]);
    assert_eq!(class(50), Some((1, "good")));
    assert_eq!(class(51), Some((2, "moderate")));
    assert_eq!(class(500), Some((6, "hazardous")));
    assert_eq!(class(501), None);
}
