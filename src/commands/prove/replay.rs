//! `nhip prove replay`: a demo writes a log; it is replayed with random batches, threads and restarts.

use std::path::Path;
use std::time::Duration;

use super::child::ChildNode;
use super::scratch::{Budget, Scratch, seed};
use crate::chance::Chance;
use crate::cli::ProveFlags;
use crate::commands::Failure;
use crate::commands::replay::{Checks, Cutting, Replayed, hex, replay};
use crate::compose;
use crate::observe::say;

/// How long the demo writes its log.
const WRITING_SECONDS: u64 = 20;

/// Replays until the time is over; every result must be the same.
pub(crate) async fn replay_proof(flags: &ProveFlags) -> Result<(), Failure> {
    let seed = seed(flags);
    say(&format!("prove replay: seed {seed}"));
    let mut budget = Budget::new(flags);
    let scratch = Scratch::new(flags)?;
    let data = scratch.path().join("data");
    write_log(flags, scratch.path(), seed).await?;
    let node = compose::open_stopped(&data).await?;
    let mut checks = Checks::new(&node).await?;
    let first = replay(&node, Cutting { chance: None, threads: 1, until: None }, Some(&mut checks)).await?;
    let mut chance = Chance::new(seed);
    let mut rounds = 0;
    while budget.another(rounds) {
        let threads = [1, 2, 4][(chance.next() % 3) as usize];
        let cutting = Cutting { chance: Some(Chance::new(chance.next())), threads, until: None };
        let again = replay(&node, cutting, None).await?;
        rounds += 1;
        if again != first {
            say(&format!("WRONG round {rounds}, {threads} threads: {again:?}, first {first:?}"));
            return Err(Failure::other("a replay differs"));
        }
    }
    tell(&first, rounds, &checks);
    drop(node);
    scratch.forget();
    Ok(())
}

/// The demo as its own process, stopped in good order.
pub(super) async fn write_log(flags: &ProveFlags, directory: &Path, seed: u64) -> Result<(), Failure> {
    let node = start_demo(flags, directory, seed).await?;
    tokio::time::sleep(Duration::from_secs(WRITING_SECONDS)).await;
    node.stop().await
}

/// A demo node with ports 0.
pub(super) async fn start_demo(
    flags: &ProveFlags,
    directory: &Path,
    seed: u64,
) -> Result<ChildNode, Failure> {
    let data = directory.join("data").display().to_string();
    let seed = seed.to_string();
    let mut words: Vec<String> =
        ["demo", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data", &data, "--seed", &seed]
            .map(str::to_owned)
            .to_vec();
    if let Some(profile) = &flags.profile {
        words.extend(["--profile".to_owned(), profile.display().to_string()]);
    }
    ChildNode::start(&words, &directory.join("node.log")).await
}

fn tell(first: &Replayed, rounds: u32, checks: &Checks) {
    say(&format!("records {} rows {} replays {rounds}: all the same bytes", first.end.0, first.rows));
    say(&format!("compared with the node: {}", checks.told()));
    say(&format!("rows_digest {} state_digest {}", hex(&first.rows_digest), hex(&first.state_digest)));
}
