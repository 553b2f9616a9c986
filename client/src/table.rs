//! The screen's table: a pure reducer of frames that counts gaps, repetitions, resets and resumes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};
use thiserror::Error;

use crate::frame::{Change, DeltaBody, EventBody, Head, RowObject, RowsBody, SnapshotHead};

/// How much a table keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All rows.
    Rows,
    /// Only the position, for thousands of clients in one process.
    Position,
}

/// Where a screen stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The epoch.
    pub epoch: String,
    /// The offset.
    pub offset: u64,
    /// The last event seen, if any.
    pub event: Option<u64>,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRow {
    /// Event time in ms.
    pub t: Option<i64>,
    /// Value, with its digits.
    pub v: Option<Number>,
    /// Quality.
    pub q: u8,
    /// Flags.
    pub f: u8,
    /// Sources that contributed.
    pub k: u32,
    /// Sources due.
    pub m: u32,
    /// Level.
    pub l: u8,
    /// Window start and end in ms.
    pub w: Option<(i64, i64)>,
    /// đúng, đủ, sạch, sống.
    pub b: [Option<Number>; 4],
    /// Revision.
    pub rev: u32,
}

/// What happened since the table was made, over all its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames of every type.
    pub frames: u64,
    /// `d` frames.
    pub deltas: u64,
    /// `ev` frames taken.
    pub events: u64,
    /// `ev` frames left out because their number was known.
    pub events_repeated: u64,
    /// `hb` frames.
    pub heartbeats: u64,
    /// Frames that do not begin where the last one ended, beyond it.
    pub gaps: u64,
    /// Frames that cover what was covered already.
    pub duplicates: u64,
    /// `reset` frames.
    pub resets: u64,
    /// Welcomes with mode `resumed`.
    pub resumes: u64,
    /// Welcomes with mode `snapshot`.
    pub snapshots: u64,
    /// `bye` frames.
    pub byes: u64,
    /// Frames of unknown type.
    pub unknown: u64,
}

/// What a frame did.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// `welcome`.
    Welcome {
        /// Whether the position stayed.
        resumed: bool,
    },
    /// A part of a snapshot; `done` with the last one.
    Snap {
        /// All parts are there.
        done: bool,
    },
    /// Values up to `offset`; `rows` is empty where only the position is kept.
    Delta {
        /// The new position.
        offset: u64,
        /// The rows that changed.
        rows: Vec<u32>,
    },
    /// An event.
    Event {
        /// `source`, `config` …
        kind: String,
        /// `put`, `del`.
        operation: String,
        /// Of what.
        id: String,
        /// Its content.
        data: Value,
    },
    /// A known event or an ignored frame.
    Ignored,
    /// `hb`; the server's Clock in ms.
    Heartbeat {
        /// The Clock.
        clock_ms: i64,
    },
    /// `pong`.
    Pong,
    /// The table is void: told by the server, or a gap.
    Void,
    /// The server leaves.
    Bye {
        /// Close code.
        code: u16,
        /// Least wait.
        retry_ms: u64,
    },
}

/// The text is no frame of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a frame of nhip.v1")]
pub struct Refused;

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    keep: Keep,
    epoch: Option<String>,
    position: u64,
    event: Option<u64>,
    rows: BTreeMap<u32, TableRow>,
    keys: BTreeMap<u32, (String, String)>,
    parts_left: u32,
    greeting: bool,
    counters: Counters,
}

