//! What the golden files were written from.

use nhip_proto::{
    AreaCode, ArrivalTime, Command, Decimal, Dedication, Entry, EventTime, Gap, GapCause, IndicatorId, Item,
    ItemFlags, ItemName, ItemValue, Message, MessageBody, Offset, Place, ProfileText, Record, Redecode,
    Rejection, RejectionReason, Restate, Row, RowCause, RowState, Sealed, Session, SessionKind, SourceId,
    StreamId, Tick, ZoneRules, partition_of,
};

const HOUR: i64 = 3_600_000_000_000;
/// 2026-11-20T22:00:00Z.
const EVENING: i64 = 1_795_212_000_000_000_000;

/// Every kind, in two segments.
pub(crate) fn records() -> [Vec<Record>; 2] {
    let rejection = Rejection { reason: RejectionReason::TimeInvalid, field: "time".to_owned(), place: 4 };
    let profile = ProfileText {
        at: ArrivalTime(5),
        hash: [0x5a; 16],
        semantics: 1,
        files: vec![("profile.toml".to_owned(), "id = \"tay-ninh\"\n".to_owned())],
        zones: vec![ZoneRules { name: "Asia/Ho_Chi_Minh".to_owned(), tzif: b"TZif".to_vec() }],
    };
    let gap = Gap {
        at: ArrivalTime(7),
        cause: GapCause::SessionLost,
        from: ArrivalTime(-1),
        to: ArrivalTime(6),
        principal: "broker/a".to_owned(),
        lost: 12,
    };
    let command = Command {
        at: ArrivalTime(8),
        id: "c-1".to_owned(),
        author: "trực ban".to_owned(),
        verb: "unseal".to_owned(),
        subject: "3".to_owned(),
        sealed: Some(sealed()),
    };
    let first = vec![
        Record::Profile(Box::new(profile)),
        Record::Tick(Tick { at: ArrivalTime(6) }),
        Record::Gap(gap),
        message(0, MessageBody::Items(items())),
        message(1, MessageBody::Rejected(rejection.clone())),
        message(2, MessageBody::Items(Vec::new())),
        Record::Command(Box::new(command)),
        Record::Entry(Box::new(Entry {
            at: ArrivalTime(9),
            author: "xã Tân Hưng".to_owned(),
            stream: "statistics".to_owned(),
            subject: "2026-10".to_owned(),
            items: items(),
            sealed: None,
        })),
    ];
    [first, vec![redecode(Ok(items())), redecode(Err(rejection)), restate()]]
}

fn message(number: i64, body: MessageBody) -> Record {
    let source = SourceId::new("trạm-không-khí-1");
    let session =
        Session { kind: SessionKind::DeviceData, sequence: Some(0), birth: None, node: "g/n".to_owned() };
    Record::Message(Box::new(Message {
        arrival: ArrivalTime(1_795_244_712_031_000_000 + number),
        partition: partition_of(&source),
        source,
        stream: StreamId::new("air"),
        topic: "nhip/v1/tay-ninh/air/tram-1".to_owned(),
        dialect: "native-json@1".to_owned(),
        profile_hash: [0x5a; 16],
        principal: "embedded/sensor".to_owned(),
        epoch: 3,
        dedication: Dedication { qos: 1, retain: number == 1, dup: true },
        body,
        session: (number == 0).then_some(session),
        sealed: Some(sealed()),
    }))
}

fn sealed() -> Sealed {
    let ciphertext = vec![0xc0, 0xde].into();
    Sealed { key: "machine/2026-11-21".to_owned(), nonce: [9; 12], ciphertext, payload_hash: [0xee; 16] }
}

fn items() -> Vec<Item> {
    let full = Item {
        event_time: Some(EventTime(1_795_244_400_000_000_000)),
        period: Some((EventTime(1_795_240_800_000_000_000), EventTime(1_795_244_400_000_000_000))),
        place: Some(Place { longitude_e7: 1_061_000_000, latitude_e7: 113_000_000 }),
        identity: Some(u128::MAX - 1),
        sequence: Some(12),
        boot: Some(u64::MAX),
        binds_alias: Some(0),
        unit: "µg/m³".to_owned(),
        flags: ItemFlags::HISTORICAL,
        ..Item::bare(ItemName::Text("pm25".to_owned()), ItemValue::Number(Decimal::new(352, 1)))
    };
    let wide = ItemValue::Number(Decimal::new(-i128::from(u64::MAX), 6));
    vec![
        full,
        Item::bare(ItemName::Alias(7), wide),
        Item::bare(ItemName::Undeclared(2), ItemValue::Missing),
        Item::bare(ItemName::Text("status".to_owned()), ItemValue::State("online".to_owned())),
    ]
}

fn redecode(body: Result<Vec<Item>, Rejection>) -> Record {
    Record::Redecode(Box::new(Redecode {
        at: ArrivalTime(1_795_244_712_031_000_002),
        original: Offset(4),
        profile_hash: [0x5b; 16],
        dialect: "native-json@2".to_owned(),
        body,
        source: SourceId::new(""),
        stream: StreamId::new("air"),
    }))
}

fn restate() -> Record {
    Record::Restate(Box::new(Restate {
        at: ArrivalTime(1_795_244_712_031_000_003),
        indicator: IndicatorId::new("env.pm25_1h"),
        from: EventTime(0),
        to: EventTime(HOUR),
        reason: "đơn vị sai".to_owned(),
        author: "IT".to_owned(),
        computed_to: Offset(9),
        rows_digest: [0xab; 32],
    }))
}

/// Rows of a month that rests, and of two days; one of them revised.
pub(crate) fn ticks() -> Vec<(Offset, Vec<Row>)> {
    vec![
        (Offset(10), vec![row(10, "25459", -24 * 40, 0), row(10, "80", -24 * 40, 0)]),
        (Offset(20), vec![row(20, "80", 0, 0)]),
        (Offset(30), vec![row(30, "80", 4, 0)]),
        (
            Offset(39),
            vec![Row { value: None, numerator: i128::MAX, event_time: None, ..row(38, "80", -24 * 40, 1) }],
        ),
    ]
}

/// A revision of an hour.
pub(crate) fn row(known: u64, area: &str, hour: i64, revision: u32) -> Row {
    let mut row = nhip_ports::contract::row_store::row(known, "env.pm25_1h", revision);
    row.key.area = AreaCode::new(area);
    row.key.window_start = EventTime(EVENING + hour * HOUR);
    row.window_end = EventTime(EVENING + (hour + 1) * HOUR);
    (row.state, row.cause) = match revision {
        0 => (RowState::Final, RowCause::Closed),
        _ => (RowState::Revised, RowCause::OutOfOrder),
    };
    row
}
