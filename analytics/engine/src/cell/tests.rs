//! A contribution taken back leaves the window as it would be without it.

use super::Cell;
use crate::table::mix;
use crate::touch::{Change, Touch};

fn touch(change: Change, retracts: bool) -> Touch {
    let (start, end) = (0, 100);
    Touch {
        definition: 0,
        place: 0,
        source: 3,
        start,
        end,
        offset: 9,
        time: Some(5),
        counted: true,
        joins: true,
        retracts,
        held: true,
        change,
    }
}

#[test]
fn what_is_taken_back_is_gone() {
    let mut cell = Cell::new(0, 100);
    for (change, retracts) in [
        (Change::Add(7, 2), false),
        (Change::Add(5, 1), false),
        (Change::Add(7, 2), true),
        (Change::Bucket(40), false),
        (Change::Bucket(50), false),
        (Change::Bucket(40), true),
    ] {
        cell.take(&touch(change, retracts), mix(9));
    }
    assert_eq!((cell.above, cell.below, cell.readings), (5, 1, 2));
    let histogram = cell.extra.as_ref().map(|extra| extra.histogram.clone());
    let mut other = Cell::new(0, 100);
    other.take(&touch(Change::Bucket(50), false), mix(9));
    assert_eq!(histogram, other.extra.map(|extra| extra.histogram));
    assert!(cell.has_data(true));
}

#[test]
fn a_window_that_lost_everything_has_nothing_to_show() {
    let mut cell = Cell::new(0, 100);
    cell.take(&touch(Change::Add(7, 2), false), mix(9));
    cell.take(&touch(Change::Add(7, 2), true), mix(9));
    assert!(!cell.has_data(true));
    assert!(cell.written.dirty, "its row must say so");
}
