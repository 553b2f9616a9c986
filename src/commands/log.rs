//! `nhip log verify | records`: is the log whole, and what stands in it.

use std::collections::BTreeMap;
use std::path::Path;

use nhip_history::archive::Archive;
use nhip_ports::DestroyedKey;
use nhip_proto::{ArrivalTime, Item, ItemName, ItemValue, Logged, MessageBody, Offset, Record};
use serde_json::{Value, json};

use crate::commands::{Failure, hex, read_batch};
use crate::compose;
use crate::installation::DataDirectory;
use crate::observe::say;

/// Records read at a time.
const BATCH_RECORDS: usize = 1_000;

/// Checks every segment and every archive file, and that the one goes on where the other ends; damage is exit code 1.
pub(crate) fn verify(data: &Path) -> Result<(), Failure> {
    let inside = DataDirectory::of(data);
    if !inside.log.is_dir() {
        let report = nhip_adapters::verify_log(data).map_err(Failure::other)?;
        say(&report.to_string());
        return Ok(());
    }
    let report = nhip_adapters::verify_log(&inside.log).map_err(Failure::other)?;
    say(&report.to_string());
    let archive = Archive::open(&inside.archive).map_err(Failure::other)?;
    if archive.first().is_some() {
        let archived = archive.verify().map_err(Failure::other)?;
        if archived.first == 0 && archived.chain_before != hex(&report.identity.chain_before_all()) {
            return Err(Failure::other("the archive does not begin at this log's identity"));
        }
        say(&archived.to_string());
    }
    let heads = nhip_adapters::LogFiles::open(&inside.log).map_err(Failure::other)?.segments();
    archive.meets(&heads).map_err(Failure::other)?;
    let destroyed = nhip_adapters::destroyed_keys(&inside.destroyed_keys).map_err(Failure::other)?;
    say_destroyed(&destroyed, Offset(report.end));
    Ok(())
}

/// What is whole and yet cannot be opened any more: keys destroyed, under what, and which record says so.
fn say_destroyed(destroyed: &[DestroyedKey], end: Offset) {
    let mut by_reason: BTreeMap<&str, Vec<&DestroyedKey>> = BTreeMap::new();
    for key in destroyed {
        by_reason.entry(&key.destruction.under).or_default().push(key);
    }
    for (under, keys) in by_reason {
        let Some(last) = keys.iter().max_by_key(|key| key.destruction.at) else { continue };
        let told = keys.iter().filter_map(|key| key.logged).filter(|offset| *offset < end).max();
        let told = told.map_or("not in the log yet".to_owned(), |offset| format!("offset {}", offset.0));
        say(&format!(
            "keys destroyed under \"{under}\": {}, last {} on {} ({told})",
            keys.len(),
            last.id,
            time_text(last.destruction.at)
        ));
    }
}

fn time_text(at: ArrivalTime) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(at.0));
    time.map_or_else(|_| at.0.to_string(), |time| time.to_string())
}

/// Prints the clear part of records.
pub(crate) async fn records(data: &Path, from: u64, count: u64) -> Result<(), Failure> {
    let node = compose::open_stopped(data).await?;
    let (mut at, end) = (Offset(from), Offset(from.saturating_add(count)));
    while at < end && at < node.log.end() {
        let batch = read_batch(&node.log, at, BATCH_RECORDS)?;
        let Some(last) = batch.last() else { break };
        at = last.offset.next();
        for logged in batch.iter().filter(|logged| logged.offset < end) {
            say(&line(logged).to_string());
        }
    }
    Ok(())
}

fn line(logged: &Logged) -> Value {
    let mut line = json!({
        "offset": logged.offset.0,
        "kind": logged.record.kind(),
        "at_ns": logged.record.at().0,
    });
    if let (Record::Message(message), Some(fields)) = (&logged.record, line.as_object_mut()) {
        fields.insert("source".into(), message.source.as_str().into());
        fields.insert("stream".into(), message.stream.as_str().into());
        fields.insert("topic".into(), message.topic.as_str().into());
        fields.insert("dialect".into(), message.dialect.as_str().into());
        fields.insert("partition".into(), message.partition.into());
        match &message.body {
            MessageBody::Items(items) => fields.insert("items".into(), items.iter().map(item).collect()),
            MessageBody::Rejected(rejection) => {
                fields.insert("rejected".into(), rejection.reason.as_str().into())
            }
        };
    }
    if let Some(fields) = line.as_object_mut() {
        fields.extend(revision(&logged.record));
    }
    line
}

/// The fields of records that change what counts.
fn revision(record: &Record) -> serde_json::Map<String, Value> {
    let fields = match record {
        Record::Profile(text) => json!({ "hash": hex(&text.hash), "files": text.files.len() }),
        Record::Redecode(redecode) => json!({
            "original": redecode.original.0,
            "profile": hex(&redecode.profile_hash),
            "source": redecode.source.as_str(),
            "stream": redecode.stream.as_str(),
            "dialect": redecode.dialect,
            "items": redecode.body.as_ref().ok().map(|items| items.iter().map(item).collect::<Vec<_>>()),
            "rejected": redecode.body.as_ref().err().map(|rejection| rejection.reason.as_str()),
        }),
        Record::Restate(restate) => json!({
            "indicator": restate.indicator.as_str(),
            "from_ns": restate.from.0,
            "to_ns": restate.to.0,
            "reason": restate.reason,
            "author": restate.author,
            "computed_to": restate.computed_to.0,
            "rows_digest": hex(&restate.rows_digest),
        }),
        Record::Command(command) => json!({
            "author": command.author, "verb": command.verb, "subject": command.subject,
        }),
        _ => Value::Null,
    };
    fields.as_object().cloned().unwrap_or_default()
}

fn item(item: &Item) -> Value {
    let name = match &item.name {
        ItemName::Text(text) => json!(text),
        ItemName::Alias(alias) => json!({ "alias": alias }),
        ItemName::Undeclared(place) => json!({ "undeclared": place }),
    };
    let value = match &item.value {
        ItemValue::Number(number) => json!(number.to_string()),
        ItemValue::State(state) => json!(state),
        ItemValue::Missing => Value::Null,
    };
    json!({
        "name": name, "value": value, "unit": item.unit,
        "event_time_ns": item.event_time.map(|time| time.0),
        "boot": item.boot, "sequence": item.sequence,
    })
}
