//! A dashboard on a real port over fakes of every port.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use nhip_client::ClientOptions;
use nhip_ports::memory::{MemoryAnalyst, MemoryBus, MemoryRows, MemoryTokens, RecordingIntake, SteppedClock};
use nhip_ports::{
    Analysis, AnalysisError, Bus, DestroyedKey, Destruction, Explanation, FigureQuery, PastBoard, PastError,
    PastMoment, ProfileApplied, RedecodeOrder, RedecodeReport, RejectionQuery, RejectionRow, RestateOrder,
    RestateReport, RevisionError, Revisions, SampleRecord, SealedSample, SourceRow, UnsealOrder,
};
use nhip_profile::Profile;
use nhip_proto::{
    AreaCode, ArrivalTime, Badge, Duty, DutyKind, EventTime, Figure, FigureKey, IndicatorId, ItemReason,
    LedgerCounts, LedgerRow, LinkState, Offset, ProfileText, RejectionReason, Restatement, RowCause,
    SourceId, StreamId, Update,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fixtures::{START, figure, update};
use super::statistics::FakeStatistics;
use crate::{Config, Dashboard, Parts, Readiness};

/// Analytics that knows what it was told.
pub(crate) struct FakeAnalysis {
    state: Mutex<State>,
    bus: Arc<MemoryBus>,
}

#[derive(Default)]
struct State {
    offset: u64,
    figures: BTreeMap<(IndicatorId, AreaCode), Arc<Figure>>,
    unavailable: bool,
}

impl FakeAnalysis {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets figures and tells the bus.
    pub(crate) fn publish(&self, figures: Vec<Arc<Figure>>) -> u64 {
        let mut state = self.state();
        state.offset += 1;
        for figure in &figures {
            let key = &figure.row.key;
            state.figures.insert((key.indicator.clone(), key.area.clone()), Arc::clone(figure));
        }
        let offset = state.offset;
        // Under the lock, so that a board read meanwhile holds what was published before it.
        self.bus.publish(Arc::new(Update { figures, ..update(offset) }));
        offset
    }

    pub(crate) fn fail(&self) {
        self.state().unavailable = true;
    }

    fn answer(&self) -> Result<MutexGuard<'_, State>, AnalysisError> {
        let state = self.state();
        if state.unavailable { Err(AnalysisError::Unavailable("told to".to_owned())) } else { Ok(state) }
    }
}

#[async_trait]
impl Analysis for FakeAnalysis {
    async fn board(&self) -> Result<Arc<Update>, AnalysisError> {
        let state = self.answer()?;
        Ok(Arc::new(Update { figures: state.figures.values().cloned().collect(), ..update(state.offset) }))
    }

    async fn figures(&self, query: FigureQuery) -> Result<(Offset, Vec<Arc<Figure>>), AnalysisError> {
        let state = self.answer()?;
        let asked = |figure: &&Arc<Figure>| {
            let key = &figure.row.key;
            query.indicator.as_ref().is_none_or(|indicator| *indicator == key.indicator)
                && query.area.as_ref().is_none_or(|area| *area == key.area)
        };
        Ok((Offset(state.offset), state.figures.values().filter(asked).cloned().collect()))
    }

    async fn explain(
        &self,
        indicator: IndicatorId,
        area: AreaCode,
        _group: String,
        _window_start: Option<EventTime>,
    ) -> Result<Explanation, AnalysisError> {
        let state = self.answer()?;
        let figure = state.figures.get(&(indicator, area)).cloned();
        Ok(Explanation {
            figure: figure.ok_or_else(|| AnalysisError::NotFound("none".to_owned()))?,
            due: vec![SourceId::new("s001"), SourceId::new("s002")],
            missing: vec![SourceId::new("s002")],
            samples: vec![SampleRecord {
                offset: Offset(3),
                arrival: ArrivalTime(START),
                source: SourceId::new("s001"),
                topic: "nhip/v1/tay-ninh/air/s001".to_owned(),
                payload_hash: "00ff".to_owned(),
                sealed_key: Some("air/2026-11-20".to_owned()),
                items: vec!["pm25=35.2 µg/m³".to_owned()],
                stream: StreamId::new("air"),
                readings: Vec::new(),
            }],
            definition: "[indicator]".to_owned(),
        })
    }

    async fn ledger(&self) -> Result<(Offset, Vec<LedgerRow>), AnalysisError> {
        let mut message_reasons = LedgerCounts::default().message_reasons;
        if let Some(syntax) = message_reasons.get_mut(2) {
            *syntax = 1;
        }
        let counts = LedgerCounts {
            message_reasons,
            received: 5,
            decoded: 4,
            rejected: 1,
            items: 4,
            applied: 2,
            duplicate: 1,
            late: 1,
            ..LedgerCounts::default()
        };
        let row = |source: &str| LedgerRow {
            source: SourceId::new(source),
            stream: StreamId::new("air"),
            counts: counts.clone(),
            event_time: Some(EventTime(START)),
        };
        Ok((Offset(self.answer()?.offset), vec![row("s001"), row("s002"), row("s003")]))
    }

