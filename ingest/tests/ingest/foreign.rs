//! Foreign dialects through the whole room: their topics and sources, retained replays, deleted properties,
//! pictures, and texts that must stay sealed.

use std::sync::Arc;

use nhip_ingest::{Dialect, IngestRoom, IngestSettings};
use nhip_ports::memory::SteppedClock;
use nhip_ports::{Delivery, Intake as _};
use nhip_profile::{Path, Profile, Route, Stream};
use nhip_proto::{ArrivalTime, Message};

use crate::canary::{clear_bytes, holds};
use crate::stage::{MIDNIGHT, StageKeys, StageLog, delivery, profile, shown};

/// An open stream `foreign` and one route per dialect.
fn foreign() -> Profile {
    let mut stream =
        Stream::minutely("foreign", &[("person", "people"), ("pm25", "µg/m³"), ("humidity", "%")]);
    stream.open = true;
    let states: [(&str, &[&str]); 7] = [
        ("label", &["person"]),
        ("State", &["true", "false"]),
        ("VMD", &["active", "inactive"]),
        ("AccessControl", &["Pulse"]),
        ("availability", &["online", "offline"]),
        ("status", &["open", "closed"]),
        ("category", &["traffic"]),
    ];
    for (name, words) in states {
        stream.states.insert(name.to_owned(), words.iter().map(|word| (*word).to_owned()).collect());
    }
    let mut profile = profile().with_stream(stream);
    let entities =
        Route { each: Path::parse("/data"), ..Route::of("ngsi/#", "ngsi", "foreign", "{payload:/id}") };
    profile.routes = vec![
        Route::of("frigate/events", "frigate", "foreign", "{payload:/after/camera}"),
        Route::of("frigate/#", "frigate", "foreign", "{1}"),
        Route::of("+/onvif-ej/VideoSource/#", "onvif-event", "foreign", "{0}"),
        Route::of("hik/+", "hikvision-alert", "foreign", "{1}-{payload:/channelID}"),
        Route::of("dahua/+/Event", "dahua-event", "foreign", "{payload:/serialNumber}"),
        Route::of("zigbee2mqtt/#", "zigbee2mqtt", "foreign", "{1}"),
        Route::of("open311", "open311", "foreign", "311"),
        entities,
    ];
    profile
}

fn logged(deliveries: Vec<Delivery>) -> Vec<Message> {
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let keys = Arc::new(StageKeys::default());
    let room = IngestRoom::new(IngestSettings::default(), Arc::new(foreign()), log.clone(), keys, clock);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { room.submit(deliveries).await?.wait().await }).expect("logged");
    log.messages()
}

fn told(message: &Message) -> String {
    format!("{}: {}", message.source, shown(&message.body).join(", "))
}

fn one(topic: &str, payload: &[u8]) -> String {
    let messages = logged(vec![delivery(topic, payload.to_vec())]);
    messages.iter().map(told).collect::<Vec<_>>().join(" | ")
}

const ALERT: &str = "<EventNotificationAlert><channelID>4</channelID><dateTime>2026-11-21T07:00:00+07:00</dateTime>\
                     <eventType>VMD</eventType><eventState>active</eventState></EventNotificationAlert>";

#[test]
fn sources_stand_in_topics_and_in_payloads() {
    let event =
        r#"{"type":"new","after":{"id":"1-a","camera":"cong-a","label":"person","start_time":1795219200}}"#;
    assert_eq!(one("frigate/events", event.as_bytes()), "cong-a: label=person @0");
    assert_eq!(one("frigate/cong-b/person", b"2"), "cong-b: person=2");
    assert_eq!(one("hik/nvr-1", ALERT.as_bytes()), "nvr-1-4: VMD=active @0");
    let door = r#"{"Action":"Pulse","Data":{"UTC":1795219200},"serialNumber":"SN1"}"#;
    assert_eq!(one("dahua/AccessControl/Event", door.as_bytes()), "SN1: AccessControl=Pulse @0");
    let entities = r#"{"subscriptionId":"s","data":[{"id":"urn:a","type":"AirQualityObserved","pm25":1},
        {"id":"urn:b","type":"AirQualityObserved","pm25":{"value":2,"unitCode":"GP"}}]}"#;
    assert_eq!(one("ngsi/air", entities.as_bytes()), "urn:a: pm25=1 | urn:b: pm25=2 mg/m³");
    // Without the place where its source stands, nobody knows whose it is.
    let nobody = ALERT.replace("channelID", "channel");
    assert_eq!(one("hik/nvr-1", nobody.as_bytes()), ": field_missing  0");
}

#[test]
fn pictures_and_descriptions_lead_nowhere_and_stay_sealed() {
    let topics =
        ["frigate/cong-a/person/snapshot", "frigate/tracked_object_update", "zigbee2mqtt/bridge/logging"];
    for topic in topics {
        let messages = logged(vec![delivery(topic, vec![0xff, 0xd8, 0xff, 0xe0])]);
        assert_eq!(messages.iter().map(told).collect::<Vec<_>>(), [": no_route  0"], "{topic}");
        assert_eq!((messages[0].topic.as_str(), messages[0].stream.as_str()), ("", ""));
    }
}

