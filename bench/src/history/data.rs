//! The series of the row `history`: seeded, each row computed from its place alone, so that months can be written in
//! any order and an hour at a time.

use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Decimal, EventTime, FigureKey, IndicatorId, Level, MINUTE, Offset, Origin,
    Provenance, Row, RowCause, RowState, Share, SourceId,
};

const HOUR: i64 = 60 * MINUTE;
/// 2025-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_735_689_600_000_000_000;
const SEED: u64 = 20_250_101;
/// Series of the first indicator: those that are asked for together.
pub(crate) const FIVE: u32 = 5;
/// Series of each other indicator: one per area.
pub(crate) const AREAS: u32 = 100;
/// Of so many windows one is revised an hour later.
const REVISED_OF: u64 = 20;
/// Records of the log in an hour.
const RECORDS_PER_HOUR: u64 = 18_000;
const MONTH_DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// No leap day among them.
pub(crate) const DAYS_MAX: u32 = 730;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) series: u32,
    pub(crate) days: u32,
}

impl Size {
    pub(crate) fn hours(self) -> i64 {
        i64::from(self.days) * 24
    }

    /// Figures, revisions not counted.
    pub(crate) fn points(self) -> u64 {
        u64::from(self.series) * self.hours().unsigned_abs()
    }
}

/// Hours of each UTC month up to a day, as first and end.
pub(crate) fn months(days: u32) -> Vec<(i64, i64)> {
    let (mut found, mut first) = (Vec::new(), 0);
    for length in MONTH_DAYS.iter().cycle() {
        let end = days.min(first + length);
        if first == end {
            break;
        }
        found.push((i64::from(first) * 24, i64::from(end) * 24));
        first = end;
    }
    found
}

/// The indicator of a series.
pub(crate) fn indicator(number: u32) -> u32 {
    if number < FIVE { 0 } else { 1 + (number - FIVE) / AREAS }
}

/// Its name.
pub(crate) fn indicator_name(number: u32) -> String {
    format!("history.quantity_{number:03}")
}

/// The area of a series.
pub(crate) fn area(number: u32) -> String {
    let place = if number < FIVE { number } else { (number - FIVE) % AREAS };
    format!("{}", 25_400 + place)
}

/// The start of an hour.
pub(crate) fn time(hour: i64) -> EventTime {
    EventTime(START + hour * HOUR)
}

/// The Tick the rows of an hour are written at.
pub(crate) fn tick(hour: i64) -> Offset {
    Offset((hour.unsigned_abs() + 1) * RECORDS_PER_HOUR)
}

/// One series: what its rows share.
pub(crate) struct Series {
    number: u32,
    row: Row,
}

impl Series {
    pub(crate) fn new(number: u32) -> Self {
        let indicator = indicator(number);
        let key = FigureKey {
            indicator: IndicatorId::new(&indicator_name(indicator)),
            area: AreaCode::new(&area(number)),
            group: String::new(),
            period: "1h".to_owned(),
            window_start: time(0),
        };
        let source = |which| SourceId::new(&format!("station-{number}-{which}"));
        let provenance = Provenance { sources: (0..4).map(source).collect(), ..Provenance::default() };
        let row = Row {
            lineage: "live".to_owned(),
            definition: [u8::try_from(indicator % 256).unwrap_or(0); 16],
            window_end: time(1),
            revision: 0,
            state: RowState::Final,
            numerator: 0,
            denominator: 60,
            value: None,
            k: 4,
            m: 5,
            known_offset: Offset(0),
            known_at: ArrivalTime(0),
            event_time: None,
            level: Level::Normal,
            provenance,
            badge: Badge {
                dung: None,
                du: Share::of(58, 60),
                sach: Share::of(60, 60),
                song: Share::of(4, 5),
            },
            cause: RowCause::Closed,
            origin: Origin::Simulated,
            key,
        };
        Self { number, row }
    }

    /// The rows of a window: the final one, of every twentieth window also its revision.
    pub(crate) fn window(&self, hour: i64) -> (Row, Option<Row>) {
        let dice = dice(self.number, hour);
        let value = i128::from(dice >> 54);
        let revised = dice.is_multiple_of(REVISED_OF).then(|| self.row(hour, 1, value + 1));
        (self.row(hour, 0, value), revised)
    }

    fn row(&self, hour: i64, revision: u32, value: i128) -> Row {
        let mut row = self.row.clone();
        let known = tick(hour + i64::from(revision));
        row.key.window_start = time(hour);
        row.window_end = time(hour + 1);
        row.event_time = Some(EventTime(time(hour + 1).0 - 1_000_000_000));
        row.revision = revision;
        row.numerator = value * row.denominator;
        row.value = Some(Decimal::new(value, 1));
        row.known_offset = known;
        row.known_at = ArrivalTime(time(hour + 1 + i64::from(revision)).0 + 7_000_000);
        row.provenance.first = Some(Offset(known.0 - 9_000));
        row.provenance.last = Some(Offset(known.0 - 10));
        // Every series has records of its own.
        let nearest = known.0 - 100 - u64::from(self.number % 900);
        row.provenance.samples = (1..=8).map(|sample| Offset(nearest - sample * 1_000)).collect();
        if revision > 0 {
            (row.state, row.cause) = (RowState::Revised, RowCause::OutOfOrder);
        }
        row
    }
}

/// SplitMix64 of the place.
fn dice(number: u32, hour: i64) -> u64 {
    let mut state = SEED ^ (u64::from(number) << 32) ^ hour.unsigned_abs();
    state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        let all = months(365);
        assert_eq!(all.len(), 12);
        assert_eq!(all.first(), Some(&(0, 31 * 24)));
        assert_eq!(all.last(), Some(&(334 * 24, 365 * 24)));
        assert_eq!(months(40), [(0, 744), (744, 960)]);
        assert_eq!(months(366).last(), Some(&(8_760, 8_784)));
    }
}
