//! Sparkplug B: the specification's own examples, and tables for births, aliases and types.

use std::path::Path;

use nhip_ingest::Dialect;
use nhip_proto::wire::sparkplug::{Metric, Payload, metric::Value};
use nhip_proto::{ItemFlags, MILLISECOND, MessageBody, Session, SessionKind};
use prost::Message as _;

use crate::stage::{MIDNIGHT, decoded, decoded_by, profile, shown};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/samples/sparkplug_b");
const NOW_MS: u64 = 1_795_219_200_000;

fn topic(kind: &str) -> String {
    let device = if kind.starts_with('D') { "/Pibrella" } else { "" };
    format!("spBv1.0/Sparkplug B Devices/{kind}/Raspberry Pi{device}")
}

fn read(kind: &str, metrics: Vec<Metric>) -> Vec<String> {
    let payload = Payload { timestamp: Some(NOW_MS), seq: Some(0), metrics, ..Payload::default() };
    shown(&decoded(Dialect::SparkplugB, &topic(kind), &payload.encode_to_vec()).body)
}

fn metric(name: &str, value: Value) -> Metric {
    Metric { name: Some(name.to_owned()), value: Some(value), ..Metric::default() }
}

fn aliased(alias: u64, value: Value) -> Metric {
    Metric { alias: Some(alias), value: Some(value), ..Metric::default() }
}

#[test]
fn the_examples_of_the_specification_decode() {
    if !Path::new(SAMPLES).exists() {
        println!("SKIPPED the_examples_of_the_specification_decode: ../shared is absent");
        return;
    }
    let mut profile = profile();
    let air = profile.streams.get_mut("air").expect("declared");
    air.quantities.insert("Supply Voltage".to_owned(), "V".to_owned());
    air.quantities.insert("PM2.5".to_owned(), "µg/m³".to_owned());
    air.states.insert("A".to_owned(), vec!["true".to_owned(), "false".to_owned()]);
    air.states.insert("Status".to_owned(), vec!["OK".to_owned()]);
    let file = |name: &str, kind: &str| {
        let bytes = std::fs::read(Path::new(SAMPLES).join(name)).expect("the sample is there");
        let decoded = decoded_by(&profile, Dialect::SparkplugB, &topic(kind), &bytes);
        (shown(&decoded.body), decoded.session.expect("a session"))
    };
    let session = |kind, sequence, birth| Session {
        kind,
        sequence,
        birth,
        node: "Sparkplug B Devices/Raspberry Pi".to_owned(),
    };
    // The examples' own time, told from the stage's midnight.
    let then = 1_486_144_502_122 - MIDNIGHT / MILLISECOND;
    let named =
        |items: Vec<String>| items.into_iter().filter(|item| !item.starts_with("undeclared")).collect();

    let (items, birth) = file("01_nbirth.bin", "NBIRTH");
    assert_eq!(birth, session(SessionKind::NodeBirth, Some(0), Some(0)));
    assert_eq!(items.len(), 5, "ten metrics less bdSeq and four controls");
    let items: Vec<String> = named(items);
    assert_eq!(items, [format!("Supply Voltage=12.1 @{then}")]);

    let (items, birth) = file("02_dbirth.bin", "DBIRTH");
    assert_eq!(birth, session(SessionKind::DeviceBirth, Some(1), None));
    let items: Vec<String> = named(items);
    assert_eq!(items, [format!("A=false @{then}")]);

    let (items, data) = file("03_ndata.bin", "NDATA");
    assert_eq!((items, data.sequence), (vec![format!("Supply Voltage=12.3 @{then}")], Some(2)));
    let (items, _) = file("04_ddata.bin", "DDATA");
    assert_eq!(items, [format!("A=true @{then}"), format!("undeclared 1=missing @{then} flags 4")]);
    assert_eq!(file("07_ndeath.bin", "NDEATH"), (vec![], session(SessionKind::NodeDeath, None, Some(0))));
    assert_eq!(file("08_ddeath.bin", "DDEATH"), (vec![], session(SessionKind::DeviceDeath, Some(123), None)));

    let (items, _) = file("90_derived_dbirth_alias.bin", "DBIRTH");
    let want = [
        format!("PM2.5=12.5 @{then} binds 1"),
        format!("Status=OK @{then} binds 2"),
        format!("undeclared 2=missing @{then} binds 3 flags 4"),
    ];
    assert_eq!(items, want);
    let (items, _) = file("91_derived_ddata_alias.bin", "DDATA");
    assert_eq!(items, [format!("alias 1=13 @{}", then + 29_978)]);
    let (items, _) = file("92_derived_ddata_alias_historical.bin", "DDATA");
    assert_eq!(items, [format!("alias 1=12.75 @{} flags 2", then + 378)]);
}

