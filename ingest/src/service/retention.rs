//! The keeper of retention: keys of days past their time are destroyed, and the log says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nhip_ports::{DestroyedKey, Destruction, KeyError, Refused};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, Command, MINUTE, Record, Span};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::IngestRoom;
use crate::retention::{Steady, due_keys, told};
use crate::telemetry;

/// Keys one pass destroys at most; the next pass goes on a second later.
pub const KEYS_PER_PASS_MAX: usize = 64;
/// The verb of the Commands that say keys were destroyed.
pub const DESTROY_KEYS: &str = "destroy_keys";
/// Whose Commands they are.
const AUTHOR: &str = "retention";
/// Between two looks at time and profile.
const LOOK: Duration = Duration::from_secs(1);
/// Time of the log between two passes where nothing else calls for one.
const PASS_EVERY: Span = 60 * MINUTE;
const DAY: Span = 24 * 60 * MINUTE;

/// What the last pass stood on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pass {
    at: ArrivalTime,
    profile: [u8; 16],
    settled: bool,
}

impl IngestRoom {
    /// Destroys the keys that are due by the profile in force, by the time of the last durable Tick: no record that
    /// arrived before it can still be on its way. Real time must have run steadily for [`SETTLED_AFTER`]; the time of a
    /// simulated log is its own. A key store that fails is tried again and stops nothing else.
    ///
    /// [`SETTLED_AFTER`]: crate::SETTLED_AFTER
    ///
    /// # Errors
    /// [`Refused`] if the log failed or the room was closed; the node is going down.
    pub async fn keep_retention(
        &self,
        profiles: watch::Receiver<Arc<Profile>>,
        stop: CancellationToken,
    ) -> Result<(), Refused> {
        let keeping = async {
            self.log_destroyed().await?;
            let mut steady = Steady::new(!self.clock.real());
            let mut last = None;
            let mut looks = tokio::time::interval(LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                looks.tick().await;
                let Some(now) = self.last_tick() else { continue };
                if steady.look(now) {
                    tracing::warn!(
                        ?now,
                        "the clock jumped ahead: no key is destroyed by it before it has run on"
                    );
                }
                let profile = Arc::clone(&profiles.borrow());
                let pass = Pass { at: now, profile: profile.hash, settled: steady.settled() };
                if last.is_none_or(|last| wanted(last, pass)) && !self.pass(&profile, pass).await? {
                    last = Some(pass);
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = keeping => ended,
        }
    }

    /// Destroys what is due, longest due first; whether there is more to do soon.
    async fn pass(&self, profile: &Profile, pass: Pass) -> Result<bool, Refused> {
        let ids = match self.keyring.living().await {
            Ok(ids) => ids,
            Err(error) => {
                failed(&error);
                return Ok(false);
            }
        };
        let due = due_keys(profile, &ids, pass.at);
        telemetry::keys_due(due.len());
        if !pass.settled || due.is_empty() {
            return Ok(false);
        }
        let mut by_rule: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for key in due.iter().take(KEYS_PER_PASS_MAX) {
            by_rule.entry(told(key.rule)).or_default().push(key.id.clone());
        }
        for (under, ids) in by_rule {
            let destruction = Destruction { at: pass.at, under, author: AUTHOR.to_owned() };
            if let Err(error) = self.destroy_keys(&ids, &destruction).await? {
                failed(&error);
                return Ok(false);
            }
        }
        telemetry::keys_due(due.len().saturating_sub(KEYS_PER_PASS_MAX));
        Ok(due.len() > KEYS_PER_PASS_MAX)
    }

    /// Destroys keys and logs that they are; those of them that lived until now.
    ///
    /// # Errors
    /// [`Refused`] if the log failed; inside: the key store failed, and what it destroyed is logged by a later call or
    /// the next start.
    pub async fn destroy_keys(
        &self,
        ids: &[String],
        destruction: &Destruction,
    ) -> Result<Result<Vec<String>, KeyError>, Refused> {
        let done = self.keyring.destroy(ids, destruction).await;
        if let Ok(done) = &done
            && !done.is_empty()
        {
            tracing::info!(keys = done.len(), under = destruction.under, "keys destroyed");
            self.log_destroyed().await?;
        }
        Ok(done)
    }

    /// The list of destroyed keys, sorted by id.
    ///
    /// # Errors
    /// The key store failed.
    pub async fn destroyed_keys(&self) -> Result<Vec<DestroyedKey>, KeyError> {
        self.keyring.destroyed().await
    }

    /// Logs the destruction of keys that the log does not name yet: a crash may lie between the two. A Command that was
    /// logged and not noted comes a second time with the same id.
    ///
    /// # Errors
    /// [`Refused`] if the log failed.
    pub async fn log_destroyed(&self) -> Result<(), Refused> {
        let (destroyed, living) = match (self.keyring.destroyed().await, self.keyring.living().await) {
            (Ok(destroyed), Ok(living)) => (destroyed, living),
            (Err(error), _) | (_, Err(error)) => {
                failed(&error);
                return Ok(());
            }
        };
        let end = *self.log.durable().borrow();
        // A log out of a backup may end before the record the list names; what the disk would not destroy yet is not
        // said to be gone.
        let is_open = |key: &DestroyedKey| {
            key.logged.is_none_or(|offset| offset >= end) && living.binary_search(&key.id).is_err()
        };
        let open = destroyed.into_iter().filter(is_open);
        let mut by_reason: BTreeMap<(ArrivalTime, String, String), Vec<String>> = BTreeMap::new();
        for DestroyedKey { id, destruction: Destruction { at, under, author }, .. } in open {
            by_reason.entry((at, under, author)).or_default().push(id);
        }
        for ((at, under, author), ids) in by_reason {
            for ids in ids.chunks(KEYS_PER_PASS_MAX) {
                let offset = self.log_one(|now| command(now, (at, &under, &author), ids)).await?.first;
                if let Err(error) = self.keyring.note_logged(ids, offset).await {
                    failed(&error);
                }
            }
        }
        Ok(())
    }
}

/// Keys become due when a UTC day ends; whatever else may change is looked at each hour.
fn wanted(last: Pass, now: Pass) -> bool {
    let day = |pass: Pass| pass.at.0.div_euclid(DAY);
    (now.profile, now.settled, day(now)) != (last.profile, last.settled, day(last))
        || now.at.since(last.at) >= PASS_EVERY
}

/// Which keys, when and under what, as JSON in the subject; all of it is text of the profile or an operator's reason.
fn command(now: ArrivalTime, (at, under, author): (ArrivalTime, &str, &str), ids: &[String]) -> Record {
    let first = ids.first().map_or("", String::as_str);
    Record::Command(Box::new(Command {
        at: now,
        id: format!("{DESTROY_KEYS}-{}-{first}", at.0),
        author: author.to_owned(),
        verb: DESTROY_KEYS.to_owned(),
        subject: json!({ "keys": ids, "at_ns": at.0, "under": under }).to_string(),
        sealed: None,
    }))
}

/// Told, counted, and tried again with the next pass or start.
fn failed(error: &KeyError) {
    tracing::error!(%error, "keys that are due cannot be destroyed");
    telemetry::retention_failed();
}
