//! A file of many small row groups against a walk over all its rows: series that begin and end inside row groups,
//! names longer than the statistics keep, columns with one value in some row groups and several in others.

use std::collections::BTreeSet;

use nhip_proto::{AreaCode, IndicatorId, SourceId};

use super::super::columns::{columns_of_a_row, place};
use super::super::order::{Kept, compare as order};
use super::super::write::Writer;
use super::*;

const GROUP_ROWS: usize = 48;

/// Every sixth window is revised, every ninth has no value; sources change with the day.
fn rows() -> Vec<Kept> {
    // Statistics keep 64 bytes: these differ behind them.
    let long = "x".repeat(80);
    let areas = ["25459".to_owned(), "80".to_owned(), format!("{long}a"), format!("{long}b")];
    let mut rows = Vec::new();
    for (number, indicator) in (0_u8..).zip(["env.pm10", "env.pm25", "traffic.flow"]) {
        for (area, name) in (0_i64..).zip(&areas) {
            for hour in 0..60_i64 + area * 7 {
                for revision in 0..if hour % 6 == 0 { 2 } else { 1 } {
                    let mut new = row(10 + hour.unsigned_abs(), name, hour, revision, hour * 3 + area);
                    new.key.indicator = IndicatorId::new(indicator);
                    new.definition = [if hour < 30 { number } else { 9 - number }; 16];
                    new.provenance.sources = vec![SourceId::new(&format!("station-{}", hour / 24))];
                    if hour % 9 == 0 {
                        new.value = None;
                        new.event_time = None;
                    }
                    rows.push(Kept { tick: Offset(10 + hour.unsigned_abs()), row: new });
                }
            }
        }
    }
    rows.sort_by(order);
    rows
}

fn file(directory: &TempDir, rows: &[Kept]) -> super::super::file::Opened {
    let mut writer = Writer::with_groups_of(Vec::new(), GROUP_ROWS).expect("a writer");
    rows.iter().for_each(|kept| writer.push(kept.clone()).expect("written"));
    let (bytes, rows) = writer.finish().expect("encoded");
    opened(directory, &bytes, rows)
}

#[test]
fn every_series_is_found_wherever_it_stands() {
    let (directory, rows) = (tempfile::tempdir().expect("a directory"), rows());
    let file = file(&directory, &rows);
    assert_eq!(file.rows(), rows.len());
    let keys: BTreeSet<SeriesKey> = rows.iter().map(|kept| SeriesKey::of(&kept.row.key)).collect();
    assert_eq!(keys.len(), 12);
    for key in &keys {
        let mut found = Vec::new();
        for stretch in file.stretches_of(key).expect("stretches") {
            let at: Vec<usize> = stretch.rows.clone().collect();
            let columns: Vec<usize> = columns_of_a_row().collect();
            found.extend(file.read_rows_of(stretch, &at, &columns).expect("rows"));
            let starts = file.longs(&stretch.rows, place::WINDOW_START).expect("starts");
            assert!(starts.is_sorted(), "windows ascend inside a stretch");
        }
        let naive: Vec<Kept> = rows.iter().filter(|kept| key.holds(&kept.row.key)).cloned().collect();
        assert_eq!(found, naive, "{key:?}");
    }
    let absent = SeriesKey { area: AreaCode::new("25460"), ..keys.first().expect("a series").clone() };
    assert!(file.stretches_of(&absent).expect("none").is_empty());
    for indicator in ["env.pm10", "env.pm25", "traffic.flow", "env.pm1", "zzz"] {
        let indicator = IndicatorId::new(indicator);
        let told: BTreeSet<SeriesKey> = file.series_of(&indicator).expect("series").into_iter().collect();
        let naive: BTreeSet<SeriesKey> =
            keys.iter().filter(|key| key.indicator == indicator).cloned().collect();
        assert_eq!(told, naive, "{indicator}");
    }
}

#[test]
fn scattered_rows_of_a_stretch_are_those_asked_for() {
    let (directory, rows) = (tempfile::tempdir().expect("a directory"), rows());
    let file = file(&directory, &rows);
    let key = SeriesKey::of(&rows.last().expect("a row").row.key);
    let columns: Vec<usize> = columns_of_a_row().collect();
    let stretches = file.stretches_of(&key).expect("stretches");
    assert!(stretches.len() > 1, "a series of two definitions");
    for stretch in stretches {
        for step in [1, 2, 3, 40] {
            let at: Vec<usize> = stretch.rows.clone().step_by(step).collect();
            let read = file.read_rows_of(stretch, &at, &columns).expect("rows");
            let naive: Vec<Kept> = at.iter().map(|at| rows[*at].clone()).collect();
            assert_eq!(read, naive, "each {step}th of {:?}", stretch.rows);
        }
    }
    let ticks = file.longs(&(7..rows.len() - 5), place::TICK).expect("ticks");
    let naive: Vec<i64> = rows[7..rows.len() - 5].iter().map(|kept| kept.tick.0.cast_signed()).collect();
    assert_eq!(ticks, naive);
}
