//! Judges the rows of a document against the stream: every cell to mend is told, nothing is guessed.

mod cells;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use nhip_ports::{CellMistake, FigureChange, ImportError, MistakeKind};
use nhip_profile::{Profile, Stream};
use nhip_proto::{ArrivalTime, Decimal, EventTime, Offset, SourceId};

use super::book::Book;
use super::bounds::{
    CHANGES_LISTED_MAX, IMPORT_ITEMS_MAX, IMPORT_ROWS_MAX, MISTAKES_LISTED_MAX, TITLE_ROWS_MAX,
};
use super::cell::{Cell, Rows, SheetRow};
use super::figure::{Place, REVISION, canonical};
use super::headings::{Headings, Meaning, is_headings};
use cells::{Fault, Words};

/// What rows are judged against.
pub(super) struct Against<'a> {
    pub(super) profile: &'a Profile,
    pub(super) stream: &'a Stream,
    pub(super) source: &'a SourceId,
    pub(super) now: ArrivalTime,
    pub(super) decimal_comma: bool,
    /// Whether numbers come as numbers.
    pub(super) workbook: bool,
    /// Whether good rows are kept to be written.
    pub(super) keep: bool,
    /// What stands already.
    pub(super) book: &'a Book,
}

/// A good row.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) row: u32,
    pub(super) period: (EventTime, EventTime),
    /// Quantity, value and unit as sent (empty: the stream's).
    pub(super) values: Vec<(String, Decimal, String)>,
    /// State and word.
    pub(super) states: Vec<(String, String)>,
}

/// A value of a row under way.
struct Value {
    column: u32,
    name: String,
    number: Decimal,
    unit: String,
    canonical: i128,
}

/// Counts and lists of a judgement.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) good_rows: u64,
    pub(super) figures: u64,
    pub(super) unchanged: u64,
    pub(super) changes: u64,
    pub(super) behind: u64,
    pub(super) changed: Vec<FigureChange>,
    pub(super) duplicates: u64,
    pub(super) mistakes: u64,
    pub(super) listed: Vec<CellMistake>,
    pub(super) readings: Vec<Reading>,
}

/// The judge of one document.
pub(super) struct Judge<'a> {
    against: Against<'a>,
    zone: TimeZone,
    words: Words,
    headings: Option<Headings>,
    hidden: BTreeSet<u32>,
    /// Where each figure stood first.
    seen: BTreeMap<u128, (u32, u32)>,
    items: u64,
    pub(super) tally: Tally,
}

impl<'a> Judge<'a> {
    pub(super) fn new(against: Against<'a>) -> Self {
        let zone = against.profile.time_zone().unwrap_or(TimeZone::UTC);
        Self {
            words: Words::default(),
            zone,
            against,
            headings: None,
            hidden: BTreeSet::new(),
            seen: BTreeMap::new(),
            items: 0,
            tally: Tally::default(),
        }
    }

    /// Whether the document names one quantity a row; none: there was no row of headings.
    pub(super) fn is_long(&self) -> Option<bool> {
        self.headings.as_ref().map(|headings| headings.long)
    }

    fn add(&mut self, mistake: CellMistake) {
        self.tally.mistakes += 1;
        self.tally.duplicates += u64::from(mistake.kind == MistakeKind::Duplicate);
        if self.tally.listed.len() < MISTAKES_LISTED_MAX {
            self.tally.listed.push(mistake);
        }
    }

    fn mistake(&mut self, headings: &Headings, row: &SheetRow, column: u32, fault: Fault) {
        let index = usize::try_from(column).unwrap_or(usize::MAX).wrapping_sub(1);
        let heading = headings.texts.get(index).cloned().unwrap_or_else(|| Arc::from(""));
        let found = row.cell(column).found();
        let Fault { kind, allowed, nearest } = fault;
        self.add(CellMistake { row: row.number, column, heading, kind, found, allowed, nearest });
    }

