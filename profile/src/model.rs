//! A checked profile: what one installation measures, from whom, and what it makes of it.

mod badge_rules;
mod case;
mod formula;
mod indicator;
mod limit;
mod mapping;
mod organisation;
mod periods;
mod retention;
mod stream;
mod target;
mod work_calendar;
mod working_time;

use std::collections::BTreeMap;

use nhip_proto::{AreaCode, IndicatorId, SourceId, Span, StreamId};

pub use badge_rules::*;
pub use case::*;
pub use formula::*;
pub use indicator::*;
pub use limit::*;
pub use mapping::*;
pub use organisation::*;
pub use periods::*;
pub use retention::*;
pub use stream::*;
pub use target::*;
pub use work_calendar::*;
pub use working_time::*;

/// The whole profile, after `check` found no mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The tenant in topics, `tay-ninh`.
    pub id: String,
    /// Its name on screens.
    pub name: Label,
    /// The IANA zone of civil windows.
    pub zone: String,
    /// The first 16 bytes of BLAKE3 over all files and zone rules.
    pub hash: [u8; 16],
    /// A line that every screen of this profile carries, or empty ("dữ liệu phát lại …").
    pub banner: Label,
    /// Where its data comes from, if not from devices: `machine`, `replayed`.
    pub origin: nhip_proto::Origin,
    /// Areas by code; the province is the one without a parent.
    pub areas: BTreeMap<AreaCode, Area>,
    /// Which areas came out of which that ended.
    pub crosswalk: Vec<Crossing>,
    /// Quantities by name.
    pub quantities: BTreeMap<String, Quantity>,
    /// Streams by id.
    pub streams: BTreeMap<StreamId, Stream>,
    /// Routes of foreign dialects; native topics need none.
    pub routes: Vec<Route>,
    /// Mappings of foreign JSON, by id.
    pub mappings: BTreeMap<String, Mapping>,
    /// Sources by id.
    pub sources: BTreeMap<SourceId, Source>,
    /// Domains in the order of the files.
    pub domains: Vec<Domain>,
    /// Indicators by id.
    pub indicators: BTreeMap<IndicatorId, Indicator>,
    /// Dated thresholds.
    pub thresholds: Vec<Threshold>,
    /// Dated alarm levels of water stations and river points.
    pub water_levels: Vec<WaterLevel>,
    /// Dated targets.
    pub targets: Vec<Target>,
    /// Where indicators stood, by documents.
    pub baselines: Vec<Baseline>,
    /// Dated rules of how long sealed parts are kept.
    pub retentions: Vec<Retention>,
    /// Views by name (`main`).
    pub views: BTreeMap<String, View>,
    /// Agencies by id; empty: owners are free text.
    pub units: BTreeMap<String, Unit>,
    /// Dated windows with a name, by id.
    pub periods: BTreeMap<String, Periods>,
    /// Working calendars by id.
    pub calendars: BTreeMap<String, WorkCalendar>,
    /// Which streams tell of cases, by stream.
    pub cases: BTreeMap<StreamId, CaseRules>,
    /// The formulas of the badge by class; a class that is absent has [`BadgeRules::standard`].
    pub badges: BTreeMap<Class, BadgeRules>,
}

/// A text in Vietnamese and English.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// A commune, ward or province.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// The official code.
    pub code: AreaCode,
    /// Its name.
    pub name: Label,
    /// `province`, `xa`, `phuong`.
    pub kind: String,
    /// The province of a commune; none for the province.
    pub parent: Option<AreaCode>,
    /// Column and row of its cell in the cartogram.
    pub cell: Option<(u16, u16)>,
    /// Inhabitants, for rates per head; none: unknown.
    pub population: Option<u64>,
    /// Civil dates of validity, `2025-07-01`; the end is exclusive.
    pub valid: Validity,
}

/// The parts of a [`Crossing`] that are all of an area.
pub const SHARE_WHOLE: u32 = 10_000;

/// An area, or a share of it, that became part of another on the day it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The area that ended.
    pub old: AreaCode,
    /// The area that began on that day.
    pub new: AreaCode,
    /// In ten-thousandths of the old area.
    pub share: u32,
    /// What says so.
    pub document: String,
}

/// Civil dates; none is open-ended. The end is exclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Validity {
    /// From this date on.
    pub from: Option<jiff::civil::Date>,
    /// Up to this date.
    pub to: Option<jiff::civil::Date>,
}

/// What is measured: unit, decimals, plausible range.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Its name in payloads and profile.
    pub name: String,
    /// On screens.
    pub label: Label,
    /// The unit values are kept in.
    pub unit: String,
    /// Digits behind the point values are kept with.
    pub scale: u8,
    /// What one value of it says about time.
    pub kind: QuantityKind,
    /// Least and greatest plausible value, at `scale`.
    pub range: (i128, i128),
}

/// What one value of a quantity says about time; the aggregates that make sense follow from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuantityKind {
    /// The state at an instant: temperature, speed.
    #[default]
    Gauge,
    /// A running total that only grows and may start anew: litres through a meter since it was built.
    Counter,
    /// What came about since the reading before: vehicles in the last minute.
    IntervalSum,
}

/// A field of the IOC: environment, traffic …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// `env`, `traffic` …
    pub id: String,
    /// On screens.
    pub name: Label,
}

/// One screen.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name.
    pub id: String,
    /// On screens.
    pub title: Label,
    /// The indicators of the tiles, in order, each for the province.
    pub tiles: Vec<IndicatorId>,
    /// The indicator the map shows per commune.
    pub map: IndicatorId,
    /// Pages of the secondary zone, in turn; the tiles never move.
    pub rotation: Vec<RotationPage>,
    /// How long each page stays.
    pub dwell: Span,
}

/// One page of a view's secondary zone.
#[derive(Clone, Debug, PartialEq)]
pub struct RotationPage {
    /// On screens.
    pub title: Label,
    /// Its indicators, in order, each for the province.
    pub indicators: Vec<IndicatorId>,
}
