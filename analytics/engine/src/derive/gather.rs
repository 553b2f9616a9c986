//! What a derived window is made of: values read exactly, and the records they stand on.

use std::collections::BTreeMap;

use nhip_profile::{AreaRollup, OverTime, Severity};

use super::exact::Overflow;
use super::formula::Reading;
use super::{Calculation, Compute, Derivation, Input, Stage};
use crate::calculator::{Exact, Outcome, Request, evaluate};
use crate::calendar::Calendar;
use crate::cell::{Amounts, Cell, SAMPLES_MAX};
use crate::lane::{Board, Lane};
use crate::level::{Limit, in_force};
use crate::plan::{Definition, Kind, Plan, level_of};
use crate::table::mix;

/// Where windows are read.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) board: &'a Board,
}

/// One derived window to be worked out.
#[derive(Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) derivation: &'a Derivation,
    pub(crate) number: u32,
    pub(crate) place: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// A window that was found, with what it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) number: u32,
    pub(crate) place: u32,
    pub(crate) definition: &'a Definition,
    pub(crate) lane: &'a Lane,
    pub(crate) cell: &'a Cell,
}

/// What a window amounts to, and whether a number grew too large on the way.
pub(crate) struct Worked {
    /// As the lane keeps it; what is written of it is not here.
    pub(crate) cell: Cell,
    pub(crate) overflow: bool,
}

type Found = Result<Option<Exact>, Overflow>;

impl<'a> Seen<'a> {
    pub(crate) fn closed(&self) -> bool {
        self.lane.has_closed(self.cell)
    }

    fn has_data(&self) -> bool {
        self.cell.has_data(self.closed())
    }

    fn amounts(&self) -> Amounts {
        self.definition.amounts(self.cell, self.place, self.closed())
    }

    /// Its value, exactly; none: missing.
    fn value(&self) -> Found {
        if !self.has_data() {
            return Ok(None);
        }
        self.definition.exact(&self.amounts())
    }
}

