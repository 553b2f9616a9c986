//! One log in random pieces, with screens and restarts in between: the same bytes as in one go.

use nhip_engine::{Effects, Engine};
use nhip_proto::{Logged, Row, encode_row};

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
