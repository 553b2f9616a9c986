//! From a window to a row, for the durable store and, as it would stand now, for screens.

use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Decimal, EventTime, FigureKey, Level, Offset, Origin, Provenance, Row,
    RowCause, RowState, SourceId,
};

use crate::badge::Group;
use crate::cell::{Amounts, Cell};
use crate::derive::Standing;
use crate::plan::Definition;
use crate::table::mix;

/// The lineage of the running installation; what-if runs have ids.
const LIVE: &str = "live";

/// What all rows of one moment share.
pub(crate) struct Moment<'a> {
    pub(crate) known_offset: Offset,
    pub(crate) known_at: ArrivalTime,
    /// The Tick before.
    pub(crate) previous: Offset,
    pub(crate) origin: Origin,
    /// Source ids by number.
    pub(crate) sources: &'a [SourceId],
    /// Sources below this number come in the order of their ids.
    pub(crate) ordered: u32,
    /// Numbers of sources the profile does not list, sorted.
    pub(crate) strangers: &'a [u32],
    /// Numbers of sources whose newest figures a person typed, sorted.
    pub(crate) typed: Vec<u32>,
}

/// One window about to become a row.
pub(crate) struct Draft<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) area: &'a AreaCode,
    /// Empty: the area as a whole.
    pub(crate) group_name: &'a str,
    pub(crate) cell: &'a Cell,
    pub(crate) group: Option<&'a Group>,
    pub(crate) amounts: Amounts,
    pub(crate) level: Level,
    pub(crate) closed: bool,
    pub(crate) state: RowState,
    pub(crate) revision: u32,
    /// What is not to be found in the window itself.
    pub(crate) standing: Option<Standing>,
}

impl Draft<'_> {
    /// Sources due: those the profile lists, and strangers that contributed.
    pub(crate) fn due(&self, moment: &Moment<'_>) -> u32 {
        if let Some(standing) = &self.standing {
            return standing.m;
        }
        let listed = self.group.map_or(0, |group| group.due as u32);
        let stranger = |number: &&u32| self.cell.sources.binary_search(number).is_ok();
        let strangers = moment.strangers.iter().filter(stranger).count() as u32;
        (listed + strangers).max(self.amounts.k)
    }

    /// The row, `m` being [`Self::due`]; `names` tells whether it names its sources.
    pub(crate) fn row(&self, moment: &Moment<'_>, m: u32, names: bool) -> Row {
        let cell = self.cell;
        let mut samples: Vec<Offset> = cell.samples.iter().map(|offset| Offset(*offset)).collect();
        samples.sort_unstable();
        let heard = !cell.samples.is_empty();
        Row {
            lineage: LIVE.to_owned(),
            key: key(self.definition, self.area, self.group_name, cell.start),
            definition: self.definition.hash,
            window_end: EventTime(cell.end),
            revision: self.revision,
            state: self.state,
            numerator: self.amounts.above,
            denominator: self.amounts.below,
            value: self.amounts.value.map(|value| Decimal::new(value, self.definition.scale)),
            k: self.amounts.k,
            m,
            known_offset: moment.known_offset,
            known_at: moment.known_at,
            event_time: cell.time.map(EventTime),
            level: self.level,
            provenance: Provenance {
                sources: if names { self.sources(moment) } else { Vec::new() },
                first: heard.then_some(Offset(cell.first)),
                last: heard.then_some(Offset(cell.last)),
                samples,
            },
            badge: self.badge(m),
            cause: match self.state {
                RowState::Provisional => RowCause::Progress,
                RowState::Final => RowCause::Closed,
                RowState::Revised => RowCause::OutOfOrder,
            },
            origin: self.origin(moment),
        }
    }

    /// Where it comes from: typed, if what any of its sources said last was typed by a person.
    fn origin(&self, moment: &Moment<'_>) -> Origin {
        let typed = |number: &u32| moment.typed.binary_search(number).is_ok();
        let is_typed = moment.origin == Origin::Machine && self.cell.sources.iter().any(typed);
        if is_typed { Origin::Typed } else { moment.origin }
    }

    /// The four words, `m` being [`Self::due`].
    pub(crate) fn badge(&self, m: u32) -> Badge {
        if let Some(standing) = &self.standing {
            return standing.badge;
        }
        let empty = Group::default();
        self.group.unwrap_or(&empty).badge_of(
            self.definition.reports.as_ref(),
            self.cell,
            self.closed,
            self.amounts.k,
            m,
        )
    }

    fn sources(&self, moment: &Moment<'_>) -> Vec<SourceId> {
        let id = |number: u32| moment.sources.get(number as usize).cloned();
        let numbers = self.cell.contributors(self.closed);
        let mut ids: Vec<SourceId> = numbers.iter().copied().filter_map(id).collect();
        if numbers.last().is_some_and(|last| *last >= moment.ordered) {
            ids.sort_unstable();
        }
        ids
    }

    /// A hash of what makes a row differ from the one before: all but known_*, badge and revision.
    pub(crate) fn essence(&self, m: u32) -> u64 {
        let cell = self.cell;
        let wide = |number: i128| [number as u64, (number >> 64) as u64];
        let value = self.amounts.value;
        let parts = wide(self.amounts.above)
            .into_iter()
            .chain(wide(self.amounts.below))
            .chain(wide(value.unwrap_or(0)))
            .chain([u64::from(value.is_some()), u64::from(self.amounts.k), u64::from(m)])
            .chain([
                cell.time.unwrap_or(i64::MIN) as u64,
                u64::from(self.level.code()),
                cell.first,
                cell.last,
            ])
            .chain(cell.samples.iter().copied())
            .chain([u64::from(self.state != RowState::Provisional)]);
        parts.fold(1, |hash, part| mix(hash.rotate_left(7) ^ part))
    }
}

/// The key of a window.
pub(crate) fn key(definition: &Definition, area: &AreaCode, group: &str, start: i64) -> FigureKey {
    FigureKey {
        indicator: definition.indicator.clone(),
        area: area.clone(),
        group: group.to_owned(),
        period: definition.period.clone(),
        window_start: EventTime(start),
    }
}
