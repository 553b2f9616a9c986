//! `[[domain]]` and `[[indicator]]`: what is computed, over which windows, who answers for it.

use nhip_proto::{IndicatorId, Span, StreamId};

use super::aggregates::{read_aggregate, read_filters, read_key, reads_own_area};
use super::derived::{self, Fact, Facts, read_derived, settle};
use super::indicator_text::{definition_text, read_test};
use super::measures::check_unit;
use super::over_cases;
use super::quantities::read_shown_unit;
use super::statistics::check_aggregate;
use super::units::check_owner;
use super::windows::read_window;
use super::{Loading, TOPIC_LEVEL, is_topic_level};
use crate::read::Section;
use crate::unit::Dimension;
use crate::{
    Aggregate, Direction, Domain, Filter, GroupBy, Indicator, IndicatorTest, Label, OverCases, Reconcile,
    Stream, Tolerance,
};

/// The most digits shown behind the point.
const SCALE_MAX: u8 = 6;
/// Digits of a share such as `completeness_min`.
const SHARE_SCALE: u8 = 4;

const DIRECTIONS: [(&str, Direction); 3] =
    [("worse", Direction::Worse), ("better", Direction::Better), ("neutral", Direction::Neutral)];

/// An indicator while it is read: what could be, and where it stands.
pub(super) struct Draft<'a> {
    pub(super) section: Section<'a>,
    /// Empty if it could not be read.
    pub(super) id: IndicatorId,
    /// The key that says what is computed.
    pub(super) key: Option<&'static str>,
    pub(super) fact: Fact,
    pub(super) aggregate: Option<Aggregate>,
    /// A derived one: what follows from its inputs.
    pub(super) stream: Option<StreamId>,
    /// 0: not said.
    pub(super) cadence: Span,
    /// 0: not said.
    pub(super) staleness: Span,
    named: Option<Named>,
    filter: Vec<Filter>,
    readings_min: Option<u32>,
    own_area: bool,
    reconcile: Option<Reconcile>,
    cases: Option<OverCases>,
    tests: Vec<IndicatorTest>,
}

/// What is not computed with.
struct Named {
    name: Label,
    domain: String,
    scale: u8,
    owner: String,
    basis: String,
    direction: Direction,
    completeness_min: f64,
}

pub(super) fn read_domains(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        let (id, name) = (section.text("id"), section.label("name"));
        if let Some(id) = id {
            if !loading.declared.domains.insert(id.clone()) {
                section.mistake("id", format!("\"{id}\" is declared twice"), "each domain once");
            }
            loading.profile.domains.push(Domain { id, name: name.unwrap_or_default() });
        }
        section.finish();
    }
}

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    let mut drafts: Vec<Draft<'_>> =
        sections.into_iter().map(|section| read_draft(section, loading)).collect();
    let facts: Facts =
        drafts.iter().map(|draft| (draft.id.as_str().to_owned(), draft.fact.clone())).collect();
    for draft in &mut drafts {
        read_making(draft, &facts, loading);
    }
    settle(&mut drafts, loading);
    for draft in drafts {
        if let Some(indicator) = finished(&draft) {
            loading.profile.indicators.insert(indicator.id.clone(), indicator);
        }
        draft.section.finish();
    }
}

/// What does not depend on other indicators.
fn read_draft<'a>(section: Section<'a>, loading: &mut Loading<'_>) -> Draft<'a> {
    let id = read_id(&section, loading);
    let (unit, named) = (read_shown_unit(&section, "unit"), read_named(&section, loading));
    let key = read_key(&section);
    let window = read_window(&section, loading);
    let group =
        section.has("group").then(|| section.text("group")).flatten().map(|word| match word.as_str() {
            "source" => GroupBy::Source,
            _ => GroupBy::State(word),
        });
    let tests = section.sections("test").into_iter().filter_map(|test| read_test(test, loading)).collect();
    Draft {
        id: IndicatorId::new(id.as_deref().unwrap_or_default()),
        key,
        fact: Fact { unit, window, group },
        aggregate: None,
        stream: None,
        cadence: section.span_or("cadence", 0),
        staleness: section.span_or("staleness", 0),
        named,
        filter: Vec::new(),
        readings_min: None,
        own_area: false,
        reconcile: None,
        cases: None,
        tests,
        section,
    }
}

