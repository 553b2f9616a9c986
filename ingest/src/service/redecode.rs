//! Stored messages read again by the profile now valid: ingest alone opens sealed bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nhip_ports::{
    Appended, DataKey, KeyError, LogError, REPORT_OFFSETS_MAX, ReadLimit, RedecodeOrder, RedecodeReport,
    Refused, UnsealOrder,
};
use nhip_proto::{
    ArrivalTime, Command, Item, Logged, Message, MessageBody, Offset, Record, Redecode, Rejection, SourceId,
    StreamId,
};

use super::IngestRoom;
use crate::again::{Again, decode_again};
use crate::route::Router;
use crate::seal::open;

/// Redecode records one order writes at most; the answer says where to go on.
pub const REDECODE_RECORDS_MAX: u64 = 100_000;
/// Redecode records in one batch of the log.
const BATCH_RECORDS_MAX: usize = 500;
/// Records and bytes read at a time.
const READ: ReadLimit = ReadLimit { records_max: 1_000, bytes_max: 4 << 20 };
/// Keys held ready at a time: one per class and day.
const KEYS_MAX: usize = 64;

/// What one message says now.
enum Now {
    Other(Box<Redecode>),
    Same,
    KeyGone,
    StillRejected,
}

/// One order on its way.
struct Run<'r> {
    room: &'r IngestRoom,
    router: Arc<Router>,
    keys: BTreeMap<String, Option<DataKey>>,
    /// What earlier Redecode records made of messages.
    read: BTreeMap<u64, (Result<Vec<Item>, Rejection>, SourceId, StreamId)>,
    /// Keys that shut a message.
    gone: BTreeSet<String>,
    report: RedecodeReport,
    waiting: Vec<Redecode>,
}

impl IngestRoom {
    /// Reads the stored messages an order names again and logs what says something else now. Logged before: a Command
    /// with author and reason.
    ///
    /// # Errors
    /// [`Refused`] if the log failed; then the node is going down.
    pub async fn redecode(&self, order: &RedecodeOrder) -> Result<RedecodeReport, Refused> {
        let end = *self.log.durable().borrow();
        let (author, reason) = (order.author.clone(), order.reason.clone());
        let command = |at| Command {
            at,
            id: format!("redecode-{}", end.0),
            author,
            verb: "redecode".to_owned(),
            subject: reason,
            sealed: None,
        };
        self.log_one(|at| Record::Command(Box::new(command(at)))).await?;
        let entered = self.enter(|_| ()).await?;
        let router = Arc::clone(&entered.router);
        drop(entered);
        let mut run = Run {
            room: self,
            router,
            keys: BTreeMap::new(),
            read: BTreeMap::new(),
            gone: BTreeSet::new(),
            report: RedecodeReport::default(),
            waiting: Vec::new(),
        };
        run.gather(order.from, end).await?;
        run.walk(order, order.to.map_or(end, |to| to.min(end))).await?;
        run.flush().await?;
        if !run.gone.is_empty() {
            let destroyed = self.destroyed_keys().await.map_err(failed)?;
            run.report.keys_destroyed =
                destroyed.into_iter().filter(|key| run.gone.contains(&key.id)).collect();
        }
        Ok(run.report)
    }

    /// Logs that somebody is about to open the sealed payloads of records, and opens none.
    ///
    /// # Errors
    /// [`Refused`] if the log failed; then the node is going down.
    pub async fn note_unsealing(&self, order: &UnsealOrder) -> Result<Appended, Refused> {
        let end = *self.log.durable().borrow();
        let offsets: Vec<String> = order.offsets.iter().map(|offset| offset.0.to_string()).collect();
        let command = |at| Command {
            at,
            id: format!("unseal-{}", end.0),
            author: order.author.clone(),
            verb: "unseal".to_owned(),
            subject: format!("{}: {}", offsets.join(" "), order.reason),
            sealed: None,
        };
        self.log_one(|at| Record::Command(Box::new(command(at)))).await
    }

    /// Logs a Restate record.
    ///
    /// # Errors
    /// [`Refused`] if the log failed; then the node is going down.
    pub async fn restate(&self, mut restate: nhip_proto::Restate) -> Result<Appended, Refused> {
        self.log_one(move |at| {
            restate.at = at;
            Record::Restate(Box::new(restate))
        })
        .await
    }
}

