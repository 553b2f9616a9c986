//! Questions of the screens, answered by the engine between two batches.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nhip_engine::{Engine, Foreseen};
use nhip_ports::{
    Analysis, AnalysisError, EventLog, Explanation, FigureQuery, History, PastBoard, PastError, PastMoment,
    ReadLimit, RejectionQuery, RejectionRow, SampleRecord, SealedSample, SourceRow,
};
use nhip_proto::{
    AreaCode, ArrivalTime, Duty, EventTime, Figure, FigureKey, IndicatorId, Item, ItemName, ItemValue,
    LedgerRow, Message, MessageBody, Offset, Record, Restatement, Update,
};
use tokio::sync::{mpsc, oneshot};

use crate::past::Past;
use crate::{telemetry, windows};

/// What AES-256-GCM adds to a payload.
const TAG_BYTES: usize = 16;

type Reply<T> = oneshot::Sender<T>;

/// One question with the way back.
pub(crate) enum Query {
    Board(Reply<Update>),
    Figures(FigureQuery, Reply<(Offset, Vec<Arc<Figure>>)>),
    Explain(IndicatorId, AreaCode, String, Option<EventTime>, Reply<Option<nhip_engine::Explained>>),
    Ledger(Reply<(Offset, Vec<LedgerRow>)>),
    Sources(Reply<Vec<SourceRow>>),
    Rejections(RejectionQuery, Reply<Vec<RejectionRow>>),
    Duties(Reply<(Offset, Option<ArrivalTime>, Vec<Duty>)>),
    Restatements(usize, Reply<Vec<Restatement>>),
    Windows(Vec<FigureKey>, Reply<Vec<Option<Arc<Figure>>>>),
    Foresee(IndicatorId, (EventTime, EventTime), Reply<Option<Foreseen>>),
}

impl Query {
    /// Answers; a caller that gave up in the meantime misses nothing.
    pub(crate) fn answer(self, engine: &mut Engine) {
        match self {
            Self::Board(reply) => drop(reply.send(engine.board())),
            Self::Figures(query, reply) => {
                let FigureQuery { indicator, area, group, domain } = &query;
                let (indicator, area) = (indicator.as_ref(), area.as_ref());
                let figures = engine.figures(indicator, area, group.as_deref(), domain.as_deref());
                drop(reply.send((engine.applied(), figures)));
            }
            Self::Explain(indicator, area, group, window, reply) => {
                drop(reply.send(engine.explain(&indicator, &area, &group, window)));
            }
            Self::Ledger(reply) => drop(reply.send((engine.applied(), engine.ledger()))),
            Self::Sources(reply) => drop(reply.send(engine.sources().into_iter().map(source_row).collect())),
            Self::Restatements(rows_max, reply) => drop(reply.send(engine.restatements(rows_max))),
            Self::Windows(keys, reply) => {
                let known = keys.iter().map(|key| engine.window(key).map(Arc::new)).collect();
                drop(reply.send(known));
            }
            // The room answers it: it reads the log.
            Self::Foresee(..) => {}
            Self::Rejections(query, reply) => drop(reply.send(rejections(engine, &query))),
            Self::Duties(reply) => {
                drop(reply.send((engine.applied(), engine.last_tick(), engine.duties())));
            }
        }
    }
}

/// The room as the screens see it.
pub struct AnalysisHandle {
    queries: mpsc::Sender<Query>,
    log: Arc<dyn EventLog>,
    history: Arc<dyn History>,
    past: Arc<Past>,
}

impl AnalysisHandle {
    pub(crate) fn new(
        queries: mpsc::Sender<Query>,
        log: Arc<dyn EventLog>,
        history: Arc<dyn History>,
        past: Arc<Past>,
    ) -> Self {
        Self { queries, log, history, past }
    }

    async fn ask<T>(&self, query: impl FnOnce(Reply<T>) -> Query) -> Result<T, AnalysisError> {
        let (reply, answer) = oneshot::channel();
        self.queries.try_send(query(reply)).map_err(|_| {
            telemetry::query_refused();
            AnalysisError::Unavailable("too many questions wait, or the node is stopping".to_owned())
        })?;
        answer.await.map_err(|_| AnalysisError::Unavailable("the node is stopping".to_owned()))
    }

    /// What a Restate of windows that start in a range would change, computed up to what is applied now. The room
    /// reads the log for it; screens and questions wait meanwhile.
    ///
    /// # Errors
    /// [`AnalysisError::NotFound`] if there is no such indicator or range.
    pub async fn foresee(
        &self,
        indicator: IndicatorId,
        range: (EventTime, EventTime),
    ) -> Result<Foreseen, AnalysisError> {
        let foreseen = self.ask(|reply| Query::Foresee(indicator, range, reply)).await?;
        foreseen.ok_or_else(|| AnalysisError::NotFound("no such indicator, or an empty range".to_owned()))
    }

    async fn message(&self, offset: Offset) -> Option<Box<Message>> {
        let limit = ReadLimit { records_max: 1, bytes_max: 1 };
        let batch = self.log.read(offset, limit).await.ok()?;
        match &batch.first()?.record {
            Record::Message(message) => Some(message.clone()),
            _ => None,
        }
    }

    /// What is told of a sealed payload: its hash and its length, never what is in it.
    async fn sealed(&self, offset: Offset) -> Option<SealedSample> {
        let sealed = self.message(offset).await?.sealed?;
        let bytes = sealed.ciphertext.len().saturating_sub(TAG_BYTES) as u64;
        Some(SealedSample { payload_hash: hex(&sealed.payload_hash), bytes })
    }

