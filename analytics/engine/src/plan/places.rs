//! Places: areas, and groups inside areas, in one space of numbers that stay. All follows from the interned texts.

use jiff::tz::TimeZone;
use nhip_profile::{Crossing, GroupBy, Indicator, Profile, SHARE_WHOLE, Stream};
use nhip_proto::AreaCode;

use super::{NOWHERE, Plan};
use crate::calendar::midnight;
use crate::table::Words;

/// Groups of one definition with a name of their own; what lies beyond belongs to [`OTHER`].
pub(crate) const GROUPS_MAX: usize = 4_096;
/// The group of readings without the state, of sources the profile does not list, and of groups beyond the most.
pub(crate) const OTHER: &str = "other";
/// Between area and group in an interned text: split by a state, split by source. No code holds either.
const BY_STATE: char = '\u{1}';
const BY_SOURCE: char = '\u{2}';

/// Which place inside an area a reading counts for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Split {
    /// The area as a whole.
    #[default]
    Whole,
    /// Its source's.
    Source,
    /// By a state of the reading.
    State(StateSplit),
}

/// The places of a definition split by a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateSplit {
    /// The state's place among the names of the stream; [`NOWHERE`]: the stream has it no more.
    pub(crate) name: u32,
    /// The words with a group of their own; the last is that of [`OTHER`] unless the state has such a word.
    pub(crate) words: Vec<u32>,
    /// Where in `words` all else belongs.
    pub(crate) other: u32,
    /// By word, then by area: the place.
    places: Vec<u32>,
    areas: u32,
}

impl Split {
    /// The place of a sample: its area, its source's place, and the group it is in if the split is by a state.
    pub(crate) fn place(&self, area: u32, lane: u32, slot: u32) -> u32 {
        match self {
            Self::Whole => area,
            Self::Source => lane,
            Self::State(split) => {
                let at = slot as usize * split.areas as usize + area as usize;
                split.places.get(at).filter(|_| area < split.areas).copied().unwrap_or(area)
            }
        }
    }

    /// How many lanes a definition needs beside those of the areas.
    pub(crate) fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}

impl StateSplit {
    /// Which of `words` a reading belongs to, by the word it carries.
    pub(crate) fn slot(&self, word: Option<u32>) -> u32 {
        let known = word.and_then(|word| self.words.iter().position(|known| *known == word));
        known.map_or(self.other, |at| at as u32)
    }

    /// The places of one area, and whether each is a group a reading can name.
    pub(crate) fn places_in(&self, area: u32) -> impl Iterator<Item = u32> + '_ {
        let places = self.places.iter().skip(area as usize).step_by((self.areas as usize).max(1));
        places.copied().filter(move |_| area < self.areas)
    }
}

/// Numbers for the areas of a profile.
pub(super) fn name_areas(profile: &Profile, areas: &mut Words) {
    areas.intern(AreaCode::unassigned().as_str());
    for code in profile.areas.keys() {
        areas.intern(code.as_str());
    }
}

/// Numbers for the places of an indicator's groups.
pub(super) fn name_groups(profile: &Profile, indicator: &Indicator, areas: &mut Words) {
    let Some(stream) = profile.names_of(indicator) else { return };
    match &indicator.group {
        None => {}
        Some(GroupBy::Source) => name_sources(profile, stream, areas),
        Some(GroupBy::State(name)) => {
            let codes: Vec<AreaCode> = profile.areas.keys().cloned().collect();
            for group in state_groups(stream, name) {
                for code in codes.iter().chain(&[AreaCode::unassigned()]) {
                    areas.intern(&text(code.as_str(), BY_STATE, &group));
                }
            }
        }
    }
}

/// A source's group stands in its own area and in the province.
fn name_sources(profile: &Profile, stream: &Stream, areas: &mut Words) {
    let province = profile.province().map(|area| area.code.clone());
    let mut name = |area: &AreaCode, group: &str| {
        for code in std::iter::once(area).chain(&province) {
            areas.intern(&text(code.as_str(), BY_SOURCE, group));
        }
    };
    let listed = profile.sources.values().filter(|source| source.stream == stream.id);
    for (at, source) in listed.enumerate() {
        name(&source.area, if at < GROUPS_MAX { source.id.as_str() } else { OTHER });
    }
    if stream.open {
        name(&AreaCode::unassigned(), OTHER);
    }
}

/// The texts of a state's groups, [`OTHER`] among them.
fn state_groups(stream: &Stream, name: &str) -> Vec<String> {
    let declared = stream.states.get(name).into_iter().flatten();
    let mut groups: Vec<String> = declared.take(GROUPS_MAX).cloned().collect();
    if !groups.iter().any(|group| group == OTHER) {
        groups.push(OTHER.to_owned());
    }
    groups
}

/// The split of a state: `name` is its number in the stream.
pub(super) fn state_split(
    plan: &Plan,
    areas: &Words,
    words: &mut Words,
    stream: Option<&Stream>,
    (text_of_name, name): (&str, Option<u32>),
) -> Split {
    let groups = stream.map_or_else(|| vec![OTHER.to_owned()], |stream| state_groups(stream, text_of_name));
    let mut places = Vec::with_capacity(groups.len() * plan.areas);
    for group in &groups {
        for (area, code) in plan.codes.iter().enumerate().take(plan.areas) {
            let found = areas.get(&text(code.as_str(), BY_STATE, group));
            places.push(found.unwrap_or(area as u32));
        }
    }
    Split::State(StateSplit {
        name: name.unwrap_or(NOWHERE),
        other: groups.iter().position(|group| group == OTHER).unwrap_or(0) as u32,
        words: groups.iter().map(|group| words.intern(group)).collect(),
        places,
        areas: plan.areas as u32,
    })
}

