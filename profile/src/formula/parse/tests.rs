//! Formulas and what is said of wrong ones.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn known() -> BTreeMap<String, Option<String>> {
    [
        ("speed", Some("km/h")),
        ("limit_speed", Some("km/h")),
        ("flow", Some("vehicles/h")),
        ("heavy", Some("vehicles")),
        ("all", Some("vehicles")),
        ("online", Some("%")),
        ("odd", None),
        ("air-1", Some("µg/m³")),
        ("env.pm25_1h", Some("µg/m³")),
    ]
    .into_iter()
    .map(|(id, unit)| (id.to_owned(), unit.map(str::to_owned)))
    .collect()
}

fn parsed(text: &str) -> Parsed {
    parse_formula(text, &Names { indicators: &known() })
}

/// The formula in its one spelling and its unit, or its mistakes with their bytes.
fn told(text: &str) -> String {
    let parsed = parsed(text);
    let slip = |slip: &Slip| match slip {
        Slip::Wrong { at, reason, allowed } => format!("{at}: {reason} (allowed: {allowed})"),
        Slip::Unknown { at, what, word, .. } => format!("{at}: unknown {what} {word}"),
    };
    match parsed.expression {
        Some(expression) => format!("{} in {}", expression.shown(), parsed.measure.text()),
        None => parsed.slips.iter().map(slip).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn operations_bind_as_on_paper() {
    let cases = [
        ("speed + speed * 2", "(speed + (speed * 2)) in km/h"),
        ("(speed + speed) × 2", "((speed + speed) * 2) in km/h"),
        ("speed - speed - speed", "((speed - speed) - speed) in km/h"),
        ("heavy / all / 2", "((heavy / all) / 2) in 1"),
        ("-speed + speed", "(-speed + speed) in km/h"),
        ("--speed", "speed in km/h"),
        ("speed[-3] − speed[-96]", "(speed[-3] - speed[-96]) in km/h"),
        ("`air-1` - 5[ug/m3]", "(`air-1` - 5[µg/m³]) in µg/m³"),
        ("max(speed, 0, 5[kmh])", "max(speed, 0, 5[km/h]) in km/h"),
        ("coalesce(speed, limit_speed)", "coalesce(speed, limit_speed) in km/h"),
        ("abs(speed - limit(speed))", "abs((speed - limit(speed))) in km/h"),
        (
            "if(speed < 5[km/h] and not defined(heavy) or all >= 1[vehicles], 1, 0)",
            "if((((speed < 5[km/h]) and not defined(heavy)) or (all >= 1[vehicles])), 1, 0) in 1",
        ),
        ("if((speed > 0) and ((all)) > 0, speed, 0)", "if(((speed > 0) and (all > 0)), speed, 0) in km/h"),
    ];
    for (text, want) in cases {
        assert_eq!(told(text), want, "{text}");
    }
}

#[test]
fn units_follow_the_operations() {
    let cases = [
        ("speed * 2[h]", "km"),
        ("flow * 1[h]", "vehicles"),
        ("all / flow", "h"),
        ("heavy / 1[h]", "vehicles/h"),
        ("ratio(heavy, all)", "1"),
        ("ratio(heavy, all) * 100[%]", "%"),
        ("online / 100[%]", "1"),
        ("1 / speed", "h/km"),
    ];
    for (text, unit) in cases {
        assert_eq!(parsed(text).measure.text(), unit, "{text}");
    }
    let hundredfold = |text: &str| parsed(text).measure.fits("%");
    assert!(hundredfold("ratio(heavy, all) * 100") && hundredfold("100 * (heavy - all) / all"));
    assert!(hundredfold("max(0, ratio(heavy, all) * 100)"));
    assert!(!hundredfold("ratio(heavy, all)") && !hundredfold("ratio(heavy, all) * 10"));
    assert!(!hundredfold("speed * 100") && hundredfold("100 - online"));
}

#[test]
fn every_mistake_of_a_formula_is_told_at_its_byte() {
    let cases = [
        ("", "0: ends too early (allowed: a number, an indicator or a function)"),
        ("speed +", "7: ends too early (allowed: a number, an indicator or a function)"),
        (
            "speed * * 2",
            "8: \"*\" stands where a value is needed (allowed: a number, an indicator or a function)",
        ),
        ("speed speed", "6: is left over (allowed: an operation before it, or nothing)"),
        ("(speed", "6: a bracket ( is not closed here (allowed: ))"),
        ("spede + sped", "0: unknown indicator spede; 8: unknown indicator sped"),
        ("mean(speed, 1)", "0: unknown function mean"),
        ("speed + heavy", "8: + takes km/h and vehicles (allowed: the same unit on both sides)"),
        ("speed > 0", "0: is a condition where a value is needed (allowed: if(condition, x, y))"),
        ("if(speed > 5, 1, 0)", "11: > takes km/h and 1 (allowed: 5[km/h])"),
        ("if(5 > speed, 1, 0)", "7: > takes 1 and km/h (allowed: 5[km/h])"),
        ("if(speed, 1, 0)", "3: is a value where a condition is needed (allowed: x > 0, defined(x))"),
        ("if(speed > 0, 1)", "0: if is given 2 values (allowed: if(condition, x, y))"),
        ("max(speed)", "0: max is given 1 values (allowed: max(x, y, …))"),
        ("max(speed, heavy, all)", "11: max takes km/h and vehicles (allowed: the same unit on both sides)"),
        ("if(0 < speed < 9[km/h], 1, 0)", "13: compares a comparison (allowed: x < y and y < z)"),
        ("speed[1]", "5: \"[1]\" is no number of windows back (allowed: [-1] to [-96])"),
        ("speed[-97]", "5: \"[-97]\" is no number of windows back (allowed: [-1] to [-96])"),
        ("5[furlong] + 1", "2: unknown unit furlong"),
        ("1.2.3", "0: \"1.2.3\" is no number (allowed: 12, 0.75)"),
        ("limit(5)", "6: limit needs an indicator (allowed: limit(env.pm25_1h))"),
        ("[5]", "0: a bracket [ stands alone (allowed: 5[km/h], indicator[-1])"),
        ("and", "0: \"and\" stands where a value is needed (allowed: x > 0 and y > 0)"),
        (
            "speed & 1",
            "6: \"&\" has no meaning here (allowed: numbers, indicators, + - * / ( ) < > ==, functions)",
        ),
        ("speed / heavy + online", "16: + takes km/h/vehicles and % (allowed: the same unit on both sides)"),
    ];
    for (text, want) in cases {
        assert_eq!(told(text), want, "{text}");
    }
}

#[test]
fn a_formula_has_bounds() {
    assert_eq!(
        told(&" ".repeat(4_001)),
        "0: has 4001 bytes (allowed: at most 4000: split it over several indicators)"
    );
    let nested = |depth: usize| format!("{}speed{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(told(&nested(31)), "speed in km/h");
    assert!(told(&nested(32)).starts_with("32: is nested more than 32 deep"), "{}", told(&nested(32)));
    let long = |terms: usize| vec!["speed"; terms].join("+");
    assert!(parsed(&long(128)).slips.is_empty());
    assert!(told(&long(129)).contains("more than 128 operations"), "{}", told(&long(129)));
}

#[test]
fn a_formula_knows_what_it_reads() {
    let parsed = parsed("ratio(heavy[-2], all) + ratio(heavy, limit(speed) / speed[-5] * all)");
    let expression = parsed.expression.expect("a formula");
    let inputs: Vec<String> = expression.inputs().iter().map(ToString::to_string).collect();
    assert_eq!((inputs, expression.back()), (vec!["heavy".to_owned(), "all".into(), "speed".into()], 5));
    assert_eq!(parsed.named.len(), 6);
}

proptest! {
    #[test]
    fn whatever_stands_there_is_answered(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "speed", "heavy", "(", ")", ",", "+", "-", "*", "/", "<", "==", "and", "or", "not", "if(", "ratio(",
            "coalesce(", "limit(", "defined(", "[-1]", "[km/h]", "5", "100", "0", ".", "`", "[", "]", "ộ", " ",
        ]), 0..40),
    ) {
        let text = pieces.concat();
        let parsed = parsed(&text);
        prop_assert_eq!(parsed.expression.is_some(), parsed.slips.is_empty(), "{}", text);
        let inside = |slip: &Slip| match slip {
            Slip::Wrong { at, .. } | Slip::Unknown { at, .. } => *at <= text.len() && text.is_char_boundary(*at),
        };
        prop_assert!(parsed.slips.iter().all(inside), "{}", text);
        if let Some(expression) = parsed.expression {
            // Its one spelling reads back as itself.
            let again = parse_formula(&expression.shown(), &Names { indicators: &known() });
            prop_assert_eq!(again.expression.map(|again| again.shown()), Some(expression.shown()));
        }
    }
}