fn read_named(section: &Section<'_>, loading: &Loading<'_>) -> Option<Named> {
    let (name, domain) = (section.label("name"), read_domain(section, loading));
    let scale = section.whole("scale", SCALE_MAX);
    let (owner, basis) = (section.text("owner"), section.text("basis"));
    if let Some(owner) = &owner {
        check_owner(section, owner, loading);
    }
    let direction = section.choice("direction", &DIRECTIONS);
    let completeness_min = match section.has("completeness_min") {
        true => read_share(section, "completeness_min"),
        false => Some(0),
    };
    let whole = 10_f64.powi(i32::from(SHARE_SCALE));
    Some(Named {
        name: name?,
        domain: domain?,
        scale: scale?,
        owner: owner?,
        basis: basis?,
        direction: direction?,
        completeness_min: f64::from(completeness_min?) / whole,
    })
}

/// What is computed: of the stream, or from other indicators.
fn read_making(draft: &mut Draft<'_>, facts: &Facts, loading: &Loading<'_>) {
    let section = &draft.section;
    draft.reconcile = read_reconcile(draft, facts);
    let Some(key) = draft.key else {
        over_cases::read(section, "", loading);
        return;
    };
    if derived::KEYS.contains(&key) {
        draft.aggregate = read_derived(section, key, &draft.fact, facts, loading).map(Aggregate::Derived);
        return;
    }
    if section.has("rollup_area") {
        section.mistake(
            "rollup_area",
            "stands at a measured indicator",
            "a formula, calculator or over_time",
        );
    }
    let (stream, over) = over_cases::read(section, key, loading);
    draft.cases = over;
    let known = stream.as_deref().and_then(|id| over_cases::names(section, id, loading));
    let aggregate = read_aggregate(section, key, known, loading);
    check_aggregate(section, key, aggregate.as_ref(), known);
    draft.own_area = reads_own_area(section, key);
    let filter = read_filters(section, "where", known, loading);
    if let (Some(aggregate), Some(unit)) = (&aggregate, &draft.fact.unit) {
        check_unit(section, aggregate, unit, loading);
    }
    check_group(section, &draft.fact, known);
    let readings_min = if section.has("readings_min") { read_share(section, "readings_min") } else { None };
    let or = |given: Span, usual: Option<Span>| if given == 0 { usual.unwrap_or(0) } else { given };
    draft.staleness = or(draft.staleness, known.map(|stream| stream.staleness));
    draft.cadence = or(draft.cadence, known.map(|stream| stream.cadence));
    draft.stream = stream.map(|id| StreamId::new(&id));
    (draft.aggregate, draft.filter, draft.readings_min) = (aggregate, filter, readings_min);
}

fn check_group(section: &Section<'_>, fact: &Fact, stream: Option<&Stream>) {
    if let (Some(GroupBy::State(name)), Some(stream)) = (&fact.group, stream)
        && !stream.states.contains_key(name)
    {
        let known = stream.states.keys().map(String::as_str).chain(["source"]);
        section.unknown("group", &format!("state of the stream {}", stream.id), name, known);
    }
}