#[test]
fn metrics_meet_the_profile_by_whole_name_or_last_part() {
    let number = || Value::DoubleValue(1.5);
    let cases = [
        ("pm25", "pm25=1.5 @0"),
        ("Air/Particles/pm25", "pm25=1.5 @0"),
        ("pm25/raw", "undeclared 0=missing @0 flags 4"),
        ("PM25", "undeclared 0=missing @0 flags 4"),
        ("", "undeclared 0=missing @0 flags 4"),
        ("51A-123.45", "undeclared 0=missing @0 flags 4"),
    ];
    for (name, want) in cases {
        assert_eq!(read("DDATA", vec![metric(name, number())]), [want], "{name}");
    }
}

#[test]
fn every_scalar_type_is_read() {
    let typed = |datatype, value| Metric { datatype: Some(datatype), ..metric("pm25", value) };
    let cases = [
        // Int8 −1 comes as 255 or as 4294967295, by encoder.
        (typed(1, Value::IntValue(255)), "pm25=-1 @0"),
        (typed(1, Value::IntValue(4_294_967_295)), "pm25=-1 @0"),
        (typed(2, Value::IntValue(65_531)), "pm25=-5 @0"),
        (typed(3, Value::IntValue(4_294_967_291)), "pm25=-5 @0"),
        (typed(4, Value::LongValue(u64::MAX)), "pm25=-1 @0"),
        (typed(5, Value::IntValue(255)), "pm25=255 @0"),
        (typed(7, Value::IntValue(4_294_967_295)), "pm25=4294967295 @0"),
        (typed(8, Value::LongValue(u64::MAX)), "pm25=18446744073709551615 @0"),
        (typed(9, Value::FloatValue(35.2)), "pm25=35.2 @0"),
        (typed(10, Value::DoubleValue(0.1)), "pm25=0.1 @0"),
        (typed(10, Value::DoubleValue(f64::NAN)), "pm25=missing @0 flags 4"),
        (typed(9, Value::FloatValue(f32::INFINITY)), "pm25=missing @0 flags 4"),
        (typed(11, Value::BooleanValue(true)), "pm25=1 @0"),
        (typed(12, Value::StringValue("51A".to_owned())), "pm25=missing @0 flags 4"),
        (typed(17, Value::BytesValue(vec![1].into())), "pm25=missing @0 flags 4"),
        (Metric { value: None, ..typed(16, Value::IntValue(0)) }, "pm25=missing @0 flags 4"),
        (Metric { is_null: Some(true), value: None, ..typed(9, Value::IntValue(0)) }, "pm25=missing @0"),
        (metric("pm25", Value::IntValue(7)), "pm25=7 @0 flags 128"),
        (metric("door", Value::BooleanValue(true)), "door=true @0"),
        (metric("status", Value::BooleanValue(true)), "status=missing @0 flags 4"),
        (metric("status", Value::StringValue("online".to_owned())), "status=online @0"),
        (metric("status", Value::StringValue("51A".to_owned())), "status=missing @0 flags 4"),
        (metric("status", Value::IntValue(1)), "status=1 @0"),
        (metric("status", Value::IntValue(2)), "status=missing @0 flags 4"),
        (metric("status", Value::DoubleValue(1.0)), "status=missing @0 flags 4"),
        (aliased(9, Value::FloatValue(0.5)), "alias 9=0.5 @0"),
        (aliased(9, Value::IntValue(4_294_967_291)), "alias 9=4294967291 @0 flags 128"),
        (aliased(9, Value::StringValue("offline".to_owned())), "alias 9=offline @0"),
        (aliased(9, Value::StringValue("51A".to_owned())), "alias 9=missing @0 flags 4"),
        (aliased(9, Value::BooleanValue(false)), "alias 9=false @0"),
    ];
    for (metric, want) in cases {
        let told = format!("{metric:?}");
        assert_eq!(read("DDATA", vec![metric]), [want], "{told}");
    }
}