impl Table {
    /// An empty table without a position.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self {
            keep,
            epoch: None,
            position: 0,
            event: None,
            rows: BTreeMap::new(),
            keys: BTreeMap::new(),
            parts_left: 0,
            greeting: false,
            counters: Counters::default(),
        }
    }

    /// Takes the body of an HTTP snapshot.
    ///
    /// # Errors
    /// [`Refused`] if it is none.
    pub fn apply_snapshot(&mut self, body: &str) -> Result<(), Refused> {
        let head: SnapshotHead = parse(body)?;
        self.rows.clear();
        self.keys.clear();
        if self.keep == Keep::Rows {
            let rows: RowsBody = parse(body)?;
            self.take_rows(rows);
        }
        self.position = head.offset;
        self.event = None;
        self.parts_left = 0;
        self.epoch = Some(head.epoch);
        Ok(())
    }

    /// Takes one frame.
    ///
    /// # Errors
    /// [`Refused`] if it is none; the table stays as it was.
    pub fn apply(&mut self, text: &str) -> Result<Applied, Refused> {
        let head: Head<'_> = parse(text)?;
        self.counters.frames += 1;
        if self.greeting && !matches!(head.t.as_ref(), "welcome" | "bye" | "pong") {
            return Ok(Applied::Ignored);
        }
        match head.t.as_ref() {
            "welcome" => self.welcome(&head),
            "snap" => self.snap(&head, text),
            "d" => self.delta(&head, text),
            "ev" => self.event(&head, text),
            "hb" => self.heartbeat(&head),
            "pong" => Ok(Applied::Pong),
            "reset" => {
                self.counters.resets += 1;
                Ok(self.void())
            }
            "bye" => {
                self.counters.byes += 1;
                let code = head.code.ok_or(Refused)?;
                Ok(Applied::Bye { code, retry_ms: head.retry_ms.unwrap_or(0) })
            }
            _ => {
                self.counters.unknown += 1;
                Ok(Applied::Ignored)
            }
        }
    }

    /// A hello was sent: what comes before its welcome belongs to the time before it and is ignored.
    pub fn greet(&mut self) {
        self.greeting = true;
    }

    /// Where to resume; none: the table is empty or void.
    #[must_use]
    pub fn resume(&self) -> Option<Resume> {
        let epoch = self.epoch.clone().filter(|_| self.parts_left == 0)?;
        Some(Resume { epoch, offset: self.position, event: self.event })
    }

    /// The offset the table stands at.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The rows by id.
    #[must_use]
    pub fn rows(&self) -> &BTreeMap<u32, TableRow> {
        &self.rows
    }

    /// The row of an indicator and area.
    #[must_use]
    pub fn row(&self, indicator: &str, area: &str) -> Option<&TableRow> {
        let found = self.keys.iter().find(|(_, key)| key.0 == indicator && key.1 == area);
        found.and_then(|(id, _)| self.rows.get(id))
    }

    /// The indicator and area of a row.
    #[must_use]
    pub fn key(&self, id: u32) -> Option<(&str, &str)> {
        self.keys.get(&id).map(|(indicator, area)| (indicator.as_str(), area.as_str()))
    }

    /// What happened.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn welcome(&mut self, head: &Head<'_>) -> Result<Applied, Refused> {
        let (offset, epoch) = (head.o.ok_or(Refused)?, head.e.as_deref().ok_or(Refused)?);
        self.greeting = false;
        if head.mode.as_deref() == Some("resumed") {
            self.counters.resumes += 1;
            let stayed = self.epoch.as_deref() == Some(epoch) && self.position == offset;
            if !stayed {
                self.counters.gaps += 1;
                return Ok(self.void());
            }
            return Ok(Applied::Welcome { resumed: true });
        }
        self.counters.snapshots += 1;
        self.void();
        self.epoch = Some(epoch.to_owned());
        self.parts_left = u32::MAX;
        Ok(Applied::Welcome { resumed: false })
    }

    fn snap(&mut self, head: &Head<'_>, text: &str) -> Result<Applied, Refused> {
        let (part, parts) = (head.part.ok_or(Refused)?, head.parts.ok_or(Refused)?);
        let expected = if self.parts_left == u32::MAX { 0 } else { parts.saturating_sub(self.parts_left) };
        if self.epoch.is_none() || part != expected || part >= parts {
            self.counters.gaps += 1;
            return Ok(self.void());
        }
        if self.keep == Keep::Rows {
            let rows: RowsBody = parse(text)?;
            self.take_rows(rows);
        }
        self.parts_left = parts - part - 1;
        self.position = head.o.ok_or(Refused)?;
        Ok(Applied::Snap { done: self.parts_left == 0 })
    }

    fn delta(&mut self, head: &Head<'_>, text: &str) -> Result<Applied, Refused> {
        self.counters.deltas += 1;
        let Some(offset) = self.covers(head)? else { return Ok(self.void()) };
        let mut changed = Vec::new();
        if self.keep == Keep::Rows {
            let body: DeltaBody = parse(text)?;
            for change in body.u {
                changed.push(change.0);
                let (id, row) = from_change(change, body.b);
                self.rows.insert(id, row);
            }
        }
        self.position = offset;
        Ok(Applied::Delta { offset, rows: changed })
    }

    fn event(&mut self, head: &Head<'_>, text: &str) -> Result<Applied, Refused> {
        let Some(offset) = self.covers(head)? else { return Ok(self.void()) };
        self.position = offset;
        let number = head.n.as_ref().and_then(Number::as_u64);
        if number.is_some() && number <= self.event {
            self.counters.events_repeated += 1;
            return Ok(Applied::Ignored);
        }
        self.event = number.or(self.event);
        self.counters.events += 1;
        let EventBody { k, op, id, data } = parse(text)?;
        Ok(Applied::Event { kind: k, operation: op, id, data })
    }

    fn heartbeat(&mut self, head: &Head<'_>) -> Result<Applied, Refused> {
        self.counters.heartbeats += 1;
        let (offset, clock_ms) = (head.o.ok_or(Refused)?, head.ts.ok_or(Refused)?);
        if self.epoch.is_some() && offset != self.position {
            self.counters.gaps += 1;
            return Ok(self.void());
        }
        Ok(Applied::Heartbeat { clock_ms })
    }

    /// The one check: a frame covers `(p, o]` and begins where the last one ended.
    fn covers(&mut self, head: &Head<'_>) -> Result<Option<u64>, Refused> {
        let (offset, from) = (head.o.ok_or(Refused)?, head.p.ok_or(Refused)?);
        if self.epoch.is_some() && self.parts_left == 0 && from == self.position && offset >= from {
            return Ok(Some(offset));
        }
        if from < self.position {
            self.counters.duplicates += 1;
        } else {
            self.counters.gaps += 1;
        }
        Ok(None)
    }

    fn void(&mut self) -> Applied {
        self.epoch = None;
        self.position = 0;
        self.event = None;
        self.parts_left = 0;
        self.rows.clear();
        self.keys.clear();
        Applied::Void
    }

    fn take_rows(&mut self, body: RowsBody) {
        for entry in body.dict {
            self.keys.insert(entry.id, (entry.indicator, entry.area));
        }
        for row in body.rows {
            let (id, row) = from_object(row);
            self.rows.insert(id, row);
        }
    }
}

