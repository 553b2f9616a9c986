//! What tells figures apart, and which of several of one place, period and name stands.

use nhip_profile::{Profile, Quantity, Stream, convert};
use nhip_proto::{Decimal, Entry, EventTime, ItemName, ItemValue};

/// The state that says how settled a figure is; the later of its words stands.
pub(super) const PHASE: &str = "phase";
/// The quantity that counts the author's own revisions; the greater stands.
pub(super) const REVISION: &str = "revision";
/// The state that says whether a figure may be shown.
const RELEASED: &str = "released";

/// How far a figure has come: phase, then revision.
pub(super) type Rank = (usize, i128);

/// A value that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) rank: Rank,
    /// At the scale of its quantity, in its unit.
    pub(super) value: i128,
    /// The record it was written with.
    pub(super) offset: u64,
}

/// What all figures of one row share.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) stream: &'a str,
    pub(super) source: &'a str,
    pub(super) period: (EventTime, EventTime),
    /// State and word, in the stream's order.
    pub(super) states: Vec<(&'a str, &'a str)>,
}

impl Place<'_> {
    /// The key of a figure: everything but phase, revision and release.
    pub(super) fn key(&self, name: &str) -> u128 {
        let mut hasher = blake3::Hasher::new();
        let dimensions = self.states.iter().filter(|(state, _)| *state != PHASE && *state != RELEASED);
        let words = dimensions.flat_map(|(state, word)| [*state, *word]);
        for text in [self.stream, self.source, name].into_iter().chain(words) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&self.period.0.0.to_le_bytes());
        hasher.update(&self.period.1.0.to_le_bytes());
        first_16(&hasher.finalize())
    }

    /// How far it has come. A word the stream no longer lists comes first.
    pub(super) fn rank(&self, stream: &Stream, revision: Option<i128>) -> Rank {
        let word = self.states.iter().find(|(state, _)| *state == PHASE).map(|(_, word)| *word);
        let phases = stream.states.get(PHASE);
        let phase = phases.and_then(|all| all.iter().position(|one| Some(one.as_str()) == word));
        (phase.map_or(0, |phase| phase + 1), revision.unwrap_or(0))
    }
}

/// The first 16 bytes of a hash as a number.
pub(super) fn first_16(hash: &blake3::Hash) -> u128 {
    hash.as_bytes().iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

/// A value in its quantity's own unit and scale.
pub(super) fn canonical(
    value: Decimal,
    unit: &str,
    name: &str,
    stream: &Stream,
    quantity: &Quantity,
) -> Option<i128> {
    let default = stream.quantities.get(name).map_or("", String::as_str);
    let unit = if unit.is_empty() { default } else { unit };
    let unit = if unit.is_empty() { quantity.unit.as_str() } else { unit };
    convert(value, unit, &quantity.unit, quantity.scale)
}

/// The figures of an entry with their keys; those the profile no longer knows are left out.
pub(super) fn figures_of(entry: &Entry, profile: &Profile, offset: u64) -> Vec<(u128, Standing)> {
    let stream_id = nhip_proto::StreamId::new(&entry.stream);
    let Some(stream) = profile.streams.get(&stream_id) else { return Vec::new() };
    let period = entry.items.first().and_then(|item| item.period);
    let Some(period) = period else { return Vec::new() };
    let text = |name: &ItemName| match name {
        ItemName::Text(text) => Some(text.clone()),
        _ => None,
    };
    let named: Vec<(String, &nhip_proto::Item)> =
        entry.items.iter().filter_map(|item| Some((text(&item.name)?, item))).collect();
    let states = named.iter().filter_map(|(name, item)| match &item.value {
        ItemValue::State(word) => Some((name.as_str(), word.as_str())),
        _ => None,
    });
    let mut states: Vec<(&str, &str)> = states.collect();
    states.sort_unstable();
    let place = Place { stream: &entry.stream, source: &entry.subject, period, states };
    let value_of = |name: &str, item: &nhip_proto::Item| {
        let ItemValue::Number(value) = item.value else { return None };
        canonical(value, &item.unit, name, stream, profile.quantities.get(name)?)
    };
    let values: Vec<(&str, i128)> =
        named.iter().filter_map(|(name, item)| Some((name.as_str(), value_of(name, item)?))).collect();
    let revision = values.iter().find(|(name, _)| *name == REVISION).map(|(_, value)| *value);
    let rank = place.rank(stream, revision);
    let figures = values.iter().filter(|(name, _)| *name != REVISION);
    figures.map(|(name, value)| (place.key(name), Standing { rank, value: *value, offset })).collect()
}