    async fn sources(&self) -> Result<Vec<SourceRow>, AnalysisError> {
        self.answer().map(drop)?;
        let row = |source: &str| SourceRow {
            source: SourceId::new(source),
            stream: StreamId::new("air"),
            area: AreaCode::new("c001"),
            event_time: Some(EventTime(START)),
            arrival: None,
            badge: Badge::default(),
            listed: source.starts_with('s'),
        };
        Ok(vec![row("s001"), row("stranger")])
    }

    async fn restatements(&self, _rows_max: usize) -> Result<Vec<Restatement>, AnalysisError> {
        self.answer().map(drop)?;
        let figure = figure("env.pm25", "80", Some(352), 3);
        Ok(vec![Restatement {
            key: figure.row.key.clone(),
            definition: figure.row.definition,
            revision: 1,
            old: None,
            new: figure.row.value,
            cause: RowCause::Restated,
            cause_offset: Offset(3),
            known_offset: Offset(3),
            known_at: ArrivalTime(START),
        }])
    }

    /// Knows one moment: offset 40, at [`START`]; whatever was published is known since.
    async fn past(&self, moment: PastMoment, _patience: Duration) -> Result<PastBoard, PastError> {
        let then = match moment {
            PastMoment::Offset(offset) => offset.0 as i64 - 40,
            PastMoment::Time(at) => at.0 - START,
        };
        match then {
            i64::MIN..=-1 => return Err(PastError::TooEarly),
            1 => return Err(PastError::Gone),
            2 => return Err(PastError::Unfinished { reached: Some(ArrivalTime(START)) }),
            3 => return Err(PastError::TooLate),
            _ => {}
        }
        let figures = vec![figure("env.pm10", "80", Some(120), 2), figure("env.pm25", "80", Some(300), 2)];
        let board = Update { figures, tick: Some(ArrivalTime(START)), ..update(40) };
        let profile = ProfileText {
            at: ArrivalTime(START),
            hash: super::fixtures::profile(1).hash,
            semantics: 1,
            files: Vec::new(),
            zones: Vec::new(),
        };
        Ok(PastBoard { board: Arc::new(board), profile: Arc::new(profile) })
    }

    async fn windows(
        &self,
        keys: Vec<FigureKey>,
        _since: Offset,
    ) -> Result<Vec<Option<Arc<Figure>>>, AnalysisError> {
        let state = self.answer()?;
        let known = |key: FigureKey| state.figures.get(&(key.indicator, key.area)).cloned();
        Ok(keys.into_iter().map(known).collect())
    }

    async fn rejections(&self, query: RejectionQuery) -> Result<Vec<RejectionRow>, AnalysisError> {
        self.answer().map(drop)?;
        let row = |offset, place, reason| RejectionRow {
            offset: Offset(offset),
            place,
            arrival: ArrivalTime(START),
            source: SourceId::new("s001"),
            stream: StreamId::new("air"),
            reason,
            field: "pm25".to_owned(),
            sample: (offset == 9).then(|| SealedSample { payload_hash: "00ff".to_owned(), bytes: 21 }),
        };
        let mut rows = vec![
            row(9, 1, Err(ItemReason::OutOfRange)),
            row(9, 0, Err(ItemReason::UnitUnknown)),
            row(7, 0, Ok(RejectionReason::Syntax)),
        ];
        rows.retain(|row| {
            query.before.is_none_or(|before| (row.offset, row.place) < before)
                && query.reason.is_none_or(|reason| reason == row.reason)
        });
        rows.truncate(query.rows_max);
        Ok(rows)
    }

    async fn duties(&self) -> Result<(Offset, Option<ArrivalTime>, Vec<Duty>), AnalysisError> {
        let offset = self.answer()?.offset;
        let duty = |source: &str, unit: &str, kind, deadline| Duty {
            source: SourceId::new(source),
            stream: StreamId::new("air"),
            unit: unit.to_owned(),
            kind,
            since: ArrivalTime(START),
            deadline,
            received: 2,
            expected: 5,
            last_heard: Some(ArrivalTime(START)),
            event_time: None,
        };
        let late = duty("s002", "ubnd", DutyKind::LateReport, Some(ArrivalTime(START)));
        Ok((Offset(offset), Some(ArrivalTime(START)), vec![duty("s001", "so", DutyKind::Silent, None), late]))
    }
}

/// Refuses everything but what can be told from the order alone.
struct FakeRevisions;

#[async_trait]
impl Revisions for FakeRevisions {
    async fn apply_profile(&self) -> Result<ProfileApplied, RevisionError> {
        Err(RevisionError::Profile(vec!["profile.toml:3:1: a mistake".to_owned()]))
    }

