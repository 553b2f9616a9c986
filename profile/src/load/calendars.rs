//! `[[calendar]]` and `calendars.csv`: the working week, public holidays, days worked in their place.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, time};

use super::{Loading, is_table};
use crate::read::{CsvRow, CsvTable, FileText, Section};
use crate::{DayKind, ExceptionalDay, WorkCalendar};

const REQUIRED: [&str; 5] = ["calendar", "date", "kind", "name", "document"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const KINDS: [(&str, DayKind); 2] = [("holiday", DayKind::Holiday), ("makeup", DayKind::Makeup)];

pub(super) fn read(sections: Vec<Section<'_>>, texts: &[FileText<'_>], loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(calendar) = read_week(&section, loading) {
            loading.profile.calendars.insert(calendar.id.clone(), calendar);
        }
        section.finish();
    }
    let mut told = BTreeSet::new();
    for file in texts.iter().filter(|file| is_table(file, "calendars")) {
        let table = CsvTable::read(*file, "calendar", &REQUIRED, &[], loading.found);
        for row in table.into_rows() {
            if let Some((id, date, day)) = read_day(&row, loading, &mut told)
                && let Some(calendar) = loading.profile.calendars.get_mut(&id)
            {
                calendar.exceptions.insert(date, day);
            }
        }
    }
}

/// A civil time of the day at a key, `17:00`.
pub(super) fn read_time(section: &Section<'_>, key: &'static str) -> Option<Time> {
    let text = section.text(key)?;
    let parsed = parse_time(&text);
    if parsed.is_none() {
        section.mistake(key, format!("\"{text}\" is no time of the day"), "07:30, 17:00");
    }
    parsed
}

fn parse_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
    let two = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i8>().ok());
    let (hour, minute) = (two(hour)??, two(minute)??);
    (hour < 24 && minute < 60).then(|| time(hour, minute, 0, 0))
}

fn read_week(section: &Section<'_>, loading: &mut Loading<'_>) -> Option<WorkCalendar> {
    let id = section.text("id");
    if let Some(id) = &id
        && !loading.declared.calendars.insert(id.clone())
    {
        section.mistake("id", format!("\"{id}\" is declared twice"), "each calendar once");
    }
    let mut workdays = [false; 7];
    for (at, word) in section.words("workdays").unwrap_or_default() {
        match DAYS.iter().position(|day| *day == word).and_then(|day| workdays.get_mut(day)) {
            Some(day) => *day = true,
            None => loading.found.add_unknown(at, &section.full("workdays"), "day", &word, DAYS),
        }
    }
    let (from, to) = (read_time(section, "from"), read_time(section, "to"));
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        section.mistake("to", "is not after from", "a later time of the day");
    }
    let breaks = read_breaks(section, from.zip(to), loading);
    Some(WorkCalendar { id: id?, workdays, from: from?, to: to?, breaks, exceptions: Default::default() })
}

/// `breaks = ["11:30-13:30"]`: each inside office hours and after the one before.
fn read_breaks(
    section: &Section<'_>,
    hours: Option<(Time, Time)>,
    loading: &mut Loading<'_>,
) -> Vec<(Time, Time)> {
    let mut breaks: Vec<(Time, Time)> = Vec::new();
    if !section.has("breaks") {
        return breaks;
    }
    for (at, text) in section.words("breaks").unwrap_or_default() {
        let parsed = text.split_once('-').and_then(|(from, to)| Some((parse_time(from)?, parse_time(to)?)));
        let since = breaks.last().map(|last| last.1).or(hours.map(|hours| hours.0));
        let until = hours.map(|hours| hours.1);
        let fits = |(from, to): (Time, Time)| {
            from < to && since.is_none_or(|since| since < from) && until.is_none_or(|until| to < until)
        };
        match parsed.filter(|both| fits(*both)) {
            Some(both) => breaks.push(both),
            None => {
                let what = format!("\"{text}\" is no break of these office hours");
                let allowed = "breaks in order, apart and inside office hours: \"11:30-13:30\"";
                loading.found.add(at, &section.full("breaks"), what, allowed);
            }
        }
    }
    breaks
}

fn read_day(
    row: &CsvRow<'_>,
    loading: &Loading<'_>,
    told: &mut BTreeSet<(String, Date)>,
) -> Option<(String, Date, ExceptionalDay)> {
    let id = row.text("calendar");
    if let Some(id) = id.filter(|id| !loading.declared.calendars.contains(*id)) {
        row.unknown("calendar", "calendar", id, loading.declared.calendars.iter().map(String::as_str));
    }
    let date = row.text("date").and_then(|_| row.date("date"));
    let kind = row.text("kind").and_then(|word| {
        let kind = KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
        if kind.is_none() {
            row.unknown("kind", "kind of day", word, KINDS.map(|(word, _)| word));
        }
        kind
    });
    let (name, document) = (row.text("name"), row.text("document"));
    let (id, date, kind) = (id?.to_owned(), date?, kind?);
    if !told.insert((id.clone(), date)) {
        row.mistake("date", format!("{date} is told twice"), "each day of a calendar once");
    }
    let known = loading.profile.calendars.get(&id);
    if kind == DayKind::Makeup && known.is_some_and(|calendar| calendar.is_weekly_workday(date)) {
        row.mistake("kind", format!("{date} is worked every week"), "makeup on a day that is else free");
    }
    Some((id, date, ExceptionalDay { kind, name: name?.to_owned(), document: document?.to_owned() }))
}
