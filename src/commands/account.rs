//! `nhip log account`: a naive count of a log beside its figures, its ledger and what publishers saw acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use crate::account::{self, Account};
use crate::commands::Failure;
use crate::compose;
use crate::observe::say;

/// Per source, the (boot, sequence) pairs publishers saw acknowledged.
pub(crate) type Acknowledged = BTreeMap<String, BTreeSet<(u64, u64)>>;

/// Verifies, counts, compares; anything wrong is a line and exit code 1.
pub(crate) async fn account(data: &Path, acknowledged: Option<&Path>) -> Result<(), Failure> {
    let acknowledged = acknowledged.map_or_else(|| Ok(Acknowledged::new()), read_journal)?;
    let wrong = count(data, &acknowledged).await?;
    if wrong.is_empty() { Ok(()) } else { Err(Failure::other(format!("{} promises broken", wrong.len()))) }
}

/// What is wrong, in words; says it too.
pub(crate) async fn count(data: &Path, acknowledged: &Acknowledged) -> Result<Vec<String>, Failure> {
    super::log::verify(data)?;
    let node = compose::open_stopped(data).await?;
    let account = account::take(&node)?;
    let verdict = account.compare(node.rows.as_ref(), "proof").await?;
    let mut wrong = verdict.wrong;
    wrong.extend(lost(&account, acknowledged));
    if verdict.windows == 0 {
        wrong.push("no window became final: too little to say anything of figures".to_owned());
    }
    let different: usize = account.sequences.values().map(BTreeSet::len).sum();
    let seen: usize = acknowledged.values().map(BTreeSet::len).sum();
    say(&format!(
        "records {} in_log {different} acknowledged {seen} final_figures {}",
        account.records, verdict.windows
    ));
    for line in &wrong {
        say(&format!("WRONG {line}"));
    }
    if wrong.is_empty() {
        say("acknowledged and lost 0, counted twice 0, every final figure equals the naive count");
    }
    Ok(wrong)
}

fn lost(account: &Account, acknowledged: &Acknowledged) -> Vec<String> {
    let mut wrong = Vec::new();
    for (source, sequences) in acknowledged {
        let logged = account.sequences.get(source);
        let lost: Vec<_> =
            sequences.iter().filter(|one| logged.is_none_or(|logged| !logged.contains(one))).collect();
        if let Some((boot, sequence)) = lost.first() {
            let count = lost.len();
            wrong.push(format!(
                "`{source}`: {count} acknowledged messages lost, first boot {boot} sequence {sequence}"
            ));
        }
    }
    wrong
}

#[derive(Deserialize)]
struct Line {
    source: String,
    boot: u64,
    sequence: u64,
}

/// A journal may end in the middle of a line: its writer was killed too. Only whole lines count.
fn read_journal(path: &Path) -> Result<Acknowledged, Failure> {
    let unreadable = |error: std::io::Error| Failure::configuration(format!("{}: {error}", path.display()));
    let mut acknowledged = Acknowledged::new();
    for line in BufReader::new(std::fs::File::open(path).map_err(unreadable)?).lines() {
        if let Ok(line) = serde_json::from_str::<Line>(&line.map_err(unreadable)?) {
            acknowledged.entry(line.source).or_default().insert((line.boot, line.sequence));
        }
    }
    Ok(acknowledged)
}
