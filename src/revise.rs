//! Who may change what counts on this node: the profile, what stored messages say, figures of the past.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use nhip_analytics::AnalysisHandle;
use nhip_ingest::IngestRoom;
use nhip_ports::{
    AnalysisError, DestroyedKey, ProfileApplied, REPORT_OFFSETS_MAX, RedecodeOrder, RedecodeReport, Refused,
    RestateOrder, RestateReport, RestatedFigure, RevisionError, Revisions, UnsealOrder,
};
use nhip_profile::{Edition, Profile};
use nhip_proto::{ArrivalTime, Offset, ProfileText, Restate};
use tokio::sync::{Mutex, watch};

use crate::commands::{Failure, hex};
use crate::profile_dir;

/// Windows one Restate may compute at most.
pub(crate) const RESTATE_WINDOWS_MAX: u64 = 1_000_000;
/// Lines of what changed in one answer at most.
const CHANGES_MAX: usize = 1_000;

/// Path and text of every file of a profile.
type Files = Vec<(String, String)>;

/// The node's revisions.
pub(crate) struct Reviser {
    directory: PathBuf,
    room: Arc<IngestRoom>,
    analysis: Arc<AnalysisHandle>,
    profile: watch::Sender<Arc<Profile>>,
    /// What foreign brokers are asked for.
    filters: Vec<String>,
    /// One order at a time. The text of the profile now valid.
    turn: Mutex<Files>,
}

impl Reviser {
    pub(crate) fn new(
        directory: PathBuf,
        room: Arc<IngestRoom>,
        analysis: Arc<AnalysisHandle>,
        (profile, files): (watch::Sender<Arc<Profile>>, Files),
        filters: Vec<String>,
    ) -> Self {
        Self { directory, room, analysis, profile, filters, turn: Mutex::new(files) }
    }

    fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, Files>, RevisionError> {
        self.turn.try_lock().map_err(|_| RevisionError::Unavailable("another change is under way".to_owned()))
    }
}

/// A profile as it goes into the log; the room stamps it.
pub(crate) fn text_of(profile: &Profile, files: Files) -> ProfileText {
    ProfileText {
        at: ArrivalTime(0),
        hash: profile.hash,
        semantics: nhip_engine::SEMANTICS,
        zones: nhip_profile::zone_rules(profile),
        files,
    }
}

#[async_trait]
impl Revisions for Reviser {
    async fn apply_profile(&self) -> Result<ProfileApplied, RevisionError> {
        let mut known = self.turn()?;
        let files = profile_dir::read(&self.directory)
            .map_err(|failure: Failure| RevisionError::Profile(vec![failure.to_string()]))?;
        let profile = nhip_profile::load(&files)
            .map_err(|mistakes| RevisionError::Profile(mistakes.iter().map(ToString::to_string).collect()))?;
        let before = Arc::clone(&self.profile.borrow());
        let (hash, unsubscribed) = (hex(&profile.hash), unsubscribed(&profile, &self.filters));
        if before.hash == profile.hash {
            return Ok(ProfileApplied { offset: None, hash, changes: Vec::new(), unsubscribed });
        }
        if before.id != profile.id {
            let what = format!("profile.toml: the id stays {} as long as the node runs", before.id);
            return Err(RevisionError::Profile(vec![what]));
        }
        let changes = changes(
            Edition { files: &known, profile: &before },
            Edition { files: &files, profile: &profile },
        );
        let profile = Arc::new(profile);
        let text = text_of(&profile, files.clone());
        let appended = self.room.adopt_profile(Arc::clone(&profile), text).await.map_err(stopping)?;
        self.profile.send_replace(profile);
        *known = files;
        metrics::counter!("nhip_node_profiles_applied_total").increment(1);
        tracing::info!(offset = appended.first.0, hash, changes = changes.len(), "another profile is valid");
        Ok(ProfileApplied { offset: Some(appended.first), hash, changes, unsubscribed })
    }

