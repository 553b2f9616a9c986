//! Records become rows; `records` makes the same records of them again.

use nhip_proto::{
    ArrivalTime, Dedication, Item, ItemName, ItemValue, Logged, Message, MessageBody, Record, Rejection,
    SourceId, StreamId, encode_record,
};
use parquet::data_type::{ByteArray, FixedLenByteArray};

use super::columns::Row;

/// Hands out the rows of one record. The first carries what belongs to the record as a whole.
pub(super) fn rows_of(logged: &Logged, push: &mut dyn FnMut(Row)) {
    let record = &logged.record;
    let mut head = Row {
        offset: Some(logged.offset.0.cast_signed()),
        kind: Some(text(record.kind())),
        at: Some(record.at().0),
        ..described(record)
    };
    let (sealed, rest) = match record {
        Record::Message(message) => (message.sealed.as_ref(), rest_of_message(message)),
        Record::Tick(_) => (None, None),
        _ => (None, Some(encoded(&without_items(record)))),
    };
    let rest = rest.map(ByteArray::from);
    let repeated = head.clone();
    if let Some(sealed) = sealed {
        head.sealed_key = Some(text(&sealed.key));
        head.sealed_nonce = Some(fixed(&sealed.nonce));
        head.sealed_hash = Some(fixed(&sealed.payload_hash));
        head.sealed = Some(ByteArray::from(sealed.ciphertext.clone()));
    }
    head.rest = rest;
    let items = items_of(record);
    match items.split_first() {
        None => push(Row { place: Some(0), ..head }),
        Some((first, others)) => {
            push(with_item(head, 0, first));
            for (item, place) in others.iter().zip(1..) {
                push(with_item(repeated.clone(), place, item));
            }
        }
    }
}

/// What readers of the columns want to know of a record of any kind.
fn described(record: &Record) -> Row {
    match record {
        Record::Message(message) => Row {
            source: Some(text(message.source.as_str())),
            stream: Some(text(message.stream.as_str())),
            topic: Some(text(&message.topic)),
            dialect: Some(text(&message.dialect)),
            profile_hash: Some(fixed(&message.profile_hash)),
            principal: Some(text(&message.principal)),
            epoch: Some(message.epoch.cast_signed()),
            qos: Some(i32::from(message.dedication.qos)),
            retain: Some(message.dedication.retain),
            dup: Some(message.dedication.dup),
            partition: Some(i32::from(message.partition)),
            ..match &message.body {
                MessageBody::Items(_) => Row::default(),
                MessageBody::Rejected(rejection) => rejected(rejection),
            }
        },
        Record::Redecode(redecode) => Row {
            source: Some(text(redecode.source.as_str())),
            stream: Some(text(redecode.stream.as_str())),
            dialect: Some(text(&redecode.dialect)),
            profile_hash: Some(fixed(&redecode.profile_hash)),
            ..redecode.body.as_ref().err().map(rejected).unwrap_or_default()
        },
        Record::Profile(profile) => Row { profile_hash: Some(fixed(&profile.hash)), ..Row::default() },
        Record::Gap(gap) => Row { principal: Some(text(&gap.principal)), ..Row::default() },
        Record::Command(command) => Row { author: Some(text(&command.author)), ..Row::default() },
        Record::Restate(restate) => Row { author: Some(text(&restate.author)), ..Row::default() },
        Record::Entry(entry) => {
            Row { author: Some(text(&entry.author)), stream: Some(text(&entry.stream)), ..Row::default() }
        }
        Record::Tick(_) => Row::default(),
    }
}

fn rejected(rejection: &Rejection) -> Row {
    Row {
        rejection: Some(text(rejection.reason.as_str())),
        rejection_field: Some(text(&rejection.field)),
        rejection_place: Some(rejection.place.cast_signed()),
        ..Row::default()
    }
}

fn items_of(record: &Record) -> &[Item] {
    match record {
        Record::Message(message) => match &message.body {
            MessageBody::Items(items) => items,
            MessageBody::Rejected(_) => &[],
        },
        Record::Redecode(redecode) => redecode.body.as_deref().unwrap_or_default(),
        Record::Entry(entry) => &entry.items,
        _ => &[],
    }
}

/// The record with its items taken out: they have columns.
fn without_items(record: &Record) -> Record {
    match record {
        Record::Redecode(redecode) if redecode.body.is_ok() => {
            let mut bare = redecode.clone();
            bare.body = Ok(Vec::new());
            Record::Redecode(bare)
        }
        Record::Entry(entry) => {
            let mut bare = entry.clone();
            bare.items = Vec::new();
            Record::Entry(bare)
        }
        other => other.clone(),
    }
}

/// Of a message only its session has no columns.
fn rest_of_message(message: &Message) -> Option<Vec<u8>> {
    let session = message.session.clone()?;
    Some(encoded(&Record::Message(Box::new(Message { session: Some(session), ..blank_message() }))))
}

pub(super) fn blank_message() -> Message {
    Message {
        arrival: ArrivalTime(0),
        source: SourceId::new(""),
        stream: StreamId::new(""),
        topic: String::new(),
        dialect: String::new(),
        profile_hash: [0; 16],
        principal: String::new(),
        epoch: 0,
        dedication: Dedication::default(),
        partition: 0,
        body: MessageBody::Items(Vec::new()),
        session: None,
        sealed: None,
    }
}

fn with_item(head: Row, place: i32, item: &Item) -> Row {
    let mut row = Row {
        place: Some(place),
        binds_alias: item.binds_alias.map(u64::cast_signed),
        unit: Some(text(&item.unit)),
        event_time: item.event_time.map(|time| time.0),
        period_start: item.period.map(|(start, _)| start.0),
        period_end: item.period.map(|(_, end)| end.0),
        longitude_e7: item.place.map(|place| place.longitude_e7),
        latitude_e7: item.place.map(|place| place.latitude_e7),
        identity: item.identity.map(|identity| fixed(&identity.to_be_bytes())),
        sequence: item.sequence.map(u64::cast_signed),
        boot: item.boot.map(u64::cast_signed),
        flags: Some(item.flags.0.cast_signed()),
        ..head
    };
    match &item.name {
        ItemName::Text(name) => row.name = Some(text(name)),
        ItemName::Alias(alias) => row.alias = Some(alias.cast_signed()),
        ItemName::Undeclared(place) => row.undeclared = Some(place.cast_signed()),
    }
    match &item.value {
        ItemValue::Number(number) => {
            row.value = Some(number.mantissa as f64 / 10_f64.powi(i32::from(number.scale)));
            row.scale = Some(i32::from(number.scale));
            match i64::try_from(number.mantissa) {
                Ok(mantissa) => row.mantissa = Some(mantissa),
                Err(_) => row.mantissa_wide = Some(fixed(&number.mantissa.to_be_bytes())),
            }
        }
        ItemValue::State(state) => row.state = Some(text(state)),
        ItemValue::Missing => {}
    }
    row
}

pub(super) fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_record(record, &mut bytes);
    bytes
}

fn text(words: &str) -> ByteArray {
    ByteArray::from(words)
}

fn fixed(bytes: &[u8]) -> FixedLenByteArray {
    FixedLenByteArray::from(bytes.to_vec())
}
