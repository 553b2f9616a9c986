//! The row of headings: which column of a document is what of the stream.

use std::sync::Arc;

use nhip_ports::{CellMistake, MistakeKind};
use nhip_profile::{Profile, Stream, nearest};

use super::cell::{Cell, SheetRow};
use super::figure::REVISION;

/// Other words for the columns every document may have, in lower case.
const PERIOD: &[&str] = &["period", "kỳ", "ky"];
const INDICATOR: &[&str] = &["indicator", "name", "chỉ tiêu", "chi tieu"];
const VALUE: &[&str] = &["value", "giá trị", "gia tri"];
const UNIT: &[&str] = &["unit", "đơn vị tính", "don vi tinh"];
const NOTE: &[&str] = &["note", "ghi chú", "ghi chu"];
/// What a column of units is called: the quantity and this.
const UNIT_SUFFIX: &str = "_unit";

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The period.
    Period,
    /// Values of a quantity, by its place in [`Headings::quantities`].
    Quantity(usize),
    /// The units of a quantity's values.
    UnitOf(usize),
    /// Words of a state, by its place in [`Headings::states`].
    State(usize),
    /// The long form: the quantity's name …
    Indicator,
    /// … its value …
    Value,
    /// … and the value's unit.
    Unit,
    /// Kept in the sealed document only.
    Note,
    /// Nobody knows.
    Unknown,
    /// No heading.
    Bare,
}

/// The columns of a document.
#[derive(Debug)]
pub(super) struct Headings {
    /// What each column is, from A on.
    pub(super) columns: Vec<Meaning>,
    /// Their texts.
    pub(super) texts: Vec<Arc<str>>,
    /// The stream's quantities, in its order.
    pub(super) quantities: Vec<String>,
    /// The stream's states, in its order.
    pub(super) states: Vec<String>,
    /// Whether each row holds one quantity by name.
    pub(super) long: bool,
}

/// Whether a row is the one of headings: a cell of it says `period`.
pub(super) fn is_headings(row: &SheetRow) -> bool {
    row.cells.iter().any(|cell| matches!(cell, Cell::Text(text) if PERIOD.contains(&lower(text).as_str())))
}

impl Headings {
    /// Reads them; what is wrong with them is told by cell.
    pub(super) fn read(row: &SheetRow, stream: &Stream, profile: &Profile) -> (Self, Vec<CellMistake>) {
        let text_of = |cell: &Cell| match cell {
            Cell::Text(text) => Arc::from(text.as_str()),
            Cell::Number { digits, .. } => Arc::from(digits.as_str()),
            _ => Arc::from(""),
        };
        let mut headings = Self {
            columns: Vec::new(),
            texts: row.cells.iter().map(text_of).collect(),
            quantities: stream.quantities.keys().cloned().collect(),
            states: stream.states.keys().cloned().collect(),
            long: false,
        };
        headings.long = headings.texts.iter().any(|text| headings.is_indicator(text, stream));
        headings.columns =
            headings.texts.iter().map(|text| headings.meaning(text, stream, profile)).collect();
        let mistakes = headings.mistakes(row);
        (headings, mistakes)
    }

    fn is_indicator(&self, text: &str, stream: &Stream) -> bool {
        INDICATOR.contains(&lower(text).as_str()) && !is_declared(stream, text)
    }