    async fn sample(&self, offset: Offset) -> Option<SampleRecord> {
        let message = self.message(offset).await?;
        let items = match &message.body {
            MessageBody::Items(items) => items.iter().map(in_words).collect(),
            MessageBody::Rejected(rejection) => vec![format!("rejected={}", rejection.reason)],
        };
        let readings = match &message.body {
            MessageBody::Items(items) => items.clone(),
            MessageBody::Rejected(_) => Vec::new(),
        };
        let hash = message.sealed.as_ref().map(|sealed| sealed.payload_hash);
        Some(SampleRecord {
            offset,
            arrival: message.arrival,
            source: message.source.clone(),
            topic: message.topic.clone(),
            payload_hash: hash.map_or_else(String::new, |hash| hex(&hash)),
            sealed_key: message.sealed.as_ref().map(|sealed| sealed.key.clone()),
            items,
            stream: message.stream.clone(),
            readings,
        })
    }
}

#[async_trait]
impl Analysis for AnalysisHandle {
    async fn board(&self) -> Result<Arc<Update>, AnalysisError> {
        self.ask(Query::Board).await.map(Arc::new)
    }

    async fn figures(&self, query: FigureQuery) -> Result<(Offset, Vec<Arc<Figure>>), AnalysisError> {
        self.ask(|reply| Query::Figures(query, reply)).await
    }

    async fn explain(
        &self,
        indicator: IndicatorId,
        area: AreaCode,
        group: String,
        window_start: Option<EventTime>,
    ) -> Result<Explanation, AnalysisError> {
        let what = format!("no figure of {indicator} for area {area}");
        let explained = self.ask(|reply| Query::Explain(indicator, area, group, window_start, reply)).await?;
        let explained = explained.ok_or(AnalysisError::NotFound(what))?;
        let mut samples = Vec::new();
        for offset in &explained.figure.row.provenance.samples {
            samples.extend(self.sample(*offset).await);
        }
        Ok(Explanation {
            figure: explained.figure,
            due: explained.due,
            missing: explained.missing,
            samples,
            definition: explained.definition,
        })
    }

    async fn ledger(&self) -> Result<(Offset, Vec<LedgerRow>), AnalysisError> {
        self.ask(Query::Ledger).await
    }

    async fn sources(&self) -> Result<Vec<SourceRow>, AnalysisError> {
        self.ask(Query::Sources).await
    }

    async fn rejections(&self, query: RejectionQuery) -> Result<Vec<RejectionRow>, AnalysisError> {
        let mut rows = self.ask(|reply| Query::Rejections(query, reply)).await?;
        let mut last = None;
        for row in &mut rows {
            // Items of one record stand together: it is read once.
            if last.as_ref().is_none_or(|(offset, _)| *offset != row.offset) {
                last = Some((row.offset, self.sealed(row.offset).await));
            }
            row.sample = last.as_ref().and_then(|(_, sample)| sample.clone());
        }
        Ok(rows)
    }

    async fn duties(&self) -> Result<(Offset, Option<ArrivalTime>, Vec<Duty>), AnalysisError> {
        self.ask(Query::Duties).await
    }

    async fn restatements(&self, rows_max: usize) -> Result<Vec<Restatement>, AnalysisError> {
        self.ask(|reply| Query::Restatements(rows_max, reply)).await
    }

    async fn past(&self, moment: PastMoment, patience: Duration) -> Result<PastBoard, PastError> {
        Arc::clone(&self.past).board(moment, patience).await
    }

    async fn windows(
        &self,
        keys: Vec<FigureKey>,
        since: Offset,
    ) -> Result<Vec<Option<Arc<Figure>>>, AnalysisError> {
        let asked = keys.clone();
        let mut known = self.ask(|reply| Query::Windows(asked, reply)).await?;
        windows::fill_in(self.history.as_ref(), &keys, since, &mut known).await?;
        Ok(known)
    }
}

fn source_row(source: nhip_engine::SourceLine) -> SourceRow {
    SourceRow {
        source: source.source,
        stream: source.stream,
        area: source.area,
        event_time: source.event_time,
        arrival: source.arrival,
        badge: source.badge,
        listed: source.listed,
    }
}

fn rejection_row(rejection: nhip_engine::RejectionLine) -> RejectionRow {
    RejectionRow {
        offset: rejection.offset,
        place: rejection.place,
        arrival: rejection.arrival,
        source: rejection.source,
        stream: rejection.stream,
        reason: rejection.reason,
        field: rejection.field,
        sample: None,
    }
}

/// The newest first; the engine keeps a thousand.
fn rejections(engine: &Engine, query: &RejectionQuery) -> Vec<RejectionRow> {
    let wanted = |row: &nhip_engine::RejectionLine| {
        query.source.as_ref().is_none_or(|source| source == &row.source)
            && query.stream.as_ref().is_none_or(|stream| stream == &row.stream)
            && query.reason.is_none_or(|reason| reason == row.reason)
            && query.before.is_none_or(|before| (row.offset, row.place) < before)
    };
    let kept = engine.rejections(usize::MAX).into_iter().filter(wanted);
    kept.take(query.rows_max).map(rejection_row).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn in_words(item: &Item) -> String {
    let name = match &item.name {
        ItemName::Text(text) => text.clone(),
        ItemName::Alias(alias) => format!("alias {alias}"),
        ItemName::Undeclared(place) => format!("undeclared name at {place}"),
    };
    let value = match &item.value {
        ItemValue::Number(number) => number.to_string(),
        ItemValue::State(state) => state.clone(),
        ItemValue::Missing => "missing".to_owned(),
    };
    format!("{name}={value} {}", item.unit).trim_end().to_owned()
}
