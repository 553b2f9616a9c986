//! A small province and figures with chosen numbers.

use std::sync::Arc;

use nhip_profile::{
    Aggregate, Direction, Domain, Indicator, Label, Operand, Profile, Severity, Stream, Target, Threshold,
    Validity, View, Window,
};
use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Decimal, EventTime, Figure, FigureKey, IndicatorId, Level, MINUTE, Offset,
    Origin, Provenance, Row, RowCause, RowState, SECOND, Share, SourceId, SourceUpdate, StreamId, Update,
};

/// 2026-11-21T14:00:00+07:00.
pub(crate) const START: i64 = 1_795_244_400 * SECOND;
pub(crate) const PROVINCE: &str = "80";

/// A province with `communes` communes, two indicators, one source in each commune, one view.
pub(crate) fn profile(communes: usize) -> Arc<Profile> {
    let mut profile = Profile::empty("tay-ninh").with_area(PROVINCE, None);
    profile.zone = "Asia/Ho_Chi_Minh".to_owned();
    profile.name = Label { vi: "Tây Ninh".to_owned(), en: "Tay Ninh".to_owned() };
    profile.domains.push(Domain { id: "env".to_owned(), name: Label::same("env") });
    profile = profile.with_stream(Stream::minutely("air", &[("pm25", "µg/m³"), ("pm10", "µg/m³")]));
    for number in 1..=communes {
        let code = format!("c{number:03}");
        profile =
            profile.with_area(&code, Some(PROVINCE)).with_source(&format!("s{number:03}"), "air", &code);
    }
    profile =
        profile.with_indicator(indicator("env.pm25", "pm25")).with_indicator(indicator("env.pm10", "pm10"));
    profile = profile.with_threshold(Threshold {
        indicator: IndicatorId::new("env.pm25"),
        severity: Severity::Critical,
        area: None,
        group: None,
        limit: 500,
        below: false,
        dead_band: 20,
        valid: Validity::default(),
        document: "QCVN 05:2023/BTNMT".to_owned(),
    });
    profile = profile.with_target(Target {
        indicator: IndicatorId::new("env.pm25"),
        value: 450,
        formula: "mean of the stations".to_owned(),
        area: AreaCode::new("80"),
        former_area: Label::default(),
        document: "KH 12/KH-UBND".to_owned(),
        valid: Validity { from: "2026-01-01".parse().ok(), to: "2027-01-01".parse().ok() },
        note: Label::default(),
        curve: None,
    });
    profile = profile.with_unit("ubnd", None).with_unit("so", Some("ubnd"));
    let view = View {
        id: "main".to_owned(),
        title: Label::same("wall"),
        tiles: vec![IndicatorId::new("env.pm25"), IndicatorId::new("env.pm10")],
        map: IndicatorId::new("env.pm25"),
        rotation: Vec::new(),
        dwell: 20_000_000_000,
    };
    profile.views.insert("main".to_owned(), view);
    Arc::new(profile)
}

fn indicator(id: &str, quantity: &str) -> Indicator {
    Indicator {
        id: IndicatorId::new(id),
        name: Label { vi: format!("{id} vi"), en: id.to_owned() },
        domain: "env".to_owned(),
        unit: "µg/m³".to_owned(),
        scale: 1,
        owner: "DONRE".to_owned(),
        basis: "QCVN".to_owned(),
        stream: StreamId::new("air"),
        aggregate: Aggregate::Mean(Operand::Quantity(quantity.to_owned())),
        filter: Vec::new(),
        window: Window::Tumbling(60 * MINUTE),
        direction: Direction::Worse,
        completeness_min: 0.5,
        staleness: 5 * MINUTE,
        cadence: MINUTE,
        definition: [0; 16],
        text: "[indicator]\nid = \"x\"\n".to_owned(),
        tests: Vec::new(),
        group: None,
        readings_min: None,
        reconcile: None,
        cases: None,
        own_area: false,
    }
}

/// The figure of an indicator and area with this value in tenths, made of `k` of 3 sources.
pub(crate) fn figure(indicator: &str, area: &str, tenths: Option<i128>, k: u32) -> Arc<Figure> {
    let row = Row {
        lineage: "live".to_owned(),
        key: FigureKey {
            indicator: IndicatorId::new(indicator),
            area: AreaCode::new(area),
            group: String::new(),
            period: "1h".to_owned(),
            window_start: EventTime(START),
        },
        definition: [7; 16],
        window_end: EventTime(START + 3_600 * SECOND),
        revision: 1,
        state: RowState::Provisional,
        numerator: tenths.unwrap_or(0),
        denominator: i128::from(tenths.is_some()),
        value: tenths.map(|tenths| Decimal::new(tenths, 1)),
        k,
        m: 3,
        known_offset: Offset(40),
        known_at: ArrivalTime(START + 61 * SECOND),
        event_time: Some(EventTime(START + 60 * SECOND)),
        level: Level::Normal,
        provenance: Provenance {
            sources: vec![SourceId::new("s001")],
            first: Some(Offset(3)),
            last: Some(Offset(39)),
            samples: vec![Offset(3)],
        },
        badge: Badge { dung: None, du: Share::of(1, 2), sach: Share::of(3, 3), song: Share::of(2, 3) },
        cause: RowCause::Progress,
        origin: Origin::Simulated,
    };
    let history = vec![
        (EventTime(START - 7_200 * SECOND), None),
        (EventTime(START - 3_600 * SECOND), Some(Decimal::new(331, 1))),
    ];
    Arc::new(Figure { row, changed: Offset(39), history })
}

/// An update without content.
pub(crate) fn update(offset: u64) -> Update {
    Update {
        offset: Offset(offset),
        tick: None,
        profile_changed: false,
        figures: Vec::new(),
        complete_before: Vec::new(),
        sources: Vec::new(),
        badges: Vec::new(),
    }
}

/// A source heard at `seconds` after [`START`].
pub(crate) fn heard(source: &str, seconds: i64) -> SourceUpdate {
    SourceUpdate {
        source: SourceId::new(source),
        event_time: Some(EventTime(START + seconds * SECOND)),
        arrival: Some(ArrivalTime(START + seconds * SECOND)),
        badge: Badge::default(),
    }
}

/// The Tick `seconds` after [`START`].
pub(crate) fn tick(seconds: i64) -> Option<ArrivalTime> {
    Some(ArrivalTime(START + seconds * SECOND))
}
