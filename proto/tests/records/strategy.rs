//! Random records of every kind with every field, for whoever must not lose any of it.

use nhip_proto::{
    ArrivalTime, Command, Decimal, Dedication, Entry, EventTime, Gap, GapCause, IndicatorId, Item, ItemFlags,
    ItemName, ItemValue, Message, MessageBody, Offset, Place, ProfileText, Record, Redecode, Rejection,
    RejectionReason, Restate, Sealed, Session, SessionKind, SourceId, StreamId, Tick, ZoneRules,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", "[a-z/]{1,20}", any::<String>()]
}

fn arrival() -> impl Strategy<Value = ArrivalTime> {
    any::<i64>().prop_map(ArrivalTime)
}

fn event() -> impl Strategy<Value = EventTime> {
    any::<i64>().prop_map(EventTime)
}

fn decimal() -> impl Strategy<Value = Decimal> {
    let mantissa = prop_oneof![
        any::<i128>(),
        any::<i64>().prop_map(i128::from),
        Just(0),
        Just(i128::from(i64::MAX) + 1),
        Just(i128::MIN)
    ];
    (mantissa, any::<u8>()).prop_map(|(mantissa, scale)| Decimal { mantissa, scale })
}

fn item_name() -> impl Strategy<Value = ItemName> {
    prop_oneof![
        text().prop_map(ItemName::Text),
        any::<u64>().prop_map(ItemName::Alias),
        any::<u32>().prop_map(ItemName::Undeclared)
    ]
}

fn item_value() -> impl Strategy<Value = ItemValue> {
    prop_oneof![
        decimal().prop_map(ItemValue::Number),
        text().prop_map(ItemValue::State),
        Just(ItemValue::Missing)
    ]
}

fn place() -> impl Strategy<Value = Place> {
    (any::<i32>(), any::<i32>()).prop_map(|(longitude_e7, latitude_e7)| Place { longitude_e7, latitude_e7 })
}

fn item() -> impl Strategy<Value = Item> {
    let what = (item_name(), option::of(any::<u64>()), item_value(), text());
    let when = (option::of(event()), option::of((event(), event())), option::of(place()));
    let which = (option::of(any::<u128>()), option::of(any::<u64>()), option::of(any::<u64>()), any::<u32>());
    (what, when, which).prop_map(|(what, when, which)| {
        let (name, binds_alias, value, unit) = what;
        let (event_time, period, place) = when;
        let (identity, sequence, boot, flags) = which;
        let flags = ItemFlags(flags);
        Item { name, binds_alias, value, unit, event_time, period, place, identity, sequence, boot, flags }
    })
}

fn rejection() -> impl Strategy<Value = Rejection> {
    (proptest::sample::select(RejectionReason::ALL), text(), any::<u32>())
        .prop_map(|(reason, field, place)| Rejection { reason, field, place })
}

fn sealed() -> impl Strategy<Value = Sealed> {
    (text(), any::<[u8; 12]>(), vec(any::<u8>(), 0..40), any::<[u8; 16]>()).prop_map(
        |(key, nonce, ciphertext, payload_hash)| Sealed {
            key,
            nonce,
            ciphertext: ciphertext.into(),
            payload_hash,
        },
    )
}

fn session() -> impl Strategy<Value = Session> {
    let parts = (
        proptest::sample::select(SessionKind::ALL),
        option::of(any::<u8>()),
        option::of(any::<u64>()),
        text(),
    );
    parts.prop_map(|(kind, sequence, birth, node)| Session { kind, sequence, birth, node })
}

fn body() -> impl Strategy<Value = MessageBody> {
    prop_oneof![vec(item(), 0..4).prop_map(MessageBody::Items), rejection().prop_map(MessageBody::Rejected)]
}

fn message() -> impl Strategy<Value = Record> {
    let names = (text(), text(), text(), text(), text());
    let delivery = (arrival(), any::<[u8; 16]>(), any::<u64>(), any::<(u8, bool, bool)>(), any::<u8>());
    let content = (body(), option::of(session()), option::of(sealed()));
    (names, delivery, content).prop_map(|(names, delivery, content)| {
        let (source, stream, topic, dialect, principal) = names;
        let (arrival, profile_hash, epoch, (qos, retain, dup), partition) = delivery;
        let (body, session, sealed) = content;
        Record::Message(Box::new(Message {
            arrival,
            source: SourceId::new(&source),
            stream: StreamId::new(&stream),
            topic,
            dialect,
            profile_hash,
            principal,
            epoch,
            dedication: Dedication { qos, retain, dup },
            partition,
            body,
            session,
            sealed,
        }))
    })
}

fn profile() -> impl Strategy<Value = Record> {
    let zone = (text(), vec(any::<u8>(), 0..40)).prop_map(|(name, tzif)| ZoneRules { name, tzif });
    let parts = (arrival(), any::<[u8; 16]>(), any::<u32>(), vec((text(), text()), 0..4), vec(zone, 0..3));
    parts.prop_map(|(at, hash, semantics, files, zones)| {
        Record::Profile(Box::new(ProfileText { at, hash, semantics, files, zones }))
    })
}

fn command() -> impl Strategy<Value = Record> {
    (arrival(), [text(), text(), text(), text()], option::of(sealed())).prop_map(|(at, texts, sealed)| {
        let [id, author, verb, subject] = texts;
        Record::Command(Box::new(Command { at, id, author, verb, subject, sealed }))
    })
}

fn gap() -> impl Strategy<Value = Record> {
    let parts =
        (proptest::sample::select(GapCause::ALL), [arrival(), arrival(), arrival()], text(), any::<u64>());
    parts.prop_map(|(cause, [at, from, to], principal, lost)| {
        Record::Gap(Gap { at, cause, from, to, principal, lost })
    })
}

fn redecode() -> impl Strategy<Value = Record> {
    let read = prop_oneof![vec(item(), 0..4).prop_map(Ok), rejection().prop_map(Err)];
    let parts = (arrival(), any::<u64>(), any::<[u8; 16]>(), [text(), text(), text()], read);
    parts.prop_map(|(at, original, profile_hash, [dialect, source, stream], body)| {
        let (source, stream) = (SourceId::new(&source), StreamId::new(&stream));
        let original = Offset(original);
        Record::Redecode(Box::new(Redecode { at, original, profile_hash, dialect, body, source, stream }))
    })
}

fn restate() -> impl Strategy<Value = Record> {
    let parts = (arrival(), [text(), text(), text()], event(), event(), any::<u64>(), any::<[u8; 32]>());
    parts.prop_map(|(at, [indicator, reason, author], from, to, computed_to, rows_digest)| {
        let (indicator, computed_to) = (IndicatorId::new(&indicator), Offset(computed_to));
        Record::Restate(Box::new(Restate {
            at,
            indicator,
            from,
            to,
            reason,
            author,
            computed_to,
            rows_digest,
        }))
    })
}

fn entry() -> impl Strategy<Value = Record> {
    let parts = (arrival(), [text(), text(), text()], vec(item(), 0..3), option::of(sealed()));
    parts.prop_map(|(at, [author, stream, subject], items, sealed)| {
        Record::Entry(Box::new(Entry { at, author, stream, subject, items, sealed }))
    })
}

/// Every kind, every field.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let tick = arrival().prop_map(|at| Record::Tick(Tick { at }));
    let acts = prop_oneof![command(), redecode(), restate(), entry()];
    prop_oneof![4 => message(), 1 => tick, 1 => profile(), 1 => gap(), 4 => acts]
}
