//! What a story can see of a profile: the figures it asks for with all they stand on, and the sources of its streams. A
//! province has hundreds of figures; a story asks for one, and is played in a hundredth of the time.

use std::collections::BTreeSet;

use nhip_profile::Profile;
use nhip_profile::story::{Act, Expectation, Story};
use nhip_proto::{IndicatorId, StreamId};

/// The profile without what no expectation of the story can depend on.
pub(super) fn narrowed(profile: &Profile, story: &Story) -> Profile {
    let asked = story.steps.iter().filter_map(|step| match &step.act {
        Act::Expect(Expectation::Figure(figure)) => Some(figure.indicator.clone()),
        _ => None,
    });
    let needed = stands_on(profile, asked.collect());
    let mut streams: BTreeSet<&StreamId> = BTreeSet::new();
    streams.extend(story.steps.iter().filter_map(|step| match &step.act {
        Act::Message(message) => Some(&message.stream),
        Act::Rejected { stream, .. } => Some(stream),
        _ => None,
    }));
    streams.extend(needed.iter().filter_map(|id| profile.indicators.get(id)).map(|known| &known.stream));
    let mut narrow = profile.clone();
    narrow.indicators.retain(|id, _| needed.contains(id));
    narrow.sources.retain(|_, source| streams.contains(&source.stream));
    narrow
}

/// These indicators and all their definitions name, also where only a limit or a target is read.
fn stands_on(profile: &Profile, mut needed: BTreeSet<IndicatorId>) -> BTreeSet<IndicatorId> {
    let mut fresh: Vec<IndicatorId> = needed.iter().cloned().collect();
    while let Some(id) = fresh.pop() {
        let Some(indicator) = profile.indicators.get(&id) else { continue };
        for other in profile.indicators.keys() {
            if indicator.text.contains(other.as_str()) && needed.insert(other.clone()) {
                fresh.push(other.clone());
            }
        }
    }
    needed
}
