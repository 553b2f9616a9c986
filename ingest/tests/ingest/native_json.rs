//! The native JSON dialect by tables.

use nhip_ingest::Dialect;
use nhip_proto::{EventTime, MessageBody};

use crate::stage::{MIDNIGHT, decoded, decoded_by, profile, shown};

const TOPIC: &str = "nhip/v1/tay-ninh/air/KK01";

fn read(json: &str) -> Vec<String> {
    shown(&decoded(Dialect::NativeJson, TOPIC, json.as_bytes()).body)
}

fn check(cases: &[(&str, &[&str])]) {
    for (json, want) in cases {
        assert_eq!(read(json), *want, "{json}");
    }
}

#[test]
fn readings_become_items() {
    check(&[
        (r#"{"values":{"pm25":35.2}}"#, &["pm25=35.2"]),
        (r#"{"time":1795219200500,"values":{"pm25":1e1,"pm10":-0.50}}"#, &["pm25=10 @500", "pm10=-0.5 @500"]),
        (
            r#"{"values":{"pm10":{"value":60,"unit":"mg/m3","fault":true},"pm25":null}}"#,
            &["pm10=60 mg/m3 flags 1", "pm25=missing"],
        ),
        (r#"{"time":"2026-11-21T07:00:00.25+07:00","states":{"status":"online"}}"#, &["status=online @250"]),
        (r#"{"states":{"status":null}}"#, &["status=missing"]),
        (
            r#"{"time":1795219200000,"values":{"pm25":{"value":1,"time":1795219199000},"pm10":2}}"#,
            &["pm25=1 @-1000", "pm10=2 @0"],
        ),
        (r#" [{"values":{"pm25":1}},{"values":{"pm25":2}}] "#, &["pm25=1", "pm25=2"]),
        ("\u{feff}{\"values\":{\"pm25\":1}}", &["pm25=1"]),
        (r#"{"values":{"pm25":9007199254740993.0000001}}"#, &["pm25=9007199254740993.0000001"]),
        (r#"{"values":{"pm25":0.1000}}"#, &["pm25=0.1"]),
        (r#"{"time":null,"id":null,"place":null,"values":{"pm25":1},"states":null}"#, &["pm25=1"]),
    ]);
}

#[test]
fn a_period_ends_at_its_stamp_or_starts_there() {
    let json = r#"{"time":1795219200000,"period_s":3600,"values":{"pm25":1}}"#;
    assert_eq!(read(json), ["pm25=1 @0 [-3600000,0)"]);
    let mut starting = profile();
    starting.streams.get_mut("air").expect("declared").stamp_is_start = true;
    let body = decoded_by(&starting, Dialect::NativeJson, TOPIC, json.as_bytes()).body;
    assert_eq!(shown(&body), ["pm25=1 @0 [0,3600000)"]);
    // Without a time the arrival stands in.
    check(&[(r#"{"period_s":0.5,"values":{"pm25":1}}"#, &["pm25=1 [-500,0)"])]);
}

#[test]
fn what_the_stream_does_not_declare_stays_sealed() {
    check(&[
        (r#"{"values":{"plate":"51A-123.45","pm25":1}}"#, &["undeclared 0=missing flags 4", "pm25=1"]),
        (r#"{"values":{"driver":7}}"#, &["undeclared 0=missing flags 4"]),
        (r#"{"values":{"status":1}}"#, &["undeclared 0=missing flags 4"]),
        (r#"{"states":{"status":"51A-123.45"}}"#, &["status=missing flags 4"]),
        (r#"{"states":{"pm25":"online"}}"#, &["undeclared 0=missing flags 4"]),
        // An unknown unit is told as unknown, so that the value is not taken for one in the default unit.
        (r#"{"values":{"pm25":{"value":1,"unit":"51A-123"}}}"#, &["pm25=1 ?"]),
    ]);
}

#[test]
fn what_cannot_be_read_is_rejected_with_reason_field_and_place() {
    check(&[
        ("", &["syntax  0"]),
        ("{", &["syntax  1"]),
        (r#"{"values":{"pm25":1}} x"#, &["syntax  23"]),
        ("{\n\"values\":{\"pm25\":1,}}", &["syntax  22"]),
        (r#"{"values":{"pm25":NaN}}"#, &["syntax  19"]),
        (r#"{"values":{"pm25":01}}"#, &["syntax  20"]),
        ("null", &["field_invalid  1"]),
        ("[]", &["empty  0"]),
        ("{}", &["empty  0"]),
        (r#"{"values":{}}"#, &["empty  0"]),
        (r#"{"values":{"pm25":"35.2"}}"#, &["field_invalid pm25 1"]),
        (r#"{"values":{"pm25":true}}"#, &["field_invalid pm25 1"]),
        (r#"{"values":{"pm25":[1]}}"#, &["field_invalid pm25 1"]),
        (r#"{"values":{"pm25":1e99}}"#, &["field_invalid pm25 1"]),
        (r#"{"values":{"pm25":{"value":1,"fault":1}}}"#, &["field_invalid pm25 1"]),
        (r#"{"values":{"pm25":1,"pm25":2}}"#, &["field_invalid values 1"]),
        (r#"{"values":{"pm25":1},"values":{"pm10":1}}"#, &["field_invalid values 1"]),
        (r#"{"values":7}"#, &["field_invalid values 1"]),
        (r#"{"states":{"status":1}}"#, &["field_invalid status 1"]),
        (r#"[{"values":{"pm25":1}},{"sequence":-1,"values":{"pm25":1}}]"#, &["field_invalid sequence 2"]),
        (r#"{"sequence":1.5,"values":{"pm25":1}}"#, &["field_invalid sequence 1"]),
        (r#"{"boot":"1","values":{"pm25":1}}"#, &["field_invalid boot 1"]),
        (r#"{"id":"","values":{"pm25":1}}"#, &["field_invalid id 1"]),
        (r#"{"id":7,"values":{"pm25":1}}"#, &["field_invalid id 1"]),
        (r#"{"period_s":0,"values":{"pm25":1}}"#, &["field_invalid period_s 1"]),
        (r#"{"period_s":40000000,"values":{"pm25":1}}"#, &["field_invalid period_s 1"]),
        (r#"{"place":{"lon":181,"lat":0},"values":{"pm25":1}}"#, &["field_invalid place 1"]),
        (r#"{"place":{"lon":106},"values":{"pm25":1}}"#, &["field_invalid place 1"]),
        (r#"{"time":"07:00","values":{"pm25":1}}"#, &["time_invalid time 1"]),
        (r#"{"time":"2026-11-21T07:00:00","values":{"pm25":1}}"#, &["time_invalid time 1"]),
        (r#"{"time":1.5,"values":{"pm25":1}}"#, &["time_invalid time 1"]),
        (r#"{"time":9223372036854775807,"values":{"pm25":1}}"#, &["time_invalid time 1"]),
        (r#"{"$serde_json::private::Number":"51A-123.45"}"#, &["field_invalid  1"]),
    ]);
}

#[test]
fn bytes_that_are_no_text_are_rejected_where_they_stand() {
    let payload = b"{\"values\":{\"pm25\":1,\"\xff\":2}}";
    assert_eq!(shown(&decoded(Dialect::NativeJson, TOPIC, payload).body), ["syntax  22"]);
}

#[test]
fn place_identity_sequence_and_boot_stand_on_every_item() {
    let json = r#"{"id":"tra\u0323m 7","sequence":12,"boot":3,"place":{"lon":106.1,"lat":-11.3},
                   "values":{"pm25":1},"states":{"status":"online"}}"#;
    let MessageBody::Items(items) = decoded(Dialect::NativeJson, TOPIC, json.as_bytes()).body else {
        panic!("decodes");
    };
    assert_eq!(items.len(), 2);
    for item in &items {
        let place = item.place.map(|place| (place.longitude_e7, place.latitude_e7));
        assert_eq!(
            (item.sequence, item.boot, place),
            (Some(12), Some(3), Some((1_061_000_000, -113_000_000)))
        );
    }
    let composed =
        decoded(Dialect::NativeJson, TOPIC, r#"{"id":"trạm 7","values":{"pm25":1}}"#.as_bytes()).body;
    let MessageBody::Items(other) = composed else { panic!("decodes") };
    assert_eq!(items[0].identity, other[0].identity, "two spellings of one id are one id");
    // b3sum of "abc" begins with these bytes (test vector of the BLAKE3 command line tool).
    let MessageBody::Items(abc) =
        decoded(Dialect::NativeJson, TOPIC, br#"{"id":"abc","values":{"pm25":1}}"#).body
    else {
        panic!("decodes")
    };
    assert_eq!(abc[0].identity, Some(0x6437_b3ac_3846_5133_ffb6_3b75_273a_8db5));
}

#[test]
fn nanoseconds_are_kept() {
    let json = br#"{"time":"2026-11-21T00:00:00.123456789Z","values":{"pm25":1}}"#;
    let MessageBody::Items(items) = decoded(Dialect::NativeJson, TOPIC, json).body else { panic!("decodes") };
    assert_eq!(items[0].event_time, Some(EventTime(MIDNIGHT + 123_456_789)));
}

#[test]
fn bounds_hold() {
    let nested = |depth: usize| {
        format!(r#"{{"note":{}1{},"values":{{"pm25":1}}}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    assert_eq!(read(&nested(15)), ["pm25=1"]);
    assert_eq!(read(&nested(16)), ["bounds  0"]);
    assert_eq!(read(&"[".repeat(200_000)), ["bounds  0"]);
    let readings = |count: usize| format!("[{}]", vec![r#"{"values":{"pm25":1}}"#; count].join(","));
    assert_eq!(read(&readings(1_000)).len(), 1_000);
    assert_eq!(read(&readings(1_001)), ["too_many_items  1001"]);
    let names = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!(r#""x{at}":1"#)).collect();
        format!(r#"{{"values":{{{}}}}}"#, names.join(","))
    };
    assert_eq!(read(&names(10_000)).len(), 10_000);
    assert_eq!(read(&names(10_001)), ["too_many_items  10001"]);
    assert_eq!(read(&format!("[{}1]", "1,".repeat(400_000))), ["too_many_items  0"]);
    let id = |length: usize| format!(r#"{{"id":"{}","values":{{"pm25":1}}}}"#, "x".repeat(length));
    assert_eq!(read(&id(256)), ["pm25=1"]);
    assert_eq!(read(&id(257)), ["field_invalid id 1"]);
}
