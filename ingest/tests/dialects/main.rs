//! The dialects: by their corpora, on published samples, and what they must never do.

mod corpus;
mod identity;
mod properties;
mod replay;
mod samples;

use nhip_ingest::Dialect;

use self::corpus::{Corpus, shown};

#[test]
fn every_payload_of_the_corpora_says_what_is_written_beside_it() {
    let mut wrong = Vec::new();
    // Mappings carry tests of their own.
    for dialect in Dialect::ALL.iter().filter(|dialect| **dialect != Dialect::JsonMap) {
        let corpus = Corpus::load(*dialect);
        assert!(corpus.cases.len() >= 5, "{}: {} cases", dialect.name(), corpus.cases.len());
        for case in &corpus.cases {
            let levels: Vec<&str> = case.topic.split('/').collect();
            assert!(dialect.carries(&levels), "{}", case.topic);
            let said = shown(&corpus.decode(&case.topic, &case.payload).body);
            if said != case.expected {
                wrong.push(format!("{}: {}\n{}", dialect.name(), case.name, said.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn dialects_have_one_name_each_and_are_found_by_it() {
    let mut names: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    for dialect in Dialect::ALL {
        assert_eq!(Dialect::of_name(dialect.name()), Some(*dialect));
        assert_eq!(Dialect::of_id(dialect.id()), Some(*dialect));
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Dialect::ALL.len());
    assert_eq!(
        (Dialect::of_name(""), Dialect::of_id("frigate"), Dialect::of_id("frigate@2")),
        (None, None, None)
    );
}

#[test]
fn topics_that_carry_nothing_to_read_lead_nowhere() {
    let cases = [
        (Dialect::Frigate, "frigate/cong-a/person/snapshot", false),
        (Dialect::Frigate, "frigate/tracked_object_update", false),
        (Dialect::Frigate, "frigate/triggers", false),
        (Dialect::Frigate, "frigate/cong-a/detect/set", false),
        (Dialect::Frigate, "frigate/cong-a/audio/transcription", false),
        (Dialect::Frigate, "frigate", false),
        (Dialect::Frigate, "tn/frigate/cong-a/person", true),
        (Dialect::OnvifEvent, "cam/onvif-mj/VideoAnalytics/P/M", false),
        (Dialect::OnvifMetadata, "cam/onvif-ej/Device/Sensor", false),
        (Dialect::ChirpstackV4, "application/a/device/d/event/txack", false),
        (Dialect::ChirpstackV4, "application/a/device/d/command/down", false),
        (Dialect::TtsV3, "v3/a@t/devices/d/down/queued", false),
        (Dialect::Zigbee2Mqtt, "zigbee2mqtt/bridge/logging", false),
        (Dialect::Zigbee2Mqtt, "zigbee2mqtt/lamp/set", false),
        (Dialect::Tasmota, "tele/lamp/INFO1", false),
        (Dialect::Tasmota, "cmnd/lamp/POWER", false),
    ];
    for (dialect, topic, carried) in cases {
        assert_eq!(dialect.carries(&topic.split('/').collect::<Vec<_>>()), carried, "{topic}");
    }
}
