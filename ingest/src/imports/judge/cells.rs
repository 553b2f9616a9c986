//! The cells of one row: period, words, numbers and units, each read by what its column is.

use std::collections::BTreeMap;
use std::sync::Arc;

use nhip_ports::MistakeKind;
use nhip_profile::{all_units, convertible, known_unit, nearest};
use nhip_proto::{Decimal, EventTime};

use super::{Against, Judge, Value};
use crate::imports::cell::{Cell, SheetRow, Shown};
use crate::imports::headings::{Headings, Meaning, lower};
use crate::imports::number::{self, NoNumber};
use crate::imports::period;

/// Bytes of a list of allowed words.
const ALLOWED_BYTES: usize = 300;
/// Periods remembered; a document has few.
const PERIODS: usize = 4_096;

/// What is wrong with a cell.
pub(super) struct Fault {
    pub(super) kind: MistakeKind,
    pub(super) allowed: Arc<str>,
    pub(super) nearest: Arc<str>,
}

impl Fault {
    pub(super) fn of(kind: MistakeKind) -> Self {
        Self { kind, allowed: Arc::from(""), nearest: Arc::from("") }
    }
}

type Period = (EventTime, EventTime);

/// Texts used again and again, shared.
#[derive(Default)]
pub(super) struct Words {
    allowed: BTreeMap<String, Arc<str>>,
    periods: BTreeMap<String, Option<Period>>,
}

impl Words {
    fn allowed(&mut self, name: &str, words: &[String]) -> Arc<str> {
        if let Some(known) = self.allowed.get(name) {
            return Arc::clone(known);
        }
        let mut text = String::new();
        for word in words {
            if text.len() + word.len() > ALLOWED_BYTES {
                text.push_str(", …");
                break;
            }
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(word);
        }
        let text: Arc<str> = text.into();
        self.allowed.insert(name.to_owned(), Arc::clone(&text));
        text
    }
}

/// The text of a cell that holds a word; none: it is blank.
fn word_of(cell: &Cell) -> Result<Option<&str>, Fault> {
    match cell {
        Cell::Blank => Ok(None),
        Cell::Text(text) => Ok(Some(text)),
        Cell::Number { shown: Shown::Date { .. }, .. } => Err(Fault::of(MistakeKind::DateInCell)),
        Cell::Number { digits, .. } => Ok(Some(digits)),
        Cell::Truth(true) => Ok(Some("TRUE")),
        Cell::Truth(false) => Ok(Some("FALSE")),
        Cell::Fault(_) => Err(Fault::of(MistakeKind::ErrorValue)),
        Cell::Formula => Err(Fault::of(MistakeKind::Formula)),
        Cell::Merged(_) => Err(Fault::of(MistakeKind::Merged)),
    }
}

fn column_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

