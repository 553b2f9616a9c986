//! Profiles made by hand, for the tests of other crates; what `load` checks is not checked here.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{AreaCode, MINUTE, Origin, SourceId, StreamId};

use crate::definition::hash_definitions;
use crate::{
    Area, Class, Domain, Identity, Indicator, Label, Profile, Quantity, QuantityKind, Route, Source,
    SourceState, Stream, Target, Threshold, Unit, Validity,
};

impl Profile {
    /// A profile that declares nothing, in the zone `UTC`.
    #[must_use]
    pub fn empty(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: Label::same(id),
            zone: "UTC".to_owned(),
            hash: [0; 16],
            banner: Label::default(),
            origin: Origin::Machine,
            areas: BTreeMap::new(),
            quantities: BTreeMap::new(),
            streams: BTreeMap::new(),
            routes: Vec::new(),
            mappings: BTreeMap::new(),
            sources: BTreeMap::new(),
            domains: Vec::new(),
            indicators: BTreeMap::new(),
            thresholds: Vec::new(),
            water_levels: Vec::new(),
            targets: Vec::new(),
            baselines: Vec::new(),
            retentions: Vec::new(),
            views: BTreeMap::new(),
            units: BTreeMap::new(),
            periods: BTreeMap::new(),
            crosswalk: Vec::new(),
            calendars: BTreeMap::new(),
            cases: BTreeMap::new(),
            badges: BTreeMap::new(),
        }
    }

    /// With an area; the one without a parent is the province.
    #[must_use]
    pub fn with_area(mut self, code: &str, parent: Option<&str>) -> Self {
        let code = AreaCode::new(code);
        let area = Area {
            code: code.clone(),
            name: Label::same(code.as_str()),
            kind: if parent.is_some() { "xa" } else { "province" }.to_owned(),
            parent: parent.map(AreaCode::new),
            cell: None,
            population: None,
            valid: Validity::default(),
        };
        self.areas.insert(code, area);
        self
    }

    /// With a quantity whose range is ±10^15 at its scale.
    #[must_use]
    pub fn with_quantity(mut self, name: &str, unit: &str, scale: u8) -> Self {
        let bound = 1_000_000_000_000_000;
        let quantity = Quantity {
            name: name.to_owned(),
            label: Label::same(name),
            unit: unit.to_owned(),
            scale,
            kind: QuantityKind::Gauge,
            range: (-bound, bound),
        };
        self.quantities.insert(name.to_owned(), quantity);
        self
    }

    /// With a stream.
    #[must_use]
    pub fn with_stream(mut self, stream: Stream) -> Self {
        self.streams.insert(stream.id.clone(), stream);
        self
    }

    /// With a source.
    #[must_use]
    pub fn with_source(mut self, id: &str, stream: &str, area: &str) -> Self {
        let source = Source {
            id: SourceId::new(id),
            stream: StreamId::new(stream),
            area: AreaCode::new(area),
            name: Label::same(id),
            owner: "test".to_owned(),
            cadence: None,
            lateness: None,
            state: SourceState::Connected,
            group: String::new(),
            position: None,
        };
        self.sources.insert(source.id.clone(), source);
        self
    }

    /// With a domain.
    #[must_use]
    pub fn with_domain(mut self, id: &str) -> Self {
        self.domains.push(Domain { id: id.to_owned(), name: Label::same(id) });
        self
    }

    /// With an indicator; its definition version is computed.
    #[must_use]
    pub fn with_indicator(mut self, indicator: Indicator) -> Self {
        self.indicators.insert(indicator.id.clone(), indicator);
        hash_definitions(&mut self);
        self
    }

    /// With a unit that is valid for ever.
    #[must_use]
    pub fn with_unit(mut self, id: &str, parent: Option<&str>) -> Self {
        let unit = Unit {
            id: id.to_owned(),
            name: Label::same(id),
            phone: String::new(),
            parent: parent.map(str::to_owned),
            successor: None,
            valid: Validity::default(),
        };
        self.units.insert(unit.id.clone(), unit);
        self
    }

    /// With a target.
    #[must_use]
    pub fn with_target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// With a threshold.
    #[must_use]
    pub fn with_threshold(mut self, threshold: Threshold) -> Self {
        self.thresholds.push(threshold);
        self
    }
}

impl Route {
    /// A route whose payload is one message and needs no mapping.
    #[must_use]
    pub fn of(filter: &str, dialect: &str, stream: &str, source: &str) -> Self {
        Self {
            filter: filter.to_owned(),
            dialect: dialect.to_owned(),
            stream: StreamId::new(stream),
            source: source.to_owned(),
            each: None,
            mapping: None,
        }
    }
}

impl Stream {
    /// A stream of one reading a minute with the defaults of the language, identified by event time, that
    /// carries these quantities (name, unit) and no states.
    #[must_use]
    pub fn minutely(id: &str, quantities: &[(&str, &str)]) -> Self {
        Self {
            id: StreamId::new(id),
            label: Label::same(id),
            class: Class::Machine,
            deadline: None,
            key_class: id.to_owned(),
            zone: None,
            identity: Identity::Time,
            cadence: MINUTE,
            disorder: MINUTE,
            lateness: 60 * MINUTE,
            horizon: 72 * 60 * MINUTE,
            staleness: 3 * MINUTE,
            skew: 5 * MINUTE,
            open: false,
            stamp_is_start: false,
            quantities: quantities
                .iter()
                .map(|(name, unit)| ((*name).to_owned(), (*unit).to_owned()))
                .collect(),
            states: BTreeMap::new(),
            things: BTreeSet::new(),
            statistic: None,
            place: None,
        }
    }
}

impl Label {
    /// The same text in both languages.
    #[must_use]
    pub fn same(text: &str) -> Self {
        Self { vi: text.to_owned(), en: text.to_owned() }
    }
}