impl<'a> Field<'a> {
    /// The window of an input that starts at an instant.
    pub(crate) fn at(self, input: &Input, place: u32, start: i64) -> Option<Seen<'a>> {
        input.versions.iter().find_map(|version| {
            let definition = self.plan.definition(*version).filter(|known| known.covers(start))?;
            let lane = self.board.lane(*version, place)?;
            let cell = lane.cells.get(lane.find(start)?)?;
            Some(Seen { number: *version, place, definition, lane, cell })
        })
    }

    /// The windows of an input whose last instant lies in a stretch, oldest first.
    pub(crate) fn inside(
        self,
        input: &'a Input,
        place: u32,
        (from, to): (i64, i64),
    ) -> impl Iterator<Item = Seen<'a>> {
        let mut seen: Vec<Seen<'a>> = Vec::new();
        for version in &input.versions {
            let known = self.plan.definition(*version).zip(self.board.lane(*version, place));
            let Some((definition, lane)) = known else { continue };
            let first = lane.cells.partition_point(|cell| cell.end <= from);
            let last = lane.cells.partition_point(|cell| cell.end <= to);
            let cells = lane.cells.range(first..last.max(first));
            let cells = cells.filter(|cell| definition.covers(cell.start));
            seen.extend(cells.map(|cell| Seen { number: *version, place, definition, lane, cell }));
        }
        seen.sort_by_key(|seen| seen.cell.start);
        seen.into_iter()
    }

    /// Works a window out; none: nothing it follows from was ever heard.
    pub(crate) fn work(self, window: &Window<'a>) -> Option<Worked> {
        match self.plan.derived.stage(self.plan, window.derivation, window.place) {
            Stage::Nowhere => None,
            Stage::Combined => self.combine(window),
            Stage::Direct if matches!(window.derivation.compute, Compute::OverTime(_)) => self.add_up(window),
            Stage::Direct => self.reckon(window),
        }
    }

    /// A formula or calculator.
    fn reckon(self, window: &Window<'a>) -> Option<Worked> {
        let mut cell = Cell::new(window.start, window.end);
        let starts = self.starts(window);
        let mut present = false;
        for input in &window.derivation.inputs {
            let own = self.at(input, window.place, window.start);
            if let Some(own) = own {
                // The input with the fewest readings says how complete the figure is.
                cell.readings =
                    if present { cell.readings.min(own.cell.readings) } else { own.cell.readings };
                present = true;
            }
            for back in &input.backs {
                let seen = starts.get(usize::from(*back));
                let seen = seen.and_then(|start| self.at(input, window.place, *start));
                if let Some(seen) = seen.filter(Seen::has_data) {
                    stand_on(&mut cell, seen);
                }
            }
        }
        if !present {
            return None;
        }
        let look = Look { field: self, window, starts: &starts };
        let value = match &window.derivation.compute {
            Compute::Formula(term, _) => term.evaluate(&look),
            Compute::Calculator(calculation) => look
                .calculate(calculation)
                .map(|outcome| outcome.and_then(|outcome| Exact::of(outcome.value, window.definition.scale))),
            Compute::OverTime(_) => Ok(None),
        };
        Some(settle(cell, value, window.definition.scale))
    }

    /// What decided the value of a calculator, `pm25`; none for all other figures.
    pub(crate) fn code(self, window: &Window<'a>) -> Option<&'static str> {
        let Compute::Calculator(calculation) = &window.derivation.compute else { return None };
        let starts = self.starts(window);
        Look { field: self, window, starts: &starts }.calculate(calculation).ok()??.code
    }

    /// The starts of the window and of those before it, as far back as any input is read.
    fn starts(self, window: &Window<'a>) -> Vec<i64> {
        let inputs = &window.derivation.inputs;
        let back = inputs.iter().filter_map(|input| input.backs.last()).max().copied().unwrap_or(0);
        let calendar = self.plan.calendars.get(window.definition.calendar as usize);
        let mut starts = vec![window.start];
        let mut start = window.start;
        for _ in 0..back {
            let Some(calendar) = calendar else { break };
            start = calendar.before(start);
            starts.push(start);
        }
        starts
    }

    /// The windows inside a longer one.
    fn add_up(self, window: &Window<'a>) -> Option<Worked> {
        let Compute::OverTime(by) = &window.derivation.compute else { return None };
        let mut cell = Cell::new(window.start, window.end);
        let mut seen: Vec<Seen<'a>> = Vec::new();
        let mut present = false;
        for input in &window.derivation.inputs {
            for inner in self.inside(input, window.place, (window.start, window.end)) {
                present = true;
                if inner.has_data() {
                    cell.readings = cell.readings.saturating_add(inner.cell.readings);
                    stand_on(&mut cell, inner);
                    seen.push(inner);
                }
            }
        }
        present.then(|| settle(cell, over_time(*by, &seen), window.definition.scale))
    }

    /// The values at the places inside.
    fn combine(self, window: &Window<'a>) -> Option<Worked> {
        let mut cell = Cell::new(window.start, window.end);
        let mut present = false;
        let mut values = Vec::new();
        for place in self.plan.derived.inside(window.derivation, window.place) {
            // Before it began it is put together from areas that are among these places themselves.
            if self.plan.begins.get(*place as usize).is_some_and(|begins| window.start < *begins) {
                continue;
            }
            let Some(lane) = self.board.lane(window.number, *place) else { continue };
            let inner = lane.find(window.start).and_then(|at| lane.cells.get(at));
            let Some(inner) = inner else { continue };
            present = true;
            let (number, definition) = (window.number, window.definition);
            let seen = Seen { number, place: *place, definition, lane, cell: inner };
            if seen.has_data() {
                cell.readings = cell.readings.saturating_add(inner.readings);
                stand_on(&mut cell, seen);
                values.push(seen.value());
            }
        }
        let values: Result<Vec<Option<Exact>>, Overflow> = values.into_iter().collect();
        let value = values.and_then(|values| {
            let values: Vec<Exact> = values.into_iter().flatten().collect();
            match window.derivation.rollup {
                Some(AreaRollup::Sum) => sum(&values),
                Some(AreaRollup::Mean) => mean(&values),
                Some(AreaRollup::Min) => Ok(values.into_iter().min_by(|left, right| left.compare(*right))),
                Some(AreaRollup::Max) => Ok(values.into_iter().max_by(|left, right| left.compare(*right))),
                Some(AreaRollup::None) | None => Ok(None),
            }
        });
        present.then(|| settle(cell, value, window.definition.scale))
    }
}