    fn meaning(&self, text: &str, stream: &Stream, profile: &Profile) -> Meaning {
        let word = lower(text);
        let is = |words: &[&str]| words.contains(&word.as_str());
        if word.is_empty() {
            return Meaning::Bare;
        }
        if is(PERIOD) {
            return Meaning::Period;
        }
        if self.is_indicator(text, stream) {
            return Meaning::Indicator;
        }
        if self.long && is(VALUE) {
            return Meaning::Value;
        }
        if self.long && (word == "value_unit" || is(UNIT) && !stream.states.contains_key(&word)) {
            return Meaning::Unit;
        }
        if let Some(state) = self.states.iter().position(|state| lower(state) == word) {
            return Meaning::State(state);
        }
        // In the long form only the author's own revision has a column of its own.
        let own_column = !self.long || word == REVISION;
        if let Some(quantity) = self.quantity(&word, profile).filter(|_| own_column) {
            return Meaning::Quantity(quantity);
        }
        let of = word.strip_suffix(UNIT_SUFFIX).and_then(|name| self.quantity(name, profile));
        match of.filter(|_| !self.long) {
            Some(quantity) => Meaning::UnitOf(quantity),
            None if is(NOTE) => Meaning::Note,
            None => Meaning::Unknown,
        }
    }

    /// A quantity by its name, or by its label in either language.
    pub(super) fn quantity(&self, word: &str, profile: &Profile) -> Option<usize> {
        let named = self.quantities.iter().position(|name| lower(name) == word);
        named.or_else(|| {
            self.quantities.iter().position(|name| {
                let label = profile.quantities.get(name).map(|quantity| &quantity.label);
                label.is_some_and(|label| lower(&label.vi) == word || lower(&label.en) == word)
            })
        })
    }

    /// The names a heading may have, as a text.
    fn allowed(&self) -> Arc<str> {
        let mut names = vec!["period".to_owned()];
        if self.long {
            names.extend(["indicator", "value", "value_unit"].map(str::to_owned));
        } else {
            names.extend(
                self.quantities.iter().flat_map(|name| [name.clone(), format!("{name}{UNIT_SUFFIX}")]),
            );
        }
        names.extend(self.states.iter().cloned());
        names.push("note".to_owned());
        Arc::from(names.join(", "))
    }

    fn mistakes(&self, row: &SheetRow) -> Vec<CellMistake> {
        let allowed = self.allowed();
        let words: Vec<&str> = allowed.split(", ").collect();
        let at = |column: u32, kind, heading: &Arc<str>, nearest: &str| CellMistake {
            row: row.number,
            column,
            heading: Arc::clone(heading),
            kind,
            found: row.cell(column).found(),
            allowed: Arc::clone(&allowed),
            nearest: Arc::from(nearest),
        };
        let mut mistakes = Vec::new();
        let empty: Arc<str> = Arc::from("");
        for (index, meaning) in self.columns.iter().enumerate() {
            let column = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
            let heading = self.texts.get(index).unwrap_or(&empty);
            let kind = match (row.cell(column), meaning) {
                (Cell::Merged(_), _) => MistakeKind::Merged,
                (Cell::Formula, _) => MistakeKind::Formula,
                (Cell::Fault(_), _) => MistakeKind::ErrorValue,
                (_, Meaning::Unknown) => MistakeKind::UnknownColumn,
                (_, Meaning::Bare | Meaning::Note) => continue,
                _ if self.columns.iter().take(index).any(|other| other == meaning) => {
                    MistakeKind::RepeatedColumn
                }
                _ => continue,
            };
            let near = nearest(&lower(heading), words.iter().copied()).unwrap_or_default();
            mistakes.push(at(column, kind, heading, near));
        }
        let has = |wanted: fn(&Meaning) -> bool| self.columns.iter().any(wanted);
        let wanted = if self.long { "value" } else { "a quantity of the stream" };
        let there = if self.long {
            has(|one| *one == Meaning::Value)
        } else {
            has(|one| matches!(one, Meaning::Quantity(_)))
        };
        if !there {
            let missing =
                CellMistake { found: wanted.into(), ..at(0, MistakeKind::ColumnMissing, &empty, "") };
            mistakes.push(missing);
        }
        mistakes
    }
}

fn is_declared(stream: &Stream, text: &str) -> bool {
    stream.states.contains_key(text) || stream.quantities.contains_key(text)
}

/// In lower case and with single blanks.
pub(super) fn lower(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