#[test]
fn a_birth_binds_aliases_and_tells_how_integers_are_signed() {
    let born =
        Metric { alias: Some(4), datatype: Some(2), ..metric("Out/temperature", Value::IntValue(65_531)) };
    let stranger = Metric { alias: Some(5), ..metric("51A-123.45", Value::IntValue(1)) };
    let control = metric("Node Control/Rebirth", Value::BooleanValue(false));
    let want = [
        format!("temperature=-5 @0 binds 4 flags {}", ItemFlags::SIGNED_16.0),
        "undeclared 1=missing @0 binds 5 flags 4".to_owned(),
    ];
    assert_eq!(read("DBIRTH", vec![born, stranger, control.clone()]), want);
    let with_alias = Metric { alias: Some(6), ..control };
    assert_eq!(read("NBIRTH", vec![with_alias]), ["undeclared 0=missing @0 binds 6 flags 4"]);
}

#[test]
fn metric_times_win_over_the_payload_time() {
    let late = Metric { timestamp: Some(NOW_MS - 1_000), ..metric("pm25", Value::DoubleValue(1.0)) };
    let plain = metric("pm10", Value::DoubleValue(2.0));
    assert_eq!(read("NDATA", vec![late, plain.clone()]), ["pm25=1 @-1000", "pm10=2 @0"]);
    let untimed = Payload { metrics: vec![plain], ..Payload::default() };
    let decoded = decoded(Dialect::SparkplugB, &topic("NDATA"), &untimed.encode_to_vec());
    assert_eq!(shown(&decoded.body), ["pm10=2"]);
    let never = Metric { timestamp: Some(u64::MAX), ..metric("pm25", Value::DoubleValue(1.0)) };
    assert_eq!(read("NDATA", vec![never]), ["time_invalid timestamp 1"]);
}

#[test]
fn a_message_without_metrics_still_counts_for_the_session() {
    let payload = Payload { seq: Some(255), ..Payload::default() };
    let decoded = decoded(Dialect::SparkplugB, &topic("NDATA"), &payload.encode_to_vec());
    assert_eq!(decoded.body, MessageBody::Items(Vec::new()));
    assert_eq!(decoded.session.and_then(|session| session.sequence), Some(255));
}

#[test]
fn what_cannot_be_read_is_rejected() {
    let of = |bytes: &[u8], kind: &str| shown(&decoded(Dialect::SparkplugB, &topic(kind), bytes).body);
    let seq = Payload { seq: Some(256), ..Payload::default() };
    assert_eq!(of(&seq.encode_to_vec(), "NDATA"), ["field_invalid seq 0"]);
    assert_eq!(of(br#"{"online":true}"#, "NDATA"), ["syntax  0"]);
    assert_eq!(of(&[], "NCMD"), ["field_invalid message_type 0"]);
    let crowd = Payload { metrics: vec![Metric::default(); 10_001], ..Payload::default() };
    assert_eq!(of(&crowd.encode_to_vec(), "DDATA"), ["too_many_items metrics 10001"]);
}