impl Judge<'_> {
    pub(super) fn period(&mut self, headings: &Headings, row: &SheetRow) -> Option<Period> {
        let column = column_of(headings.columns.iter().position(|one| *one == Meaning::Period)?);
        match self.period_of(row.cell(column)) {
            Ok(period) => Some(period),
            Err(fault) => {
                self.mistake(headings, row, column, fault);
                None
            }
        }
    }

    fn period_of(&mut self, cell: &Cell) -> Result<Period, Fault> {
        let forms = self.words.allowed("period", &[period::FORMS.to_owned()]);
        let invalid = |nearest: String| Fault {
            kind: MistakeKind::PeriodInvalid,
            allowed: Arc::clone(&forms),
            nearest: Arc::from(nearest),
        };
        if let Cell::Number { digits, shown: Shown::Date { from_1904 } } = cell {
            let day = period::of_serial(digits, *from_1904);
            let month = day.map_or_else(String::new, |day| format!("{:04}-{:02}", day.year(), day.month()));
            return Err(Fault { kind: MistakeKind::DateInCell, ..invalid(month) });
        }
        let text =
            word_of(cell)?.ok_or_else(|| Fault { kind: MistakeKind::Blank, ..invalid(String::new()) })?;
        let known = self.words.periods.get(text).copied();
        let read = known.unwrap_or_else(|| {
            let read = period::parse(text, &self.zone);
            if self.words.periods.len() < PERIODS {
                self.words.periods.insert(text.to_owned(), read);
            }
            read
        });
        let read = read.ok_or_else(|| invalid(period::meant(text)))?;
        let Against { stream, now, .. } = &self.against;
        let stamp = if stream.stamp_is_start { read.0 } else { read.1 };
        if stamp.0 > now.plus(stream.skew).0 {
            let allowed =
                Arc::from("a period that is over; the stream's `skew` says how far ahead one may be told");
            return Err(Fault { kind: MistakeKind::PeriodAhead, allowed, nearest: Arc::from("") });
        }
        Ok(read)
    }

    pub(super) fn states(&mut self, headings: &Headings, row: &SheetRow) -> Vec<(String, String)> {
        let mut states = Vec::new();
        for (index, meaning) in headings.columns.iter().enumerate() {
            let Meaning::State(state) = meaning else { continue };
            let Some(name) = headings.states.get(*state) else { continue };
            match self.state_of(name, row.cell(column_of(index))) {
                Ok(word) => states.push((name.clone(), word)),
                Err(fault) => self.mistake(headings, row, column_of(index), fault),
            }
        }
        states.sort_unstable();
        states
    }

    fn state_of(&mut self, name: &str, cell: &Cell) -> Result<String, Fault> {
        let text = word_of(cell)?;
        let words = self.against.stream.states.get(name).map(Vec::as_slice).unwrap_or_default();
        if let Some(word) = text.and_then(|text| words.iter().find(|word| *word == text)) {
            return Ok(word.clone());
        }
        let allowed = self.words.allowed(name, words);
        let kind = if text.is_some() { MistakeKind::UnknownWord } else { MistakeKind::Blank };
        let near = text.and_then(|text| {
            let text = lower(text);
            let same = words.iter().find(|word| lower(word) == text);
            same.map(String::as_str).or_else(|| nearest(&text, words.iter().map(String::as_str)))
        });
        Err(Fault { kind, allowed, nearest: Arc::from(near.unwrap_or_default()) })
    }

    /// The wide form: a column for each quantity.
    pub(super) fn values(&mut self, headings: &Headings, row: &SheetRow) -> Vec<Value> {
        let mut values = Vec::new();
        for (index, meaning) in headings.columns.iter().enumerate() {
            let Meaning::Quantity(quantity) = meaning else { continue };
            let Some(name) = headings.quantities.get(*quantity) else { continue };
            let unit = headings.columns.iter().position(|one| *one == Meaning::UnitOf(*quantity));
            values.extend(self.value(headings, row, (name, column_of(index)), unit.map(column_of)));
        }
        values
    }

    /// The long form: one quantity by its name.
    pub(super) fn long_value(&mut self, headings: &Headings, row: &SheetRow) -> Vec<Value> {
        let column = |wanted: &Meaning| headings.columns.iter().position(|one| one == wanted).map(column_of);
        let mut values = Vec::new();
        for (index, meaning) in headings.columns.iter().enumerate() {
            let Meaning::Quantity(quantity) = meaning else { continue };
            let Some(name) = headings.quantities.get(*quantity) else { continue };
            values.extend(self.value(headings, row, (name, column_of(index)), None));
        }
        let (Some(indicator), Some(value)) = (column(&Meaning::Indicator), column(&Meaning::Value)) else {
            return values;
        };
        let name = match self.indicator_of(headings, row.cell(indicator)) {
            Ok(name) => Some(name),
            Err(fault) => {
                self.mistake(headings, row, indicator, fault);
                None
            }
        };
        // A number is judged as such even where nobody knows what it is of.
        let Some(name) = name else {
            if let Err(fault) = self.number_of(row.cell(value)) {
                self.mistake(headings, row, value, fault);
            }
            return values;
        };
        values.extend(self.value(headings, row, (&name, value), column(&Meaning::Unit)));
        values
    }

    fn indicator_of(&mut self, headings: &Headings, cell: &Cell) -> Result<String, Fault> {
        let text = word_of(cell)?;
        let found = text.and_then(|text| headings.quantity(&lower(text), self.against.profile));
        if let Some(name) = found.and_then(|found| headings.quantities.get(found)) {
            return Ok(name.clone());
        }
        let allowed = self.words.allowed("indicator", &headings.quantities);
        let near = text.and_then(|text| nearest(text, headings.quantities.iter().map(String::as_str)));
        let kind = if text.is_some() { MistakeKind::UnknownWord } else { MistakeKind::Blank };
        Err(Fault { kind, allowed, nearest: Arc::from(near.unwrap_or_default()) })
    }

    /// The value of a quantity; none: the cell is blank, or something in it is to be mended.
    fn value(
        &mut self,
        headings: &Headings,
        row: &SheetRow,
        (name, column): (&str, u32),
        unit_column: Option<u32>,
    ) -> Option<Value> {
        let number = match self.number_of(row.cell(column)) {
            Ok(number) => number,
            Err(fault) => {
                self.mistake(headings, row, column, fault);
                None
            }
        };
        let unit = match unit_column.map(|unit| self.unit_of(name, row.cell(unit))) {
            None => String::new(),
            Some(Ok(unit)) => unit,
            Some(Err(fault)) => {
                self.mistake(headings, row, unit_column.unwrap_or(0), fault);
                return None;
            }
        };
        let number = number?;
        match self.canonical_of(name, number, &unit) {
            Ok(canonical) => Some(Value { column, name: name.to_owned(), number, unit, canonical }),
            Err(fault) => {
                self.mistake(headings, row, column, fault);
                None
            }
        }
    }

    fn number_of(&self, cell: &Cell) -> Result<Option<Decimal>, Fault> {
        let of = |no: NoNumber| {
            let mark = if self.against.decimal_comma { "1234,5" } else { "1234.5" };
            let allowed = match no.kind {
                MistakeKind::NotExact => {
                    "at most 15 digits: take a larger unit, or write the document as text"
                }
                MistakeKind::NumberAsText if self.against.workbook => {
                    "a number, in a cell that holds a number"
                }
                _ => mark,
            };
            Fault { kind: no.kind, allowed: Arc::from(allowed), nearest: Arc::from(no.meant) }
        };
        match cell {
            Cell::Number { shown: Shown::Percent, .. } => Err(Fault::of(MistakeKind::ShownAsPercent)),
            Cell::Number { shown: Shown::Plain, digits } => number::of_sheet(digits).map(Some).map_err(of),
            Cell::Truth(_) => Err(Fault::of(MistakeKind::NotANumber)),
            Cell::Text(text) if self.against.workbook => Err(of(number::of_sheet_text(text))),
            cell => match word_of(cell)? {
                None => Ok(None),
                Some(text) => number::of_text(text, self.against.decimal_comma).map(Some).map_err(of),
            },
        }
    }

    fn unit_of(&mut self, name: &str, cell: &Cell) -> Result<String, Fault> {
        let Some(unit) = word_of(cell)? else { return Ok(String::new()) };
        let Against { profile, stream, .. } = &self.against;
        let own = profile.quantities.get(name).map_or("", |quantity| quantity.unit.as_str());
        let default = stream.quantities.get(name).map_or("", String::as_str);
        if unit == own || unit == default || known_unit(unit) && convertible(unit, own) {
            return Ok(unit.to_owned());
        }
        let fitting: Vec<&str> = all_units().filter(|one| convertible(one, own)).collect();
        let near = nearest(unit, fitting.iter().copied()).unwrap_or(own).to_owned();
        let fitting: Vec<String> = fitting.into_iter().map(str::to_owned).collect();
        let allowed = self.words.allowed(&format!("unit of {name}"), &fitting);
        let kind = if known_unit(unit) { MistakeKind::OtherUnit } else { MistakeKind::UnknownUnit };
        Err(Fault { kind, allowed, nearest: Arc::from(near) })
    }
}
