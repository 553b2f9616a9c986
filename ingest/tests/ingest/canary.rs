//! Whatever bytes come: nothing panics, and no text of a payload leaves the sealed part. proptest prints
//! the seed of a failure and keeps it.

use std::sync::Arc;

use bytes::Bytes;
use nhip_ingest::{Dialect, IngestRoom, IngestSettings, Opened, open};
use nhip_ports::memory::SteppedClock;
use nhip_ports::{Delivery, Intake};
use nhip_proto::wire::reading::{Measure, Reading, measure};
use nhip_proto::wire::sparkplug::{Metric, Payload, metric};
use nhip_proto::{ArrivalTime, Message, Record, encode_record};
use proptest::prelude::*;
use prost::Message as _;

use crate::stage::{MIDNIGHT, StageKeys, StageLog, decoded, delivery, key_of, profile};

const PLATE: &str = "51A-123.45";
const DIALECTS: [(Dialect, &str); 4] = [
    (Dialect::NativeJson, "nhip/v1/tay-ninh/air/KK01"),
    (Dialect::NativeProtobuf, "nhip/v1/tay-ninh/air/KK01/pb"),
    (Dialect::SparkplugB, "spBv1.0/Sparkplug B Devices/DBIRTH/Raspberry Pi/Pibrella"),
    (Dialect::SparkplugB, "spBv1.0/Sparkplug B Devices/NDEATH/Raspberry Pi"),
];

/// What the room writes for these deliveries.
fn logged(deliveries: Vec<Delivery>) -> Vec<Message> {
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let keys = Arc::new(StageKeys::default());
    let room = IngestRoom::new(IngestSettings::default(), Arc::new(profile()), log.clone(), keys, clock);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let durable = runtime.block_on(async { room.submit(deliveries).await?.wait().await });
    durable.expect("logged");
    log.messages()
}

/// The record's bytes without the ciphertext.
pub(crate) fn clear_bytes(message: &Message) -> Vec<u8> {
    let mut message = message.clone();
    if let Some(sealed) = &mut message.sealed {
        sealed.ciphertext = Bytes::new();
    }
    let mut bytes = Vec::new();
    encode_record(&Record::Message(Box::new(message)), &mut bytes);
    bytes
}

