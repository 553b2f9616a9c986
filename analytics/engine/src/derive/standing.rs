//! How complete and how trustworthy a window is: k of m and the four words, of derived figures the worst of inputs.

use nhip_proto::{Badge, Level, RowState, Share};

use super::gather::{Field, Seen};
use super::{Compute, Stage};
use crate::cell::Cell;
use crate::engine::Engine;
use crate::lane::{Board, Lane};
use crate::plan::Definition;
use crate::row::{Draft, Moment};

/// All that a window's standing follows from.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) engine: &'a Engine,
    /// The engine's, or what is left of it while one lane is taken out.
    pub(crate) board: &'a Board,
    pub(crate) moment: &'a Moment<'a>,
}

/// k, m and the four words of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) k: u32,
    pub(crate) m: u32,
    pub(crate) badge: Badge,
}

impl<'a> Scene<'a> {
    /// The standing of a window of any definition.
    pub(crate) fn standing(self, number: u32, place: u32, lane: &Lane, cell: &Cell) -> Standing {
        let Some(definition) = self.engine.plan.definition(number) else {
            return Standing { k: 0, m: 0, badge: Badge::default() };
        };
        let own = self.measured(definition, place, cell, lane.has_closed(cell));
        let mut standing = match self.engine.plan.derived.of(number) {
            None => own,
            Some(derivation) => {
                match (
                    self.engine.plan.derived.stage(&self.engine.plan, derivation, place),
                    &derivation.compute,
                ) {
                    (Stage::Direct, Compute::OverTime(_)) => own,
                    (Stage::Combined, _) => {
                        let inside = self.engine.plan.derived.inside(derivation, place);
                        let of = |place: &u32| {
                            let lane = self.board.lane(number, *place)?;
                            let cell = lane.cells.get(lane.find(cell.start)?)?;
                            let standing = self.standing(number, *place, lane, cell);
                            Some(if cell.below == 0 { Standing { k: 0, ..standing } } else { standing })
                        };
                        let parts: Vec<Standing> = inside.iter().filter_map(of).collect();
                        let worst = self.inputs(number, place, cell.start).unwrap_or(own);
                        together(&parts, worst)
                    }
                    _ => self.inputs(number, place, cell.start).unwrap_or(own),
                }
            }
        };
        if definition.agreement.is_some() {
            standing.badge.dung = self.agreement(definition, place, lane);
        }
        standing
    }

    /// As of a window the sources of which are its own.
    fn measured(self, definition: &Definition, place: u32, cell: &Cell, closed: bool) -> Standing {
        let Some(area) = self.engine.plan.codes.get(place as usize) else {
            return Standing { k: 0, m: 0, badge: Badge::default() };
        };
        let group = self.engine.group_at(definition.stream, place);
        let amounts = definition.amounts(cell, place, closed);
        let draft = Draft {
            definition,
            area,
            cell,
            group: group.as_ref(),
            group_name: self.engine.plan.group(place),
            amounts,
            level: Level::None,
            closed,
            state: RowState::Provisional,
            revision: 0,
            standing: None,
        };
        let m = draft.due(self.moment);
        Standing { k: amounts.k, m, badge: draft.badge(m) }
    }

    /// The worst of the inputs that have the window: least k of m, each word for itself. An input that is not
    /// reconciled leaves the figure so.
    fn inputs(self, number: u32, place: u32, start: i64) -> Option<Standing> {
        let derivation = self.engine.plan.derived.of(number)?;
        let field = Field { plan: &self.engine.plan, board: self.board };
        let seen = derivation.inputs.iter().filter_map(|input| field.at(input, place, start));
        let standing = |seen: Seen<'a>| self.standing(seen.number, place, seen.lane, seen.cell);
        seen.map(standing).reduce(worst)
    }
}

/// The worse of two inputs.
fn worst(left: Standing, right: Standing) -> Standing {
    let less = u64::from(left.k) * u64::from(right.m) <= u64::from(right.k) * u64::from(left.m);
    let (k, m) = if less { (left.k, left.m) } else { (right.k, right.m) };
    Standing { k, m, badge: worst_words(left.badge, right.badge) }
}

fn worst_words(left: Badge, right: Badge) -> Badge {
    let worse = |left: Option<Share>, right: Option<Share>| match (left, right) {
        (Some(left), Some(right)) => Some(left.worse(right)),
        (one, other) => one.or(other),
    };
    Badge {
        dung: left.dung.zip(right.dung).map(|(left, right)| left.worse(right)),
        du: worse(left.du, right.du),
        sach: worse(left.sach, right.sach),
        song: worse(left.song, right.song),
    }
}

/// The places inside together: k of those that have a value, of all that are due in the area around them.
fn together(parts: &[Standing], around: Standing) -> Standing {
    let k = parts.iter().map(|part| part.k).fold(0, u32::saturating_add);
    let m = around.m.max(k);
    let share = Share::of(u64::from(k), u64::from(m));
    let badge = worst_words(around.badge, Badge { dung: around.badge.dung, du: share, ..Badge::default() });
    Standing { k, m, badge }
}