impl Run<'_> {
    /// What messages say by now, where a Redecode changed it already.
    async fn gather(&mut self, from: Offset, end: Offset) -> Result<(), Refused> {
        let mut at = from.max(self.room.log.first());
        while at < end {
            let batch = self.room.log.read(at, READ).await?;
            let Some(last) = batch.last() else { break };
            for logged in batch.iter().filter(|logged| logged.offset < end) {
                if let Record::Redecode(one) = &logged.record {
                    let said = (one.body.clone(), one.source.clone(), one.stream.clone());
                    self.read.insert(one.original.0, said);
                }
            }
            at = last.offset.next();
        }
        Ok(())
    }

    async fn walk(&mut self, order: &RedecodeOrder, end: Offset) -> Result<(), Refused> {
        let mut at = order.from.max(self.room.log.first());
        while at < end {
            let batch = self.room.log.read(at, READ).await?;
            let Some(last) = batch.last() else { break };
            for logged in batch.iter().filter(|logged| logged.offset < end) {
                if self.report.redecoded + self.waiting.len() as u64 >= REDECODE_RECORDS_MAX {
                    self.report.next = Some(logged.offset);
                    return Ok(());
                }
                self.look(order, logged).await?;
            }
            at = last.offset.next();
        }
        Ok(())
    }

    async fn look(&mut self, order: &RedecodeOrder, logged: &Logged) -> Result<(), Refused> {
        let Record::Message(message) = &logged.record else { return Ok(()) };
        if !order.names(message) {
            return Ok(());
        }
        self.report.messages += 1;
        match self.read_again(logged.offset, message).await? {
            Now::Other(redecode) if !order.wants(&redecode.source, &redecode.stream) => {
                self.report.messages -= 1;
            }
            Now::Other(redecode) => {
                self.waiting.push(*redecode);
                if self.waiting.len() >= BATCH_RECORDS_MAX {
                    self.flush().await?;
                }
            }
            Now::Same => self.report.unchanged += 1,
            Now::KeyGone => {
                self.report.key_gone += 1;
                note(&mut self.report.key_gone_offsets, logged.offset);
            }
            Now::StillRejected => {
                self.report.still_rejected += 1;
                note(&mut self.report.still_rejected_offsets, logged.offset);
            }
        }
        Ok(())
    }

    async fn read_again(&mut self, offset: Offset, message: &Message) -> Result<Now, Refused> {
        let Some(sealed) = &message.sealed else { return Ok(Now::KeyGone) };
        let Some(key) = self.key(&sealed.key).await? else {
            if self.gone.len() < REPORT_OFFSETS_MAX {
                self.gone.insert(sealed.key.clone());
            }
            return Ok(Now::KeyGone);
        };
        // A record that cannot be opened with its key is as good as gone.
        let Ok(opened) = open(&key, sealed) else { return Ok(Now::KeyGone) };
        let Some(again) = one_of(decode_again(&self.router, message, &opened)) else {
            return Ok(Now::StillRejected);
        };
        let (body, source, stream) = said_before(self.read.get(&offset.0), message);
        let now = match again.decoded.body {
            MessageBody::Items(items) => Ok(items),
            MessageBody::Rejected(rejection) => Err(rejection),
        };
        match (&now, &body) {
            (Err(_), Err(_)) => return Ok(Now::StillRejected),
            _ if now == body && (again.source == source && again.stream == stream) => return Ok(Now::Same),
            // What was read well once is not given up for a rejection.
            (Err(_), Ok(_)) => return Ok(Now::StillRejected),
            _ => {}
        }
        Ok(Now::Other(Box::new(Redecode {
            at: ArrivalTime(0),
            original: offset,
            profile_hash: self.router.profile().hash,
            dialect: again.dialect.to_owned(),
            body: now,
            source: again.source,
            stream: again.stream,
        })))
    }

    async fn key(&mut self, id: &str) -> Result<Option<DataKey>, Refused> {
        if let Some(known) = self.keys.get(id) {
            return Ok(known.clone());
        }
        if self.keys.len() >= KEYS_MAX {
            self.keys.clear();
        }
        let key = match self.room.keyring.by_id(id).await {
            Ok(key) => Some(key),
            Err(KeyError::Gone(_)) => None,
            Err(error @ KeyError::Failed(_)) => return Err(failed(error)),
        };
        self.keys.insert(id.to_owned(), key.clone());
        Ok(key)
    }

    /// Logs what waits, in one batch that is durable when this returns.
    async fn flush(&mut self) -> Result<(), Refused> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let entered = self.room.enter(|_| ()).await?;
        let at = entered.at;
        let records: Vec<Record> = self
            .waiting
            .drain(..)
            .map(|redecode| Record::Redecode(Box::new(Redecode { at, ..redecode })))
            .collect();
        let appended = self.room.append(entered, records).await?.wait().await?;
        self.report.redecoded += appended.count;
        self.report.last = Some(Offset(appended.first.0 + appended.count - 1));
        crate::telemetry::messages_redecoded(appended.count);
        Ok(())
    }
}

/// Items, source and stream of a message as the log has them by now.
fn said_before(
    known: Option<&(Result<Vec<Item>, Rejection>, SourceId, StreamId)>,
    message: &Message,
) -> (Result<Vec<Item>, Rejection>, SourceId, StreamId) {
    let first = || match &message.body {
        MessageBody::Items(items) => Ok(items.clone()),
        MessageBody::Rejected(rejection) => Err(rejection.clone()),
    };
    match known {
        Some((body, source, stream)) if !stream.as_str().is_empty() => {
            (body.clone(), source.clone(), stream.clone())
        }
        Some((body, ..)) => (body.clone(), message.source.clone(), message.stream.clone()),
        None => (first(), message.source.clone(), message.stream.clone()),
    }
}

/// The answers of one payload as one, if they are of one source; a payload that is split among several is not.
fn one_of(answers: Vec<Again>) -> Option<Again> {
    let mut answers = answers.into_iter();
    let mut first = answers.next()?;
    for next in answers {
        match (&mut first.decoded.body, next.decoded.body) {
            (MessageBody::Items(all), MessageBody::Items(items))
                if first.source == next.source && first.stream == next.stream =>
            {
                all.extend(items);
            }
            _ => return None,
        }
    }
    Some(first)
}

fn failed(error: KeyError) -> Refused {
    Refused::Log(LogError::Failed(error.to_string()))
}

fn note(offsets: &mut Vec<Offset>, offset: Offset) {
    if offsets.len() < REPORT_OFFSETS_MAX {
        offsets.push(offset);
    }
}
