//! Đúng: whether a figure agrees with another that should say the same.

use std::cmp::Ordering;

use nhip_profile::Tolerance;
use nhip_proto::Share;

use super::standing::Scene;
use crate::calculator::Exact;
use crate::cell::Cell;
use crate::lane::Lane;
use crate::plan::Definition;

/// Closed windows compared with those of another figure.
const COMPARED_MAX: u64 = 48;

/// Which figure one is checked against, and how far they may differ.
#[derive(Clone, Debug)]
pub(crate) struct Agreement {
    /// The definitions of the other indicator.
    pub(crate) with: Vec<u32>,
    pub(crate) tolerance: Tolerance,
}

impl Agreement {
    /// Whether two shown values agree; digits and their scale. None: a number is too large to be compared.
    fn agrees(&self, own: (i128, u8), other: (i128, u8)) -> Option<bool> {
        let (left, right) = (Exact::of(own.0, own.1)?, Exact::of(other.0, other.1)?);
        let apart = size(left.minus(right).ok()?)?;
        let most = match self.tolerance {
            Tolerance::Absolute(digits) => Exact::of(digits, own.1)?,
            Tolerance::Percent(percent) => {
                let share = Exact::of(percent.mantissa, percent.scale.checked_add(2)?)?;
                size(right)?.times(share).ok()?
            }
        };
        Some(apart.compare(most) != Ordering::Greater)
    }
}

impl Scene<'_> {
    /// Of the newest closed windows both figures have a value for, how many agree.
    pub(crate) fn agreement(self, definition: &Definition, place: u32, lane: &Lane) -> Option<Share> {
        let agreement = definition.agreement.as_ref()?;
        let (mut agreeing, mut compared) = (0, 0);
        for cell in lane.cells.iter().rev() {
            if compared >= COMPARED_MAX {
                break;
            }
            let other = || {
                agreement.with.iter().find_map(|number| {
                    let known =
                        self.engine.plan.definition(*number).filter(|known| known.covers(cell.start))?;
                    let lane = self.board.lane(*number, place)?;
                    let cell = lane.cells.get(lane.find(cell.start)?)?;
                    Some((settled(known, place, lane, cell)?, known.scale))
                })
            };
            let own = settled(definition, place, lane, cell);
            let pair = own.and_then(|own| Some((own, other()?)));
            let Some((own, other)) = pair else { continue };
            let Some(agrees) = agreement.agrees((own, definition.scale), other) else { continue };
            compared += 1;
            agreeing += u64::from(agrees);
        }
        Share::of(agreeing, compared)
    }
}

/// The value of a closed window.
fn settled(definition: &Definition, place: u32, lane: &Lane, cell: &Cell) -> Option<i128> {
    let closed = lane.has_closed(cell) && cell.has_data(true);
    if closed { definition.amounts(cell, place, true).value } else { None }
}

fn size(value: Exact) -> Option<Exact> {
    if value.numerator < 0 { value.negated().ok() } else { Some(value) }
}

#[cfg(test)]
mod tests {
    use nhip_proto::Decimal;

    use super::*;

    #[test]
    fn figures_agree_within_the_tolerance_at_any_scale() {
        let within = |tolerance| Agreement { with: Vec::new(), tolerance };
        let absolute = within(Tolerance::Absolute(5));
        assert_eq!(absolute.agrees((100, 1), (95, 1)), Some(true), "0.5 apart");
        assert_eq!(absolute.agrees((100, 1), (94, 1)), Some(false));
        assert_eq!(absolute.agrees((100, 1), (950, 2)), Some(true));
        assert_eq!(absolute.agrees((100, 1), (949, 2)), Some(false));
        let percent = within(Tolerance::Percent(Decimal::new(25, 1)));
        assert_eq!(percent.agrees((1_025, 0), (1_000, 0)), Some(true), "2.5 % of the other");
        assert_eq!(percent.agrees((1_026, 0), (1_000, 0)), Some(false));
        assert_eq!(percent.agrees((-1_025, 0), (-1_000, 0)), Some(true));
        assert_eq!(percent.agrees((1, 0), (0, 0)), Some(false), "no share of nothing");
        assert_eq!(percent.agrees((0, 0), (0, 0)), Some(true));
    }
}