    async fn destroyed_keys(&self) -> Result<Vec<DestroyedKey>, RevisionError> {
        let destruction = Destruction {
            at: ArrivalTime(START),
            under: "stream air: sealed_days = 30; QĐ 7".to_owned(),
            author: "retention".to_owned(),
        };
        Ok(vec![DestroyedKey { id: "air/2026-11-20".to_owned(), destruction, logged: Some(Offset(40)) }])
    }

    async fn redecode(&self, order: RedecodeOrder) -> Result<RedecodeReport, RevisionError> {
        Ok(RedecodeReport { messages: 1, unchanged: 1, next: order.to, ..RedecodeReport::default() })
    }

    async fn unseal(&self, order: UnsealOrder) -> Result<Offset, RevisionError> {
        Ok(Offset(order.offsets.len() as u64))
    }

    async fn restate(&self, order: RestateOrder, dry_run: bool) -> Result<RestateReport, RevisionError> {
        if order.from >= order.to {
            return Err(RevisionError::Refused("an empty range".to_owned()));
        }
        let offset = (!dry_run).then_some(Offset(9));
        let (computed_to, rows_digest, figures) = (Offset(8), [7; 32], Vec::new());
        Ok(RestateReport { computed_to, rows_digest, windows: 2, changed: 0, figures, offset })
    }
}

/// A served dashboard; stops when dropped.
pub(crate) struct TestNode {
    pub(crate) analysis: Arc<FakeAnalysis>,
    pub(crate) intake: Arc<RecordingIntake>,
    pub(crate) statistics: Arc<FakeStatistics>,
    pub(crate) tokens: Arc<MemoryTokens>,
    pub(crate) past: Arc<MemoryRows>,
    pub(crate) profile: watch::Sender<Arc<Profile>>,
    pub(crate) ready: watch::Sender<Readiness>,
    pub(crate) address: String,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<std::io::Result<()>>,
}

impl TestNode {
    pub(crate) async fn start(profile: Arc<Profile>, config: Config) -> Self {
        Self::with_analyst(profile, config, None).await
    }

    pub(crate) async fn with_analyst(
        profile: Arc<Profile>,
        config: Config,
        analyst: Option<Arc<MemoryAnalyst>>,
    ) -> Self {
        let bus = Arc::new(MemoryBus::new(64));
        let analysis = Arc::new(FakeAnalysis { state: Mutex::default(), bus: Arc::clone(&bus) });
        analysis.state().offset = 41;
        analysis.publish(vec![figure("env.pm25", "80", Some(352), 3)]);
        let intake = RecordingIntake::settling();
        let past = Arc::new(MemoryRows::default());
        let (statistics, tokens) = (Arc::new(FakeStatistics::default()), Arc::new(MemoryTokens::default()));
        let (profile_sender, profile_receiver) = watch::channel(profile);
        let (ready_sender, ready_receiver) = watch::channel(Readiness::Ready);
        let link =
            LinkState { name: "embedded".to_owned(), up: true, epoch: 1, delivered: 7, error: String::new() };
        let parts = Parts {
            analysis: Arc::clone(&analysis) as Arc<dyn Analysis>,
            history: Arc::clone(&past) as Arc<dyn nhip_ports::History>,
            parquet: Arc::new(|rows, about| {
                Ok(format!("{} rows, {} facts", rows.len(), about.len()).into_bytes())
            }),
            analyst: analyst.map(|analyst| analyst as Arc<dyn nhip_ports::Analyst>),
            bus: Arc::clone(&bus) as Arc<dyn Bus>,
            revisions: Arc::new(FakeRevisions),
            intake: Arc::clone(&intake) as Arc<dyn nhip_ports::Intake>,
            statistics: Arc::clone(&statistics) as Arc<dyn nhip_ports::Statistics>,
            tokens: Arc::clone(&tokens) as Arc<dyn nhip_ports::Tokens>,
            clock: Arc::new(SteppedClock::new(ArrivalTime(START + 62_000_000_000))),
            profile: profile_receiver,
            links: Arc::new(move || vec![link.clone()]),
            ready: ready_receiver,
            metrics: Arc::new(|| "nhip_test 1\n".to_owned()),
            build: "0.1.0-test".to_owned(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let stop = CancellationToken::new();
        let served = tokio::spawn(Dashboard::new(config, parts).serve(listener, stop.clone()));
        let node = Self {
            analysis,
            intake,
            statistics,
            tokens,
            past,
            profile: profile_sender,
            ready: ready_sender,
            address,
            stop,
            served,
        };
        node.until_ready().await;
        node
    }

    pub(crate) fn options(&self) -> ClientOptions {
        ClientOptions::wall(&self.address)
    }

    async fn until_ready(&self) {
        let ready = async {
            while nhip_client::http_get(&self.address, "/readyz").await.map_or(0, |answer| answer.status)
                != 200
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ready).await.expect("ready within ten seconds");
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
