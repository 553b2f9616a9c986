//! A stretch of a series as points: its own windows, or civil periods rolled up exactly.

use jiff::tz::TimeZone;
use nhip_ports::{AsOf, History, HistoryError, SeriesKey, SeriesQuery};
use nhip_profile::{CivilStep, Indicator, Profile, TimeRollup};
use nhip_proto::{ArrivalTime, Decimal, EventTime, Level, Offset, Origin, Row, RowState};

/// Windows between the ends of one question; beyond it the question is refused before anything is read.
const RANGE_WINDOWS_MAX: i64 = 1_000_000;
/// Windows read at a time where they are rolled up.
const WINDOWS_READ_MAX: usize = 10_000;

/// What a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A window of the indicator.
    Window,
    /// A civil period.
    Civil(CivilStep),
}

/// `window`, or a civil period.
pub(crate) fn step_of(word: &str) -> Result<Step, PastError> {
    if word == "window" {
        return Ok(Step::Window);
    }
    let step = CivilStep::parse(word).map(Step::Civil);
    step.ok_or(PastError::Refused("step is window, hour, day or month"))
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) start: EventTime,
    pub(crate) end: EventTime,
    /// None: missing, never 0.
    pub(crate) value: Option<Decimal>,
    pub(crate) state: RowState,
    pub(crate) revision: u32,
    pub(crate) known_at: ArrivalTime,
    pub(crate) known_offset: Offset,
    /// Sources that contributed of those due; of a civil period: windows with a value of those due.
    pub(crate) k: u32,
    pub(crate) m: u32,
    /// None: windows of several definitions, which have no common value.
    pub(crate) definition: Option<[u8; 16]>,
    pub(crate) origin: Origin,
    /// Of a window.
    pub(crate) level: Option<Level>,
}

/// Why there are no points.
#[derive(Debug)]
pub(crate) enum PastError {
    /// The question is beyond a bound or has no answer.
    Refused(&'static str),
    /// The store has none.
    History(HistoryError),
}

/// What is asked.
pub(crate) struct Stretch<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) indicator: &'a Indicator,
    pub(crate) series: SeriesKey,
    pub(crate) from: EventTime,
    pub(crate) to: EventTime,
    pub(crate) as_of: AsOf,
    pub(crate) step: Step,
    /// Windows that end later are not due yet.
    pub(crate) now: EventTime,
}

/// Points, and where the next ones begin.
pub(crate) type Points = (Vec<Point>, Option<EventTime>);

