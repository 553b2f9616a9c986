//! What a run over some indicators needs: these, what they follow from or are checked against, and the streams that
//! feed them. The plan stays whole, so that a pruned run decides everything as a full one does; only work is left out.

use std::collections::BTreeSet;

use nhip_profile::{Aggregate, Indicator, Profile};
use nhip_proto::{IndicatorId, StreamId};

/// The part of a plan that some indicators need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubPlan {
    indicators: BTreeSet<IndicatorId>,
    streams: BTreeSet<StreamId>,
}

impl SubPlan {
    /// What `wanted` need under the profiles of a log. All of them count, also those no longer valid: a definition that
    /// runs out follows from definitions of its own profile, and a new one takes up what its streams said before.
    #[must_use]
    pub fn new<'p>(
        wanted: impl IntoIterator<Item = IndicatorId>,
        profiles: impl IntoIterator<Item = &'p Profile>,
    ) -> Self {
        let profiles: Vec<&Profile> = profiles.into_iter().collect();
        let mut indicators: BTreeSet<IndicatorId> = wanted.into_iter().collect();
        let mut open: Vec<IndicatorId> = indicators.iter().cloned().collect();
        while let Some(id) = open.pop() {
            let known = profiles.iter().filter_map(|profile| profile.indicators.get(&id));
            let needed: Vec<IndicatorId> = known.flat_map(needs).collect();
            open.extend(needed.into_iter().filter(|id| indicators.insert(id.clone())));
        }
        let known = profiles.iter().flat_map(|profile| profile.indicators.values());
        let kept = known.filter(|indicator| indicators.contains(&indicator.id));
        let streams = kept.map(|indicator| indicator.stream.clone()).collect();
        Self { indicators, streams }
    }

    /// Whether messages of a stream can move a figure of it.
    #[must_use]
    pub fn needs(&self, stream: &StreamId) -> bool {
        self.streams.contains(stream)
    }

    /// Whether figures of an indicator are worked out.
    #[must_use]
    pub fn has(&self, indicator: &IndicatorId) -> bool {
        self.indicators.contains(indicator)
    }
}

/// The indicators another one is worked out from or checked against.
fn needs(indicator: &Indicator) -> Vec<IndicatorId> {
    let inputs = match &indicator.aggregate {
        Aggregate::Derived(derived) => derived.inputs.clone(),
        _ => Vec::new(),
    };
    let with = indicator.reconcile.as_ref().map(|reconcile| reconcile.with.clone());
    inputs.into_iter().chain(with).collect()
}