    async fn destroyed_keys(&self) -> Result<Vec<DestroyedKey>, RevisionError> {
        self.room.destroyed_keys().await.map_err(|error| RevisionError::Unavailable(error.to_string()))
    }

    async fn redecode(&self, order: RedecodeOrder) -> Result<RedecodeReport, RevisionError> {
        let _turn = self.turn()?;
        self.room.redecode(&order).await.map_err(stopping)
    }

    async fn unseal(&self, order: UnsealOrder) -> Result<Offset, RevisionError> {
        let appended = self.room.note_unsealing(&order).await.map_err(stopping)?;
        metrics::counter!("nhip_node_unsealings_total").increment(1);
        tracing::warn!(offset = appended.first.0, author = order.author, "payloads are about to be unsealed");
        Ok(appended.first)
    }

    async fn restate(&self, order: RestateOrder, dry_run: bool) -> Result<RestateReport, RevisionError> {
        let _turn = self.turn()?;
        let range = (order.from, order.to);
        let foreseen = self.analysis.foresee(order.indicator.clone(), range).await;
        let foreseen = foreseen.map_err(|error| match error {
            AnalysisError::NotFound(what) => RevisionError::Refused(what),
            AnalysisError::Unavailable(what) => RevisionError::Unavailable(what),
        })?;
        if foreseen.windows > RESTATE_WINDOWS_MAX {
            return Err(RevisionError::Refused(format!("more than {RESTATE_WINDOWS_MAX} windows")));
        }
        let changed = foreseen.changes.len() as u64;
        let mut offset = None;
        if !dry_run {
            let restate = Restate {
                at: ArrivalTime(0),
                indicator: order.indicator,
                from: order.from,
                to: order.to,
                reason: order.reason,
                author: order.author,
                computed_to: foreseen.computed_to,
                rows_digest: foreseen.rows_digest,
            };
            offset = Some(self.room.restate(restate).await.map_err(stopping)?.first);
            metrics::counter!("nhip_node_restates_total").increment(1);
        }
        let figure = |(key, old, new)| RestatedFigure { key, old, new };
        Ok(RestateReport {
            computed_to: foreseen.computed_to,
            rows_digest: foreseen.rows_digest,
            windows: foreseen.windows,
            changed,
            figures: foreseen.changes.into_iter().take(REPORT_OFFSETS_MAX).map(figure).collect(),
            offset,
        })
    }
}

fn stopping(refused: Refused) -> RevisionError {
    RevisionError::Unavailable(refused.to_string())
}

/// Filters of routes that no broker this node listens to is asked for. Devices on the embedded endpoint need none.
fn unsubscribed(profile: &Profile, filters: &[String]) -> Vec<String> {
    if filters.is_empty() {
        return Vec::new();
    }
    let covered = |route: &str| filters.iter().any(|filter| covers(filter, route));
    let routes = profile.routes.iter().map(|route| &route.filter);
    routes.filter(|route| !covered(route)).cloned().collect()
}

/// Whether every topic of one filter also fits another (MQTT 3.1.1 §4.7).
fn covers(filter: &str, route: &str) -> bool {
    let mut levels = route.split('/');
    for level in filter.split('/') {
        match (level, levels.next()) {
            ("#", _) => return true,
            ("+", Some(level)) if level != "#" => {}
            (one, Some(other)) if one == other => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// What differs between two profiles, one line each.
fn changes(before: Edition<'_>, after: Edition<'_>) -> Vec<String> {
    let told = nhip_profile::diff(before, after).to_string();
    told.lines().take(CHANGES_MAX).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_filter_covers_what_its_wildcards_say() {
        for (filter, route) in
            [("#", "a/b"), ("a/#", "a/+/c"), ("a/+", "a/b"), ("a/+", "a/+"), ("a/b", "a/b")]
        {
            assert!(covers(filter, route), "{filter} {route}");
        }
        for (filter, route) in [("a/+", "a/#"), ("a/b", "a/+"), ("a", "a/b"), ("a/b", "a"), ("b/#", "a/b")] {
            assert!(!covers(filter, route), "{filter} {route}");
        }
    }
}