fn from_object(row: RowObject) -> (u32, TableRow) {
    let RowObject { id, t, v, q, f, k, m, l, w, b, rev, o: _ } = row;
    (id, TableRow { t, v, q, f, k, m, l, w, b, rev })
}

fn from_change(change: Change, base_ms: i64) -> (u32, TableRow) {
    let Change(id, t, v, q, f, k, m, l, start, end, b, rev) = change;
    let absolute = |ms: Option<i64>| ms.map(|ms| base_ms.saturating_add(ms));
    let w = absolute(start).zip(absolute(end));
    (id, TableRow { t: absolute(t), v, q, f, k, m, l, w, b, rev })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refused> {
    serde_json::from_str(text).map_err(|_| Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELCOME: &str =
        r#"{"t":"welcome","v":1,"e":"a","o":5,"ts":1,"rate":1,"hb_ms":1000,"mode":"snapshot","build":"b"}"#;
    const SNAP: &str = r#"{"t":"snap","e":"a","o":5,"part":0,"parts":1,
        "dict":[{"id":0,"indicator":"i","area":"80"}],
        "rows":[{"id":0,"t":null,"v":null,"q":130,"f":8,"k":0,"m":1,"l":0,"w":null,
        "b":[null,null,null,null],"rev":0,"o":0}]}"#;
    const DELTA: &str =
        r#"{"t":"d","o":9,"p":5,"b":1000,"u":[[0,-10,1.50,0,2,1,1,1,-900,100,[null,0.5,1,1],3]]}"#;

    fn filled() -> Table {
        let mut table = Table::new(Keep::Rows);
        table.apply(WELCOME).expect("a welcome");
        assert_eq!(table.resume(), None, "a half-filled table is no position");
        assert_eq!(table.apply(SNAP), Ok(Applied::Snap { done: true }));
        table
    }

    #[test]
    fn a_delta_moves_rows_and_position() {
        let mut table = filled();
        assert_eq!(table.apply(DELTA), Ok(Applied::Delta { offset: 9, rows: vec![0] }));
        let row = table.row("i", "80").expect("the row");
        assert_eq!((row.t, row.w, row.rev), (Some(990), Some((100, 1_100)), 3));
        assert_eq!(row.v.as_ref().map(ToString::to_string).as_deref(), Some("1.50"));
        assert_eq!(table.resume(), Some(Resume { epoch: "a".to_owned(), offset: 9, event: None }));
    }

    #[test]
    fn a_gap_and_a_repetition_void_the_table() {
        let mut table = filled();
        assert_eq!(table.apply(&DELTA.replace("\"p\":5", "\"p\":6")), Ok(Applied::Void));
        assert_eq!((table.counters().gaps, table.resume()), (1, None));
        let mut table = filled();
        table.apply(DELTA).expect("a delta");
        assert_eq!(table.apply(DELTA), Ok(Applied::Void));
        assert_eq!((table.counters().gaps, table.counters().duplicates), (0, 1));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let mut table = filled();
        for text in ["", "[]", "{}", r#"{"t":"d"}"#, r#"{"t":"hb","o":-1}"#] {
            assert_eq!(table.apply(text), Err(Refused), "{text}");
        }
        assert_eq!(table.apply(r#"{"t":"later","x":1}"#), Ok(Applied::Ignored));
    }
}
