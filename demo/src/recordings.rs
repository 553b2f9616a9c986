//! Real recordings of other cities, re-based in time and published as if they happened now.

mod birmingham;
mod boston;
mod i94;
mod melbourne;
mod montreal;
mod nairobi;
mod plan;
mod plumtree;
mod prsa;
mod rows;
mod speeds;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, SourceId, Span};

use crate::DemoError;
use crate::city::in_order;
use crate::plan::{Plan, Planned};

use plan::{Playing, Recording, Replay};
pub use rows::RowSet;

/// The recordings of a directory whose sources a profile lists.
#[derive(Clone, Debug)]
pub struct Recordings {
    profile: Arc<Profile>,
    recordings: Vec<Arc<Recording>>,
}

/// Where a recording comes from and under which licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// Who made it.
    pub source: &'static str,
    /// How it may be used.
    pub licence: &'static str,
}

impl Recordings {
    /// Reads `air/prsa_*.csv.gz`, `traffic/montreal_mqtt_detectors_*.csv.gz` and
    /// `traffic/metr_la_speed_*.csv.gz`.
    ///
    /// # Errors [`DemoError`] if a file cannot be read, or if no file holds a source of the profile.
    pub fn read(directory: &Path, profile: &Arc<Profile>) -> Result<Self, DemoError> {
        let mut recordings = Vec::new();
        recordings.extend(prsa::read(&directory.join("air"), profile)?);
        recordings.extend(montreal::read(&directory.join("traffic"), profile)?);
        recordings.extend(speeds::read(&directory.join("traffic"), profile)?);
        let kept: Vec<_> = recordings.into_iter().filter(Recording::plays).map(Arc::new).collect();
        if kept.is_empty() {
            let what = "no recording in the directory has a source of the profile";
            return Err(DemoError::Configuration(what.to_owned()));
        }
        Ok(Self { profile: Arc::clone(profile), recordings: kept })
    }

    /// The sources and licences to show beside the data.
    #[must_use]
    pub fn attributions(&self) -> Vec<Attribution> {
        self.recordings.iter().map(|recording| recording.attribution).collect()
    }

    /// Readings per source.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<SourceId, u64> {
        let mut counts = BTreeMap::new();
        for recording in &self.recordings {
            for reading in &recording.readings {
                if let Some(source) = recording.sources.get(usize::from(reading.source)) {
                    *counts.entry(source.clone()).or_default() += 1;
                }
            }
        }
        counts
    }

    /// Every reading once, each recording moved by whole weeks so that its last reading ends at `end` or less
    /// than a week before; by event time. Send times are event times.
    #[must_use]
    pub fn plan(&self, end: ArrivalTime) -> Vec<Planned> {
        self.plan_since(end, None)
    }

    /// As [`Self::plan`], but only readings later than `since`.
    #[must_use]
    pub fn plan_since(&self, end: ArrivalTime, since: Option<ArrivalTime>) -> Vec<Planned> {
        let replays = self.recordings.iter().map(|recording| {
            let replay = Replay::once(Arc::clone(recording), &self.profile, end);
            let playing = Playing::whole(replay, since);
            Box::new(playing) as Box<dyn Plan>
        });
        in_order(replays.collect(), |plan| plan.live(ArrivalTime(i64::MIN), ArrivalTime(i64::MAX)))
    }

    /// One plan per recording, repeated without end.
    pub(crate) fn plans(&self, backlog: Span, messages_max: usize) -> Vec<Box<dyn Plan>> {
        let share = messages_max / self.recordings.len().max(1);
        let playing = |recording: &Arc<Recording>| {
            let replay = Replay::repeated(Arc::clone(recording), &self.profile);
            Box::new(Playing::with_past(replay, backlog, share)) as Box<dyn Plan>
        };
        self.recordings.iter().map(playing).collect()
    }
}
