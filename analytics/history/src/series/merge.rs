//! Several sorted files into one: the same rows, none lost, none twice.

use std::cmp::Ordering;
use std::sync::Arc;

use super::file::{Opened, Pieces};
use super::order::{Kept, compare};
use super::store::SeriesError;

/// Rows of several files in one order.
pub(super) struct Merge {
    inputs: Vec<Input>,
}

/// A file being read, its next rows in reverse.
struct Input {
    pieces: Pieces,
    waiting: Vec<Kept>,
}

impl Merge {
    pub(super) fn new(files: &[Arc<Opened>]) -> Result<Self, SeriesError> {
        let mut merge = Self { inputs: Vec::new() };
        for file in files {
            let mut input = Input { pieces: file.pieces(), waiting: Vec::new() };
            input.fill()?;
            merge.inputs.push(input);
        }
        Ok(merge)
    }

    /// The next row; of rows that are the same revision of the same figure, one.
    pub(super) fn next_row(&mut self) -> Result<Option<Kept>, SeriesError> {
        let mut least: Option<Kept> = None;
        for input in &self.inputs {
            let Some(next) = input.waiting.last() else { continue };
            if least.as_ref().is_none_or(|least| compare(next, least) == Ordering::Less) {
                least = Some(next.clone());
            }
        }
        let Some(least) = least else { return Ok(None) };
        for input in &mut self.inputs {
            while input.waiting.last().is_some_and(|next| compare(next, &least) == Ordering::Equal) {
                input.waiting.pop();
                input.fill()?;
            }
        }
        Ok(Some(least))
    }
}

impl Input {
    fn fill(&mut self) -> Result<(), SeriesError> {
        if self.waiting.is_empty() {
            self.waiting = self.pieces.next_piece()?;
            self.waiting.reverse();
        }
        Ok(())
    }
}
