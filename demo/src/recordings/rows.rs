//! Recordings as their own rows: every cell as it stands in the table, none mended, at the times it was written.
//!
//! A message holds the rows of a stretch of time, `{"rows": [{"column": "text", …}]}`, and goes out when the stretch
//! is over. What the cells mean (units, time formats, faults) is for the profile's mapping to say.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use nhip_proto::{ArrivalTime, EventTime, SECOND, SourceId};
use serde_json::{Map, Value};

use super::table::{self, Line};
use super::{Attribution, birmingham, boston, i94, melbourne, nairobi, plumtree};
use crate::DemoError;
use crate::plan::{Planned, PlannedKind};

/// Rows in one message at most; a longer stretch takes several messages.
const ROWS_MAX: usize = 500;

/// A recording that is published row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSet {
    /// Interstate 94 at Minneapolis, traffic and weather an hour: repeated hours, gaps, impossible rain.
    I94,
    /// Melbourne's pedestrian counters: daylight saving, long gaps.
    Melbourne,
    /// Birmingham's car parks: negative and overfull ones, repeated rows.
    Birmingham,
    /// Nairobi's road crashes, stamped day/month/year.
    Nairobi,
    /// USGS water gauge at Plumtree Run: qualifiers, two faults of the instrument.
    Plumtree,
    /// Boston's 311 requests: closed before opened, a point on the map that stands for none.
    Boston,
}

/// What happened and when, with the cells that say so beside those of the row.
pub(super) type Told = (DateTime, Map<String, Value>);

/// How the rows of one recording are found and sent.
pub(super) struct Rows {
    pub(super) attribution: Attribution,
    /// Folder and first letters of its files.
    pub(super) files: (&'static str, &'static str),
    /// The zone its stamps are in; only for the time of sending.
    pub(super) zone: &'static str,
    /// Rows of so many seconds go out together.
    pub(super) stretch_s: i64,
    pub(super) stamp: fn(&Line<'_>) -> Option<DateTime>,
    pub(super) topic: fn(&Line<'_>) -> String,
    /// Where a row tells of several moments: all of them. None: a row is told once, as it is.
    pub(super) told: Option<fn(&Line<'_>, &TimeZone) -> Option<Vec<Told>>>,
}

impl RowSet {
    /// Where the rows come from and how they may be used.
    #[must_use]
    pub fn attribution(self) -> Attribution {
        self.rows().attribution
    }

    /// All messages in the order of sending; none if the directory does not hold the recording.
    ///
    /// # Errors [`DemoError`] if a file cannot be read.
    pub fn plan(self, directory: &Path) -> Result<Vec<Planned>, DemoError> {
        let rows = self.rows();
        let unknown = |_| DemoError::Configuration(format!("no rules for {}", rows.zone));
        let zone = TimeZone::get(rows.zone).map_err(unknown)?;
        // By the end of the stretch, then topic; inside a message the rows keep the order of the table, or that of
        // what happened where a row tells of several moments.
        let mut stretches: BTreeMap<(i64, String), Vec<(i64, Value)>> = BTreeMap::new();
        for path in table::find(&directory.join(rows.files.0), rows.files.1) {
            table::lines(&path, |line| {
                let none = || line.wrong("a time that is none");
                for (stamp, more) in rows.told(line, &zone).ok_or_else(none)? {
                    let stamp =
                        zone.to_ambiguous_timestamp(stamp).compatible().map_err(|_| none())?.as_second();
                    let end = (stamp.div_euclid(rows.stretch_s) + 1) * rows.stretch_s;
                    let stretch = stretches.entry((end, (rows.topic)(line))).or_default();
                    stretch.push((stamp, cells(line, more)));
                }
                Ok(())
            })?;
        }
        let message = |((end, topic), mut told): ((i64, String), Vec<(i64, Value)>)| {
            if rows.told.is_some() {
                told.sort_by_key(|(stamp, _)| *stamp);
            }
            let rows: Vec<Value> = told.into_iter().map(|(_, row)| row).collect();
            messages(end, &topic, &rows)
        };
        Ok(stretches.into_iter().flat_map(message).collect())
    }

    fn rows(self) -> &'static Rows {
        match self {
            Self::I94 => &i94::ROWS,
            Self::Melbourne => &melbourne::ROWS,
            Self::Birmingham => &birmingham::ROWS,
            Self::Nairobi => &nairobi::ROWS,
            Self::Plumtree => &plumtree::ROWS,
            Self::Boston => &boston::ROWS,
        }
    }
}

impl Rows {
    fn told(&self, line: &Line<'_>, zone: &TimeZone) -> Option<Vec<Told>> {
        match self.told {
            Some(told) => told(line, zone),
            None => Some(vec![((self.stamp)(line)?, Map::new())]),
        }
    }
}

/// A row as an object of texts; an empty cell is null. `more` is said beside it.
fn cells(line: &Line<'_>, more: Map<String, Value>) -> Value {
    let cell = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let cells = line.entries().into_iter().map(|(name, text)| (name.to_owned(), cell(text)));
    Value::Object(cells.chain(more).collect::<Map<_, _>>())
}

fn messages(end_s: i64, topic: &str, rows: &[Value]) -> Vec<Planned> {
    let at = end_s.saturating_mul(SECOND);
    let message = |rows: &[Value]| Planned {
        at: ArrivalTime(at),
        source: SourceId::new(topic),
        topic: topic.to_owned(),
        payload: Bytes::from(serde_json::json!({ "rows": rows }).to_string()),
        qos: 1,
        event: Some(EventTime(at)),
        readings: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        kind: PlannedKind::Regular,
    };
    rows.chunks(ROWS_MAX).map(message).collect()
}
