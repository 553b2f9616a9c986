//! Whether what an indicator stands on is fed: who is due, and if nobody is, whether somebody promised to send.

use std::collections::BTreeSet;

use nhip_profile::{Aggregate, Indicator, Profile, Source, SourceState};
use nhip_proto::{AreaCode, IndicatorId, StreamId};

/// How many connected sources an indicator's streams have in an area; 0: nothing feeds it there.
#[must_use]
pub(crate) fn due_in(profile: &Profile, indicator: &IndicatorId, area: &AreaCode) -> u32 {
    let streams = streams_of(profile, indicator);
    let due: usize = streams.iter().map(|stream| profile.due(stream, area).len()).sum();
    u32::try_from(due).unwrap_or(u32::MAX)
}

/// The best state among the sources of an indicator's streams in an area; none of them: *chưa có nguồn*.
#[must_use]
pub(crate) fn source_state(profile: &Profile, indicator: &IndicatorId, area: &AreaCode) -> SourceState {
    let streams = streams_of(profile, indicator);
    let feeds =
        |source: &&Source| streams.contains(&source.stream) && profile.ancestry(&source.area).contains(area);
    let states: Vec<SourceState> =
        profile.sources.values().filter(feeds).map(|source| source.state).collect();
    let best =
        [SourceState::Connected, SourceState::Committed].into_iter().find(|best| states.contains(best));
    best.unwrap_or(SourceState::None)
}

/// The streams an indicator reads, itself or through the indicators it is derived from.
fn streams_of(profile: &Profile, indicator: &IndicatorId) -> BTreeSet<StreamId> {
    let (mut streams, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<&Indicator> = profile.indicators.get(indicator).into_iter().collect();
    while let Some(indicator) = open.pop() {
        if !seen.insert(&indicator.id) {
            continue;
        }
        match &indicator.aggregate {
            Aggregate::Derived(derived) => {
                open.extend(derived.inputs.iter().filter_map(|input| profile.indicators.get(input)));
            }
            _ => drop(streams.insert(indicator.stream.clone())),
        }
    }
    streams
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixtures::{PROVINCE, profile};

    #[test]
    fn an_indicator_is_fed_where_a_source_really_sends() {
        let mut profile = (*profile(3)).clone();
        let (indicator, province) = (IndicatorId::new("env.pm25"), AreaCode::new(PROVINCE));
        let states = [SourceState::Connected, SourceState::Committed, SourceState::None];
        for (source, state) in profile.sources.values_mut().zip(states) {
            source.state = state;
        }
        let told = |area: &str| source_state(&profile, &indicator, &AreaCode::new(area));
        assert_eq!(
            ["80", "c001", "c002", "c003"].map(told),
            [SourceState::Connected, SourceState::Connected, SourceState::Committed, SourceState::None,]
        );
        assert_eq!(due_in(&profile, &indicator, &province), 1);
        assert_eq!(source_state(&profile, &IndicatorId::new("env.none"), &province), SourceState::None);
    }
}