/// The place of a group in an area, if it has a number.
pub(crate) fn find_group(areas: &Words, split: &Split, area: &str, group: &str) -> Option<u32> {
    match split {
        _ if group.is_empty() => areas.get(area),
        Split::Whole => None,
        Split::Source => areas.get(&text(area, BY_SOURCE, group)),
        Split::State(_) => areas.get(&text(area, BY_STATE, group)),
    }
}

/// The place of a source split off in its area: its own, else that of [`OTHER`], else the area.
pub(crate) fn source_place(areas: &Words, area: &str, source: &str) -> Option<u32> {
    let own = areas.get(&text(area, BY_SOURCE, source));
    own.or_else(|| areas.get(&text(area, BY_SOURCE, OTHER))).or_else(|| areas.get(area))
}

fn text(area: &str, by: char, group: &str) -> String {
    format!("{area}{by}{group}")
}

impl Plan {
    /// Works out what each number stands for, and for which places what happens there counts.
    pub(super) fn read_places(&mut self, profile: &Profile, zone: &TimeZone, areas: &Words) {
        let whole = |text: &str| !text.contains([BY_STATE, BY_SOURCE]);
        self.areas = areas.texts().rposition(whole).map_or(0, |last| last + 1);
        for (number, text) in areas.texts().enumerate() {
            let (code, group) = text.split_once([BY_STATE, BY_SOURCE]).unwrap_or((text, ""));
            let code = AreaCode::new(code);
            let around = around(profile, &code);
            let mut chain: Vec<u32> = around.iter().filter_map(|code| areas.get(code.as_str())).collect();
            if chain.is_empty() {
                chain.extend(areas.get(code.as_str()));
            }
            self.homes.push(areas.get(code.as_str()).unwrap_or(number as u32));
            if text.contains(BY_STATE) {
                let inside = |code: &AreaCode| areas.get(&self::text(code.as_str(), BY_STATE, group));
                chain.extend(around.iter().filter_map(inside));
            } else if text.contains(BY_SOURCE) {
                let ends = [Some(&code), around.last()].into_iter().flatten();
                let inside = |code: &AreaCode| areas.get(&self::text(code.as_str(), BY_SOURCE, group));
                chain.extend(ends.filter_map(inside));
            }
            if !chain.contains(&(number as u32)) {
                chain.push(number as u32);
            }
            let mut known = Vec::with_capacity(chain.len());
            chain.retain(|place| {
                !known.contains(place) && {
                    known.push(*place);
                    true
                }
            });
            self.chains.push(chain);
            self.ends.push(end_of(profile, &code, zone));
            self.begins.push(begin_of(profile, &code, zone));
            self.codes.push(code);
            self.groups.push(group.to_owned());
        }
    }

    /// Works out for which areas a source counts that speaks of many: its own and those around, and all inside.
    pub(super) fn read_reaches(&mut self, profile: &Profile) {
        let mut reaches: Vec<Vec<u32>> = self.chains.iter().take(self.areas).cloned().collect();
        for (inside, chain) in self.chains.iter().enumerate().take(self.areas) {
            for around in chain.iter().filter(|around| **around as usize != inside) {
                if let Some(reach) = reaches.get_mut(*around as usize) {
                    reach.push(inside as u32);
                }
            }
        }
        self.reaches = reaches;
        let valid =
            |code: &AreaCode| profile.areas.get(code).map(|area| area.valid.clone()).unwrap_or_default();
        self.valid = self.codes.iter().take(self.areas).map(valid).collect();
    }

    /// The areas the sources of a stream in an area count for: where readings name the area, those inside, too.
    pub(crate) fn reach(&self, stream: u32, area: u32) -> &[u32] {
        let named = self.streams.get(stream as usize).is_some_and(|stream| stream.place.is_some());
        match self.reaches.get(area as usize) {
            Some(reach) if named => reach,
            _ => self.chain(area),
        }
    }

    /// Whether an area is one on a day.
    pub(crate) fn stands_on(&self, area: u32, date: jiff::civil::Date) -> bool {
        self.valid.get(area as usize).is_none_or(|valid| valid.holds_on(date))
    }

    /// The area a place lies in.
    pub(crate) fn home(&self, place: u32) -> u32 {
        self.homes.get(place as usize).copied().unwrap_or(place)
    }

    /// The group a place stands for; empty: the area as a whole.
    pub(crate) fn group(&self, place: u32) -> &str {
        self.groups.get(place as usize).map_or("", |group| group)
    }

    /// How many lanes a definition needs: up to its last place.
    pub(crate) fn lanes_of(&self, split: &Split) -> usize {
        if split.is_whole() { self.areas } else { self.chains.len() }
    }
}

/// From when on windows of an area would begin when it had ended.
fn end_of(profile: &Profile, code: &AreaCode, zone: &TimeZone) -> i64 {
    let end = profile.areas.get(code).and_then(|area| area.valid.to);
    end.and_then(|date| midnight(zone, date)).unwrap_or(i64::MAX)
}

/// When an area began that others went over to whole.
fn begin_of(profile: &Profile, code: &AreaCode, zone: &TimeZone) -> i64 {
    let whole = |crossing: &Crossing| &crossing.new == code && crossing.share == SHARE_WHOLE;
    let begin = profile.areas.get(code).and_then(|area| area.valid.from);
    let begin = begin.filter(|_| profile.crosswalk.iter().any(whole));
    begin.and_then(|date| midnight(zone, date)).unwrap_or(i64::MIN)
}

/// An area and those around it, the province last.
fn around(profile: &Profile, code: &AreaCode) -> Vec<AreaCode> {
    if *code == AreaCode::unassigned() {
        let province = profile.province().map(|area| area.code.clone());
        return std::iter::once(code.clone()).chain(province).collect();
    }
    profile.counts_for(code)
}
