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
    Request { inputs, parameters, date: date(2026, 11, 21), scale }
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
