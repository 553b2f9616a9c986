//! What the tests of calculators share, and the table of names.

use std::collections::BTreeMap;

use jiff::civil::date;
use nhip_proto::Decimal;

use super::*;

/// A number of tenths.
pub(super) fn tenths(number: i128) -> Exact {
    Exact { numerator: number, denominator: 10 }
}

/// An input's windows in tenths, newest first.
pub(super) fn windows_of(name: &str, numbers: &[Option<i128>]) -> (String, Vec<Option<Exact>>) {
    (name.to_owned(), numbers.iter().map(|number| number.map(tenths)).collect())
}

pub(super) fn request<'a>(
    inputs: &'a BTreeMap<String, Vec<Option<Exact>>>,
    parameters: &'a BTreeMap<String, Decimal>,
    scale: u8,
) -> Request<'a> {
    Request { inputs, parameters, date: date(2026, 11, 21), hour: 7, scale }
}

#[test]
fn every_name_has_a_signature_and_computes_nothing_of_nothing() {
    for name in nhip_profile::CALCULATORS.map(|rule| rule.name) {
        assert!(signature(name).is_some(), "{name}");
        assert_eq!(evaluate(name, &request(&BTreeMap::new(), &BTreeMap::new(), 0)), None, "{name}");
    }
    for stranger in ["vn_aqi", "vn_aqi_hour_lead", ""] {
        assert_eq!(signature(stranger), None);
    }
}

#[test]
fn as_many_windows_as_the_document_looks_at() {
    let windows = |name| signature(name).map(|signature| signature.windows);
    assert_eq!(windows("vn_aqi_hour"), Some(12));
    assert_eq!(windows("vn_aqi_hour_pm25"), Some(12));
    assert_eq!(windows("vn_aqi_hour_o3"), Some(1));
    assert_eq!(windows("vn_aqi_day"), Some(1));
    assert_eq!(windows("mean_hours"), Some(24));
}

#[test]
fn an_index_needs_rules_in_force_on_its_day() {
    let inputs = BTreeMap::from([windows_of("pm25", &[Some(250), Some(250)])]);
    let parameters = BTreeMap::new();
    let today = request(&inputs, &parameters, 0);
    let before = Request { date: date(2019, 11, 11), ..today.clone() };
    assert_eq!(evaluate("vn_aqi_hour", &today).map(|outcome| outcome.value), Some(50));
    assert_eq!(evaluate("vn_aqi_hour", &before), None);
}

#[test]
fn values_come_at_the_scale_asked_for() {
    let inputs = BTreeMap::from([windows_of("pm25", &[Some(250), Some(250)])]);
    let parameters = BTreeMap::new();
    let value =
        |scale| evaluate("vn_aqi_hour", &request(&inputs, &parameters, scale)).map(|found| found.value);
    assert_eq!((value(0), value(2)), (Some(50), Some(5_000)));
    assert_eq!(value(40), None);
}

#[test]
fn numbers_too_large_are_missing_not_wrong() {
    let huge = Exact { numerator: i128::MAX, denominator: 1 };
    let inputs = BTreeMap::from([
        ("now".to_owned(), vec![Some(huge)]),
        ("before".to_owned(), vec![Some(tenths(1))]),
        ("travel_time".to_owned(), vec![Some(huge)]),
        ("free_flow".to_owned(), vec![Some(tenths(1))]),
        ("level".to_owned(), vec![Some(huge)]),
        ("alarm_3".to_owned(), vec![Some(tenths(1))]),
    ]);
    for name in ["change", "change_percent", "tti", "congestion", "water_alarm_distance"] {
        assert_eq!(evaluate(name, &request(&inputs, &BTreeMap::new(), 2)), None, "{name}");
    }
}

#[test]
fn every_pollutant_leads_where_it_is_worst() {
    // One pollutant at its breakpoint of 100 (Bảng 2) beside PM2.5 of 50.
    for (name, concentration) in
        [("so2", 3_500), ("no2", 2_000), ("co", 300_000), ("o3", 2_000), ("pm10", 1_500)]
    {
        let inputs = BTreeMap::from([
            windows_of("pm25", &[Some(250), Some(250)]),
            windows_of(name, &[Some(concentration), Some(concentration)]),
        ]);
        let outcome = evaluate("vn_aqi_hour", &request(&inputs, &BTreeMap::new(), 0));
        assert_eq!(outcome, Some(Outcome { value: 100, code: Some(name) }));
    }
}

#[test]
fn the_index_of_one_dust_stands_on_its_nowcast() {
    // Two hours, the newer twice the older: w = 1/2, NowCast (50 + 25/2) ÷ 1.5 = 41.67.
    let inputs = BTreeMap::from([windows_of("of", &[Some(500), Some(250)])]);
    let parameters = BTreeMap::new();
    let value =
        |name, scale| evaluate(name, &request(&inputs, &parameters, scale)).map(|outcome| outcome.value);
    assert_eq!(value("nowcast", 1), Some(417));
    assert_eq!(value("vn_aqi_hour_pm25", 0), Some(83));
    assert_eq!(value("vn_aqi_hour_pm10", 0), Some(42));
}

#[test]
fn fractions_are_reduced_and_only_by_what_both_share() {
    let lowest = |numerator, denominator| {
        let Exact { numerator, denominator } = Exact { numerator, denominator }.lowest();
        (numerator, denominator)
    };
    assert_eq!(lowest(4, 8), (1, 2));
    assert_eq!(lowest(-6, 9), (-2, 3));
    assert_eq!(lowest(3, 7), (3, 7));
    assert_eq!(lowest(0, 5), (0, 1));
}

#[test]
fn a_whole_parameter_may_be_written_with_digits() {
    let inputs = BTreeMap::from([windows_of("of", &[Some(100); 8])]);
    let parameters = BTreeMap::from([("hours".to_owned(), Decimal::new(80, 1))]);
    let outcome = evaluate("mean_hours", &request(&inputs, &parameters, 1));
    assert_eq!(outcome.map(|outcome| outcome.value), Some(100));
}
