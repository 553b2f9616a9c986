//! The class of a river at and beyond every bound of QCVN 08:2023/BTNMT, Bảng 2.

use std::collections::BTreeMap;

use jiff::civil::date;
use nhip_proto::Decimal;

use super::super::evaluate;
use super::super::tests::request;
use super::*;

/// Class of values in thousandths, with its code.
fn class(values: &[(&str, Option<i128>)], least: Option<i128>) -> Option<(i128, &'static str)> {
    let exact = |value: Option<i128>| vec![value.and_then(|value| Exact::of(value, 3))];
    let inputs: BTreeMap<_, _> =
        values.iter().map(|(name, value)| ((*name).to_owned(), exact(*value))).collect();
    let parameters: BTreeMap<_, _> =
        least.iter().map(|least| ("measured_min".to_owned(), Decimal::new(*least, 0))).collect();
    let found = evaluate("water_class", &request(&inputs, &parameters, 0))?;
    Some((found.value, found.code?))
}

#[test]
fn every_bound_belongs_to_the_better_class() {
    // Bảng 2 read again: the greatest value of A, B, C (of oxygen the least), and one step beyond each.
    let table = "
        bod5 4000 6000 10000
        cod 10000 15000 20000
        toc 4000 6000 8000
        phosphorus 100 300 500
        nitrogen 600 1500 2000
        coliform 1000000 5000000 7500000
        faecal 200000 1000000 1500000";
    let of = |name: &str, value: i128| class(&[(name, Some(value))], None).map(|(number, _)| number);
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, bounds) = line.split_once(' ').expect("a name");
        for (at, bound) in bounds.split(' ').enumerate() {
            let (bound, number): (i128, i128) = (bound.parse().expect("a number"), at as i128 + 1);
            assert_eq!(
                (of(name, bound), of(name, bound + 1)),
                (Some(number), Some(number + 1)),
                "{name} {bound}"
            );
        }
    }
    for (least, number) in [(6_000, 1), (5_000, 2), (4_000, 3)] {
        assert_eq!((of("oxygen", least), of("oxygen", least - 1)), (Some(number), Some(number + 1)));
    }
}

#[test]
fn acidity_has_two_ends_and_solids_make_no_d() {
    let of = |name: &str, value: i128| class(&[(name, Some(value))], None);
    for (value, found) in [
        (5_999, (4, "d")),
        (6_000, (2, "b")),
        (6_499, (2, "b")),
        (6_500, (1, "a")),
        (8_500, (1, "a")),
        (8_501, (4, "d")),
    ] {
        assert_eq!(of("ph", value), Some(found), "{value}");
    }
    for (value, found) in [
        (25_000, (1, "a")),
        (25_001, (2, "b")),
        (100_000, (2, "b")),
        (100_001, (3, "c")),
        (9_000_000, (3, "c")),
    ] {
        assert_eq!(of("tss", value), Some(found), "{value}");
    }
}

#[test]
fn the_worst_parameter_decides() {
    assert_eq!(
        class(&[("bod5", Some(3_000)), ("oxygen", Some(4_500)), ("tss", Some(20_000))], None),
        Some((3, "c"))
    );
}

#[test]
fn what_nobody_measured_makes_no_water_better() {
    let partial = [("bod5", Some(3_000)), ("oxygen", None)];
    assert_eq!(class(&partial, None), None);
    assert_eq!(class(&partial, Some(1)), Some((1, "a")));
    assert_eq!(class(&partial, Some(2)), None);
    assert_eq!(class(&[("bod5", None)], Some(0)), None);
}

#[test]
fn before_the_regulation_there_is_no_class() {
    let inputs = BTreeMap::from([("bod5".to_owned(), vec![Exact::of(3, 0)])]);
    let parameters = BTreeMap::new();
    let on_day =
        |day| evaluate("water_class", &Request { date: day, ..request(&inputs, &parameters, 0) }).is_some();
    assert_eq!((on_day(date(2023, 9, 11)), on_day(date(2023, 9, 12))), (false, true));
}
