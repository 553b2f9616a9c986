//! `[[case]]` and `[[service_level]]`: which stream tells of cases, by which steps, and what is promised.

use std::collections::BTreeMap;

use nhip_proto::{MINUTE, Span, StreamId};

use super::Loading;
use super::streams::read_stream_name;
use crate::read::Section;
use crate::{
    CaseRules, CaseStep, FACT_QUANTITIES, FACT_STATES, Label, Quantity, QuantityKind, ServiceLevel, Stream,
    Validity, WorkingSpan,
};

const DAY: Span = 24 * 60 * MINUTE;
/// Default of `reopen_days`, and the most.
const REOPEN_DAYS: (i128, i128) = (90, 3_650);
/// Hours or times no fact of a case goes beyond.
const FACT_RANGE: i128 = 1_000_000_000_000;

pub(super) fn read(cases: Vec<Section<'_>>, levels: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in cases {
        let rules = read_case(&section, loading);
        section.finish();
        let Some(rules) = rules else { continue };
        declare_facts(loading);
        loading.profile.cases.insert(rules.stream.clone(), rules);
    }
    for section in levels {
        let level = read_level(&section, loading);
        section.finish();
        let Some((stream, level)) = level else { continue };
        if let Some(rules) = loading.profile.cases.get_mut(&stream) {
            rules.levels.push(level);
        }
    }
}

fn read_case(section: &Section<'_>, loading: &Loading<'_>) -> Option<CaseRules> {
    let id = read_stream_name(section, loading);
    let (case, step) = (section.text("case"), section.text("step"));
    let calendar = section.has("calendar").then(|| section.text("calendar")).flatten();
    if let Some(id) = calendar.as_ref().filter(|id| !loading.declared.calendars.contains(*id)) {
        section.unknown("calendar", "calendar", id, loading.declared.calendars.iter().map(String::as_str));
    }
    let reopen_days =
        if section.has("reopen_days") { section.number("reopen_days", 0) } else { Some(REOPEN_DAYS.0) };
    if reopen_days.is_some_and(|days| !(1..=REOPEN_DAYS.1).contains(&days)) {
        section.mistake("reopen_days", "is no number of days", format!("1 to {}", REOPEN_DAYS.1));
    }
    let due_soon = section.span_or("due_soon", DAY);
    let id = StreamId::new(&id?);
    if loading.profile.cases.contains_key(&id) {
        section.mistake("stream", format!("\"{id}\" has cases already"), "one [[case]] for each stream");
        return None;
    }
    let stream = loading.profile.streams.get(&id)?;
    check_facts(section, stream, loading);
    if let Some(case) = case.as_ref().filter(|case| !stream.things.contains(*case)) {
        section.unknown("case", "thing", case, stream.things.iter().map(String::as_str));
    }
    let steps = step.as_ref().map(|step| read_steps(section, step, stream));
    let state = |key| read_state(section, key, stream);
    let (category, severity, rating) = (state("category"), state("severity"), state("rating"));
    let due = read_due(section, stream, loading);
    let facts = facts_of(stream);
    Some(CaseRules {
        stream: id,
        case: case?,
        step: step?,
        steps: steps?,
        calendar,
        due,
        category,
        severity,
        rating,
        reopen: i64::try_from(reopen_days?).ok()?.saturating_mul(DAY),
        due_soon,
        levels: Vec::new(),
        facts,
    })
}

/// The names of facts mean nothing else.
fn check_facts(section: &Section<'_>, stream: &Stream, loading: &Loading<'_>) {
    let declared =
        |name: &str| loading.profile.cases.is_empty() && loading.profile.quantities.contains_key(name);
    let numbers = FACT_QUANTITIES.iter().map(|(name, ..)| *name);
    let words = FACT_STATES.iter().map(|(name, _)| *name);
    for name in numbers.chain(words) {
        if declared(name) || stream.quantities.contains_key(name) || stream.has_words(name) {
            let reason = format!("\"{name}\" is a fact of cases");
            section.mistake("stream", reason, "another name for the quantity, state or thing");
        }
    }
}

/// What the words of the step mean: said, else by their own name.
fn read_steps(section: &Section<'_>, step: &str, stream: &Stream) -> BTreeMap<String, CaseStep> {
    let known = || CaseStep::ALL.iter().map(|(word, _)| *word);
    let Some(words) = stream.states.get(step) else {
        section.unknown("step", "state", step, stream.states.keys().map(String::as_str));
        return BTreeMap::new();
    };
    let mut steps = BTreeMap::new();
    let said = if section.has("steps") { section.free_words("steps") } else { Vec::new() };
    for (at, word, meant) in said {
        let key = format!("{}.{word}", section.full("steps"));
        if !words.contains(&word) {
            section.found().add_unknown(
                at,
                &key,
                "word of the step",
                &word,
                words.iter().map(String::as_str),
            );
        }
        match meant.as_slice() {
            [(at, meant)] => match CaseStep::of(meant) {
                Some(step) => drop(steps.insert(word, step)),
                None => section.found().add_unknown(*at, &key, "step", meant, known()),
            },
            _ => section.found().add(at, &key, "is no single step", "\"received\""),
        }
    }
    for word in words {
        match CaseStep::of(word) {
            _ if steps.contains_key(word) => {}
            Some(step) => drop(steps.insert(word.clone(), step)),
            None => section.mistake(
                "step",
                format!("\"{word}\" of \"{step}\" is no step"),
                format!("steps.{word} = one of {}", known().collect::<Vec<_>>().join(", ")),
            ),
        }
    }
    steps
}

