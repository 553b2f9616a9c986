//! A counter that starts anew and then sends an old value: every order of arrival tells the same.

use std::collections::BTreeMap;

use nhip_proto::{EventTime, Item, MINUTE, SECOND};

use crate::line::Line;
use crate::world::{START, number};

/// Minute and reading: the counter starts anew at 13, and 130 was read before that.
const READINGS: [(i64, i64); 7] = [(1, 100), (4, 120), (9, 130), (13, 5), (17, 25), (21, 26), (28, 90)];

fn total(minute: i64, value: i64) -> Vec<Item> {
    let mut item = number("total", value, 0);
    item.event_time = Some(EventTime(START + minute * MINUTE));
    vec![item]
}

/// Value, k and event time of every window of one place, once all are closed.
fn told(order: &[usize], restart: bool, place: (&str, &str)) -> BTreeMap<(String, i64), (i128, u32, i64)> {
    let mut line = Line::new(str::to_owned);
    line.now = START + 30 * MINUTE;
    for at in order {
        let (minute, value) = READINGS[*at];
        line.now += SECOND;
        line.say("meter-0", "meter", total(minute, value));
        line.tick(0);
        if restart {
            line.restart();
        }
    }
    line.tick(60 * MINUTE);
    let mut last = BTreeMap::new();
    for row in line.rows().filter(|row| row.key.indicator.as_str().starts_with("meter.delta")) {
        if (row.key.area.as_str(), row.key.group.as_str()) == place {
            let time = row.event_time.map_or(0, |time| (time.0 - START) / MINUTE);
            let minute = (row.key.window_start.0 - START) / MINUTE;
            last.insert((row.key.indicator.to_string(), minute), (row.numerator, row.k, time));
        }
    }
    last
}

/// Heap's algorithm: every order of `left` elements.
fn permute(order: &mut Vec<usize>, left: usize, visit: &mut impl FnMut(&[usize])) {
    if left <= 1 {
        visit(order);
        return;
    }
    for at in 0..left {
        permute(order, left - 1, visit);
        order.swap(if left.is_multiple_of(2) { at } else { 0 }, left - 1);
    }
}

#[test]
fn a_counter_that_starts_anew_and_then_sends_an_old_value_is_right_in_any_order() {
    // By hand: 120−100 in the first ten minutes, and 130−120; 5 and 25−5; 26−25 and 90−26.
    let wanted =
        [("meter.delta_10m", 0, 30, 9), ("meter.delta_10m", 10, 25, 17), ("meter.delta_10m", 20, 65, 28)];
    let in_order = told(&[0, 1, 2, 3, 4, 5, 6], false, ("P", ""));
    for (indicator, minute, increments, time) in wanted {
        let found = in_order.get(&(indicator.to_owned(), minute));
        assert_eq!(found, Some(&(increments, 1, time)), "{indicator} {minute}");
    }
    let mut orders = 0;
    permute(&mut (0..READINGS.len()).collect(), READINGS.len(), &mut |order| {
        orders += 1;
        // Every seventh order is enough for a slow build, and no multiple of the swaps.
        if orders % 7 == 0 {
            assert_eq!(told(order, false, ("P", "")), in_order, "{order:?}");
        }
    });
    assert_eq!(orders, 5_040);
}

#[test]
fn the_figures_of_its_own_group_are_the_same_and_a_restart_changes_nothing() {
    let order = [4, 1, 6, 0, 3, 2, 5];
    let own = told(&order, true, ("A", "meter-0"));
    let hop = |found: &BTreeMap<(String, i64), (i128, u32, i64)>| -> Vec<(i64, i128)> {
        let hops = found.iter().filter(|((id, _), _)| id == "meter.delta_hop");
        hops.map(|((_, minute), (increments, ..))| (*minute, *increments)).collect()
    };
    assert_eq!(hop(&own), [(-20, 30), (-10, 55), (0, 120), (10, 90), (20, 65)]);
    assert_eq!(hop(&told(&order, false, ("P", ""))), hop(&own));
    assert_eq!(hop(&told(&[0, 1, 2, 3, 4, 5, 6], false, ("P", "meter-0"))), hop(&own));
}
