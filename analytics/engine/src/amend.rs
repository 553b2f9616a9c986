//! What Redecode and Restate records leave in the state: what waits for the next Tick, which windows were restated,
//! which items came late, which settled figures were replaced.

use std::collections::VecDeque;

use nhip_proto::{
    AreaCode, ArrivalTime, Decimal, EventTime, FigureKey, IndicatorId, Offset, Record, Restate, Restatement,
    RowCause,
};

use crate::SnapshotError;
use crate::engine::Engine;
use crate::pack::{Input, Pack, pack_fields};

/// Late items remembered; older ones can still enter by a Restate, but stay late in the ledger.
pub const LATE_KEPT_MAX: usize = 65_536;
/// Restatements kept for lists; all of them are rows.
pub const RESTATEMENTS_KEPT_MAX: usize = 1_000;
/// Restate records between two Ticks; further ones are counted as refused and change nothing.
pub const RESTATES_PENDING_MAX: usize = 64;
/// Restated ranges remembered while their windows live; the oldest is forgotten first.
pub const PINS_MAX: usize = 256;

/// The part of the state that belongs to revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amends {
    /// The first Redecode record of the log.
    pub(crate) redecode_first: Option<u64>,
    /// The last Redecode record since the last Tick.
    pub(crate) redecoded: Option<u64>,
    /// Restate records since the last Tick, in order.
    pub(crate) restates: Vec<Order>,
    /// What was restated.
    pub(crate) pins: Vec<Pin>,
    /// Late items in log order.
    pub(crate) late: VecDeque<Late>,
    /// The newest restatements, in the order of their rows.
    pub(crate) restatements: VecDeque<Restatement>,
    /// Restate records that named no known indicator, an empty range, or came in a crowd.
    pub(crate) refused: u64,
    /// Restate records whose digest was not found again.
    pub(crate) unverified: u64,
}

/// One Restate record that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) offset: u64,
    pub(crate) at: i64,
    pub(crate) indicator: IndicatorId,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) computed_to: u64,
    pub(crate) digest: [u8; 32],
}

/// Windows of one indicator that a Restate computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) indicator: IndicatorId,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// One late item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) offset: u64,
    pub(crate) place: u32,
    pub(crate) source: u32,
    /// Whether a Restate let it in.
    pub(crate) entered: bool,
}

/// Why a window is due for a row, where it is no ordinary record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) why: RowCause,
    pub(crate) offset: u64,
    pub(crate) at: i64,
}

impl Pin {
    pub(crate) fn holds(&self, indicator: &IndicatorId, start: i64) -> bool {
        &self.indicator == indicator && (self.from..self.to).contains(&start)
    }
}

impl Amends {
    /// Whether a re-run must come before the next Tick.
    pub(crate) fn wait(&self) -> bool {
        self.redecoded.is_some() || !self.restates.is_empty()
    }

    /// Remembers a restated range.
    pub(crate) fn pin(&mut self, pin: Pin) {
        self.pins.push(pin);
        if self.pins.len() > PINS_MAX {
            self.pins.remove(0);
        }
    }

    /// Whether a window is as a Restate left it.
    pub(crate) fn is_pinned(&self, indicator: &IndicatorId, start: i64) -> bool {
        self.pins.iter().any(|pin| pin.holds(indicator, start))
    }

    pub(crate) fn remember_late(&mut self, mut late: Vec<Late>) {
        late.sort_by_key(|late| (late.offset, late.place));
        self.late.extend(late);
        while self.late.len() > LATE_KEPT_MAX {
            self.late.pop_front();
        }
    }

    pub(crate) fn remember_restatements(&mut self, restatements: Vec<Restatement>) {
        self.restatements.extend(restatements);
        while self.restatements.len() > RESTATEMENTS_KEPT_MAX {
            self.restatements.pop_front();
        }
    }

