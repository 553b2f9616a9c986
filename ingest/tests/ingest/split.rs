//! Sources found in the payload, deliveries that hold many messages, and stored messages read again.

use std::sync::Arc;

use bytes::Bytes;
use nhip_ingest::{IngestRoom, IngestSettings, Router, decode_again, open};
use nhip_ports::Intake as _;
use nhip_ports::memory::SteppedClock;
use nhip_profile::{Path, Profile, Route};
use nhip_proto::{ArrivalTime, Message, MessageBody, RejectionReason};

use crate::stage::{MIDNIGHT, StageKeys, StageLog, delivery, key_of, profile, shown};

/// The stage's profile with routes that look into the payload.
fn looking_inside() -> Profile {
    let mut profile = profile();
    profile.routes = vec![
        Route {
            each: Path::parse("/rows"),
            ..Route::of("feed/many", "native-json", "air", "{payload:/station}")
        },
        Route::of("feed/one", "native-json", "camera", "{payload:/device.name}-{1}"),
    ];
    profile
}

fn logged(profile: Profile, topic: &str, payload: &str) -> Vec<Message> {
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let keys = Arc::new(StageKeys::default());
    let room = IngestRoom::new(IngestSettings::default(), Arc::new(profile), log.clone(), keys, clock);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let deliveries = vec![delivery(topic, payload.to_owned()), delivery("nowhere", "1")];
    let durable = runtime.block_on(async { room.submit(deliveries).await?.wait().await });
    durable.expect("logged");
    let mut messages = log.messages();
    let last = messages.pop().map(|message| message.body);
    let reason =
        last.and_then(|body| if let MessageBody::Rejected(why) = body { Some(why.reason) } else { None });
    assert_eq!(reason, Some(RejectionReason::NoRoute), "what follows keeps its place");
    messages
}

fn told(message: &Message) -> String {
    format!("{} {} {}", message.source, message.topic, shown(&message.body).join(", "))
}

fn sealed(message: &Message) -> (String, bool) {
    let sealed = message.sealed.as_ref().expect("every message is sealed");
    let opened = open(&key_of(&sealed.key), sealed).expect("opens");
    (String::from_utf8_lossy(&opened.payload).into_owned(), opened.is_element)
}

const MANY: &str = r#"{"n":3,"rows":[ {"station":"KK01","values":{"pm25": 1.50}},
    {"station":"nobody","values":{"pm25":2}}, {"values":{}} , {"station":"trạm-2","time":1,"values":{"pm25":3}}]}"#;

