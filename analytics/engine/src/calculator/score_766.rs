//! Scores of the index of service to people and businesses, QĐ 766/QĐ-TTg of 23/6/2022: the rate of a rule to points,
//! and the six parts to the index.
//!
//! What comes of it is *số nội bộ, không thay số công bố*: the published index is the national portal's own. Formulas
//! that are not known (5.4 satisfaction with procedures) have no calculator; a figure built on one is missing, *chưa đủ
//! căn cứ*, and the index with it: five parts of six are no index.

use super::{Exact, Outcome, Request, half_up};

/// The parts with their most points: openness, progress, online services, online payment, satisfaction, digitisation.
const PARTS: [(&str, i128); 6] = [
    ("openness", 18),
    ("progress", 20),
    ("online", 12),
    ("payment", 10),
    ("satisfaction", 18),
    ("digitisation", 22),
];

/// Points of a rate in per cent: all from `full_percent` on (100 unless told), below it `rate · max ÷ full_percent`.
///
/// Without a rate there are no points. Only where the rule itself gives 0 for nothing (`zero_when_missing = 1`) it is
/// 0, and only if `total`, what the rate is of, is there and 0: a silent sender has not proved that there was nothing.
/// The rate itself stays missing.
pub(super) fn score(request: &Request<'_>) -> Option<Outcome> {
    let most = request.parameter("max").filter(|most| most.numerator > 0)?;
    let full = match request.parameters.get("full_percent") {
        Some(_) => request.parameter("full_percent").filter(|full| full.numerator > 0)?,
        None => Exact { numerator: 100, denominator: 1 },
    };
    let Some(rate) = request.own("rate") else {
        let by_rule = request.whole("zero_when_missing") == Some(1);
        let nothing = request.own("total").is_some_and(|total| total.numerator == 0);
        return (by_rule && nothing).then_some(Outcome { value: 0, code: Some("nothing") });
    };
    if rate.is_negative() {
        return None;
    }
    if !rate.less(full)?.is_negative() {
        return Some(Outcome { value: half_up(most, request.scale)?, code: Some("full") });
    }
    let share = rate.divided(full)?;
    let points = Exact {
        numerator: share.numerator.checked_mul(most.numerator)?,
        denominator: share.denominator.checked_mul(most.denominator)?,
    };
    Some(Outcome { value: half_up(points, request.scale)?, code: None })
}

