//! Water level against a station's three alarm levels, and the words bulletins use.
//!
//! QĐ 05/2020/QĐ-TTg: an alarm level (báo động, BĐ) is a water level of one station; there are three. Which they are
//! is data with a source and a date, never part of a program: the decision's annex was changed and bulletins have
//! contradicted each other (Gò Dầu Hạ in October and November 2025).

use super::{Exact, Outcome, Request, half_up};

/// Digits of metres in a bulletin.
const METRES_SCALE: u8 = 2;
/// Inputs or parameters that hold the alarm levels.
const ALARMS: [&str; 3] = ["alarm_1", "alarm_2", "alarm_3"];

/// A language of the screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Decimal comma.
    Vietnamese,
    /// Decimal point.
    English,
}

/// Where a level stands beside the alarm level nearest to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// Which alarm level, 1…3.
    pub alarm: u8,
    /// How far above it (below: negative), centimetres.
    pub centimetres: i128,
}

/// The alarm level reached: 0…3. Input `level`; `alarm_1` … `alarm_3` as inputs or parameters.
pub(super) fn reached(request: &Request<'_>) -> Option<Outcome> {
    let at = alarm_reached(request.own("level")?, &alarms(request))?;
    let code = ["none", "alarm_1", "alarm_2", "alarm_3"].get(usize::from(at)).copied();
    Some(Outcome { value: i128::from(at).checked_mul(10_i128.checked_pow(u32::from(request.scale))?)?, code })
}

/// Metres above (below: negative) the nearest alarm level, which the code names. The same inputs.
pub(super) fn distance_to_nearest(request: &Request<'_>) -> Option<Outcome> {
    let (alarm, distance) = nearest(request.own("level")?, &alarms(request))?;
    let code = ["alarm_1", "alarm_2", "alarm_3"].get(usize::from(alarm.checked_sub(1)?)).copied();
    Some(Outcome { value: half_up(distance, request.scale)?, code })
}

fn alarms(request: &Request<'_>) -> [Option<Exact>; 3] {
    ALARMS.map(|name| request.own(name).or_else(|| request.parameter(name)))
}

/// The highest alarm level reached, 0: none. None: it cannot be told, because levels are not known.
#[must_use]
pub fn alarm_reached(level: Exact, alarms: &[Option<Exact>; 3]) -> Option<u8> {
    for (alarm, number) in alarms.iter().zip([1, 2, 3]).rev() {
        // An unknown level above the one reached may be reached too.
        let alarm = (*alarm)?;
        if !level.less(alarm)?.is_negative() {
            return Some(number);
        }
    }
    Some(0)
}

/// The nearest alarm level that is known; of two equally near ones the lower, which is reached.
#[must_use]
pub fn distance(level: Exact, alarms: &[Option<Exact>; 3]) -> Option<Distance> {
    let (alarm, distance) = nearest(level, alarms)?;
    Some(Distance { alarm, centimetres: half_up(distance, METRES_SCALE)? })
}

fn nearest(level: Exact, alarms: &[Option<Exact>; 3]) -> Option<(u8, Exact)> {
    let mut best: Option<(u8, Exact)> = None;
    for (alarm, number) in alarms.iter().zip([1, 2, 3]) {
        let Some(alarm) = alarm else { continue };
        let distance = level.less(*alarm)?;
        let nearer = match best {
            Some((_, other)) => distance.absolute()?.less(other.absolute()?)?.is_negative(),
            None => true,
        };
        if nearer {
            best = Some((number, distance));
        }
    }
    best
}

