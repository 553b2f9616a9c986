//! What may happen to a case: its steps with the seconds between them, as an office of a province would see them.

use super::dice::Dice;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// The words of one reading: names of states and what they say.
pub(super) type Words = Vec<(&'static str, &'static str)>;

/// A life: what is said when, and the days until it is due where the sender states them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) steps: Vec<(i64, Words)>,
    pub(super) due_days: Option<i64>,
}

/// The dice of one case.
pub(super) struct Throws<'a> {
    pub(super) dice: &'a Dice,
    pub(super) number: i64,
}

impl Throws<'_> {
    /// True for so many of a hundred cases.
    fn percent(&self, purpose: u64, share: u64) -> bool {
        self.dice.throw(self.number, purpose, 100) < share
    }

    /// Seconds between two spans.
    fn between(&self, purpose: u64, from_s: i64, to_s: i64) -> i64 {
        from_s + self.dice.throw(self.number, purpose, (to_s - from_s).unsigned_abs().max(1)) as i64
    }

    fn rating(&self, purpose: u64) -> &'static str {
        match self.dice.throw(self.number, purpose, 100) {
            0..30 => "very_satisfied",
            30..70 => "satisfied",
            70..85 => "accepted",
            _ => "unsatisfied",
        }
    }
}

/// A life while it is told.
struct Telling {
    life: Life,
    at: i64,
}

impl Telling {
    fn begin() -> Self {
        let life = Life { steps: vec![(0, vec![("step", "received")])], due_days: None };
        Self { life, at: 0 }
    }

    fn step(&mut self, after_s: i64, step: &'static str) {
        self.at += after_s;
        self.life.steps.push((self.at, vec![("step", step)]));
    }

    fn rate(&mut self, after_s: i64, rating: &'static str) {
        self.at += after_s;
        self.life.steps.push((self.at, vec![("step", "rated"), ("rating", rating)]));
    }
}

/// A field report: most are handled within five days, some are extended, late, given back, opened again.
pub(super) fn report(throws: &Throws<'_>) -> Life {
    let mut told = Telling::begin();
    if throws.percent(30, 4) {
        told.step(throws.between(31, 2 * MINUTE_S, HOUR_S), "duplicate");
        return told.life;
    }
    if throws.percent(32, 5) {
        told.step(throws.between(33, 5 * MINUTE_S, 5 * HOUR_S), "rejected");
        return told.life;
    }
    told.step(throws.between(34, MINUTE_S, 9 * MINUTE_S), "assigned");
    if throws.percent(35, 6) {
        told.step(throws.between(36, HOUR_S, 4 * HOUR_S), "returned");
        told.step(throws.between(37, 10 * MINUTE_S, 2 * HOUR_S), "assigned");
    }
    if throws.percent(38, 8) {
        told.step(throws.between(39, 10 * MINUTE_S, 3 * HOUR_S), "waiting");
        told.step(throws.between(40, 2 * HOUR_S, 40 * HOUR_S), "supplied");
    }
    told.step(throws.between(41, 30 * MINUTE_S, 8 * HOUR_S), "in_progress");
    if throws.percent(42, 12) {
        told.step(throws.between(43, 60 * HOUR_S, 90 * HOUR_S), "extension_asked");
        let granted = if throws.percent(44, 85) { "extended" } else { "extension_refused" };
        told.step(throws.between(45, HOUR_S, 6 * HOUR_S), granted);
        told.step(throws.between(46, 20 * HOUR_S, 110 * HOUR_S), "resolved");
    } else if throws.percent(47, 5) {
        told.step(throws.between(48, 120 * HOUR_S, 220 * HOUR_S), "resolved");
    } else {
        told.step(throws.between(49, 2 * HOUR_S, 100 * HOUR_S), "resolved");
    }
    told.step(throws.between(50, 10 * MINUTE_S, 3 * HOUR_S), "published");
    if throws.percent(51, 45) {
        let rating = throws.rating(52);
        told.rate(throws.between(53, HOUR_S, 30 * HOUR_S), rating);
        if rating == "unsatisfied" && throws.percent(54, 35) {
            told.step(throws.between(55, HOUR_S, 5 * HOUR_S), "reopened");
            told.step(throws.between(56, 5 * HOUR_S, 40 * HOUR_S), "resolved");
        }
    }
    told.life
}

/// An opinion on rules or conduct: fifteen working days, and some take more.
pub(super) fn opinion(throws: &Throws<'_>) -> Life {
    let mut told = Telling::begin();
    told.step(throws.between(30, HOUR_S, 20 * HOUR_S), "assigned");
    told.step(throws.between(31, HOUR_S, 2 * DAY_S), "in_progress");
    let days = if throws.percent(32, 8) { (21, 30) } else { (2, 18) };
    told.step(throws.between(33, days.0 * DAY_S, days.1 * DAY_S), "resolved");
    if throws.percent(34, 40) {
        told.rate(throws.between(35, HOUR_S, 2 * DAY_S), throws.rating(36));
    }
    told.life
}

/// A dossier: due some days later at the end of office hours, most in time, some asked to supplement, few twice.
pub(super) fn dossier(throws: &Throws<'_>) -> Life {
    let mut told = Telling::begin();
    let days = throws.between(30, 3, 16);
    told.life.due_days = Some(days);
    if let Some((_, words)) = told.life.steps.first_mut() {
        let share = |purpose, percent| if throws.percent(purpose, percent) { "yes" } else { "no" };
        words.push(("channel", if throws.percent(31, 68) { "online" } else { "direct" }));
        words.push(("digitised", share(32, 62)));
        words.push(("reused", share(33, 41)));
        words.push(("synced", share(34, 98)));
        words.push(("onestop", share(35, 99)));
        let fee = throws.percent(36, 70);
        words.push(("fee", if fee { "yes" } else { "no" }));
        if fee {
            words.push(("paid", if throws.percent(37, 66) { "portal" } else { "counter" }));
        }
        words.push(("paper_result", share(38, 80)));
        words.push(("eresult", "no"));
    }
    let asked = if throws.percent(39, 2) { 2 } else { i64::from(throws.percent(40, 9)) };
    for time in 0..asked.unsigned_abs() {
        told.step(throws.between(41 + time, 3 * HOUR_S, 20 * HOUR_S), "waiting");
        told.step(throws.between(43 + time, 4 * HOUR_S, 40 * HOUR_S), "supplied");
    }
    told.step(throws.between(45, HOUR_S, 10 * HOUR_S), "in_progress");
    let rest = (days * DAY_S - told.at).max(12 * HOUR_S);
    let late = throws.percent(46, 6);
    let needed = if late {
        throws.between(47, rest + DAY_S, rest + 4 * DAY_S)
    } else {
        throws.between(48, rest / 4, rest * 9 / 10)
    };
    told.step(needed, if throws.percent(49, 3) { "stopped" } else { "processed" });
    if let Some((_, words)) = told.life.steps.last_mut() {
        words.push(("eresult", if throws.percent(50, 78) { "yes" } else { "no" }));
    }
    told.step(throws.between(51, HOUR_S, 20 * HOUR_S), "returned_result");
    if throws.percent(52, 35)
        && let Some((_, words)) = told.life.steps.last_mut()
    {
        words.push(("rating", throws.rating(53)));
    }
    told.life
}
