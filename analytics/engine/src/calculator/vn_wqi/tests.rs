//! VN_WQI at the levels of its tables, between them, and whole: vectors worked out apart from this code.

use std::collections::BTreeMap;

use jiff::civil::date;
use nhip_proto::Decimal;

use super::super::tests::request;
use super::super::{Request, evaluate};
use super::*;

/// Inputs in ten-thousandths of their units.
type Sample<'a> = &'a [(&'a str, i128)];

/// pH 7, dissolved oxygen 6 mg/L at 20 °C (66.5 % of saturation), BOD5 10, COD 22.5, coliform 5,000.
const RIVER: [(&str, i128); 6] = [
    ("ph", 70_000),
    ("oxygen", 60_000),
    ("temperature", 200_000),
    ("bod5", 100_000),
    ("cod", 225_000),
    ("coliform", 50_000_000),
];

fn inputs(samples: &[Sample<'_>]) -> BTreeMap<String, Vec<Option<Exact>>> {
    let values = samples.iter().flat_map(|sample| sample.iter());
    values.map(|(name, value)| ((*name).to_owned(), vec![Exact::of(*value, CURVE_SCALE)])).collect()
}

/// Both readings, with one digit behind the point: with weights, without.
fn both(samples: &[Sample<'_>]) -> [Option<i128>; 2] {
    let inputs = inputs(samples);
    ["vn_wqi_cube_root", "vn_wqi_square_root"]
        .map(|name| evaluate(name, &request(&inputs, &BTreeMap::new(), 1)).map(|found| found.value))
}

/// The sub-index of one parameter in millionths.
fn points(name: &str, value: i128) -> i128 {
    let (_, _, curve) = PARAMETERS.iter().find(|(its, _, _)| *its == name).expect("a parameter");
    on(*curve, Exact::of(value, CURVE_SCALE).expect("small")).expect("points")
}

#[test]
fn water_of_twenty_degrees_holds_nine_milligrams() {
    // 14.652 − 8.2044 + 3.1964 − 0.622192 = 9.021808 mg/L; 6.0 of it are 66.505516 %.
    let percent = |oxygen, temperature| {
        let found = saturation_percent(Exact::of(oxygen, 1)?, Exact::of(temperature, 1)?)?;
        found.at_scale(4)
    };
    assert_eq!(percent(60, 200), Some(665_055));
    assert_eq!(percent(40, 300), Some(537_822));
    assert_eq!(percent(0, 200), Some(0));
    // Below the ice and above the boil the polynomial means nothing, but it divides by no negative number.
    assert_eq!(percent(60, 2_000), None);
}

#[test]
fn every_level_of_the_tables_has_its_points() {
    // The tables read again, level by level, values in ten-thousandths: name, then value and points.
    let table = "
        ph 54999 10 55000 50 57500 75 60000 100 85000 100 87500 75 90000 50 90001 10
        aldrin 1000 100 1001 10 | bhc 200 100 201 10 | dieldrin 1000 100 1001 10 | ddt 10000 100 10001 10
        heptachlor 2000 100 2001 10
        arsenic 0 100 100 100 200 75 500 50 1000 25 1001 10
        cadmium 49 100 50 75 80 50 100 25 1000 10 1001 10
        lead 199 100 200 75 400 50 500 25 5000 10 5001 10
        chromium6 100 100 200 75 400 50 500 25 1000 10 1001 10
        copper 1000 100 2000 75 5000 50 10000 25 20000 10 20001 10
        zinc 5000 100 10000 75 15000 50 20000 25 30000 10 30001 10
        mercury 9 100 10 75 15 50 20 25 100 10 101 10
        bod5 39999 100 40000 100 60000 75 150000 50 250000 25 500000 10 500001 10
        cod 100000 100 150000 75 300000 50 500000 25 1500000 10 1500001 10
        toc 40000 100 60000 75 150000 50 250000 25 500000 10 500001 10
        nh4 2999 100 3000 75 6000 50 9000 25 50000 10 50001 10
        no3 20000 100 50000 75 100000 50 150000 25 150001 10
        no2 500 100 501 10
        po4 1000 100 2000 75 3000 50 5000 25 40000 10 40001 10
        coliform 25000000 100 50000000 75 75000000 50 100000000 25 100000001 10
        e_coli 200000 100 500000 75 1000000 50 2000000 25 2000001 10";
    let mut seen = 0;
    for line in table.split(['\n', '|']).map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let name = words.next().expect("a name");
        let numbers: Vec<i128> = words.map(|word| word.parse().expect("a number")).collect();
        for pair in numbers.chunks(2) {
            assert_eq!(points(name, pair[0]), pair[1] * 1_000_000, "{name} {}", pair[0]);
        }
        seen += 1;
    }
    assert_eq!(seen, PARAMETERS.len());
}

#[test]
fn oxygen_is_best_around_saturation() {
    let of = |percent: i128| on(OXYGEN, Exact::of(percent, 2).expect("small")).expect("points");
    let levels = [
        (1_999, 10),
        (2_000, 25),
        (5_000, 50),
        (7_500, 75),
        (8_800, 100),
        (10_000, 100),
        (11_200, 100),
        (12_500, 75),
        (15_000, 50),
        (20_000, 25),
        (20_001, 10),
    ];
    for (percent, points) in levels {
        assert_eq!(of(percent), points * 1_000_000, "{percent}");
    }
    // Between 50 and 75 points and per cent are the same number.
    assert_eq!(of(6_651), 66_510_000);
}

#[test]
fn between_levels_there_are_straight_lines() {
    assert_eq!(points("bod5", 100_000), 63_888_889);
    assert_eq!(points("cod", 225_000), 62_500_000);
    assert_eq!(points("nh4", 4_500), 62_500_000);
    assert_eq!(points("coliform", 37_500_000), 87_500_000);
}

#[test]
fn a_river_in_both_readings() {
    // 67.684 and 69.443.
    assert_eq!(both(&[&RIVER]), [Some(677), Some(694)]);
    let inputs = inputs(&[&RIVER]);
    let whole = |name| evaluate(name, &request(&inputs, &BTreeMap::new(), 0));
    assert_eq!(whole("vn_wqi_cube_root"), Some(Outcome { value: 68, code: Some("moderate") }));
    assert_eq!(whole("vn_wqi_square_root"), Some(Outcome { value: 69, code: Some("moderate") }));
}

#[test]
fn acid_metals_and_pesticides_make_it_worse() {
    // Worked out apart: 50.763 and 52.082; 43.690 and 44.825; 21.404 and 21.960.
    assert_eq!(both(&[&RIVER, &[("ph", 57_500)]]), [Some(508), Some(521)]);
    assert_eq!(both(&[&RIVER, &[("arsenic", 300), ("lead", 300)]]), [Some(437), Some(448)]);
    assert_eq!(both(&[&RIVER, &[("aldrin", 2_000), ("bhc", 100)]]), [Some(214), Some(220)]);
    let foul: Sample<'_> = &[
        ("aldrin", 2_000),
        ("arsenic", 800),
        ("mercury", 50),
        ("e_coli", 1_500_000),
        ("nh4", 4_500),
        ("no3", 70_000),
        ("no2", 600),
        ("po4", 20_000),
        ("toc", 400_000),
    ];
    assert_eq!(both(&[&RIVER, foul]), [Some(13), Some(13)]);
}

#[test]
fn without_the_organic_group_or_with_too_little_of_it_there_is_no_index() {
    let others: Sample<'_> = &[("ph", 70_000), ("arsenic", 100), ("aldrin", 500), ("coliform", 50_000_000)];
    assert_eq!(both(&[others]), [None, None]);
    assert_eq!(both(&[others, &[("bod5", 40_000), ("cod", 100_000)]]), [None, None]);
    assert_eq!(
        both(&[others, &[("bod5", 40_000), ("cod", 100_000), ("toc", 40_000)]]),
        [Some(909), Some(866)]
    );
    // Oxygen counts only with a temperature.
    assert_eq!(both(&[others, &[("bod5", 40_000), ("cod", 100_000), ("oxygen", 60_000)]]), [None, None]);
}

#[test]
fn three_groups_unless_the_definition_says_otherwise() {
    let station: Sample<'_> = &[("ph", 70_000), ("bod5", 150_000), ("cod", 300_000)];
    let inputs = inputs(&[station]);
    let with = |name, least: &[(&str, i128)]| {
        let parameters: BTreeMap<_, _> =
            least.iter().map(|(name, least)| ((*name).to_owned(), Decimal::new(*least, 0))).collect();
        evaluate(name, &request(&inputs, &parameters, 0)).map(|found| found.value)
    };
    let enough = [("groups_min", 2), ("organics_min", 2)];
    assert_eq!(with("vn_wqi_square_root", &enough), Some(50));
    assert_eq!(with("vn_wqi_square_root", &[("groups_min", 2)]), None);
    assert_eq!(with("vn_wqi_square_root", &[("organics_min", 2)]), None);
    // With weights there must be microbes.
    assert_eq!(with("vn_wqi_cube_root", &enough), None);
}

#[test]
fn a_half_goes_up_and_a_root_of_equals_is_exact() {
    let even: Sample<'_> = &[
        ("ph", 70_000),
        ("bod5", 105_000),
        ("toc", 105_000),
        ("nh4", 4_500),
        ("cod", 225_000),
        ("coliform", 62_500_000),
    ];
    let inputs = inputs(&[even]);
    for name in ["vn_wqi_cube_root", "vn_wqi_square_root"] {
        let found = evaluate(name, &request(&inputs, &BTreeMap::new(), 0));
        assert_eq!(found.map(|found| found.value), Some(63), "{name}: 62.5");
    }
}

#[test]
fn before_the_decision_there_is_no_index() {
    let inputs = inputs(&[&RIVER]);
    let parameters = BTreeMap::new();
    let on_day = |day| {
        let request = Request { date: day, ..request(&inputs, &parameters, 0) };
        evaluate("vn_wqi_cube_root", &request).is_some()
    };
    assert!(!on_day(date(2019, 11, 11)));
    assert!(on_day(date(2019, 11, 12)));
}

#[test]
fn classes_meet_at_whole_points() {
    let class = |tenths: i128| {
        let inputs = BTreeMap::from([("wqi".to_owned(), vec![Exact::of(tenths, 1)])]);
        evaluate("vn_wqi_class", &request(&inputs, &BTreeMap::new(), 0))
            .map(|found| (found.value, found.code))
    };
    let classes = [
        (1_000, 1, "very_good"),
        (905, 1, "very_good"),
        (904, 2, "good"),
        (755, 2, "good"),
        (754, 3, "moderate"),
        (505, 3, "moderate"),
        (504, 4, "bad"),
        (255, 4, "bad"),
        (254, 5, "poor"),
        (95, 5, "poor"),
        (94, 6, "heavily_polluted"),
        (0, 6, "heavily_polluted"),
    ];
    for (index, number, code) in classes {
        assert_eq!(class(index), Some((number, Some(code))), "{index}");
    }
    assert_eq!((class(1_010), class(-10)), (None, None));
}
