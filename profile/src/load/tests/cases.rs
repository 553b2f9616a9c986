//! Cases in the language: what each mistake says, what is read, and what makes another definition.

use super::{Mistake, load};
use crate::{Aggregate, CaseInstant, CaseStep, OverCases, Profile, Standing, WorkingSpan};

const PROFILE: &str = include_str!("../../../../tests/scenarios/profiles/cases/profile.toml");
const AREAS: &str = include_str!("../../../../tests/scenarios/profiles/cases/areas.csv");
const SOURCES: &str = include_str!("../../../../tests/scenarios/profiles/cases/sources.csv");

fn read(text: &str) -> Result<Profile, Vec<Mistake>> {
    let files = [("profile.toml", text), ("areas.csv", AREAS), ("sources.csv", SOURCES)];
    load(&files.map(|(path, text)| (path.to_owned(), text.to_owned())))
}

fn edited(from: &str, to: &str) -> Result<Profile, Vec<Mistake>> {
    assert!(PROFILE.contains(from), "{from}");
    read(&PROFILE.replacen(from, to, 1))
}

#[test]
fn cases_are_read_as_they_are_meant() {
    let profile = read(PROFILE).unwrap_or_else(|mistakes| panic!("{}", crate::check_report(&mistakes)));
    let rules = &profile.cases["report"];
    assert_eq!(rules.steps.get("new"), Some(&CaseStep::Received));
    assert_eq!(rules.steps.get("withdrawn"), Some(&CaseStep::Withdrawn));
    assert_eq!(rules.levels.len(), 2);
    assert_eq!(rules.levels[0].resolve, Some(WorkingSpan::Days(2)));
    let over = |id: &str| profile.indicators[id].cases;
    assert_eq!(over("ontime_1mo"), Some(OverCases::At(CaseInstant::Resolved)));
    assert_eq!(over("overdue_1d"), Some(OverCases::Stock(Standing::Overdue)));
    assert_eq!(profile.indicators["soon_1d"].aggregate, Aggregate::Stock(Standing::DueSoon));
    assert!(profile.streams["report"].quantities.len() < rules.facts.quantities.len());
}

/// What is written, what is written instead, and what must be told.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "stream = \"report\"\ncase = \"case\"",
        "stream = \"reprot\"\ncase = \"case\"",
        "case.stream: unknown stream \"reprot\"",
    ),
    ("\ncase = \"case\"", "\ncase = \"number\"", "case.case: unknown thing \"number\""),
    ("step = \"step\"", "step = \"steps\"", "case.step: unknown state \"steps\""),
    ("steps = { new = \"received\" }", "steps = { new = \"arrived\" }", "unknown step \"arrived\""),
    ("steps = { new = \"received\" }", "steps = { neu = \"received\" }", "unknown word of the step \"neu\""),
    ("steps = { new = \"received\" }\n", "", "case.step: \"new\" of \"step\" is no step"),
    ("calendar = \"office\"\ndue", "calendar = \"offce\"\ndue", "unknown calendar \"offce\""),
    ("due = \"due\"", "due = \"do\"", "unknown quantity \"do\""),
    ("category = \"category\"\nseverity", "category = \"kind\"\nseverity", "unknown state \"kind\""),
    ("reopen_days = 30", "reopen_days = 0", "case.reopen_days: is no number of days (allowed: 1 to 3650)"),
    ("resolve = \"2wd\"", "resolve = \"2wx\"", "service_level.resolve: \"2wx\" is no length of time"),
    (
        "calendar = \"office\"\ndue = \"due\"",
        "due = \"due\"",
        "counts working time, and the cases have no calendar",
    ),
    ("category = \"light\"\n", "", "promises twice for the same cases"),
    ("category = \"light\"", "category = \"lamp\"", "unknown word of the state \"lamp\""),
    ("resolve = \"6h\"\n", "", "service_level: promises nothing"),
    ("case = \"report\"\nassign", "case = \"air\"\nassign", "unknown stream with cases \"air\""),
    (
        "cases = \"report\"\nat = \"received\"",
        "cases = \"reports\"\nat = \"received\"",
        "unknown stream with cases \"reports\"",
    ),
    ("cases = \"report\"\nat = \"received\"", "cases = \"report\"\nat = \"arrived\"", "indicator.at"),
    ("cases = \"report\"\nat = \"received\"", "cases = \"report\"", "indicator.at"),
    (
        "cases = \"report\"\nat = \"received\"",
        "stream = \"report\"\nat = \"received\"",
        "indicator.at: chooses the window of a case",
    ),
    (
        "cases = \"report\"\nstock = \"open\"",
        "stream = \"report\"\nstock = \"open\"",
        "indicator.stock: counts cases",
    ),
    (
        "cases = \"report\"\nstock = \"open\"",
        "cases = \"report\"\nat = \"ended\"\nstock = \"open\"",
        "stands beside stock",
    ),
    ("stock = \"open\"", "stock = \"opened\"", "indicator.stock"),
    ("mean = \"resolve_elapsed\"", "max = \"resolve_elapsed\"", "max cannot lose a case again"),
    ("mean = \"resolve_elapsed\"", "mean = \"resolve_tim\"", "\"resolve_tim\""),
    ("unit = \"h\"", "unit = \"min\"", "min is not the unit of what is computed (allowed: h)"),
    ("where.on_time = [\"original\"]", "where.on_time = [\"early\"]", "\"early\""),
    ("group = \"category\"", "group = \"kind\"", "\"kind\""),
    ("due = \"s\"\n", "due = \"s\"\nreturns = \"1\"\n", "\"returns\" is a fact of cases"),
];

#[test]
fn every_mistake_about_cases_says_what_is_allowed() {
    let mut wrong = Vec::new();
    for (from, to, expected) in WRONG.iter().copied() {
        let mistakes: Vec<String> =
            edited(from, to).err().unwrap_or_default().iter().map(Mistake::to_string).collect();
        if !mistakes.iter().any(|told| told.contains(expected)) {
            wrong.push(format!("{from:?} → {to:?}\n  wanted {expected}\n  found {mistakes:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A promise, a step, a holiday: another version of what is computed over cases, of nothing else.
#[test]
fn the_definition_version_covers_the_rules_of_cases() {
    let before = read(PROFILE).expect("the test profile");
    for (from, to) in [
        ("resolve = \"2wd\"", "resolve = \"3wd\""),
        ("new = \"received\"", "new = \"received\", duplicate = \"rejected\""),
        ("to = \"17:00\"", "to = \"16:30\""),
        ("due_soon = \"1d\"", "due_soon = \"2d\""),
        ("reopen_days = 30", "reopen_days = 31"),
    ] {
        let after = edited(from, to).unwrap_or_else(|mistakes| panic!("{to}: {mistakes:?}"));
        let differs = |id: &&nhip_proto::IndicatorId| {
            before.indicators[*id].definition != after.indicators[*id].definition
        };
        assert_eq!(before.indicators.keys().filter(differs).count(), before.indicators.len(), "{to}");
    }
    for (from, to) in
        [("document = \"tests\"", "document = \"other\""), ("en = \"Open\"", "en = \"Not ended\"")]
    {
        let after = edited(from, to).unwrap_or_else(|mistakes| panic!("{to}: {mistakes:?}"));
        let same = |id: &&nhip_proto::IndicatorId| {
            before.indicators[*id].definition == after.indicators[*id].definition
        };
        assert!(before.indicators.keys().all(|id| same(&id)), "{to}");
    }
}