/// A kept message comes again with every subscription: what has a clock of its own is the same reading,
/// what has none is a number of unknown age (flag 2), and a state that holds.
#[test]
fn retained_messages_say_that_they_are_old() {
    let kept = |topic: &str, payload: &[u8]| {
        let mut delivery = delivery(topic, payload.to_vec());
        delivery.dedication.retain = true;
        let messages = logged(vec![delivery]);
        assert!(messages[0].dedication.retain);
        told(&messages[0])
    };
    let motion =
        br#"{"UtcTime":"2026-11-21T00:00:01Z","Source":{"VideoSource":"1"},"Data":{"State":"true"}}"#;
    assert_eq!(kept("cam-7/onvif-ej/VideoSource/MotionAlarm/&1", motion), "cam-7: State=true @1000");
    assert_eq!(kept("zigbee2mqtt/kho", br#"{"humidity":44.7}"#), "kho: humidity=44.7 flags 2");
    assert_eq!(kept("zigbee2mqtt/kho/availability", b"offline"), "kho: availability=offline");
    assert_eq!(one("zigbee2mqtt/kho", br#"{"humidity":44.7}"#), "kho: humidity=44.7");
}

/// No bytes at all: a property of a camera is deleted, other senders only clear a topic.
#[test]
fn empty_messages_are_no_readings() {
    let deleted = one("cam-7/onvif-ej/VideoSource/MotionAlarm/&1", b"");
    assert!(deleted.starts_with("cam-7: ") && deleted.contains("State=missing"), "{deleted}");
    assert!(!deleted.contains("State=false"), "{deleted}");
    assert_eq!(one("zigbee2mqtt/kho/availability", b""), "kho: empty  0");
    assert_eq!(one("frigate/cong-a/person", b""), "cong-a: empty  0");
    assert_eq!(one("zigbee2mqtt/kho", b""), "kho: syntax  0");
    assert_eq!(one("open311", b""), "311: syntax  0");
}

#[test]
fn texts_of_people_are_nowhere_but_in_the_sealed_part() {
    const PLATE: &str = "51A-123.45";
    let cases = [
        (
            "frigate/events",
            r#"{"type":"end","after":{"id":"PLATE","camera":"c","label":"PLATE","sub_label":["PLATE",1],
            "recognized_license_plate":"PLATE","start_time":1,"end_time":2,"entered_zones":["PLATE"]}}"#,
        ),
        ("frigate/cong-a/person", "PLATE"),
        (
            "cam/onvif-ej/VideoSource/A",
            r#"{"UtcTime":"2026-11-21T00:00:00Z","Data":{"State":"PLATE","PLATE":"PLATE"}}"#,
        ),
        ("cam/onvif-ej/VideoSource/A", r#"{"UtcTime":"PLATE","Data":{}}"#),
        (
            "hik/n",
            r#"<EventNotificationAlert><channelID>1</channelID><dateTime>2026-11-21T00:00:00Z</dateTime>
            <eventType>VMD</eventType><eventState>PLATE</eventState><PLATE>PLATE</PLATE></EventNotificationAlert>"#,
        ),
        (
            "dahua/AccessControl/Event",
            r#"{"Action":"Pulse","serialNumber":"s","Data":{"UTC":1,"CardNo":"PLATE","UserID":"PLATE"}}"#,
        ),
        ("dahua/AccessControl/Event", r#"{"Action":"PLATE","serialNumber":"s","Data":{"UTC":1}}"#),
        ("zigbee2mqtt/x", r#"{"humidity":"PLATE","PLATE":1}"#),
        (
            "open311",
            r#"[{"service_request_id":"PLATE","status":"open","description":"PLATE","address":"PLATE"}]"#,
        ),
        ("open311", r#"[{"service_request_id":"1","status":"PLATE","first_name":"PLATE"}]"#),
        (
            "ngsi/a",
            r#"{"data":[{"id":"a","type":"PLATE","category":"PLATE","description":"PLATE",
            "pm25":{"value":1,"unitCode":"PLATE"},"measurand":["PLATE, 1, PLATE, PLATE"]}]}"#,
        ),
    ];
    for (topic, payload) in cases {
        for message in logged(vec![delivery(topic, payload.replace("PLATE", PLATE))]) {
            assert!(!holds(&clear_bytes(&message), PLATE), "{topic}: {message:?}");
        }
    }
}

/// `nhip check` and the decoders know the same dialects.
#[test]
fn a_profile_may_name_every_dialect() {
    for dialect in Dialect::ALL.iter().filter(|dialect| **dialect != Dialect::JsonMap) {
        let text = include_str!("../profiles/mappings.toml");
        let route = format!(
            "{text}\n[[route]]\nfilter = \"x/#\"\ndialect = \"{}\"\nstream = \"sensor\"\nsource = \"{{1}}\"\n",
            dialect.name()
        );
        let areas = "code,name,name_en,kind,parent\n80,Tây Ninh,Tay Ninh,province,\n".to_owned();
        let sources = "id,stream,area,name,name_en,owner\n".to_owned();
        let files = [("profile.toml", route), ("areas.csv", areas), ("sources.csv", sources)];
        let loaded = nhip_profile::load(&files.map(|(path, text)| (path.to_owned(), text)));
        assert!(loaded.is_ok(), "{}: {loaded:?}", dialect.name());
    }
}
