//! An account of a stopped node: what stands in its log, counted naively, beside what its figures and ledger say.
//!
//! The naive count walks the log with a set of identities and knows nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

use nhip_engine::{Effects, Engine, EngineSettings};
use nhip_ports::RowStore;
use nhip_proto::{EventTime, ItemValue, LedgerCounts, Message, MessageBody, Offset, Record, RowState};

use crate::commands::Failure;
use crate::compose::StoppedNode;

/// The indicators of `profiles/proof` that the naive count knows.
const COUNT: &str = "load.messages";
const SUM: &str = "load.sum";
/// The window of both.
const WINDOW_NS: i64 = 5_000_000_000;
/// Records read at a time.
const BATCH_RECORDS: usize = 8_192;
/// Rows read at a time.
const ROWS_READ_MAX: usize = 1_000_000;

/// What a log holds.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Per source, the different (boot, sequence) pairs.
    pub(crate) sequences: BTreeMap<String, BTreeSet<(u64, u64)>>,
    /// Per source, messages as they arrived.
    pub(crate) received: BTreeMap<String, u64>,
    /// Different messages and sum of values, per window start.
    windows: BTreeMap<i64, (i128, i128)>,
    /// Messages no source was found for.
    pub(crate) unrouted: u64,
    /// The ledger of a replay, per source.
    pub(crate) ledger: BTreeMap<String, LedgerCounts>,
    /// Records in all.
    pub(crate) records: u64,
}

/// What the comparison found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Final windows whose figure was compared.
    pub(crate) windows: u64,
    /// What is wrong, in words; empty: nothing.
    pub(crate) wrong: Vec<String>,
}

/// Walks the log once naively and once with the engine.
pub(crate) fn take(node: &StoppedNode) -> Result<Account, Failure> {
    let mut account = Account::default();
    let mut engine = Engine::new(EngineSettings { threads: 1, origin: node.origin });
    let mut effects = Effects::default();
    let mut at = node.log.first();
    while at < node.log.end() {
        let batch = crate::commands::read_batch(&node.log, at, BATCH_RECORDS)?;
        for logged in &batch {
            account.records += 1;
            match &logged.record {
                Record::Message(message) => account.note(message),
                Record::Entry(entry) => *account.received.entry(entry.subject.clone()).or_default() += 1,
                _ => {}
            }
        }
        let read = |from| crate::commands::read_batch(&node.log, from, BATCH_RECORDS);
        engine.apply_with(&batch, &mut effects, read)?;
        effects.rows.clear();
        at = engine.applied();
    }
    account.ledger =
        engine.ledger().into_iter().map(|row| (row.source.as_str().to_owned(), row.counts)).collect();
    Ok(account)
}

impl Account {
    fn note(&mut self, message: &Message) {
        if message.source.as_str().is_empty() {
            self.unrouted += 1;
            return;
        }
        let source = message.source.as_str().to_owned();
        *self.received.entry(source.clone()).or_default() += 1;
        let MessageBody::Items(items) = &message.body else { return };
        for item in items {
            let (Some(sequence), ItemValue::Number(value)) = (item.sequence, &item.value) else { continue };
            let identity = (item.boot.unwrap_or_default(), sequence);
            if self.sequences.entry(source.clone()).or_default().insert(identity) {
                let EventTime(time) = item.event_time.unwrap_or(EventTime(message.arrival.0));
                let window = self.windows.entry(time.div_euclid(WINDOW_NS) * WINDOW_NS).or_default();
                window.0 += 1;
                window.1 += value.at_scale(0).unwrap_or_default();
            }
        }
    }

    /// Final figures on the disk against the naive count; the ledger against what was received.
    pub(crate) async fn compare(&self, rows: &dyn RowStore, province: &str) -> Result<Verdict, Failure> {
        let mut verdict = Verdict::default();
        let all = rows.read(Offset(0), Offset(u64::MAX), ROWS_READ_MAX).await.map_err(Failure::other)?;
        let mut newest = BTreeMap::new();
        for row in all.iter().filter(|row| row.key.area.as_str() == province) {
            newest.insert((row.key.indicator.as_str(), row.key.window_start.0), row);
        }
        for ((indicator, start), row) in newest {
            let final_row = row.state != RowState::Provisional;
            let expected = self.windows.get(&start).copied().unwrap_or_default();
            let expected = match indicator {
                COUNT => expected.0,
                SUM => expected.1,
                _ => continue,
            };
            verdict.windows += u64::from(final_row);
            if final_row && row.numerator != expected {
                verdict.wrong.push(format!(
                    "{indicator} of the window at {start}: figure {}, naive count {expected}",
                    row.numerator
                ));
            }
        }
        self.compare_ledger(&mut verdict);
        Ok(verdict)
    }

    fn compare_ledger(&self, verdict: &mut Verdict) {
        for (source, counts) in &self.ledger {
            let received = self.received.get(source).copied().unwrap_or(self.unrouted);
            let expected = if source.is_empty() { self.unrouted } else { received };
            if !counts.balances() || counts.received != expected {
                verdict.wrong.push(format!("ledger of `{source}`: {counts:?}, received {expected}"));
            }
            let different = self.sequences.get(source).map_or(0, BTreeSet::len) as u64;
            if counts.applied + counts.late != different && different > 0 {
                verdict.wrong.push(format!(
                    "`{source}`: {} applied and {} late, {different} different in the log",
                    counts.applied, counts.late
                ));
            }
        }
    }
}