    /// The place of a late item.
    pub(crate) fn find_late(&self, offset: u64, place: u32) -> Option<usize> {
        self.late.binary_search_by_key(&(offset, place), |late| (late.offset, late.place)).ok()
    }
}

impl Engine {
    /// Keeps a Redecode or Restate record until the next Tick.
    pub(crate) fn take_revision(&mut self, offset: Offset, record: &Record) {
        match record {
            Record::Redecode(_) => {
                self.others.redecodes += 1;
                self.amends.redecode_first.get_or_insert(offset.0);
                self.amends.redecoded = Some(offset.0);
            }
            Record::Restate(restate) => {
                self.others.restates += 1;
                self.take_restate(offset, restate);
            }
            _ => {}
        }
    }

    fn take_restate(&mut self, offset: Offset, restate: &Restate) {
        let known = self.profile().is_some_and(|profile| profile.indicators.contains_key(&restate.indicator));
        let crowd = self.amends.restates.len() >= RESTATES_PENDING_MAX;
        if !known || crowd || restate.from >= restate.to || restate.computed_to > offset {
            self.amends.refused += 1;
            return;
        }
        if self.sub_plan.as_ref().is_some_and(|sub_plan| !sub_plan.has(&restate.indicator)) {
            let (from, to) = (restate.from.0, restate.to.0);
            return self.amends.pin(Pin { indicator: restate.indicator.clone(), from, to });
        }
        self.amends.restates.push(Order {
            offset: offset.0,
            at: restate.at.0,
            indicator: restate.indicator.clone(),
            from: restate.from.0,
            to: restate.to.0,
            computed_to: restate.computed_to.0,
            digest: restate.rows_digest,
        });
    }
}

impl Pack for RowCause {
    fn pack(&self, out: &mut Vec<u8>) {
        self.code().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Self::from_code(Pack::unpack(input)?).ok_or(SnapshotError::Damaged)
    }
}

impl Pack for Restatement {
    fn pack(&self, out: &mut Vec<u8>) {
        let FigureKey { indicator, area, group, period, window_start } = &self.key;
        indicator.pack(out);
        (area.as_str().to_owned(), group.clone(), period.clone(), window_start.0).pack(out);
        self.definition.pack(out);
        self.revision.pack(out);
        for value in [self.old, self.new] {
            value.map(|value| (value.mantissa, value.scale)).pack(out);
        }
        self.cause.pack(out);
        (self.cause_offset.0, self.known_offset.0).pack(out);
        self.known_at.0.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let indicator = IndicatorId::unpack(input)?;
        let (area, group, period, start): (String, String, String, i64) = Pack::unpack(input)?;
        let (area, window_start) = (AreaCode::new(&area), EventTime(start));
        let key = FigureKey { indicator, area, group, period, window_start };
        let (definition, revision) = (Pack::unpack(input)?, Pack::unpack(input)?);
        let value = |input: &mut Input<'_>| -> Result<Option<Decimal>, SnapshotError> {
            let value = Option::<(i128, u8)>::unpack(input)?;
            Ok(value.map(|(mantissa, scale)| Decimal::new(mantissa, scale)))
        };
        let (old, new, cause) = (value(input)?, value(input)?, Pack::unpack(input)?);
        let (cause_offset, known_offset): (u64, u64) = Pack::unpack(input)?;
        let (cause_offset, known_offset) = (Offset(cause_offset), Offset(known_offset));
        let known_at = ArrivalTime(Pack::unpack(input)?);
        Ok(Self { key, definition, revision, old, new, cause, cause_offset, known_offset, known_at })
    }
}

pack_fields!(Cause { why, offset, at });
pack_fields!(Late { offset, place, source, entered });
pack_fields!(Order { offset, at, indicator, from, to, computed_to, digest });
pack_fields!(Pin { indicator, from, to });
pack_fields!(Amends { redecode_first, redecoded, restates, pins, late, restatements, refused, unverified });