    fn read_headings(&mut self, row: &SheetRow) {
        let (headings, mistakes) = Headings::read(row, self.against.stream, self.against.profile);
        mistakes.into_iter().for_each(|mistake| self.add(mistake));
        for (index, meaning) in headings.columns.iter().enumerate() {
            let column = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
            if self.hidden.contains(&column) && !matches!(meaning, Meaning::Bare | Meaning::Note) {
                self.mistake(&headings, row, column, Fault::of(MistakeKind::HiddenColumn));
            }
        }
        self.headings = Some(headings);
    }

    /// Judges a row below the headings.
    fn judge(&mut self, headings: &Headings, row: &SheetRow) -> Result<(), ImportError> {
        let before = self.tally.mistakes;
        if row.hidden {
            self.mistake(headings, row, 0, Fault::of(MistakeKind::HiddenRow));
        }
        self.beside_table(headings, row);
        let period = self.period(headings, row);
        let states = self.states(headings, row);
        let values = if headings.long { self.long_value(headings, row) } else { self.values(headings, row) };
        if self.tally.mistakes == before && values.iter().all(|value| value.name == REVISION) {
            self.mistake(headings, row, 0, Fault::of(MistakeKind::NoFigure));
        }
        let Some(period) = period.filter(|_| self.tally.mistakes == before) else { return Ok(()) };
        self.duplicates(headings, row, period, &states, &values);
        if self.tally.mistakes != before {
            return Ok(());
        }
        self.compare(headings, row, period, &states, &values);
        self.tally.good_rows += 1;
        self.items += (values.len() + states.len()) as u64;
        if self.items > IMPORT_ITEMS_MAX {
            let what = format!("an import has at most {IMPORT_ITEMS_MAX} figures and words: split it");
            return Err(ImportError::Bound(what));
        }
        if self.against.keep {
            let values = values.into_iter().map(|value| (value.name, value.number, value.unit)).collect();
            self.tally.readings.push(Reading { row: row.number, period, values, states });
        }
        Ok(())
    }

    fn beside_table(&mut self, headings: &Headings, row: &SheetRow) {
        for (index, cell) in row.cells.iter().enumerate() {
            let meaning = headings.columns.get(index).unwrap_or(&Meaning::Bare);
            if *meaning == Meaning::Bare && *cell != Cell::Blank {
                let column = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
                self.mistake(headings, row, column, Fault::of(MistakeKind::CellBesideTable));
            }
        }
    }

    fn place<'p>(&'p self, period: (EventTime, EventTime), states: &'p [(String, String)]) -> Place<'p> {
        let states = states.iter().map(|(state, word)| (state.as_str(), word.as_str())).collect();
        let Against { stream, source, .. } = &self.against;
        Place { stream: stream.id.as_str(), source: source.as_str(), period, states }
    }

    fn duplicates(
        &mut self,
        headings: &Headings,
        row: &SheetRow,
        period: (EventTime, EventTime),
        states: &[(String, String)],
        values: &[Value],
    ) {
        let place = self.place(period, states);
        let rank = place.rank(self.against.stream, revision(values));
        let keys = values.iter().filter(|value| value.name != REVISION).map(|value| {
            let key = place.key(&value.name);
            let mut hasher = blake3::Hasher::new();
            hasher.update(&key.to_le_bytes());
            hasher.update(&(rank.0 as u64).to_le_bytes());
            hasher.update(&rank.1.to_le_bytes());
            (super::figure::first_16(&hasher.finalize()), value.column)
        });
        for (key, column) in keys.collect::<Vec<_>>() {
            let first = *self.seen.entry(key).or_insert((row.number, column));
            if first != (row.number, column) {
                let first = nhip_ports::cell_address(first.0, first.1);
                let allowed: Arc<str> = Arc::from("each figure once");
                let fault = Fault { kind: MistakeKind::Duplicate, allowed, nearest: Arc::from(first) };
                self.mistake(headings, row, column, fault);
            }
        }
    }

