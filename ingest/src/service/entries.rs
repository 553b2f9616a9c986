//! What a person wrote enters the log as one group: a Command with the sealed document, then its entries.

use bytes::Bytes;
use nhip_ports::{Appended, LogError, Refused};
use nhip_proto::{ArrivalTime, Command, Entry, Record};

use super::{IngestRoom, broken_keys, no_key};
use crate::seal::Plain;

/// A document and what it says.
pub(crate) struct EntryBatch {
    /// Id, verb and subject of the Command.
    pub(crate) command: (String, String, String),
    /// Who wrote it.
    pub(crate) author: String,
    /// The class of the key the document is sealed with.
    pub(crate) key_class: String,
    /// The document.
    pub(crate) document: Bytes,
    /// Its entries; they are stamped here.
    pub(crate) entries: Vec<Entry>,
}

impl IngestRoom {
    /// What time it is for whoever writes next.
    pub(crate) fn now(&self) -> ArrivalTime {
        self.clock.now()
    }

    /// Logs a document whole: the log never tears a batch apart, so after a crash all of it is there or nothing.
    pub(crate) async fn write_entries(&self, batch: EntryBatch) -> Result<(ArrivalTime, Appended), Refused> {
        let mut nonce = [0_u8; 12];
        getrandom::fill(&mut nonce)
            .map_err(|_| Refused::Log(LogError::Failed("the system has no randomness".to_owned())))?;
        let entered = self.enter(|_| ()).await?;
        let at = entered.at;
        let class = batch.key_class.as_str();
        let keys = self.keyring.ready(std::iter::once(class), at).await.map_err(broken_keys)?;
        let key = keys.of(class).ok_or_else(no_key)?;
        let payload = &batch.document;
        let plain = Plain { topic: None, payload, kept_bytes_max: usize::MAX, is_element: false };
        let sealed = key.seal(&plain, nonce);
        let (id, verb, subject) = batch.command;
        let command = Command { at, id, author: batch.author, verb, subject, sealed };
        let mut records = Vec::with_capacity(batch.entries.len() + 1);
        records.push(Record::Command(Box::new(command)));
        let entries = batch.entries.into_iter();
        records.extend(entries.map(|entry| Record::Entry(Box::new(Entry { at, ..entry }))));
        let appended = self.append(entered, records).await?.wait().await?;
        Ok((at, appended))
    }
}
