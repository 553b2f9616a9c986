//! The native binary dialect by tables.

use nhip_ingest::Dialect;
use nhip_proto::wire::reading::{Decimal, Measure, Reading, measure::Value};
use prost::Message as _;

use crate::stage::{MIDNIGHT, decoded, shown};

const TOPIC: &str = "nhip/v1/tay-ninh/air/KK01/pb";

fn read(reading: &Reading) -> Vec<String> {
    shown(&decoded(Dialect::NativeProtobuf, TOPIC, &reading.encode_to_vec()).body)
}

fn number(name: &str, mantissa: i64, scale: u32) -> Measure {
    Measure {
        name: name.to_owned(),
        value: Some(Value::Number(Decimal { mantissa, scale })),
        ..Measure::default()
    }
}

fn state(name: &str, state: &str) -> Measure {
    Measure { name: name.to_owned(), value: Some(Value::State(state.to_owned())), ..Measure::default() }
}

fn of(measures: Vec<Measure>) -> Reading {
    Reading { measures, ..Reading::default() }
}

#[test]
fn measures_become_items() {
    let faulty = Measure { device_fault: true, unit: "mg/m3".to_owned(), ..number("pm10", 60, 0) };
    let reading = of(vec![
        number("pm25", 352, 1),
        faulty,
        state("status", "online"),
        Measure { value: None, ..number("pm25", 0, 0) },
        Measure { time_ms: Some(1_795_219_199_000), ..number("temperature", -55, 1) },
    ]);
    let reading = Reading { time_ms: Some(1_795_219_200_250), period_ms: Some(1_000), ..reading };
    let want = [
        "pm25=35.2 @250 [-750,250)",
        "pm10=60 mg/m3 @250 [-750,250) flags 1",
        "status=online @250 [-750,250)",
        "pm25=missing @250 [-750,250)",
        "temperature=-5.5 @-1000 [-2000,-1000)",
    ];
    assert_eq!(read(&reading), want);
    let nanoseconds = Reading { time_ns: Some(MIDNIGHT), time_ms: Some(5), ..of(vec![number("pm25", 1, 0)]) };
    assert_eq!(read(&nanoseconds), ["pm25=1 @0"], "nanoseconds win");
}

#[test]
fn both_native_dialects_say_the_same() {
    let json = br#"{"time":1795219200250,"id":"a-1","sequence":4,"boot":2,"period_s":60,
        "place":{"lon":106.1,"lat":11.3},"values":{"pm25":35.2},"states":{"status":"online"}}"#;
    let reading = Reading {
        time_ms: Some(1_795_219_200_250),
        id: "a-1".to_owned(),
        sequence: Some(4),
        boot: Some(2),
        period_ms: Some(60_000),
        longitude_e7: Some(1_061_000_000),
        latitude_e7: Some(113_000_000),
        ..of(vec![number("pm25", 352, 1), state("status", "online")])
    };
    let binary = decoded(Dialect::NativeProtobuf, TOPIC, &reading.encode_to_vec());
    assert_eq!(decoded(Dialect::NativeJson, TOPIC, json), binary);
}

#[test]
fn what_the_stream_does_not_declare_stays_sealed() {
    let unit = Measure { unit: "51A-123.45".to_owned(), ..number("pm25", 1, 0) };
    let reading =
        of(vec![number("51A-123.45", 1, 0), state("status", "51A-123.45"), state("pm25", "on"), unit]);
    let want = [
        "undeclared 0=missing flags 4",
        "status=missing flags 4",
        "undeclared 2=missing flags 4",
        "pm25=1 ?",
    ];
    assert_eq!(read(&reading), want);
}

#[test]
fn what_cannot_be_read_is_rejected() {
    let one = || of(vec![number("pm25", 1, 0)]);
    let cases = [
        (of(Vec::new()), "empty  0"),
        (of(vec![number("pm10", 1, 0), number("pm25", 1, 29)]), "field_invalid pm25 2"),
        (Reading { time_ms: Some(i64::MAX), ..one() }, "time_invalid time_ms 1"),
        (
            of(vec![number("pm10", 1, 0), Measure { time_ms: Some(i64::MIN), ..number("pm25", 1, 0) }]),
            "time_invalid time_ms 2",
        ),
        (Reading { period_ms: Some(0), ..one() }, "field_invalid period_ms 1"),
        (Reading { period_ms: Some(i64::MAX), ..one() }, "field_invalid period_ms 1"),
        (Reading { longitude_e7: Some(1), ..one() }, "field_invalid place 1"),
        (Reading { longitude_e7: Some(1), latitude_e7: Some(900_000_001), ..one() }, "field_invalid place 1"),
        (Reading { id: "x".repeat(257), ..one() }, "field_invalid id 1"),
        (of(vec![number("pm25", 1, 0); 10_001]), "too_many_items measures 10001"),
    ];
    for (reading, want) in cases {
        assert_eq!(read(&reading), [want]);
    }
    for bytes in [b"{\"values\":{}}".as_slice(), &[0x42, 9, 1], &[0xff; 20]] {
        assert_eq!(shown(&decoded(Dialect::NativeProtobuf, TOPIC, bytes).body), ["syntax  0"]);
    }
    assert_eq!(read(&of(vec![number("pm25", 1, 0); 10_000])).len(), 10_000);
}
