//! Which listed sources live: inside their staleness limit at the last Tick.

use std::collections::BTreeMap;

use nhip_profile::Profile;
use nhip_proto::{AreaCode, ArrivalTime, EventTime, SourceId, SourceUpdate, Span};

/// One listed source.
#[derive(Clone, Debug)]
struct Listed {
    /// Its own area and those around it.
    areas: Vec<AreaCode>,
    event_time: Option<EventTime>,
    staleness: Span,
    up: bool,
}

/// The listed sources of a profile. Sources it does not list are counted nowhere here and named nowhere.
#[derive(Clone, Debug)]
pub(crate) struct ListedSources {
    listed: BTreeMap<SourceId, Listed>,
    live: usize,
}

/// A source came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Which.
    pub(crate) source: SourceId,
    /// Whether it lives now.
    pub(crate) up: bool,
    /// Its greatest event time.
    pub(crate) event_time: Option<EventTime>,
}

impl ListedSources {
    /// All sources of a profile, none heard.
    #[must_use]
    pub(crate) fn new(profile: &Profile) -> Self {
        let staleness = |source: &nhip_profile::Source| {
            profile.streams.get(&source.stream).map_or(Span::MAX, |stream| stream.staleness)
        };
        let listed = profile
            .sources
            .iter()
            .map(|(id, source)| {
                let areas = profile.ancestry(&source.area);
                (id.clone(), Listed { areas, event_time: None, staleness: staleness(source), up: false })
            })
            .collect();
        Self { listed, live: 0 }
    }

    /// Takes what was heard and judges all sources at the Tick; returns those that turned, in id order.
    pub(crate) fn judge(&mut self, heard: &[SourceUpdate], tick: Option<ArrivalTime>) -> Vec<Turn> {
        for update in heard {
            if let Some(listed) = self.listed.get_mut(&update.source) {
                listed.event_time = listed.event_time.max(update.event_time);
            }
        }
        let Some(tick) = tick.map(ArrivalTime::stands_in_as_event_time) else { return Vec::new() };
        let mut turned = Vec::new();
        for (source, listed) in &mut self.listed {
            let up = listed.event_time.is_some_and(|time| tick.since(time) <= listed.staleness);
            if up != listed.up {
                listed.up = up;
                turned.push(Turn { source: source.clone(), up, event_time: listed.event_time });
            }
        }
        self.live = self.listed.values().filter(|listed| listed.up).count();
        turned
    }

    /// How many live.
    #[must_use]
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// How many live in an area, of how many there.
    #[must_use]
    pub(crate) fn counts_in(&self, area: &AreaCode) -> (usize, usize) {
        let inside = self.listed.values().filter(|listed| listed.areas.contains(area));
        inside.fold((0, 0), |(live, due), listed| (live + usize::from(listed.up), due + 1))
    }

    /// How many there are.
    #[must_use]
    pub(crate) fn due(&self) -> usize {
        self.listed.len()
    }
}