#[test]
fn every_element_is_a_message_of_its_own() {
    let messages = logged(looking_inside(), "feed/many", MANY);
    let want = [
        "KK01 feed/many pm25=1.5",
        "  unknown_source  0",
        "  field_missing  0",
        "trạm-2 feed/many pm25=3 @-1795219199999",
    ];
    assert_eq!(messages.iter().map(told).collect::<Vec<_>>(), want);
    assert_eq!(sealed(&messages[0]), (r#"{"station":"KK01","values":{"pm25": 1.50}}"#.to_owned(), true));
    assert_eq!(sealed(&messages[1]), (r#"{"station":"nobody","values":{"pm25":2}}"#.to_owned(), true));
}

#[test]
fn a_delivery_that_cannot_be_split_is_one_rejected_message() {
    let many = format!(r#"{{"rows":[{}1]}}"#, "1,".repeat(1_000));
    let cases = [
        ("{\"rows\":[", "syntax"),
        ("{}", "field_missing"),
        (r#"{"rows":[]}"#, "empty"),
        (&many, "too_many_items"),
    ];
    for (payload, reason) in cases {
        let messages = logged(looking_inside(), "feed/many", payload);
        assert_eq!(messages.iter().map(told).collect::<Vec<_>>(), [format!("  {reason}  0")]);
        assert_eq!(sealed(&messages[0]), (payload.to_owned(), false));
    }
}

#[test]
fn a_source_in_the_payload_is_asked_for_like_any_other() {
    let mut profile = looking_inside();
    let one = |profile: &Profile, payload: &str| told(&logged(profile.clone(), "feed/one", payload)[0]);
    let named = r#"{"device":{"name":"C7"},"values":{"lamp":1}}"#;
    assert_eq!(one(&profile, named), "  field_missing  0", "`device.name` is one name in a pointer");
    assert_eq!(one(&profile, r#"{"device.name":7,"values":{"lamp":1}}"#), "7-one feed/one lamp=1");
    assert_eq!(one(&profile, r#"{"device.name":"a\nb","values":{"lamp":1}}"#), "  unknown_source  0");
    assert_eq!(one(&profile, "{"), "  syntax  0");
    profile.streams.get_mut("camera").expect("declared").open = false;
    assert_eq!(one(&profile, r#"{"device.name":7,"values":{"lamp":1}}"#), "  unknown_source  0");
}

#[test]
fn a_split_batch_of_any_size_is_logged_whole_and_in_order() {
    let row = r#"{"station":"KK01","values":{"pm25":1}},"#;
    let payload = Bytes::from(format!(r#"{{"rows":[{}]}}"#, row.repeat(1_000).trim_end_matches(',')));
    let log = StageLog::open();
    let clock = Arc::new(SteppedClock::new(ArrivalTime(MIDNIGHT)));
    let keys = Arc::new(StageKeys::default());
    let room =
        IngestRoom::new(IngestSettings::default(), Arc::new(looking_inside()), log.clone(), keys, clock);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut deliveries = vec![delivery("feed/many", payload); 9];
    deliveries.push(delivery("nowhere", "1"));
    let appended = runtime.block_on(async { room.submit(deliveries).await?.wait().await }).expect("logged");
    let messages = log.messages();
    assert_eq!(messages.len(), 9_001);
    assert_eq!(appended.first.0 + appended.count, 9_001, "it waits for the last portion");
    assert!(messages.last().is_some_and(|message| message.topic.is_empty()), "the last delivery is last");
}

#[test]
fn a_stored_message_is_read_again_by_a_mended_profile() {
    let stored = logged(looking_inside(), "feed/many", MANY);
    let again = |profile: &Profile, message: &Message| {
        let router = Router::new(Arc::new(profile.clone()));
        let sealed = message.sealed.as_ref().expect("sealed");
        let opened = open(&key_of(&sealed.key), sealed).expect("opens");
        let answers = decode_again(&router, message, &opened);
        let show =
            |one: &nhip_ingest::Again| format!("{} {}", one.source, shown(&one.decoded.body).join(", "));
        answers.iter().map(show).collect::<Vec<_>>()
    };
    let mended = looking_inside().with_source("nobody", "air", "80");
    assert_eq!(again(&mended, &stored[1]), ["nobody pm25=2"], "an element is not split again");
    assert_eq!(again(&looking_inside(), &stored[0]), ["KK01 pm25=1.5"]);
    // The sender moved its list overnight: what was kept whole is split by the mended route.
    let moved = MANY.replace("rows", "readings");
    let stored = logged(looking_inside(), "feed/many", &moved);
    assert_eq!(stored.len(), 1);
    let mut mended = mended;
    mended.routes[0].each = Path::parse("/readings");
    let want = ["KK01 pm25=1.5", "nobody pm25=2", " field_missing  0", "trạm-2 pm25=3 @-1795219199999"];
    assert_eq!(again(&mended, &stored[0]), want);
    // Native messages keep the dialect their content type gave them.
    let native = logged(looking_inside(), "nhip/v1/tay-ninh/air/KK01", r#"{"values":{"pm25":4}}"#);
    assert_eq!(again(&looking_inside(), &native[0]), ["KK01 pm25=4"]);
    let unrouted = logged(looking_inside(), "feed/other", "1");
    assert_eq!(again(&looking_inside(), &unrouted[0]), [" no_route  0"]);
}
