//! `nhip prove ledger`: asks a running demo for its ledger and recounts its log afterwards.

use std::time::Duration;

use serde_json::Value;

use super::replay::start_demo;
use super::scratch::{Budget, Scratch, seed};
use crate::account;
use crate::cli::ProveFlags;
use crate::commands::Failure;
use crate::compose;
use crate::observe::say;

/// Between two looks at the ledger.
const LOOK_MS: u64 = 500;
/// The classes an item can be in, as the ledger names them.
const CLASSES: [&str; 5] = ["applied", "duplicate", "late", "item_rejected", "superseded"];

/// Fails if any source's classes do not add up at any look, or in the recount.
pub(crate) async fn ledger(flags: &ProveFlags) -> Result<(), Failure> {
    let seed = seed(flags);
    say(&format!("prove ledger: seed {seed}"));
    let scratch = Scratch::new(flags)?;
    let node = start_demo(flags, scratch.path(), seed).await?;
    let (mut budget, mut looks, mut lines) = (Budget::new(flags), 0_u32, 0_usize);
    while budget.another(looks) {
        let (_, answer) = nhip_client::http_get_json(&node.http.to_string(), "/api/v1/ledger?limit=1000")
            .await
            .map_err(Failure::other)?;
        lines += check(&answer)?;
        looks += 1;
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
    node.stop().await?;
    let stopped = compose::open_stopped(&scratch.path().join("data")).await?;
    let account = account::take(&stopped)?;
    let unbalanced = account.ledger.iter().filter(|(_, counts)| !counts.balances()).count();
    let received: u64 = account.received.values().sum::<u64>() + account.unrouted;
    let told: u64 = account.ledger.values().map(|counts| counts.received).sum();
    say(&format!("looks {looks} lines {lines} records {} messages {received}", account.records));
    if unbalanced > 0 || received != told {
        return Err(Failure::other(format!(
            "{unbalanced} sources do not balance; {told} told, {received} in the log"
        )));
    }
    say("every message and every item is in exactly one class");
    drop(stopped);
    scratch.forget();
    Ok(())
}

fn check(answer: &Value) -> Result<usize, Failure> {
    let items = answer.get("items").and_then(Value::as_array).ok_or_else(|| Failure::other("no items"))?;
    for item in items {
        let count = |name: &str| item.get(name).and_then(Value::as_u64).unwrap_or(u64::MAX);
        let classes: u64 = CLASSES.iter().map(|class| count(class)).fold(0, u64::saturating_add);
        let messages = count("decoded").saturating_add(count("rejected"));
        if count("received") != messages || count("items") != classes {
            return Err(Failure::other(format!("a line of the ledger does not add up: {item}")));
        }
    }
    Ok(items.len())
}
