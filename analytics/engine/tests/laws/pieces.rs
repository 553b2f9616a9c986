//! One log in random pieces, with screens and restarts in between: the same bytes as in one go.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use nhip_engine::{Effects, Engine};
use nhip_proto::{AreaCode, Figure, IndicatorId, Logged, Row, Share, encode_row};

use crate::world::{self, Dice};

/// The seed decides where the log is cut (at most `records_max` a piece), shown and restarted.
pub(crate) fn change_no_byte(seed: u64, log: &[Logged], records_max: i64) {
    let (whole, wanted) = world::run(log, 1);
    let mut dice = Dice::new(seed);
    let mut engine = Engine::new(world::settings(1));
    let mut effects = Effects::default();
    let mut rest = log;
    while !rest.is_empty() {
        let (batch, others) = rest.split_at(rest.len().min(1 + dice.below(records_max) as usize));
        engine.apply(batch, &mut effects).expect("the log goes on");
        rest = others;
        if dice.one_in(3) {
            drop(engine.update());
        }
        if dice.one_in(5) {
            let bytes = engine.snapshot();
            let board = engine.board();
            engine = Engine::restore(&bytes, world::settings(1)).expect("its own snapshot");
            assert_eq!(engine.snapshot(), bytes, "seed {seed}: a snapshot comes back as it was");
            assert_eq!(engine.board(), board, "seed {seed}: and shows the same board");
        }
    }
    assert_eq!(engine.digest(), whole.digest(), "seed {seed}");
    assert_eq!(engine.rows_chain(), whole.rows_chain(), "seed {seed}");
    assert_eq!(bytes(&world::rows(effects)), bytes(&wanted), "seed {seed}");
    assert_eq!(engine.board(), whole.board(), "seed {seed}");
    assert_eq!(engine.rejections(1_000), whole.rejections(1_000), "seed {seed}");
}

/// All rows as they would be stored.
pub(crate) fn bytes(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::new();
    rows.iter().for_each(|row| encode_row(row, &mut bytes));
    bytes
}

/// A screen that takes every update, wherever the log is cut, shows what a new one would be shown. Returns how often a
/// complete window was told beside a newest one with too few sources.
pub(crate) fn keep_every_screen_in_step(seed: u64, log: &[Logged], records_max: i64) -> usize {
    let (mut dice, mut completed) = (Dice::new(seed), 0);
    let mut engine = Engine::new(world::settings(1));
    let mut screen: BTreeMap<(IndicatorId, AreaCode), Arc<Figure>> = BTreeMap::new();
    let mut complete = screen.clone();
    let mut rest = log;
    while !rest.is_empty() {
        let (batch, others) = rest.split_at(rest.len().min(1 + dice.below(records_max) as usize));
        engine.apply(batch, &mut Effects::default()).expect("the log goes on");
        rest = others;
        let update = engine.update();
        for figure in update.figures.into_iter().filter(|figure| figure.row.key.group.is_empty()) {
            let key = (figure.row.key.indicator.clone(), figure.row.key.area.clone());
            complete.remove(&key);
            screen.insert(key, figure);
        }
        for figure in update.complete_before {
            let (row, key) = (&figure.row, (figure.row.key.indicator.clone(), figure.row.key.area.clone()));
            let newest = screen.get(&key).map(|newest| newest.row.key.window_start);
            assert!(newest > Some(row.key.window_start) && row.value.is_some(), "seed {seed}: {}", row.key);
            // What the profile of the laws asks of this one: three of five.
            let asked = row.key.indicator.as_str() == "env.pm25_10m";
            assert!(!asked || 5 * row.k >= 3 * row.m, "seed {seed}: {} of {}: {}", row.k, row.m, row.key);
            completed += usize::from(asked);
            complete.insert(key, figure);
        }
        let board = engine.board();
        let stands = |figure: &Arc<Figure>| (figure.row.key.clone(), figure.row.value, figure.row.k);
        let told: Vec<_> = complete.values().map(stands).collect();
        let mut shown: Vec<_> = board.complete_before.iter().map(stands).collect();
        shown.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(told, shown, "seed {seed}: complete windows at {}", update.offset.0);
        for figure in board.figures.iter().filter(|figure| figure.row.key.group.is_empty()) {
            let told = screen.get(&(figure.row.key.indicator.clone(), figure.row.key.area.clone()));
            let told = told.map(|told| seen(told));
            assert_eq!(told, Some(seen(figure)), "seed {seed}: {} at {}", figure.row.key, update.offset.0);
        }
    }
    completed
}

/// What can be seen of a figure: shares in ten-thousandths.
fn seen(figure: &Figure) -> impl PartialEq + Debug + use<> {
    let row = &figure.row;
    let share = |share: Option<Share>| {
        share.map(|share| u128::from(share.numerator) * 10_000 / u128::from(share.denominator))
    };
    let badge = [row.badge.dung, row.badge.du, row.badge.sach, row.badge.song].map(share);
    (row.key.clone(), row.value, [row.k, row.m, row.revision], badge, row.event_time, row.level, row.state)
}
