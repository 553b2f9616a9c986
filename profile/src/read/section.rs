//! One table of a TOML file: typed keys, and a word for every key nobody asked for.

use std::cell::RefCell;

use jiff::civil::Date;
use nhip_proto::{Decimal, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::MISSING;
use super::{At, FileText, Findings};
use crate::mistake::nearest;
use crate::{Label, parse_span};

/// A table being read. [`Section::finish`] tells the keys nobody asked for.
pub(crate) struct Section<'a> {
    file: FileText<'a>,
    path: String,
    start: usize,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
    found: &'a Findings,
}

impl<'a> Section<'a> {
    /// The table of a whole file.
    pub(crate) fn root(file: FileText<'a>, table: &'a DeTable<'a>, found: &'a Findings) -> Self {
        Self { file, path: String::new(), start: 0, table, asked: RefCell::default(), found }
    }

    /// Where the table begins.
    pub(crate) fn at(&self) -> At<'a> {
        At { file: self.file, offset: self.start }
    }

    /// Where a key's value stands, or the table if it has no such key.
    pub(crate) fn at_key(&self, key: &str) -> At<'a> {
        let offset = self.entry(key).map_or(self.start, |(_, value)| value.span().start);
        At { file: self.file, offset }
    }

    /// The key with its tables before it: `indicator.window`.
    pub(crate) fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The list of what was found wrong.
    pub(crate) fn found(&self) -> &'a Findings {
        self.found
    }

    /// Notes a mistake at a key of this table.
    pub(crate) fn mistake(&self, key: &str, reason: impl Into<String>, allowed: impl Into<String>) {
        self.found.add(self.at_key(key), &self.full(key), reason, allowed);
    }

    /// Notes a mistake of the table as a whole.
    pub(crate) fn here(&self, reason: impl Into<String>, allowed: impl Into<String>) {
        self.found.add(self.at(), &self.path, reason, allowed);
    }

    /// Notes that the word at a key names nothing that is known.
    pub(crate) fn unknown<'w>(
        &self,
        key: &str,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) {
        self.found.add_unknown(self.at_key(key), &self.full(key), what, word, known);
    }

    /// Whether the table has the key.
    pub(crate) fn has(&self, key: &'static str) -> bool {
        self.ask(key).is_some()
    }

    /// A text that must be there and not be empty.
    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        let text = self.required(key, "a text", DeValue::as_str)?;
        if text.trim().is_empty() {
            self.mistake(key, "is empty", "a text");
            return None;
        }
        Some(text.to_owned())
    }

    /// A text that may be absent.
    pub(crate) fn text_or(&self, key: &'static str, absent: &str) -> String {
        if self.has(key) { self.text(key).unwrap_or_default() } else { absent.to_owned() }
    }

    /// A text in both languages.
    pub(crate) fn label(&self, key: &'static str) -> Option<Label> {
        let section = self.section(key)?;
        let (vi, en) = (section.text("vi"), section.text("en"));
        section.finish();
        Some(Label { vi: vi?, en: en? })
    }

    /// A span that must be there and be longer than nothing.
    pub(crate) fn span(&self, key: &'static str) -> Option<Span> {
        let text = self.required(key, "a span such as 60s, 5m, 1h, 7d", DeValue::as_str)?;
        let span = parse_span(text).filter(|span| *span > 0);
        if span.is_none() {
            self.mistake(key, format!("\"{text}\" is no span"), "60s, 5m, 1h, 7d …");
        }
        span
    }

    /// A span that may be absent.
    pub(crate) fn span_or(&self, key: &'static str, absent: Span) -> Span {
        if self.has(key) { self.span(key).unwrap_or(absent) } else { absent }
    }

    /// Yes or no; absent is no.
    pub(crate) fn flag(&self, key: &'static str) -> bool {
        self.has(key) && self.required(key, "true or false", DeValue::as_bool).unwrap_or(false)
    }

    /// A whole number from 0 to `most`.
    pub(crate) fn whole(&self, key: &'static str, most: u8) -> Option<u8> {
        let allowed = format!("a whole number from 0 to {most}");
        let number = self.required(key, &allowed, |value| whole_of(value))?;
        if number.is_none_or(|number| number > most) {
            self.mistake(key, "is no such number", allowed);
        }
        number.filter(|number| *number <= most)
    }

    /// An exact number, as digits at `scale`.
    pub(crate) fn number(&self, key: &'static str, scale: u8) -> Option<i128> {
        let decimal = self.required(key, "a number", decimal_of)?;
        let exact =
            decimal.filter(|decimal| decimal.scale <= scale).and_then(|decimal| decimal.at_scale(scale));
        if exact.is_none() {
            let allowed = format!("a number with at most {scale} digits behind the point");
            self.mistake(key, "cannot be kept exactly", allowed);
        }
        exact
    }

    /// An exact number with the digits it is written with.
    pub(crate) fn decimal(&self, key: &'static str) -> Option<Decimal> {
        let decimal = self.required(key, "a number", decimal_of)?;
        if decimal.is_none() {
            self.mistake(key, "cannot be kept exactly", "a number with at most 28 digits");
        }
        decimal
    }

    /// The entries of a table with free keys that hold numbers.
    pub(crate) fn free_numbers(&self, key: &'static str) -> Vec<(At<'a>, String, Decimal)> {
        let mut numbers = Vec::new();
        for (name, value) in self.free_entries(key) {
            let at = At { file: self.file, offset: value.span().start };
            match decimal_of(value.get_ref()).flatten() {
                Some(number) => numbers.push((at, name, number)),
                None => {
                    let key = format!("{}.{name}", self.full(key));
                    self.found.add(at, &key, format!("is {}", kind_of(value.get_ref())), "a number");
                }
            }
        }
        numbers
    }

    /// Where a byte of the text at a key stands. In a text with escapes only its beginning is known.
    pub(crate) fn inside(&self, key: &str, byte: usize) -> At<'a> {
        let Some((_, value)) = self.table.iter().find(|(name, _)| name.get_ref() == key) else {
            return self.at();
        };
        let start = value.span().start;
        let text = value.get_ref().as_str().unwrap_or_default();
        let written = self.file.text.get(start..).unwrap_or_default();
        let opened = ["\"\"\"\r\n", "\"\"\"\n", "\"\"\"", "'''\r\n", "'''\n", "'''", "\"", "'"];
        let within = |open: &&str| written.strip_prefix(*open).is_some_and(|rest| rest.starts_with(text));
        let offset = opened.iter().find(|open| within(open)).map_or(start, |open| start + open.len() + byte);
        At { file: self.file, offset }
    }

    /// A civil date that may be absent.
    pub(crate) fn date(&self, key: &'static str) -> Option<Date> {
        if !self.has(key) {
            return None;
        }
        let text = self.required(key, "a date", |value| match value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Datetime(date) => Some(date.to_string()),
            _ => None,
        })?;
        let date = parse_date(&text);
        if date.is_none() {
            self.mistake(key, format!("\"{text}\" is no civil date"), "2026-01-01");
        }
        date
    }

    /// One of some words, with what each stands for.
    pub(crate) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        let allowed = words().collect::<Vec<_>>().join(", ");
        let text = self.required(key, &allowed, DeValue::as_str)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if chosen.is_none() {
            self.unknown(key, "word", text, words());
        }
        chosen
    }

    /// A list of texts, or one text for a list of one; each with its place.
    pub(crate) fn words(&self, key: &'static str) -> Option<Vec<(At<'a>, String)>> {
        let (_, value) = self.required_entry(key, "a list of texts")?;
        self.words_of(key, value)
    }

    /// Texts, numbers and truths of a list (or a single one), as text.
    pub(crate) fn scalars(&self, key: &'static str) -> Option<Vec<String>> {
        let allowed = "a text, number or truth, or a list of them";
        let (_, value) = self.required_entry(key, allowed)?;
        let scalars = match value.get_ref() {
            DeValue::Array(array) => array.iter().map(|one| scalar_of(one.get_ref())).collect(),
            one => scalar_of(one).map(|one| vec![one]),
        };
        if scalars.is_none() {
            self.mistake(key, "is no list of plain values", allowed);
        }
        scalars
    }

    /// The entries of a table with free keys: place, key, text list.
    pub(crate) fn free_words(&self, key: &'static str) -> Vec<(At<'a>, String, Vec<(At<'a>, String)>)> {
        let Some(DeValue::Table(table)) = self.ask(key) else {
            if self.has(key) {
                self.mistake(key, "is no table", "a table of names");
            }
            return Vec::new();
        };
        let entry = |(name, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let name_text: &std::borrow::Cow<'_, str> = name.get_ref();
            let at = At { file: self.file, offset: name.span().start };
            Some((at, name_text.to_string(), self.words_of(key, value)?))
        };
        table.iter().filter_map(entry).collect()
    }

    /// A table inside this one that must be there.
    pub(crate) fn section(&self, key: &'static str) -> Option<Self> {
        let (start, value) = self.required_entry(key, "a table")?;
        let DeValue::Table(table) = value.get_ref() else {
            self.mistake(key, "is no table", "a table");
            return None;
        };
        Some(self.inner(self.full(key), start, table))
    }

    /// The tables of an array `[[key]]`; absent is none.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.ask(key) else { return Vec::new() };
        let DeValue::Array(array) = value else {
            self.mistake(key, "is no list of tables", format!("[[{}]]", self.full(key)));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for value in array.iter() {
            match value.get_ref() {
                DeValue::Table(table) => {
                    sections.push(self.inner(self.full(key), value.span().start, table));
                }
                _ => self.mistake(key, "is no list of tables", format!("[[{}]]", self.full(key))),
            }
        }
        sections
    }

    /// The tables of a table with free keys: `where.speed = { … }`, in the order of the file.
    pub(crate) fn free_entries(&self, key: &'static str) -> Vec<(String, &'a Spanned<DeValue<'a>>)> {
        match self.ask(key) {
            Some(DeValue::Table(table)) => {
                let mut entries: Vec<_> =
                    table.iter().map(|(name, value)| (name.get_ref().to_string(), value)).collect();
                entries.sort_by_key(|(_, value)| value.span().start);
                entries
            }
            Some(_) => {
                self.mistake(key, "is no table", "a table of names");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// A section over the value of a free key; none, without a word, if it is no table.
    pub(crate) fn as_section(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(self.inner(self.full(key), value.span().start, table)),
            _ => None,
        }
    }

    /// The texts of a value: one text, or a list of them.
    pub(crate) fn words_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<(At<'a>, String)>> {
        let at = |value: &Spanned<DeValue<'_>>| At { file: self.file, offset: value.span().start };
        let word = |value: &Spanned<DeValue<'_>>| Some((at(value), value.get_ref().as_str()?.to_owned()));
        let words = match value.get_ref() {
            DeValue::String(_) => word(value).map(|word| vec![word]),
            DeValue::Array(array) => array.iter().map(word).collect(),
            _ => None,
        };
        if words.is_none() {
            self.found.add(at(value), &self.full(key), "is no list of texts", "\"a\" or [\"a\", \"b\"]");
        }
        words
    }

    /// Notes every key nobody asked for.
    pub(crate) fn finish(self) {
        let asked = self.asked.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !asked.contains(&name) {
                let at = At { file: self.file, offset: key.span().start };
                self.found.add_unknown(at, &self.full(name), "key", name, asked.iter().copied());
                // A slip of the pen is one mistake, not also a missing key.
                if let Some(meant) = nearest(name, asked.iter().copied()) {
                    self.found.forgive_missing(self.at(), &self.full(meant));
                }
            }
        }
    }

    fn inner(&self, path: String, start: usize, table: &'a DeTable<'a>) -> Self {
        Self { file: self.file, path, start, table, asked: RefCell::default(), found: self.found }
    }

    fn entry(&self, key: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((name.span().start, value))
    }

    fn ask(&self, key: &'static str) -> Option<&'a DeValue<'a>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.entry(key).map(|(_, value)| value.get_ref())
    }

    fn required_entry(&self, key: &'static str, allowed: &str) -> Option<(usize, &'a Spanned<DeValue<'a>>)> {
        self.ask(key);
        let entry = self.entry(key);
        if entry.is_none() {
            self.mistake(key, MISSING, allowed);
        }
        entry
    }

    fn required<T>(
        &self,
        key: &'static str,
        allowed: &str,
        read: impl Fn(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let (_, value) = self.required_entry(key, allowed)?;
        let taken = read(value.get_ref());
        if taken.is_none() {
            self.mistake(key, format!("is {}", kind_of(value.get_ref())), allowed);
        }
        taken
    }
}

/// A civil date, and nothing but a date.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    if text.len() == 10 { text.parse().ok() } else { None }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn scalar_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        number => decimal_of(number).flatten().map(|number| number.to_string()),
    }
}

/// Outer none: no number at all; inner none: a number that is not plain decimal.
fn decimal_of(value: &DeValue<'_>) -> Option<Option<Decimal>> {
    let plain = |text: &str| Decimal::parse(text.trim_start_matches('+').replace('_', "").as_str()).ok();
    match value {
        DeValue::Integer(number) => Some(plain(number.as_str()).filter(|_| number.radix() == 10)),
        DeValue::Float(number) => Some(plain(number.as_str())),
        _ => None,
    }
}

fn whole_of(value: &DeValue<'_>) -> Option<Option<u8>> {
    match value {
        DeValue::Integer(number) => Some(u8::from_str_radix(number.as_str(), number.radix()).ok()),
        _ => None,
    }
}