/// A window's surroundings as a formula or calculator reads them.
struct Look<'a, 'b> {
    field: Field<'a>,
    window: &'b Window<'a>,
    starts: &'b [i64],
}

impl Look<'_, '_> {
    fn read(&self, input: usize, back: u16) -> Found {
        let found = || {
            let input = self.window.derivation.inputs.get(input)?;
            self.field.at(input, self.window.place, *self.starts.get(usize::from(back))?)
        };
        found().map_or(Ok(None), |seen| seen.value())
    }

    fn calendar(&self) -> Option<&Calendar> {
        self.field.plan.calendars.get(self.window.definition.calendar as usize)
    }

    fn date(&self) -> Option<jiff::civil::Date> {
        Some(self.calendar()?.date(self.window.start))
    }

    fn last_date(&self) -> Option<jiff::civil::Date> {
        let calendar = self.field.plan.calendars.get(self.window.definition.calendar as usize)?;
        Some(calendar.date(self.window.end.saturating_sub(1)))
    }

    fn calculate(&self, calculation: &Calculation) -> Result<Option<Outcome>, Overflow> {
        let mut inputs: BTreeMap<String, Vec<Option<Exact>>> = BTreeMap::new();
        for (name, input) in &calculation.inputs {
            let windows = (0..self.starts.len() as u16).map(|back| self.read(*input, back));
            inputs.insert(name.clone(), windows.collect::<Result<_, _>>()?);
        }
        let (Some(date), Some(calendar)) = (self.date(), self.calendar()) else { return Ok(None) };
        let group = self.field.plan.group(self.window.place);
        let levels = calculation.levels.iter();
        let mut levels = levels.filter(|known| known.group == group && known.valid.holds_on(date));
        if let Some(known) = levels.next() {
            for (name, level) in ["alarm_1", "alarm_2", "alarm_3"].iter().zip(known.levels) {
                inputs.entry((*name).to_owned()).or_insert_with(|| vec![Some(level)]);
            }
        }
        let scale = self.window.definition.scale;
        let hour = calendar.hour(self.window.start);
        let request = Request { inputs: &inputs, parameters: &calculation.parameters, date, hour, scale };
        Ok(evaluate(&calculation.name, &request))
    }
}

impl Reading for Look<'_, '_> {
    fn input(&self, input: usize, back: u16) -> Found {
        self.read(input, back)
    }

    fn limit(&self, limit: usize) -> Option<Exact> {
        let Compute::Formula(_, limits) = &self.window.derivation.compute else { return None };
        let (limits, scale): &(Vec<Limit>, u8) = limits.get(limit)?;
        let area = self.field.plan.codes.get(self.window.place as usize)?;
        let place = (area, self.field.plan.group(self.window.place));
        // A plan's course is asked for the month the window ends in, which begins in the month before where periods
        // close on a day.
        let ends = limits.iter().any(|limit| limit.curve.is_some());
        let date = if ends { self.last_date()? } else { self.date()? };
        let found = in_force(limits, Severity::Critical, date, place)?;
        let whole = Exact::of(found.limit, *scale)?;
        let Some(curve) = &found.curve else { return Some(whole) };
        let due = whole.numerator.checked_mul(i128::from(curve.share(date.month())))?;
        Exact::reduced(due, whole.denominator.checked_mul(i128::from(curve.whole))?)
    }
}

