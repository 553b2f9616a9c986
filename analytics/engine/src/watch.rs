//! What a Tick must look at: sources that spoke or whose time is up, groups whose watermark moved. Follows from the
//! state and is never part of it; where it cannot follow, everything is looked at once more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::badge::{Glance, Group, Words};
use crate::duty::OnDuty;
use crate::plan::{NOWHERE, Plan, StreamPlan};
use crate::source::idle_span;

/// The watermark of a source that holds nothing back.
pub(crate) const IDLE: i64 = i64::MAX;

/// What the last Tick saw, in the order a Tick needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    /// Whether the rest says what the last Tick saw; if not, the next one looks at everything.
    pub(crate) ready: bool,
    /// Sources that did something since the last Tick.
    pub(crate) stirred: Vec<u32>,
    /// By source number.
    slots: Vec<Slot>,
    /// Sources by the Tick time at which they must be looked at; entries a slot does not confirm are void. Made anew
    /// whenever everything is looked at, which bounds it.
    queue: BinaryHeap<Reverse<(i64, u32)>>,
    /// By stream and area.
    places: Vec<Vec<Place>>,
    /// Places whose least watermark must be found again.
    worn: Vec<(u32, u32)>,
    /// By stream: whether the least watermark of a place changed.
    stale: Vec<bool>,
    /// By stream and area: whether the watermark moved with this Tick.
    pub(crate) moved: Vec<Vec<bool>>,
    /// By stream: all its sources.
    pub(crate) totals: Vec<Group>,
    /// By unit: all sources it and the units under it answer for.
    pub(crate) unit_totals: Vec<Group>,
    /// Which units answer on the day of the last look at everything.
    pub(crate) units: OnDuty,
    /// How many rows the last Tick had.
    pub(crate) rows: usize,
    /// By stream and area, one after the other: what figures said of their sources before this Tick.
    pub(crate) words: Vec<Words>,
    /// By place: the one source it is of; [`NOWHERE`]: many. Follows from the plan.
    pub(crate) owners: Vec<u32>,
}

/// One source.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// How far it holds figures back; [`IDLE`]: not at all.
    hold: i64,
    /// Its entry in the queue.
    wake: i64,
    /// Whether it is a member of its place.
    placed: bool,
}

/// The sources of one stream in one area.
#[derive(Clone, Debug)]
struct Place {
    members: Vec<u32>,
    /// The least watermark of its members.
    least: i64,
    /// The same with all areas inside.
    whole: i64,
    worn: bool,
}

impl Watch {
    /// Forgets what was seen; room for every place of a plan.
    pub(crate) fn clear(&mut self, plan: &Plan) {
        let place = || Place { members: Vec::new(), least: IDLE, whole: IDLE, worn: false };
        let areas = plan.areas;
        self.slots.clear();
        self.queue.clear();
        self.worn.clear();
        self.places = plan.streams.iter().map(|_| (0..areas).map(|_| place()).collect()).collect();
        self.stale = vec![true; plan.streams.len()];
        self.moved = vec![vec![true; areas]; plan.streams.len()];
        self.totals = vec![Group::default(); plan.streams.len()];
        self.unit_totals = vec![Group::default(); plan.answerable.units()];
        self.ready = true;
    }

    /// Adds the sources whose time is up to `numbers`.
    pub(crate) fn due(&mut self, tick: i64, numbers: &mut Vec<u32>) {
        while let Some(Reverse((wake, number))) = self.queue.peek().copied() {
            if wake > tick {
                break;
            }
            self.queue.pop();
            if let Some(slot) = self.slots.get_mut(number as usize).filter(|slot| slot.wake == wake) {
                slot.wake = i64::MAX;
                numbers.push(number);
            }
        }
    }

    /// Takes in how far a source holds its place back, and when to look at it again at the latest.
    pub(crate) fn note(&mut self, number: u32, (stream, area): (u32, u32), hold: i64, wake: i64) {
        let at = number as usize;
        if at >= self.slots.len() {
            self.slots.resize(at + 1, Slot { hold: IDLE, wake: i64::MAX, placed: false });
        }
        let place = self.places.get_mut(stream as usize).and_then(|places| places.get_mut(area as usize));
        let (Some(slot), Some(place)) = (self.slots.get_mut(at), place) else { return };
        if !slot.placed {
            slot.placed = true;
            place.members.push(number);
        }
        if wake < slot.wake {
            slot.wake = wake;
            self.queue.push(Reverse((wake, number)));
        }
        let before = std::mem::replace(&mut slot.hold, hold);
        if hold < place.least {
            place.least = hold;
            if let Some(stale) = self.stale.get_mut(stream as usize) {
                *stale = true;
            }
        } else if before == place.least && hold != before && !place.worn {
            place.worn = true;
            self.worn.push((stream, area));
        }
    }

    /// The one source a place is of.
    pub(crate) fn owner(&self, place: u32) -> Option<u32> {
        self.owners.get(place as usize).copied().filter(|number| *number != NOWHERE)
    }

    /// The watermark of figures of one source. Where it is idle the Tick stands in, as for groups.
    pub(crate) fn watermark_of(&self, number: u32, stream: &StreamPlan, tick: i64) -> i64 {
        let hold = self.slots.get(number as usize).map_or(IDLE, |slot| slot.hold);
        if hold == IDLE { stand_in(stream, tick) } else { hold }
    }

    /// Moves the watermarks of all groups up to a Tick. Where nobody speaks, time alone passes: the Tick stands in,
    /// behind by disorder and the idle span.
    pub(crate) fn move_watermarks(&mut self, plan: &Plan, glance: &mut Glance, tick: i64) {
        self.find_leasts();
        let streams = plan.streams.iter().zip(&mut glance.groups).zip(&mut self.places);
        let flags = self.stale.iter_mut().zip(&mut self.moved);
        for (number, (((stream, groups), places), (stale, moved))) in (0..).zip(streams.zip(flags)) {
            if std::mem::take(stale) {
                around(plan, number, places);
            }
            let stand_in = stand_in(stream, tick);
            for ((group, place), moved) in groups.iter_mut().zip(places).zip(moved) {
                let watermark = Some(if place.whole == IDLE { stand_in } else { place.whole });
                *moved = std::mem::replace(&mut group.watermark, watermark) != watermark;
            }
        }
    }

    fn find_leasts(&mut self) {
        for (stream, area) in self.worn.drain(..) {
            let place = self.places.get_mut(stream as usize).and_then(|places| places.get_mut(area as usize));
            let Some(place) = place else { continue };
            let slots = &self.slots;
            let hold = |number: &u32| slots.get(*number as usize).map_or(IDLE, |slot| slot.hold);
            let least = place.members.iter().map(hold).min().unwrap_or(IDLE);
            place.worn = false;
            if std::mem::replace(&mut place.least, least) != least
                && let Some(stale) = self.stale.get_mut(stream as usize)
            {
                *stale = true;
            }
        }
    }
}

/// How far time alone has passed.
fn stand_in(stream: &StreamPlan, tick: i64) -> i64 {
    tick.saturating_sub(stream.disorder.saturating_add(idle_span(stream.cadence)))
}

/// Each area with those inside it, and with those around it whose sources speak of it, too.
fn around(plan: &Plan, stream: u32, places: &mut [Place]) {
    places.iter_mut().for_each(|place| place.whole = IDLE);
    for area in 0..places.len() {
        let least = places.get(area).map_or(IDLE, |place| place.least);
        for around in plan.reach(stream, area as u32) {
            if let Some(place) = places.get_mut(*around as usize) {
                place.whole = place.whole.min(least);
            }
        }
    }
}