impl Distance {
    /// As bulletins say it: "trên BĐ2 0,05 m", "dưới BĐ2 0,02 m", "ở mức BĐ2".
    #[must_use]
    pub fn text(self, language: Language) -> String {
        let (above, below, at, name, point) = match language {
            Language::Vietnamese => ("trên", "dưới", "ở mức", "BĐ", ','),
            Language::English => ("above", "below", "at", "alarm level ", '.'),
        };
        let size = self.centimetres.unsigned_abs();
        let word = match self.centimetres {
            0 => at,
            1.. => above,
            _ => below,
        };
        let metres = format!("{}{point}{:02} m", size / 100, size % 100);
        match language {
            _ if size == 0 => format!("{word} {name}{}", self.alarm),
            Language::Vietnamese => format!("{word} {name}{} {metres}", self.alarm),
            Language::English => format!("{word} {name}{} by {metres}", self.alarm),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::evaluate;
    use super::super::tests::request;
    use super::*;

    const TAN_CHAU: [Option<i128>; 3] = [Some(350), Some(400), Some(450)];
    const CHAU_DOC: [Option<i128>; 3] = [Some(300), Some(350), Some(400)];
    /// Only the third level was told.
    const BEN_LUC: [Option<i128>; 3] = [None, None, Some(150)];
    const MOC_HOA: [Option<i128>; 3] = [None, None, Some(200)];

    fn metres(centimetres: i128) -> Exact {
        Exact { numerator: centimetres, denominator: 100 }
    }

    fn told(level: i128, alarms: [Option<i128>; 3]) -> (Option<u8>, String, String) {
        let alarms = alarms.map(|alarm| alarm.map(metres));
        let distance = distance(metres(level), &alarms).expect("a known level");
        let reached = alarm_reached(metres(level), &alarms);
        (reached, distance.text(Language::Vietnamese), distance.text(Language::English))
    }

    fn words(reached: u8, vi: &str, en: &str) -> (Option<u8>, String, String) {
        (Some(reached), vi.to_owned(), en.to_owned())
    }

    #[test]
    fn as_bulletins_said_it() {
        let expected = words(1, "dưới BĐ2 0,02 m", "below alarm level 2 by 0.02 m");
        assert_eq!(told(398, TAN_CHAU), expected);
        assert_eq!(told(355, CHAU_DOC), words(2, "trên BĐ2 0,05 m", "above alarm level 2 by 0.05 m"));
        assert_eq!(told(455, TAN_CHAU), words(3, "trên BĐ3 0,05 m", "above alarm level 3 by 0.05 m"));
        assert_eq!(told(165, BEN_LUC), words(3, "trên BĐ3 0,15 m", "above alarm level 3 by 0.15 m"));
        assert_eq!(told(203, MOC_HOA), words(3, "trên BĐ3 0,03 m", "above alarm level 3 by 0.03 m"));
    }

    #[test]
    fn at_between_below_and_far_above() {
        assert_eq!(told(400, TAN_CHAU), words(2, "ở mức BĐ2", "at alarm level 2"));
        assert_eq!(told(399, TAN_CHAU).0, Some(1));
        // Halfway: the level that is reached.
        assert_eq!(told(375, TAN_CHAU).1, "trên BĐ1 0,25 m");
        assert_eq!(told(210, TAN_CHAU), words(0, "dưới BĐ1 1,40 m", "below alarm level 1 by 1.40 m"));
        assert_eq!(told(1_455, TAN_CHAU).1, "trên BĐ3 10,05 m");
    }

    #[test]
    fn an_unknown_level_is_not_one_that_was_not_reached() {
        // Below the third level of Bến Lức nobody can say which of the lower ones was reached.
        assert_eq!(told(149, BEN_LUC).0, None);
        assert_eq!(told(149, BEN_LUC).1, "dưới BĐ3 0,01 m");
        assert_eq!(distance(metres(100), &[None; 3]), None);
        assert_eq!(alarm_reached(metres(500), &[Some(metres(100)), Some(metres(200)), None]), None);
    }

    #[test]
    fn two_bulletins_that_contradict_each_other_are_data() {
        // Gò Dầu Hạ 1.36 m: with the level of 20/10/2025 (BĐ3 1.20) above BĐ3; the bulletin of 08/11/2025 says
        // "trên báo động 2", which needs a higher third level.
        assert_eq!(told(136, [None, None, Some(120)]).0, Some(3));
        assert_eq!(told(136, [Some(100), Some(130), Some(150)]).1, "trên BĐ2 0,06 m");
    }

    #[test]
    fn levels_come_as_inputs_or_parameters() {
        let parameter = |value| nhip_proto::Decimal::new(value, 2);
        let parameters = BTreeMap::from([
            ("alarm_1".to_owned(), parameter(350)),
            ("alarm_2".to_owned(), parameter(400)),
            ("alarm_3".to_owned(), parameter(450)),
        ]);
        let mut inputs = BTreeMap::from([("level".to_owned(), vec![Some(metres(398))])]);
        let of = |name, inputs: &BTreeMap<_, _>, scale| {
            evaluate(name, &request(inputs, &parameters, scale)).map(|outcome| (outcome.value, outcome.code))
        };
        assert_eq!(of("water_alarm", &inputs, 0), Some((1, Some("alarm_1"))));
        assert_eq!(of("water_alarm_distance", &inputs, 2), Some((-2, Some("alarm_2"))));
        // A dated limit as an input stands before the parameter.
        inputs.insert("alarm_2".to_owned(), vec![Some(metres(390))]);
        assert_eq!(of("water_alarm", &inputs, 0), Some((2, Some("alarm_2"))));
        assert_eq!(of("water_alarm_distance", &inputs, 2), Some((8, Some("alarm_2"))));
        assert_eq!(of("water_alarm", &BTreeMap::new(), 0), None);
    }
}
