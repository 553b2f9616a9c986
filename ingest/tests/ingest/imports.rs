//! Documents of people over ports in memory: what is told of each cell, and what stands in the log.

use std::sync::Arc;
use std::time::Duration;

use nhip_ingest::{Imports, IngestRoom, IngestSettings, open};
use nhip_ports::memory::{MemoryImportIndex, SteppedClock};
use nhip_ports::{
    DocumentKind, ImportError, ImportOrder, ImportReport, MistakeKind, Statistics, WrittenQuery,
};
use nhip_profile::{Class, Identity, Profile, Quantity, Stream};
use nhip_proto::{ArrivalTime, EventTime, ItemName, ItemValue, Offset, Record, SourceId, StreamId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::stage::{MIDNIGHT, StageKeys, StageLog, key_of};

struct Stage {
    imports: Arc<Imports>,
    log: Arc<StageLog>,
    index: Arc<MemoryImportIndex>,
    profile: Arc<Profile>,
    stop: CancellationToken,
}

/// Streams `visits` (statistic, identified by an id) and `air` (of machines).
fn profile() -> Profile {
    let mut visits = Stream::minutely("visits", &[("guests", "people"), ("nights", "d"), ("revision", "1")]);
    visits.class = Class::Statistic;
    visits.identity = Identity::Id;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    visits.states.insert("area".to_owned(), words(&["A", "B"]));
    visits.states.insert("phase".to_owned(), words(&["estimate", "official"]));
    let mut profile = Profile::empty("tay-ninh")
        .with_area("80", None)
        .with_stream(visits)
        .with_stream(Stream::minutely("air", &[("guests", "people")]))
        .with_source("so", "visits", "80")
        .with_source("KK01", "air", "80");
    profile.zone = "Asia/Ho_Chi_Minh".to_owned();
    for (name, unit, scale, most) in
        [("guests", "people", 0, 1_000_000), ("nights", "d", 1, 10_000), ("revision", "1", 0, 99)]
    {
        let quantity = Quantity {
            name: name.to_owned(),
            label: nhip_profile::Label { vi: format!("Số {name}"), en: name.to_owned() },
            unit: unit.to_owned(),
            scale,
            kind: nhip_profile::QuantityKind::Gauge,
            range: (0, most),
        };
        profile.quantities.insert(name.to_owned(), quantity);
    }
    profile
}

impl Stage {
    async fn new() -> Self {
        let (log, index) = (StageLog::open(), Arc::new(MemoryImportIndex::default()));
        Self::over(log, index, profile()).await
    }

    async fn over(log: Arc<StageLog>, index: Arc<MemoryImportIndex>, profile: Profile) -> Self {
        let profile = Arc::new(profile);
        let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
        let keys = Arc::new(StageKeys::default());
        let settings = IngestSettings::default();
        let room = Arc::new(IngestRoom::new(settings, profile.clone(), log.clone(), keys, clock));
        let profiles = watch::channel(profile.clone()).1;
        let imports = Arc::new(Imports::new(room, log.clone(), profiles, index.clone()));
        let stop = CancellationToken::new();
        let (kept, stopped) = (imports.clone(), stop.clone());
        tokio::spawn(async move { kept.keep(stopped).await });
        let stage = Self { imports, log, index, profile, stop };
        let ready = async {
            while stage.imports.imports(Offset(u64::MAX), 1).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ready).await.expect("ready");
        stage
    }

    fn order(text: &str) -> ImportOrder {
        ImportOrder {
            author: "Hoa".to_owned(),
            stream: StreamId::new("visits"),
            source: SourceId::new("so"),
            kind: DocumentKind::Delimited,
            document: text.to_owned().into(),
            delimiter: None,
            decimal_comma: false,
            sheet: None,
        }
    }

    async fn preview(&self, text: &str) -> ImportReport {
        self.imports.preview(Self::order(text)).await.expect("judged")
    }

    async fn commit(&self, text: &str) -> ImportReport {
        self.imports.commit(Self::order(text)).await.expect("judged")
    }
}

/// `B7 kind nearest` of every mistake.
fn told(report: &ImportReport) -> Vec<String> {
    let show = |one: &nhip_ports::CellMistake| {
        format!("{} {:?} {}", one.address(), one.kind, one.nearest).trim_end().to_owned()
    };
    report.listed.iter().map(show).collect()
}

#[tokio::test]
async fn every_cell_to_mend_is_told_and_nothing_is_written() {
    let stage = Stage::new().await;
    let table = "Số liệu khách,,,,\n\nperiod,area,phase,guests,nights_unit,nights,gest,guests\n\
        2026-09,A,official,12,,1.5\n2026-09,C,Official,12x,furlong,3\n9/2026,A,,1000001,h,x\n\
        2026-12,A,official,1\n2026-09,A,official,13\n2026-10,B,official,,d,\n2026-08,B,official,1.5,d,0.25,,,x\n";
    let report = stage.preview(table).await;
    let expected = [
        "G3 UnknownColumn guests",
        "H3 RepeatedColumn guests",
        "B5 UnknownWord A",
        "C5 UnknownWord official",
        "D5 NumberAsText 12",
        "E5 UnknownUnit",
        "A6 PeriodInvalid 2026-09",
        "C6 Blank",
        "D6 OutOfRange",
        "F6 NotANumber",
        "A7 PeriodAhead",
        "D8 Duplicate D4",
        "9 NoFigure",
        "I10 CellBesideTable",
        "D10 TooManyDigits",
        "F10 TooManyDigits",
    ];
    let without_unit =
        |one: String| if one.contains("UnknownUnit") { "E5 UnknownUnit".to_owned() } else { one };
    let found: Vec<String> = told(&report).into_iter().map(without_unit).collect();
    assert_eq!(found, expected);
    assert_eq!((report.rows, report.good_rows, report.mistakes, report.duplicates), (7, 1, 16, 1));
    assert_eq!(stage.commit(table).await.written, None);
    assert!(stage.log.records().is_empty());
}

#[tokio::test]
async fn a_document_is_one_command_and_an_entry_a_row() {
    let stage = Stage::new().await;
    let table = "period;area;phase;guests;nights;nights_unit;note\n\
        2026-09;A;official;12;36;h;ok\n2025;B;estimate;;1;;\n";
    let report = stage.commit(table).await;
    let written = report.written.expect("written");
    assert_eq!((written.rows, written.figures, written.offset), (2, 3, Offset(0)));
    let records = stage.log.records();
    let [Record::Command(command), Record::Entry(first), Record::Entry(second)] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!((command.verb.as_str(), command.author.as_str()), ("import", "Hoa"));
    let sealed = command.sealed.as_ref().expect("the document");
    assert_eq!(open(&key_of(&sealed.key), sealed).expect("opens").payload.as_ref(), table.as_bytes());
    assert_eq!(
        (first.author.as_str(), first.stream.as_str(), first.subject.as_str()),
        ("Hoa", "visits", "so")
    );
    assert_eq!((command.at, first.at), (ArrivalTime(MIDNIGHT), ArrivalTime(MIDNIGHT)));
    let told = first.items.iter().map(|item| (item.name.clone(), item.value.clone(), item.unit.as_str()));
    let shown: Vec<_> = told.collect();
    let name = |name: &str| ItemName::Text(name.to_owned());
    let number = |number| ItemValue::Number(nhip_proto::Decimal::new(number, 0));
    let state = |word: &str| ItemValue::State(word.to_owned());
    let expected = [
        (name("guests"), number(12), ""),
        (name("nights"), number(36), "h"),
        (name("area"), state("A"), ""),
        (name("phase"), state("official"), ""),
    ];
    assert_eq!(shown, expected);
    // 2026-09 in Asia/Ho_Chi_Minh; the stamp is the end of the period.
    let time = |text: &str| {
        let at: jiff::Timestamp = text.parse().expect("a time");
        EventTime(i64::try_from(at.as_nanosecond()).expect("in range"))
    };
    let (start, end) = (time("2026-08-31T17:00:00Z"), time("2026-09-30T17:00:00Z"));
    for item in &first.items {
        assert_eq!((item.period, item.event_time), (Some((start, end)), Some(end)));
        assert!(item.identity.is_some() && item.identity != second.items[0].identity, "each row is its own");
    }
    assert_eq!(second.items[0].period, Some((time("2024-12-31T17:00:00Z"), time("2025-12-31T17:00:00Z"))));
}

#[tokio::test]
async fn the_same_document_is_written_once_also_after_a_start() {
    let stage = Stage::new().await;
    let table = "period,area,phase,guests\n2026-09,A,official,12\n";
    let first = stage.commit(table).await;
    let again = stage.commit(table).await;
    assert!(again.repeated && again.written == first.written);
    assert_eq!((again.unchanged, stage.log.records().len()), (1, 2));
    let other = ImportOrder { author: "Lan".to_owned(), ..Stage::order(table) };
    assert!(stage.imports.commit(other).await.expect("judged").repeated, "whoever brings it");
    stage.stop.cancel();
    // With the list, with another log's list, and without any.
    let none = Arc::new(MemoryImportIndex::default());
    for index in [stage.index.clone(), none] {
        let next = Stage::over(stage.log.clone(), index, Profile::clone(&stage.profile)).await;
        let again = next.commit(table).await;
        assert!(again.repeated && again.written == first.written);
        assert_eq!((again.unchanged, next.log.records().len()), (1, 2));
        let imports = next.imports.imports(Offset(u64::MAX), 10).await.expect("a list");
        assert_eq!(imports, first.written.clone().into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_stands_is_compared_by_phase_and_revision() {
    let stage = Stage::new().await;
    stage.commit("period,area,phase,guests\n2026-09,A,official,12\n2026-09,B,estimate,7\n").await;
    let next = "indicator,value,period,area,phase,revision\nguests,13,2026-09,A,official,1\n\
        Số guests,12,2026-09,A,estimate,0\nguests,7,2026-09,B,estimate,0\nnights,2,2026-09,B,estimate,0\n";
    let report = stage.commit(next).await;
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!((report.long, report.figures), (true, 4));
    assert_eq!((report.changes, report.behind, report.unchanged), (1, 1, 1));
    let change = &report.changed[0];
    assert_eq!((change.row, change.column, change.offset), (2, 2, Offset(1)));
    assert_eq!((change.old.to_string(), change.new.to_string()), ("12".to_owned(), "13".to_owned()));
    let query = WrittenQuery {
        stream: None,
        source: None,
        area: Some(nhip_proto::AreaCode::new("B")),
        from: EventTime(i64::MIN),
        to: EventTime(i64::MAX),
        before: Offset(u64::MAX),
        entries_max: 2,
    };
    let page = stage.imports.written(query.clone()).await.expect("a page");
    assert_eq!(page.entries.iter().map(|(offset, _)| offset.0).collect::<Vec<_>>(), [7, 6]);
    let before = page.next.expect("more");
    let rest = stage.imports.written(WrittenQuery { before, ..query }).await.expect("a page");
    assert_eq!(rest.entries.iter().map(|(offset, _)| offset.0).collect::<Vec<_>>(), [2]);
    assert_eq!(rest.next, None);
}

#[tokio::test]
async fn an_order_that_is_not_allowed_is_refused_with_what_is() {
    let stage = Stage::new().await;
    let table = "period,area,phase,guests\n2026-09,A,official,12\n";
    let order = |stream: &str, source: &str, text: &str| ImportOrder {
        stream: StreamId::new(stream),
        source: SourceId::new(source),
        ..Stage::order(text)
    };
    for (order, said) in [
        (order("none", "so", table), "no such stream"),
        (order("air", "KK01", table), "class statistic"),
        (order("visits", "KK01", table), "no such source"),
        (order("visits", "", table), "no such source"),
        (order("visits", "so", ""), "heading `period`"),
        (ImportOrder { decimal_comma: true, delimiter: Some(b','), ..Stage::order(table) }, "a comma"),
        (ImportOrder { kind: DocumentKind::Workbook, ..Stage::order(table) }, "no XLSX workbook"),
    ] {
        match stage.imports.commit(order).await {
            Err(ImportError::Refused(what)) => assert!(what.contains(said), "{what}"),
            other => panic!("{said}: {other:?}"),
        }
    }
    let missing = stage.preview("period,area\n2026-09,A\n").await;
    assert_eq!(missing.listed[0].kind, MistakeKind::ColumnMissing);
    assert!(stage.log.records().is_empty());
}