impl Stretch<'_> {
    /// Refuses what cannot be answered, before any work; civil periods are taken whole.
    pub(crate) fn checked(mut self) -> Result<Self, PastError> {
        if self.from >= self.to {
            return Err(PastError::Refused("from must lie before to"));
        }
        if self.to.since(self.from) / self.indicator.window.spacing() > RANGE_WINDOWS_MAX {
            return Err(PastError::Refused(
                "from and to lie more than 1,000,000 windows of this indicator apart",
            ));
        }
        let Step::Civil(step) = self.step else { return Ok(self) };
        let no_rollup =
            "this indicator has no roll-up over time: its windows do not tell that of a longer period";
        self.indicator.time_rollup().ok_or(PastError::Refused(no_rollup))?;
        let zone = self.zone();
        let outside = || PastError::Refused("a time outside the calendar");
        let first = step.around(&zone, self.from).ok_or_else(outside)?;
        let last = step.around(&zone, EventTime(self.to.0.saturating_sub(1))).ok_or_else(outside)?;
        if self.indicator.window.due_in(&zone, first, self.now).is_none() {
            return Err(PastError::Refused("the windows of this indicator do not fill periods of this step"));
        }
        (self.from, self.to) = (first.0, last.1);
        Ok(self)
    }

    /// The first points from `from` on, at most `points_max`.
    pub(crate) async fn points(
        &self,
        history: &dyn History,
        from: EventTime,
        points_max: usize,
    ) -> Result<Points, PastError> {
        match self.step {
            Step::Window => self.windows(history, from, points_max).await,
            Step::Civil(step) => self.periods(history, from, points_max, step).await,
        }
    }

    async fn windows(
        &self,
        history: &dyn History,
        from: EventTime,
        points_max: usize,
    ) -> Result<Points, PastError> {
        let mut rows = self.rows(history, from, points_max.saturating_add(1)).await?;
        let next = rows.get(points_max).map(|row| row.key.window_start);
        rows.truncate(points_max);
        Ok((rows.iter().map(point_of).collect(), next))
    }

    async fn periods(
        &self,
        history: &dyn History,
        from: EventTime,
        points_max: usize,
        step: CivilStep,
    ) -> Result<Points, PastError> {
        let zone = self.zone();
        let (mut points, mut open, mut at) = (Vec::new(), None::<Period>, from);
        loop {
            let rows = self.rows(history, at, WINDOWS_READ_MAX).await?;
            let (whole, last) = (rows.len() < WINDOWS_READ_MAX, rows.last().map(|row| row.key.window_start));
            for row in rows {
                let start = row.key.window_start;
                if let Some(period) = open.take_if(|period| start >= period.end) {
                    points.push(self.rolled(&zone, period));
                }
                if points.len() >= points_max {
                    return Ok((points, Some(start)));
                }
                if open.is_none() {
                    let around = step.around(&zone, start);
                    let (start, end) = around.ok_or(PastError::Refused("a time outside the calendar"))?;
                    open = Some(Period { start, end, rows: Vec::new() });
                }
                if let Some(period) = &mut open {
                    period.rows.push(row);
                }
            }
            match last.filter(|_| !whole) {
                Some(last) => at = last.plus(1),
                None => break,
            }
        }
        points.extend(open.map(|period| self.rolled(&zone, period)));
        Ok((points, None))
    }

    async fn rows(
        &self,
        history: &dyn History,
        from: EventTime,
        windows_max: usize,
    ) -> Result<Vec<Row>, PastError> {
        let query =
            SeriesQuery { series: self.series.clone(), from, to: self.to, as_of: self.as_of, windows_max };
        history.figures(query).await.map_err(PastError::History)
    }

    /// One period: amounts are added above and below where each window's own amounts say its own value.
    fn rolled(&self, zone: &TimeZone, period: Period) -> Point {
        let Period { start, end, rows } = period;
        let definition = rows.first().map(|row| row.definition);
        let one = definition.filter(|first| rows.iter().all(|row| row.definition == *first));
        let with_value: Vec<&Row> = rows.iter().filter(|row| row.value.is_some()).collect();
        let shown =
            |row: &&Row| self.indicator.shown(self.profile, row.numerator, row.denominator) == row.value;
        let told = one.is_some() && with_value.iter().all(shown);
        let amounts: Vec<(i128, i128)> =
            with_value.iter().map(|row| (row.numerator, row.denominator)).collect();
        let rollup = self.indicator.time_rollup().unwrap_or(TimeRollup::Add);
        let amounts = rollup.over(&amounts).filter(|_| told);
        let value = amounts.and_then(|(above, below)| self.indicator.shown(self.profile, above, below));
        let present = u32::try_from(with_value.len()).unwrap_or(u32::MAX);
        let due = self.indicator.window.due_in(zone, (start, end), self.now).unwrap_or(0);
        let unfinished = end > self.now || rows.iter().any(|row| row.state == RowState::Provisional);
        let revised = rows.iter().any(|row| row.state == RowState::Revised);
        let state = match (unfinished, revised) {
            (true, _) => RowState::Provisional,
            (false, true) => RowState::Revised,
            (false, false) => RowState::Final,
        };
        Point {
            start,
            end,
            value,
            state,
            revision: rows.iter().map(|row| row.revision).max().unwrap_or(0),
            known_at: rows.iter().map(|row| row.known_at).max().unwrap_or(ArrivalTime(0)),
            known_offset: rows.iter().map(|row| row.known_offset).max().unwrap_or(Offset(0)),
            k: present,
            m: due.max(present),
            definition: one,
            origin: rows.first().map_or(Origin::Machine, |row| row.origin),
            level: None,
        }
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.profile.zone).unwrap_or(TimeZone::UTC)
    }
}

/// A civil period being filled.
struct Period {
    start: EventTime,
    end: EventTime,
    rows: Vec<Row>,
}

fn point_of(row: &Row) -> Point {
    Point {
        start: row.key.window_start,
        end: row.window_end,
        value: row.value,
        state: row.state,
        revision: row.revision,
        known_at: row.known_at,
        known_offset: row.known_offset,
        k: row.k,
        m: row.m,
        definition: Some(row.definition),
        origin: row.origin,
        level: Some(row.level),
    }
}
