//! What makes two readings of a foreign sender the same, and what keeps them apart.

use nhip_ingest::Dialect;
use nhip_proto::{Item, ItemName, MessageBody};

use crate::corpus::{Corpus, read};

fn items(dialect: Dialect, topic: &str, payload: &str) -> Vec<Item> {
    let corpus = Corpus::load(dialect);
    match read(dialect, &corpus.stream, topic, payload.as_bytes()).body {
        MessageBody::Items(items) => items,
        MessageBody::Rejected(rejection) => panic!("{rejection:?}"),
    }
}

fn identity(items: &[Item], name: &str) -> u128 {
    let named = |item: &&Item| item.name == ItemName::Text(name.to_owned());
    items.iter().find(named).and_then(|item| item.identity).expect("an identity")
}

#[test]
fn one_object_is_one_reading_however_often_it_is_told() {
    let event = |kind: &str, end: &str, zones: &str| {
        let payload = format!(
            r#"{{"type":"{kind}","after":{{"id":"1795219200.25-abcdef","label":"person","false_positive":false,
                "start_time":1795219200.25,"end_time":{end},"entered_zones":{zones}}}}}"#
        );
        items(Dialect::Frigate, "frigate/events", &payload)
    };
    let (new, update) = (event("new", "null", r#"["gate"]"#), event("update", "null", r#"["gate","yard"]"#));
    let end = event("end", "1795219211.75", r#"["gate","yard"]"#);
    assert_eq!(new[0], update[0], "the same to the byte");
    assert_eq!(new[0], end[0]);
    assert_eq!(new[1..3], update[1..3], "the first zone");
    let zones: Vec<u128> = update.iter().filter_map(|item| item.identity).collect();
    assert_ne!(zones[1], zones[3], "the second zone is another reading");
    assert_ne!(identity(&end, "label"), identity(&end, "ended"));
    assert_eq!(identity(&end, "dwell"), identity(&end, "ended"), "filters look at them together");
    // b3sum of "1795219200.25-abcdef" begins with these bytes.
    assert_eq!(identity(&new, "label"), blake3_of("1795219200.25-abcdef"));
}

fn blake3_of(text: &str) -> u128 {
    blake3::hash(text.as_bytes())
        .as_bytes()
        .iter()
        .take(16)
        .fold(0, |all, byte| (all << 8) | u128::from(*byte))
}

#[test]
fn a_review_that_rises_is_one_of_each() {
    let review = |severity: &str| {
        let after =
            format!(r#"{{"id":"r1","start_time":1795219200,"end_time":null,"severity":"{severity}"}}"#);
        items(Dialect::Frigate, "frigate/reviews", &format!(r#"{{"type":"update","after":{after}}}"#))
    };
    assert_eq!(review("alert"), review("alert"));
    assert_ne!(identity(&review("alert"), "severity"), identity(&review("detection"), "severity"));
}

#[test]
fn an_uplink_is_the_same_under_another_deduplication_id() {
    let uplink = |id: &str, address: &str, counter: &str| {
        let payload = format!(
            r#"{{"deduplicationId":"{id}","time":"2026-11-21T00:00:00Z","deviceInfo":{{"devEui":"01"}},
                "devAddr":"{address}"{counter},"object":{{"temperature":1}}}}"#
        );
        identity(&items(Dialect::ChirpstackV4, "application/a/device/01/event/up", &payload), "temperature")
    };
    let first = uplink("a", "00189440", "");
    assert_eq!(first, uplink("b", "00189440", r#","fCnt":0"#), "absent is 0");
    assert_ne!(first, uplink("a", "00189440", r#","fCnt":1"#));
    assert_ne!(first, uplink("a", "00189441", ""), "the counter starts again after a join");
}

#[test]
fn a_request_that_is_listed_again_is_the_same_and_an_edit_is_news() {
    let request = |status: &str, updated: &str| {
        let payload = format!(
            r#"[{{"service_request_id":"26-01","status":"{status}","service_code":"PH",
                "requested_datetime":"2026-11-21T07:00:00+07:00","updated_datetime":"{updated}"}}]"#
        );
        items(Dialect::Open311, "open311/requests", &payload)
    };
    let opened = request("open", "2026-11-21T07:05:00+07:00");
    let closed = request("closed", "2026-11-21T09:00:00+07:00");
    assert_eq!(opened, request("open", "2026-11-21T07:05:00+07:00"));
    assert_eq!(opened[0..2], closed[0..2], "it came once");
    assert_ne!(identity(&opened, "status"), identity(&closed, "status"));
    let again = request("closed", "2026-11-22T09:00:00+07:00");
    assert_ne!(
        identity(&closed, "resolution_time"),
        identity(&again, "resolution_time"),
        "re-opened, closed again"
    );
}

#[test]
fn an_observation_has_its_own_id_and_an_alert_too() {
    let observation = r#"{"phenomenonTime":"2026-11-21T00:00:00Z","result":1,"@iot.id":34711}"#;
    let read = items(Dialect::SensorThings, "v1.1/Datastreams(1)/Observations", observation);
    assert_eq!(identity(&read, "result"), blake3_of("34711"));
    let alert = r#"{"id":"Alert:1","type":"Alert","category":"traffic"}"#;
    assert_eq!(identity(&items(Dialect::Ngsi, "a", alert), "category"), blake3_of("Alert:1"));
    let observed = items(Dialect::Ngsi, "a", r#"{"id":"A","type":"AirQualityObserved","pm25":1}"#);
    assert!(observed.iter().all(|item| item.identity.is_none()), "the entity is the source");
}
