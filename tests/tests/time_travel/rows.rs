//! The durable rows as they lie in the row files, read in the test's own few lines (docs/log-format.md, "Row files").

use std::collections::BTreeMap;
use std::path::Path;

use nhip_proto::{Offset, Row, RowCause, decode_row};

/// Bytes before the first frame, and of a frame's header.
const FILE_HEADER_BYTES: usize = 16;
const FRAME_HEADER_BYTES: usize = 24;

/// Every row by Tick, from all copies taken of the row files.
#[derive(Default)]
pub(crate) struct DurableRows {
    ticks: BTreeMap<u64, Vec<Row>>,
}

/// What decides between two rows of one window.
fn known_order(row: &Row) -> (Offset, u32, [u8; 16]) {
    (row.known_offset, row.revision, row.definition)
}

impl DurableRows {
    /// Reads the row files of a data directory; a torn last frame is none.
    pub(crate) fn take(&mut self, data: &Path) {
        for entry in std::fs::read_dir(data.join("rows")).expect("a directory").flatten() {
            if entry.path().extension().is_some_and(|end| end == "rows") {
                self.take_file(&std::fs::read(entry.path()).expect("a file"));
            }
        }
    }

    fn take_file(&mut self, bytes: &[u8]) {
        let mut at = FILE_HEADER_BYTES;
        while let Some(header) = bytes.get(at..at + FRAME_HEADER_BYTES) {
            let (length, count, tick) = (number(&header[..4]), number(&header[4..8]), number(&header[8..16]));
            let from = at + FRAME_HEADER_BYTES;
            let Some(payload) = bytes.get(from..from + length as usize) else { return };
            let rows = rows_of(payload);
            assert_eq!(rows.len() as u64, count, "Tick {tick}");
            let before = self.ticks.insert(tick, rows.clone());
            assert!(before.is_none_or(|before| before == rows), "Tick {tick} was written twice, differently");
            at = from + length as usize;
        }
    }

    /// The last Tick with rows.
    pub(crate) fn last(&self) -> Option<u64> {
        self.ticks.last_key_value().map(|(tick, _)| *tick)
    }

    /// Whether a revision of a window was computed by a Restate.
    pub(crate) fn is_restated(&self, known_offset: u64, is_it: impl Fn(&Row) -> bool) -> bool {
        let mut rows = self.ticks.values().flatten();
        let found = rows.find(|row| row.known_offset.0 == known_offset && is_it(row));
        found.expect("a row of every point").cause == RowCause::Restated
    }

    /// All of them in the order they became known.
    pub(crate) fn in_known_order(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.ticks.values().flatten().collect();
        rows.sort_by_key(|row| known_order(row));
        rows
    }
}

fn rows_of(mut payload: &[u8]) -> Vec<Row> {
    let mut rows = Vec::new();
    while let Some((length, rest)) = payload.split_at_checked(4) {
        let (row, rest) = rest.split_at(number(length) as usize);
        rows.push(decode_row(row.to_vec().into()).expect("a row"));
        payload = rest;
    }
    rows
}

/// Little-endian.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
