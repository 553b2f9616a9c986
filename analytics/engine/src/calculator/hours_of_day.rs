//! The figures of a part of the day alone, for limits that hold by day or by night: QCVN 26:2010/BTNMT counts noise
//! from 6 to 21 h and from 21 to 6 h.
//!
//! A window belongs to the hour it begins in, by the profile's clock. Outside the hours there is no value; nothing is
//! averaged anew.

use super::{Outcome, Request};

/// Parameters `from` and `to`, hours 0 to 23, `to` exclusive; across midnight where `from` is the later.
pub(super) fn hours_of_day(request: &Request<'_>) -> Option<Outcome> {
    let (from, to) = (request.whole("from")?, request.whole("to")?);
    let hour = i128::from(request.hour);
    let inside = if from < to { (from..to).contains(&hour) } else { hour >= from || hour < to };
    let value = request.own("of").filter(|_| inside)?;
    Some(Outcome { value: value.at_scale(request.scale)?, code: None })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nhip_proto::Decimal;

    use super::super::tests::{request, windows_of};
    use super::super::{Request, evaluate};

    /// The hours of a day in which there is a value.
    fn hours(from: i128, to: i128) -> Vec<i8> {
        let inputs = BTreeMap::from([windows_of("of", &[Some(674)])]);
        let parameters = BTreeMap::from([
            ("from".to_owned(), Decimal::new(from, 0)),
            ("to".to_owned(), Decimal::new(to, 0)),
        ]);
        let there = |hour: &i8| {
            let found =
                evaluate("hours_of_day", &Request { hour: *hour, ..request(&inputs, &parameters, 1) });
            found.is_some_and(|found| found.value == 674)
        };
        (0..24).filter(there).collect()
    }

    #[test]
    fn the_day_ends_where_the_night_begins() {
        assert_eq!(hours(6, 21), (6..21).collect::<Vec<i8>>());
        assert_eq!(hours(21, 6), (0..6).chain(21..24).collect::<Vec<i8>>());
    }

    #[test]
    fn equal_hours_are_the_whole_day() {
        assert_eq!(hours(6, 6).len(), 24);
    }

    #[test]
    fn an_hour_without_a_value_stays_without() {
        let inputs = BTreeMap::from([windows_of("of", &[None])]);
        let parameters =
            BTreeMap::from([("from".to_owned(), Decimal::new(0, 0)), ("to".to_owned(), Decimal::new(0, 0))]);
        assert_eq!(evaluate("hours_of_day", &request(&inputs, &parameters, 1)), None);
    }
}