/// The records of a window that was read, added to those before.
fn stand_on(cell: &mut Cell, seen: Seen<'_>) {
    let from = seen.cell;
    for source in seen.cell.contributors(seen.closed()).iter() {
        if let Err(at) = cell.sources.binary_search(source) {
            cell.sources.insert(at, *source);
        }
    }
    cell.first = cell.first.min(from.first);
    cell.last = cell.last.max(from.last);
    cell.time = cell.time.max(from.time);
    cell.changed = cell.changed.max(from.changed);
    for sample in &from.samples {
        if let Err(at) = cell.samples.binary_search_by(|known| mix(*known).cmp(&mix(*sample))) {
            cell.samples.insert(at, *sample);
        }
    }
    cell.samples.truncate(SAMPLES_MAX);
}

/// Puts the value in; one whose digits cannot be shown is kept with as many as fit.
fn settle(mut cell: Cell, value: Found, scale: u8) -> Worked {
    let shown = value.map(|value| match value {
        Some(exact) if exact.at_scale(scale).is_none() => exact.rounded(18).or_else(|| exact.rounded(6)),
        value => value,
    });
    let lost = matches!(value, Ok(Some(_))) && matches!(shown, Ok(None));
    if let Ok(Some(exact)) = shown {
        let exact = Exact::reduced(exact.numerator, exact.denominator).unwrap_or(exact);
        (cell.above, cell.below) = (exact.numerator, exact.denominator);
    }
    Worked { cell, overflow: value.is_err() || lost }
}

fn over_time(by: OverTime, seen: &[Seen<'_>]) -> Found {
    let values: Vec<Option<Exact>> = seen.iter().map(Seen::value).collect::<Result<_, _>>()?;
    let present: Vec<Exact> = values.iter().copied().flatten().collect();
    Ok(match by {
        OverTime::Sum => return sum(&present),
        OverTime::Mean => return pooled(seen, &present),
        OverTime::Min => present.into_iter().min_by(|left, right| left.compare(*right)),
        OverTime::Max => present.into_iter().max_by(|left, right| left.compare(*right)),
        OverTime::Last => present.last().copied(),
        OverTime::Count => Exact::of(present.len() as i128, 0).filter(|_| !seen.is_empty()),
    })
}

/// The mean over windows: what stands above and below is added, where windows have both; else their values are.
fn pooled(all: &[Seen<'_>], present: &[Exact]) -> Found {
    let Some(first) = all.first() else { return Ok(None) };
    let kind = first.definition.kind;
    if !kind.adds_up() || all.iter().any(|seen| seen.definition.kind != kind) {
        return mean(present);
    }
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for part in all.chunk_by(|left, right| left.number == right.number) {
        let (mut up, mut down) = (0_i128, 0_i128);
        for amounts in part.iter().map(Seen::amounts).filter(|amounts| amounts.value.is_some()) {
            up = up.checked_add(amounts.above).ok_or(Overflow)?;
            down = down.checked_add(amounts.below).ok_or(Overflow)?;
        }
        if kind == Kind::Leq && part.len() == all.len() {
            return Ok(level_of(up, down));
        }
        let Some(seen) = part.first().filter(|_| down != 0) else { continue };
        let (up, down) = seen.definition.parts(up, down).ok_or(Overflow)?;
        above.push(up);
        below.push(down);
    }
    match (sum(&above)?, sum(&below)?) {
        // Of levels of two versions the values are all there is.
        _ if kind == Kind::Leq => mean(present),
        (Some(above), Some(below)) => above.over(below),
        _ => Ok(None),
    }
}

fn sum(values: &[Exact]) -> Found {
    let Some((first, rest)) = values.split_first() else { return Ok(None) };
    rest.iter().try_fold(*first, |sum, value| sum.plus(*value)).map(Some)
}

fn mean(values: &[Exact]) -> Found {
    let Some(sum) = sum(values)? else { return Ok(None) };
    sum.over(Exact { numerator: values.len() as i128, denominator: 1 })
}
