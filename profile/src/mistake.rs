//! What is wrong with a profile: where, at which key, why, and what would be right.

use std::fmt;

/// One mistake in the text of a profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as it was given.
    pub file: String,
    /// Its line, from 1; 0: the file as a whole.
    pub line: u32,
    /// The character in the line, from 1; 0: the line as a whole.
    pub column: u32,
    /// The key, `indicator.window`; empty: no key in particular.
    pub key: String,
    /// What is wrong.
    pub reason: String,
    /// What would be right, or empty.
    pub allowed: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.reason)?;
        if self.allowed.is_empty() { Ok(()) } else { write!(f, " (allowed: {})", self.allowed) }
    }
}

/// All mistakes as `nhip check` prints them: one line each, then how many.
#[must_use]
pub fn check_report(mistakes: &[Mistake]) -> String {
    let mut report: String = mistakes.iter().map(|mistake| format!("{mistake}\n")).collect();
    report.push_str(&match mistakes.len() {
        0 => "no mistake\n".to_owned(),
        1 => "1 mistake\n".to_owned(),
        several => format!("{several} mistakes\n"),
    });
    report
}

/// The word nearest to `found` by edit distance, if it is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(found: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let enough = (found.chars().count() / 2).clamp(1, 3);
    words
        .into_iter()
        .map(|word| (distance(found, word), word))
        .filter(|(distance, _)| *distance <= enough)
        .min()
        .map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = last.get(j).map_or(usize::MAX, |cost| cost + usize::from(a != b));
            let inserted = row.get(j).map_or(usize::MAX, |cost| cost + 1);
            let deleted = last.get(j + 1).map_or(usize::MAX, |cost| cost + 1);
            let swap = i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            let swapped =
                if swap { before.get(j - 1).map_or(usize::MAX, |cost| cost + 1) } else { usize::MAX };
            row.push(replaced.min(inserted).min(deleted).min(swapped));
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_offered_and_no_far_one() {
        let words = ["window", "where", "stream", "staleness"];
        assert_eq!(nearest("windw", words), Some("window"));
        assert_eq!(nearest("wherr", words), Some("where"));
        assert_eq!(nearest("stlaeness", words), Some("staleness"));
        assert_eq!(nearest("colour", words), None);
    }

    #[test]
    fn a_swap_of_neighbours_costs_one() {
        assert_eq!(distance("pm52", "pm25"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
