//! What the facts of cases follow from, as one text: a changed promise, step or holiday is another definition.

use nhip_proto::StreamId;

use super::dates;
use crate::{CaseRules, DayKind, OverCases, Profile, WorkCalendar};

/// The text of an indicator over cases: when a case counts, and by which rules.
pub(super) fn canonical(over: &OverCases, stream: &StreamId, profile: &Profile) -> String {
    let mut text = match over {
        OverCases::At(instant) => format!("cases at {}\n", instant.word()),
        OverCases::Stock(standing) => format!("cases {}\n", standing.word()),
    };
    if let Some(rules) = profile.cases.get(stream) {
        text.push_str(&rules_text(rules, profile));
    }
    text
}

/// One text per meaning of the rules of a stream's cases.
pub(crate) fn rules_text(rules: &CaseRules, profile: &Profile) -> String {
    let CaseRules { case, step, steps, due, category, severity, rating, reopen, due_soon, .. } = rules;
    let mut text = format!("case {case} step {step} {steps:?}\n");
    let promises =
        format!("due {due:?} {category:?} {severity:?} {rating:?} reopen {reopen} soon {due_soon}\n");
    text.push_str(&promises);
    let mut levels: Vec<String> = Vec::new();
    for level in &rules.levels {
        let spans = [level.assign, level.respond, level.resolve];
        let spans = spans.map(|span| span.map_or_else(String::new, |span| span.to_string()));
        let (category, severity) = (&level.category, &level.severity);
        levels.push(format!("level {category:?} {severity:?} {spans:?} {}\n", dates(&level.valid)));
    }
    levels.sort();
    text.push_str(&levels.concat());
    let calendar = rules.calendar.as_ref().and_then(|id| profile.calendars.get(id));
    if let Some(calendar) = calendar {
        text.push_str(&calendar_text(calendar));
    }
    text.push_str(&format!("zone {}\n", profile.zone));
    text
}

fn calendar_text(calendar: &WorkCalendar) -> String {
    let WorkCalendar { workdays, from, to, breaks, exceptions, .. } = calendar;
    let mut text = format!("week {workdays:?} {from} {to} {breaks:?}\n");
    for (date, day) in exceptions {
        let worked = if day.kind == DayKind::Makeup { "worked" } else { "free" };
        text.push_str(&format!("{date} {worked}\n"));
    }
    text
}
