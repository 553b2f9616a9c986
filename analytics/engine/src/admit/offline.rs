//! What a source counts as when its edge node or device died.

use super::{Frame, Output, Visit};
use crate::plan::NameKind;
use crate::series::Sample;
use crate::source::Source;

/// Its streams that have a state `offline` get a sample of it.
pub(super) fn go_offline(source: &mut Source, offset: u64, at: i64, frame: Frame<'_>, out: &mut Output) {
    let Some(bound) = source.bound else { return };
    let Some(stream) = frame.plan.streams.get(bound.stream as usize) else { return };
    let mut visit = Visit { source, offset, arrival: at, takes_back: None, frame, out };
    for name in &stream.names {
        let NameKind::State { offline: Some(state), .. } = name.kind else { continue };
        for series in &name.series {
            let until = at.saturating_add(stream.staleness);
            // A group the source never named does not begin with its end.
            let split = stream.series.get(*series as usize).is_some_and(|series| series.group.is_some());
            let known = visit.source.series.get(*series as usize);
            if split && known.is_none_or(|(_, series)| series.samples.is_empty()) {
                continue;
            }
            let sample = Sample {
                time: at,
                sequence: u64::MAX,
                value: i128::from(state),
                until,
                instant: at,
                area: bound.area,
                lane: bound.lane,
            };
            visit.sample(*series, sample, (&bound, stream), false);
        }
    }
}
