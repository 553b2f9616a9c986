//! Working days: the week, public holidays and the days worked in their place.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};

/// `[[calendar]]` with the dated exceptions of `calendars.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkCalendar {
    /// Its id.
    pub id: String,
    /// Monday first: which days of the week are worked.
    pub workdays: [bool; 7],
    /// The civil time office hours begin.
    pub from: Time,
    /// The civil time they end.
    pub to: Time,
    /// When nobody works between them (lunch): in order, apart, inside office hours.
    pub breaks: Vec<(Time, Time)>,
    /// Days that are otherwise than the week says.
    pub exceptions: BTreeMap<Date, ExceptionalDay>,
}

/// A day that is otherwise than the week says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionalDay {
    /// Which way.
    pub kind: DayKind,
    /// Its name, as the document says it.
    pub name: String,
    /// The issuing document.
    pub document: String,
}

/// Which way a day is exceptional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// Nobody works.
    Holiday,
    /// Worked in place of another day (*làm bù*).
    Makeup,
}

impl WorkCalendar {
    /// Whether the day is worked.
    #[must_use]
    pub fn is_workday(&self, date: Date) -> bool {
        match self.exceptions.get(&date) {
            Some(day) => day.kind == DayKind::Makeup,
            None => self.is_weekly_workday(date),
        }
    }

    /// Whether the week alone says so.
    #[must_use]
    pub fn is_weekly_workday(&self, date: Date) -> bool {
        let at = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
        self.workdays.get(at).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holiday_is_free_and_its_makeup_day_is_worked() {
        let day = |text: &str| text.parse::<Date>().expect("a date");
        let exception = |kind| ExceptionalDay { kind, name: String::new(), document: String::new() };
        let calendar = WorkCalendar {
            id: "office".to_owned(),
            workdays: [true, true, true, true, true, false, false],
            from: jiff::civil::time(7, 30, 0, 0),
            to: jiff::civil::time(17, 0, 0, 0),
            breaks: Vec::new(),
            exceptions: BTreeMap::from([
                (day("2026-01-02"), exception(DayKind::Holiday)),
                (day("2026-01-10"), exception(DayKind::Makeup)),
            ]),
        };
        // 2026-01-01 is a Thursday: the Friday is free, the Saturday of the week after is worked for it.
        let worked = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-05", "2026-01-10", "2026-01-17"];
        assert_eq!(
            worked.map(|text| calendar.is_workday(day(text))),
            [true, false, false, true, true, false]
        );
    }
}
