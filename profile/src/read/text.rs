//! Where something stands in a file, and the list of what was found wrong.

use std::cell::RefCell;

use crate::mistake::{Mistake, nearest};

/// The reason of a key that is not there.
pub(super) const MISSING: &str = "is missing";

/// One file of the profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileText<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
}

/// A byte of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) file: FileText<'a>,
    pub(crate) offset: usize,
}

impl At<'_> {
    /// Line and character, both from 1.
    pub(crate) fn line_column(self) -> (u32, u32) {
        let (mut line, mut column) = (1_u32, 1_u32);
        for (offset, sign) in self.file.text.char_indices() {
            if offset >= self.offset {
                break;
            }
            (line, column) = if sign == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        (line, column)
    }
}

/// All mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: RefCell<Vec<Mistake>>,
}

impl Findings {
    /// Notes a mistake at a key.
    pub(crate) fn add(&self, at: At<'_>, key: &str, reason: impl Into<String>, allowed: impl Into<String>) {
        let (line, column) = at.line_column();
        let mistake = Mistake {
            file: at.file.path.to_owned(),
            line,
            column,
            key: key.to_owned(),
            reason: reason.into(),
            allowed: allowed.into(),
        };
        self.found.borrow_mut().push(mistake);
    }

    /// Notes a mistake of the profile as a whole or of a file as a whole.
    pub(crate) fn add_whole(
        &self,
        file: &str,
        key: &str,
        reason: impl Into<String>,
        allowed: impl Into<String>,
    ) {
        let (reason, allowed) = (reason.into(), allowed.into());
        let (file, key) = (file.to_owned(), key.to_owned());
        self.found.borrow_mut().push(Mistake { file, line: 0, column: 0, key, reason, allowed });
    }

    /// Takes back that a key of the table at `table` is missing.
    pub(crate) fn forgive_missing(&self, table: At<'_>, key: &str) {
        let (line, column) = table.line_column();
        let forgiven = |mistake: &Mistake| {
            let here = (mistake.line, mistake.column) == (line, column) && mistake.file == table.file.path;
            here && mistake.key == key && mistake.reason == MISSING
        };
        self.found.borrow_mut().retain(|mistake| !forgiven(mistake));
    }

    /// Notes a mistake somebody else placed.
    pub(crate) fn add_known(&self, mistake: Mistake) {
        self.found.borrow_mut().push(mistake);
    }

    /// Notes that a word is none of those known, and which one may have been meant.
    pub(crate) fn add_unknown<'w>(
        &self,
        at: At<'_>,
        key: &str,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        let reason = match nearest(word, known.iter().copied()) {
            Some(meant) => format!("unknown {what} \"{word}\", did you mean \"{meant}\"?"),
            None => format!("unknown {what} \"{word}\""),
        };
        self.add(at, key, reason, list(&known));
    }

    /// All of them, by file and place, each once.
    pub(crate) fn sorted(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort();
        found.dedup();
        found
    }
}

/// How many allowed words are listed in full; of a longer list only the first few are shown.
const LISTED_MAX: usize = 24;
/// How many stand for a longer list.
const SHOWN: usize = 8;

fn list(words: &[&str]) -> String {
    if words.len() <= LISTED_MAX {
        return words.join(", ");
    }
    let first: Vec<&str> = words.iter().take(SHOWN).copied().collect();
    format!("{}, … {} in all", first.join(", "), words.len())
}