fn read_state(section: &Section<'_>, key: &'static str, stream: &Stream) -> Option<String> {
    let name = section.has(key).then(|| section.text(key)).flatten()?;
    if !stream.states.contains_key(&name) {
        section.unknown(key, "state", &name, stream.states.keys().map(String::as_str));
    }
    Some(name)
}

fn read_due(section: &Section<'_>, stream: &Stream, loading: &Loading<'_>) -> Option<String> {
    let name = section.has("due").then(|| section.text("due")).flatten()?;
    if !stream.quantities.contains_key(&name) {
        section.unknown("due", "quantity", &name, stream.quantities.keys().map(String::as_str));
    }
    if loading
        .profile
        .quantities
        .get(&name)
        .is_some_and(|quantity| quantity.unit != "s" || quantity.scale != 0)
    {
        section.mistake(
            "due",
            format!("\"{name}\" is no time"),
            "a quantity in s without digits: seconds since 1970",
        );
    }
    Some(name)
}

fn read_level(section: &Section<'_>, loading: &Loading<'_>) -> Option<(StreamId, ServiceLevel)> {
    let case = section.text("case");
    let rules = case.as_ref().and_then(|case| loading.profile.cases.get(&StreamId::new(case)));
    if let (Some(case), None) = (&case, rules) {
        section.unknown(
            "case",
            "stream with cases",
            case,
            loading.profile.cases.keys().map(StreamId::as_str),
        );
    }
    let word = |key, state: Option<&String>| read_word(section, key, state, rules);
    let category = word("category", rules.and_then(|rules| rules.category.as_ref()));
    let severity = word("severity", rules.and_then(|rules| rules.severity.as_ref()));
    let span = |key| read_working(section, key, rules);
    let (assign, respond, resolve) = (span("assign"), span("respond"), span("resolve"));
    if assign.or(respond).or(resolve).is_none() {
        section.here("promises nothing", "assign, respond or resolve");
    }
    let document = section.text("document");
    let article = section.text_or("article", "");
    let date = |key| if section.has(key) { section.date(key) } else { None };
    let valid = Validity { from: date("valid_from"), to: date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        section.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    let level =
        ServiceLevel { category, severity, assign, respond, resolve, document: document?, article, valid };
    let same = |other: &&ServiceLevel| {
        (&other.category, &other.severity) == (&level.category, &level.severity)
            && other.valid.overlaps(&level.valid)
    };
    if rules?.levels.iter().any(|other| same(&other)) {
        section.mistake(
            "case",
            "promises twice for the same cases",
            "one level per day: end the older with valid_to",
        );
    }
    Some((rules?.stream.clone(), level))
}

fn read_word(
    section: &Section<'_>,
    key: &'static str,
    state: Option<&String>,
    rules: Option<&CaseRules>,
) -> Option<String> {
    let word = section.has(key).then(|| section.text(key)).flatten()?;
    let Some(rules) = rules else { return Some(word) };
    match state.and_then(|state| rules.facts.states.get(state)) {
        None => section.mistake(
            key,
            format!("[[case]] of {} names no {key}", rules.stream),
            format!("{key} there, too"),
        ),
        Some(words) if !words.contains(&word) => {
            section.unknown(key, "word of the state", &word, words.iter().map(String::as_str));
        }
        Some(_) => {}
    }
    Some(word)
}

fn read_working(section: &Section<'_>, key: &'static str, rules: Option<&CaseRules>) -> Option<WorkingSpan> {
    let text = section.has(key).then(|| section.text(key)).flatten()?;
    let span = WorkingSpan::parse(&text);
    match span {
        None => section.mistake(
            key,
            format!("\"{text}\" is no length of time"),
            "30m, 1d by the clock; 5wd, 8wh at work",
        ),
        Some(WorkingSpan::Days(_) | WorkingSpan::Hours(_))
            if rules.is_some_and(|rules| rules.calendar.is_none()) =>
        {
            section.mistake(
                key,
                "counts working time, and the cases have no calendar",
                "calendar at [[case]]",
            );
        }
        Some(_) => {}
    }
    span
}

/// What indicators over cases read: the names of the stream and the facts.
fn facts_of(stream: &Stream) -> Stream {
    let mut facts = stream.clone();
    for (name, _, unit, _) in FACT_QUANTITIES {
        facts.quantities.insert(name.to_owned(), unit.to_owned());
    }
    for (name, words) in FACT_STATES {
        facts.states.insert(name.to_owned(), words.iter().map(|word| (*word).to_owned()).collect());
    }
    facts
}

/// The facts are quantities like all others, with units and digits.
fn declare_facts(loading: &mut Loading<'_>) {
    for (name, (vi, en), unit, scale) in FACT_QUANTITIES {
        let label = Label { vi: vi.to_owned(), en: en.to_owned() };
        let kind = QuantityKind::Gauge;
        let quantity = Quantity {
            name: name.to_owned(),
            label,
            unit: unit.to_owned(),
            scale,
            kind,
            range: (-FACT_RANGE, FACT_RANGE),
        };
        loading.profile.quantities.insert(name.to_owned(), quantity);
    }
}