fn unsealed(message: &Message) -> Opened {
    let sealed = message.sealed.as_ref().expect("every message is sealed");
    open(&key_of(&sealed.key), sealed).expect("opens")
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn json_with(plate: &str) -> Vec<Vec<u8>> {
    [
        r#"{"values":{"PLATE":1}}"#,
        r#"{"values":{"pm25":{"value":1,"unit":"PLATE"}}}"#,
        r#"{"values":{"pm25":"PLATE"}}"#,
        r#"{"states":{"status":"PLATE"}}"#,
        r#"{"states":{"PLATE":"PLATE"}}"#,
        r#"{"id":"PLATE","values":{"pm25":1}}"#,
        r#"{"note":"PLATE","values":{"pm25":1}}"#,
        r#"{"time":"PLATE","values":{"pm25":1}}"#,
        r#"{"place":"PLATE","values":{"pm25":1}}"#,
        r#"{"sequence":"PLATE","values":{"pm25":1}}"#,
        r#"{"PLATE"#,
        r#"PLATE"#,
    ]
    .map(|json| json.replace("PLATE", plate).into_bytes())
    .to_vec()
}

fn protobuf_with(plate: &str) -> Vec<Vec<u8>> {
    let text = || plate.to_owned();
    let measure = |name: &str, unit: &str, value| Measure {
        name: name.to_owned(),
        unit: unit.to_owned(),
        value: Some(value),
        ..Measure::default()
    };
    let number = || measure::Value::Number(nhip_proto::wire::reading::Decimal { mantissa: 1, scale: 0 });
    let measures = vec![
        measure(plate, plate, number()),
        measure("pm25", plate, number()),
        measure("status", plate, measure::Value::State(text())),
    ];
    vec![Reading { id: text(), measures, ..Reading::default() }.encode_to_vec()]
}

fn sparkplug_with(plate: &str) -> Vec<Vec<u8>> {
    let text = || metric::Value::StringValue(plate.to_owned());
    let named = |name: &str| Metric { name: Some(name.to_owned()), value: Some(text()), ..Metric::default() };
    let metrics = vec![
        named(plate),
        named("status"),
        named("pm25"),
        Metric { alias: Some(3), value: Some(text()), ..Metric::default() },
        Metric { alias: Some(4), ..named(plate) },
        Metric { value: Some(metric::Value::BytesValue(plate.to_owned().into())), ..named("pm25") },
    ];
    let payload = Payload {
        uuid: Some(plate.to_owned()),
        body: Some(plate.to_owned().into()),
        metrics,
        ..Payload::default()
    };
    vec![payload.encode_to_vec()]
}

#[test]
fn a_plate_is_nowhere_but_in_the_sealed_part() {
    let payloads = DIALECTS.iter().zip([
        json_with(PLATE),
        protobuf_with(PLATE),
        sparkplug_with(PLATE),
        sparkplug_with(PLATE),
    ]);
    let mut deliveries: Vec<Delivery> = payloads
        .flat_map(|((_, topic), payloads)| payloads.into_iter().map(|payload| delivery(topic, payload)))
        .collect();
    let topics = [
        "nhip/v1/tay-ninh/air/51A-123.45",
        "nhip/v1/51A-123.45/air/KK01",
        "nhip/v1/tay-ninh/51A-123.45/KK01",
        "51A-123.45",
        "plant/51A-123.45/line/7/data",
        "plant/all/51A-123.45",
        "spBv1.0/51A-123.45/DDATA/node/device",
        "spBv1.0/STATE/51A-123.45",
    ];
    deliveries.extend(topics.map(|topic| delivery(topic, "{}")));
    let messages = logged(deliveries.clone());
    assert_eq!(messages.len(), deliveries.len());
    for (message, delivery) in messages.iter().zip(&deliveries) {
        assert!(!holds(&clear_bytes(message), PLATE), "{message:?}");
        let opened = unsealed(message);
        assert_eq!(opened.payload, delivery.payload);
        assert!(
            holds(&opened.payload, PLATE) || opened.topic.as_deref() == Some(&delivery.topic),
            "{message:?}"
        );
    }
}

/// Letters that no declared name, state or unit of the stage holds.
fn secret() -> impl Strategy<Value = String> {
    "[QJXZ]{6,12}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for (dialect, topic) in DIALECTS {
            let first = decoded(dialect, topic, &bytes);
            prop_assert_eq!(first, decoded(dialect, topic, &bytes));
        }
    }

    #[test]
    fn mutated_payloads_neither_panic_nor_leak(
        plate in secret(),
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut deliveries = Vec::new();
        let all = [json_with(&plate), protobuf_with(&plate), sparkplug_with(&plate), sparkplug_with(&plate)];
        for ((_, topic), payloads) in DIALECTS.iter().zip(all) {
            let mut payload = which.get(&payloads).clone();
            for (at, byte) in &cuts {
                let at = at.index(payload.len());
                payload[at] = *byte;
            }
            deliveries.push(delivery(topic, payload));
        }
        for message in logged(deliveries) {
            // Any four letters in a row of the secret would be a leak.
            let clear = clear_bytes(&message);
            for part in plate.as_bytes().windows(4) {
                let part = std::str::from_utf8(part).expect("letters");
                prop_assert!(!holds(&clear, part), "{} in {:?}", part, message);
            }
        }
    }

    #[test]
    fn topics_of_any_kind_are_routed_or_sealed(topic in any::<String>(), secret in secret()) {
        let odd = format!("{topic}/{secret}");
        let stranger = format!("nhip/v1/tay-ninh/air/{secret}");
        let messages = logged(vec![delivery(&odd, "{}"), delivery(&stranger, "{}")]);
        for message in messages {
            prop_assert!(!holds(&clear_bytes(&message), &secret));
        }
    }
}
