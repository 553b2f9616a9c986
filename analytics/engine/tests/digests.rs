//! The rows and the state of seeded logs as digests in `digests.txt`: equal in debug and release builds (P3).

#[path = "laws/world.rs"]
mod world;

use nhip_proto::{MINUTE, SECOND, encode_row};

use crate::world::HOUR;

const EACH: usize = 4;
const SPAN: i64 = 2 * HOUR;

#[test]
fn the_same_seeds_give_the_committed_digests() {
    let committed = include_str!("digests.txt");
    let mut found =
        String::from("# seed, rows, snapshot: equal in debug and release builds, on every machine.\n");
    for seed in 1..6 {
        let said = world::arrive(world::events(seed, EACH, SPAN), seed ^ 77, 20 * MINUTE);
        let said = world::with_rubbish(world::with_duplicates(said, seed), seed);
        let (engine, rows) = world::run(&world::log(EACH, &said, 20 * SECOND, 3 * HOUR), 1);
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| encode_row(row, &mut bytes));
        let snapshot = engine.digest().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        found.push_str(&format!("{seed} {} {snapshot}\n", blake3::hash(&bytes)));
    }
    assert_eq!(found, committed, "if the rules changed on purpose, SEMANTICS grows and this file with it");
}