fn read_reconcile(draft: &Draft<'_>, facts: &Facts) -> Option<Reconcile> {
    if !draft.section.has("reconcile") {
        return None;
    }
    let section = draft.section.section("reconcile")?;
    let with = section.text("with");
    let tolerance = match (section.has("tolerance"), section.has("tolerance_percent")) {
        (true, false) => {
            let scale = draft.named.as_ref().map_or(SCALE_MAX, |named| named.scale);
            section.number("tolerance", scale).map(Tolerance::Absolute)
        }
        (false, true) => section.decimal("tolerance_percent").map(Tolerance::Percent),
        _ => {
            section.here("is no way to agree", "one of tolerance, tolerance_percent");
            None
        }
    };
    let negative = match tolerance {
        Some(Tolerance::Absolute(most)) => most < 0,
        Some(Tolerance::Percent(most)) => most.mantissa < 0,
        None => false,
    };
    if negative {
        section.here("agrees within less than nothing", "0 or more");
    }
    if let Some(with) = &with {
        check_other(&section, with, draft, facts);
    }
    section.finish();
    Some(Reconcile { with: IndicatorId::new(&with?), tolerance: tolerance? })
}

/// Two figures can only agree about the same thing.
fn check_other(section: &Section<'_>, with: &str, draft: &Draft<'_>, facts: &Facts) {
    let Some(other) = facts.get(with) else {
        section.unknown("with", "indicator", with, facts.keys().map(String::as_str));
        return;
    };
    if with == draft.id.as_str() {
        section.mistake("with", "is the indicator itself", "another indicator of the same thing");
    }
    if let (Some(own), Some(theirs)) = (&draft.fact.window, &other.window)
        && own != theirs
    {
        let reason = format!("{with} has windows of {}, not {}", theirs.period(), own.period());
        section.mistake("with", reason, "an indicator with the same windows");
    }
    if let (Some(own), Some(theirs)) = (&draft.fact.unit, &other.unit)
        && Dimension::of(own) != Dimension::of(theirs)
    {
        section.mistake("with", format!("{with} is told in {theirs}, not {own}"), "the same unit");
    }
}

fn finished(draft: &Draft<'_>) -> Option<Indicator> {
    let named = draft.named.as_ref()?;
    Some(Indicator {
        id: (!draft.id.as_str().is_empty()).then(|| draft.id.clone())?,
        name: named.name.clone(),
        domain: named.domain.clone(),
        unit: draft.fact.unit.clone()?,
        scale: named.scale,
        owner: named.owner.clone(),
        basis: named.basis.clone(),
        stream: draft.stream.clone()?,
        aggregate: draft.aggregate.clone()?,
        filter: draft.filter.clone(),
        window: draft.fact.window.clone()?,
        direction: named.direction,
        completeness_min: named.completeness_min,
        staleness: draft.staleness,
        cadence: draft.cadence,
        definition: [0; 16],
        text: definition_text(&draft.section),
        tests: draft.tests.clone(),
        group: draft.fact.group.clone(),
        readings_min: draft.readings_min,
        own_area: draft.own_area,
        reconcile: draft.reconcile.clone(),
        cases: draft.cases,
    })
}

fn read_id(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<String> {
    let id = section.text("id")?;
    if !is_topic_level(&id) {
        section.mistake("id", format!("\"{id}\" is no plain word"), TOPIC_LEVEL);
    }
    if !loading.declared.indicators.insert(id.clone()) {
        section.mistake("id", format!("\"{id}\" is declared twice"), "each indicator once");
    }
    Some(id)
}

fn read_domain(section: &Section<'_>, loading: &Loading<'_>) -> Option<String> {
    let domain = section.text("domain")?;
    if loading.declared.domains.contains(&domain) {
        return Some(domain);
    }
    section.unknown("domain", "domain", &domain, loading.declared.domains.iter().map(String::as_str));
    None
}

/// A share from 0 to 1, in ten-thousandths.
fn read_share(section: &Section<'_>, key: &'static str) -> Option<u32> {
    let share = section.number(key, SHARE_SCALE)?;
    let whole = 10_i128.pow(u32::from(SHARE_SCALE));
    if !(0..=whole).contains(&share) {
        section.mistake(key, "is no share", "0 to 1");
        return None;
    }
    u32::try_from(share).ok()
}