/// The sum of the six parts, of 100 points; the code names the part that loses most. None if a part is missing or lies
/// outside what it can have.
pub(super) fn index(request: &Request<'_>) -> Option<Outcome> {
    let mut sum = Exact { numerator: 0, denominator: 1 };
    let mut weakest: Option<(Exact, &'static str)> = None;
    for (name, most) in PARTS {
        let points = request.own(name)?;
        let lost = Exact { numerator: most, denominator: 1 }.less(points)?;
        if points.is_negative() || lost.is_negative() {
            return None;
        }
        sum = sum.added(points)?;
        let more = match weakest {
            Some((other, _)) => other.less(lost)?.is_negative(),
            None => lost.numerator > 0,
        };
        if more {
            weakest = Some((lost, name));
        }
    }
    Some(Outcome { value: half_up(sum, request.scale)?, code: weakest.map(|(_, name)| name) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nhip_proto::Decimal;

    use super::super::tests::{request, windows_of};
    use super::super::{Outcome, evaluate};

    /// Tenths of per cent and things to hundredths of points.
    fn score(
        rate: Option<i128>,
        total: Option<i128>,
        parameters: &[(&str, i128)],
    ) -> Option<(i128, &'static str)> {
        let inputs = BTreeMap::from([windows_of("rate", &[rate]), windows_of("total", &[total])]);
        let parameters: BTreeMap<_, _> =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), Decimal::new(*value, 0))).collect();
        let found = evaluate("score_766", &request(&inputs, &parameters, 2))?;
        Some((found.value, found.code.unwrap_or("")))
    }

    #[test]
    fn eighty_per_cent_are_all_points_and_less_are_in_proportion() {
        // Rules 3.1, 3.5, 4.2 and 4.3: ≥ 80 % → max, else rate · max ÷ 80.
        let of = |rate| score(Some(rate), None, &[("max", 12), ("full_percent", 80)]);
        assert_eq!(of(1_000), Some((1_200, "full")));
        assert_eq!(of(800), Some((1_200, "full")));
        assert_eq!(of(799), Some((1_199, "")));
        assert_eq!(of(400), Some((600, "")));
        assert_eq!(of(0), Some((0, "")));
        // 33.3 · 12 ÷ 80 = 4.995, half up.
        assert_eq!(of(333), Some((500, "")));
        assert_eq!(of(-1), None);
    }

    #[test]
    fn rule_3_3_asks_for_half_and_others_for_all() {
        let half = |rate| score(Some(rate), None, &[("max", 8), ("full_percent", 50)]);
        assert_eq!((half(500), half(250)), (Some((800, "full")), Some((400, ""))));
        let all = |rate| score(Some(rate), None, &[("max", 20)]);
        assert_eq!((all(1_000), all(945)), (Some((2_000, "full")), Some((1_890, ""))));
    }

    #[test]
    fn nothing_is_nought_only_by_rule_and_only_if_it_was_proved() {
        let by_rule = [("max", 4), ("zero_when_missing", 1)];
        assert_eq!(score(None, Some(0), &by_rule), Some((0, "nothing")));
        assert_eq!(score(None, None, &by_rule), None);
        assert_eq!(score(None, Some(30), &by_rule), None);
        assert_eq!(score(None, Some(0), &[("max", 4)]), None);
        assert_eq!(score(None, Some(0), &[("max", 4), ("zero_when_missing", 0)]), None);
        // A rate that is there is a rate, whatever the rule says of nothing.
        assert_eq!(score(Some(500), Some(0), &by_rule), Some((200, "")));
    }

    #[test]
    fn no_points_without_a_most_or_with_an_absurd_rule() {
        assert_eq!(score(Some(500), None, &[]), None);
        assert_eq!(score(Some(500), None, &[("max", 0)]), None);
        assert_eq!(score(Some(500), None, &[("max", 4), ("full_percent", 0)]), None);
    }

    fn index(parts: [i128; 6]) -> Option<Outcome> {
        let names = super::PARTS.map(|(name, _)| name);
        let inputs: BTreeMap<_, _> =
            names.iter().zip(parts).map(|(name, tenths)| windows_of(name, &[Some(tenths)])).collect();
        evaluate("index_766", &request(&inputs, &BTreeMap::new(), 1))
    }

    #[test]
    fn the_parts_make_a_hundred() {
        assert_eq!(super::PARTS.iter().map(|(_, most)| most).sum::<i128>(), 100);
        let whole = index([180, 200, 120, 100, 180, 220]);
        assert_eq!(whole, Some(Outcome { value: 1_000, code: None }));
    }

    #[test]
    fn tay_ninh_of_2025_as_printed_by_part() {
        // 18/18, 18.9/20, 8.1/12, 8.6/10, 12/18, 11.4/22: together 77.0; digitisation loses most.
        let found = index([180, 189, 81, 86, 120, 114]);
        assert_eq!(found, Some(Outcome { value: 770, code: Some("digitisation") }));
    }

    #[test]
    fn the_first_of_those_that_lose_most_is_named() {
        let found = index([170, 200, 110, 100, 180, 220]);
        assert_eq!(found, Some(Outcome { value: 980, code: Some("openness") }));
        assert_eq!(index([180, 200, 120, 90, 180, 219]).and_then(|found| found.code), Some("payment"));
    }

    #[test]
    fn five_parts_are_no_index_and_no_part_has_more_than_its_most() {
        let inputs = BTreeMap::from([windows_of("openness", &[Some(180)])]);
        assert_eq!(evaluate("index_766", &request(&inputs, &BTreeMap::new(), 1)), None);
        assert_eq!(index([181, 189, 81, 86, 120, 114]), None);
        assert_eq!(index([-1, 189, 81, 86, 120, 114]), None);
    }
}