    /// Looks for what stands already.
    fn compare(
        &mut self,
        headings: &Headings,
        row: &SheetRow,
        period: (EventTime, EventTime),
        states: &[(String, String)],
        values: &[Value],
    ) {
        let place = self.place(period, states);
        let rank = place.rank(self.against.stream, revision(values));
        let mut found = Vec::new();
        for value in values.iter().filter(|value| value.name != REVISION) {
            found.push((value, self.against.book.standing(place.key(&value.name))));
        }
        for (value, standing) in found {
            self.tally.figures += 1;
            match standing {
                None => {}
                Some(standing) if standing.rank > rank => self.tally.behind += 1,
                Some(standing) if standing.value == value.canonical => self.tally.unchanged += 1,
                Some(standing) => {
                    self.tally.changes += 1;
                    if self.tally.changed.len() < CHANGES_LISTED_MAX {
                        let quantity = self.against.profile.quantities.get(&value.name);
                        let scale = quantity.map_or(0, |quantity| quantity.scale);
                        let period = headings.columns.iter().position(|one| *one == Meaning::Period);
                        let period = period.and_then(|index| row.cells.get(index)).map(Cell::found);
                        self.tally.changed.push(FigureChange {
                            row: row.number,
                            column: value.column,
                            name: value.name.clone(),
                            period: period.unwrap_or_default().into(),
                            old: Decimal::new(standing.value, scale),
                            new: Decimal::new(value.canonical, scale),
                            offset: Offset(standing.offset),
                        });
                    }
                }
            }
        }
    }

    /// The number of a quantity in its own unit, if the profile allows it.
    fn canonical_of(&self, name: &str, number: Decimal, unit: &str) -> Result<i128, Fault> {
        let Against { profile, stream, .. } = &self.against;
        let too_many = || Fault::of(MistakeKind::TooManyDigits);
        let quantity = profile.quantities.get(name).ok_or_else(too_many)?;
        let value = canonical(number, unit, name, stream, quantity).ok_or_else(too_many)?;
        let exact = unit.is_empty() || unit == quantity.unit;
        if exact && number.scale > quantity.scale {
            let allowed = Arc::from(format!("at most {} decimals", quantity.scale));
            return Err(Fault { allowed, ..too_many() });
        }
        if (quantity.range.0..=quantity.range.1).contains(&value) {
            return Ok(value);
        }
        let show = |digits| Decimal::new(digits, quantity.scale).to_string();
        let (least, most) = (show(quantity.range.0), show(quantity.range.1));
        let allowed = Arc::from(format!("{least} to {most} {}", quantity.unit));
        Err(Fault { allowed, ..Fault::of(MistakeKind::OutOfRange) })
    }
}

fn revision(values: &[Value]) -> Option<i128> {
    values.iter().find(|value| value.name == REVISION).map(|value| value.canonical)
}

impl Rows for Judge<'_> {
    fn row(&mut self, row: SheetRow) -> Result<(), ImportError> {
        let Some(headings) = self.headings.take() else {
            if is_headings(&row) {
                self.read_headings(&row);
            } else if row.number > TITLE_ROWS_MAX {
                return Err(no_headings());
            }
            return Ok(());
        };
        let judged = if row.is_blank() {
            Ok(())
        } else {
            self.tally.rows += 1;
            if self.tally.rows > IMPORT_ROWS_MAX {
                let what = format!("an import has at most {IMPORT_ROWS_MAX} rows: split it");
                Err(ImportError::Bound(what))
            } else {
                self.judge(&headings, &row)
            }
        };
        self.headings = Some(headings);
        judged
    }

    fn hidden_columns(&mut self, columns: Vec<u32>) {
        self.hidden = columns.into_iter().collect();
    }
}

/// No row says what the columns are.
pub(super) fn no_headings() -> ImportError {
    ImportError::Refused(format!("none of the first {TITLE_ROWS_MAX} rows has a heading `period`"))
}
