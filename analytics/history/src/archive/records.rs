//! Rows become the records they were, down to the bytes.

use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, Item, ItemFlags, ItemName, ItemValue, Logged, Message,
    MessageBody, Offset, Place, Record, Rejection, RejectionReason, Sealed, SourceId, StreamId, Tick,
    decode_record,
};
use parquet::data_type::ByteArray;

use super::columns::Row;
use super::rows::blank_message;

/// Puts the rows of one record together again; none: these rows are no record.
pub(super) fn record_of(mut rows: Vec<Row>) -> Option<Logged> {
    let items = rows.iter_mut().filter_map(item_of).collect::<Option<Vec<Item>>>()?;
    let mut head = rows.into_iter().next()?;
    let offset = Offset(head.offset?.cast_unsigned());
    let rest = match head.rest.take() {
        Some(bytes) => Some(decode_record(bytes.data().to_vec().into()).ok()?),
        None => None,
    };
    let kind = words(head.kind.take())?;
    let record = match (kind.as_str(), rest) {
        ("tick", None) => Record::Tick(Tick { at: ArrivalTime(head.at?) }),
        ("message", None) => message_of(head, items, blank_message())?,
        ("message", Some(Record::Message(rest))) => message_of(head, items, *rest)?,
        (kind, Some(rest)) if kind == rest.kind() => with_items(rest, items),
        _ => return None,
    };
    Some(Logged { offset, record })
}

fn with_items(rest: Record, items: Vec<Item>) -> Record {
    match rest {
        Record::Redecode(mut redecode) if redecode.body.is_ok() => {
            redecode.body = Ok(items);
            Record::Redecode(redecode)
        }
        Record::Entry(mut entry) => {
            entry.items = items;
            Record::Entry(entry)
        }
        other => other,
    }
}

fn message_of(head: Row, items: Vec<Item>, rest: Message) -> Option<Record> {
    let body = match head.rejection {
        Some(reason) => MessageBody::Rejected(Rejection {
            reason: reason_of(&words(Some(reason))?)?,
            field: words(head.rejection_field)?,
            place: head.rejection_place?.cast_unsigned(),
        }),
        None => MessageBody::Items(items),
    };
    let sealed = match head.sealed_key {
        Some(key) => Some(Sealed {
            key: words(Some(key))?,
            nonce: head.sealed_nonce?.data().try_into().ok()?,
            ciphertext: head.sealed?.data().to_vec().into(),
            payload_hash: head.sealed_hash?.data().try_into().ok()?,
        }),
        None => None,
    };
    Some(Record::Message(Box::new(Message {
        arrival: ArrivalTime(head.at?),
        source: SourceId::new(&words(head.source)?),
        stream: StreamId::new(&words(head.stream)?),
        topic: words(head.topic)?,
        dialect: words(head.dialect)?,
        profile_hash: head.profile_hash?.data().try_into().ok()?,
        principal: words(head.principal)?,
        epoch: head.epoch?.cast_unsigned(),
        dedication: Dedication { qos: u8::try_from(head.qos?).ok()?, retain: head.retain?, dup: head.dup? },
        partition: u8::try_from(head.partition?).ok()?,
        body,
        sealed,
        session: rest.session,
    })))
}

fn reason_of(word: &str) -> Option<RejectionReason> {
    RejectionReason::ALL.iter().copied().find(|reason| reason.as_str() == word)
}

/// The item of a row, if it has one: an item always has a name.
fn item_of(row: &mut Row) -> Option<Option<Item>> {
    let name = match (row.name.take(), row.alias, row.undeclared) {
        (Some(name), None, None) => words(Some(name)).map(ItemName::Text),
        (None, Some(alias), None) => Some(ItemName::Alias(alias.cast_unsigned())),
        (None, None, Some(place)) => Some(ItemName::Undeclared(place.cast_unsigned())),
        (None, None, None) => return None,
        _ => None,
    };
    Some(name.and_then(|name| named(name, row)))
}

fn named(name: ItemName, row: &mut Row) -> Option<Item> {
    let identity = match row.identity.take() {
        Some(bytes) => Some(u128::from_be_bytes(bytes.data().try_into().ok()?)),
        None => None,
    };
    let place = row.longitude_e7.zip(row.latitude_e7);
    Some(Item {
        name,
        binds_alias: row.binds_alias.map(i64::cast_unsigned),
        value: value_of(row)?,
        unit: words(row.unit.take())?,
        event_time: row.event_time.map(EventTime),
        period: row.period_start.map(EventTime).zip(row.period_end.map(EventTime)),
        place: place.map(|(longitude_e7, latitude_e7)| Place { longitude_e7, latitude_e7 }),
        identity,
        sequence: row.sequence.map(i64::cast_unsigned),
        boot: row.boot.map(i64::cast_unsigned),
        flags: ItemFlags(row.flags?.cast_unsigned()),
    })
}

fn value_of(row: &mut Row) -> Option<ItemValue> {
    let Some(scale) = row.scale else {
        return match row.state.take() {
            Some(state) => words(Some(state)).map(ItemValue::State),
            None => Some(ItemValue::Missing),
        };
    };
    let mantissa = match (row.mantissa, row.mantissa_wide.take()) {
        (Some(narrow), None) => i128::from(narrow),
        (None, Some(wide)) => i128::from_be_bytes(wide.data().try_into().ok()?),
        _ => return None,
    };
    Some(ItemValue::Number(Decimal { mantissa, scale: u8::try_from(scale).ok()? }))
}

fn words(bytes: Option<ByteArray>) -> Option<String> {
    String::from_utf8(bytes?.data().to_vec()).ok()
}
