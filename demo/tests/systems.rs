//! What the simulated systems of digital infrastructure say holds together: parts and wholes, children and parents.

use std::path::Path;

use nhip_demo::{City, MeasureValue, PlannedKind, Reading, schedule};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, EventTime, MINUTE, SourceId};

/// 2026-11-20T17:00:00Z, midnight in Tây Ninh.
const MIDNIGHT: EventTime = EventTime(1_795_194_000_000_000_000);
/// A network device's state is drawn anew this often.
const STATE_SPAN: i64 = 20 * MINUTE;

fn profile() -> Profile {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/tay-ninh");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("the profile is in the tree") {
        let path = entry.expect("a directory can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(&path).expect("profile files are text")));
    }
    nhip_profile::load(&files).expect("the profile has no mistake")
}

fn sources<'a>(profile: &'a Profile, stream: &str) -> Vec<&'a SourceId> {
    let own = profile.sources.values().filter(|source| source.stream.as_str() == stream);
    own.map(|source| &source.id).collect()
}

fn number(reading: &Reading, name: &str) -> (i128, u8) {
    match reading.measures.iter().find(|measure| measure.name == name).map(|measure| &measure.value) {
        Some(MeasureValue::Number(number)) => (number.mantissa, number.scale),
        other => panic!("{name}: {other:?}"),
    }
}

fn status(city: &City, source: &SourceId, time: EventTime) -> String {
    let reading = city.reading(source, time).expect("a listed source");
    match reading.measures.iter().find(|measure| measure.name == "status").map(|measure| &measure.value) {
        Some(MeasureValue::State(word)) => word.clone(),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn a_part_is_never_more_than_the_whole() {
    let profile = profile();
    let city = City::new(&profile, 7);
    for (stream, whole, part) in [
        ("lgsp", "calls", "calls_succeeded"),
        ("media", "mentions", "mentions_negative"),
        ("false_news", "false_detected", "false_due"),
        ("false_news", "false_due", "false_handled"),
        ("wifi_places", "wifi_places", "wifi_places_covered"),
        ("wifi_users", "people_present", "wifi_users"),
        ("soc", "hosts", "hosts_protected"),
        ("nms", "wan_communes", "wan_communes_up"),
        ("commune_it", "commune_computers", "commune_computers_protected"),
        ("catalogue", "datasets_published", "datasets_fresh"),
        ("datacentre", "cores", "cores_used"),
        ("image_store", "image_storage", "image_storage_used"),
        ("conference", "sites_due", "sites_connected"),
    ] {
        let mut differ = false;
        for source in sources(&profile, stream) {
            for step in 0..200 {
                let reading =
                    city.reading(source, MIDNIGHT.plus(step * 97 * MINUTE)).expect("a listed source");
                let ((all, scale), (some, digits)) = (number(&reading, whole), number(&reading, part));
                assert_eq!((scale, digits), (0, 0), "{whole} and {part} count whole things");
                assert!(0 <= some && some <= all && all > 0, "{source}: {part} {some} of {whole} {all}");
                differ |= some < all;
            }
        }
        assert!(differ, "{part} is always the whole");
    }
}

#[test]
fn a_device_below_a_dead_node_is_unreachable_and_only_then() {
    let profile = profile();
    let city = City::new(&profile, 7);
    let (mut unreachable, mut own) = (0, 0);
    for span in 0..7 * 72 {
        let time =
            EventTime(span * STATE_SPAN + STATE_SPAN / 2 + MIDNIGHT.0.div_euclid(STATE_SPAN) * STATE_SPAN);
        for source in sources(&profile, "network") {
            let word = status(&city, source, time);
            let parent = profile.sources[source].group.as_str();
            let below_dead = !parent.is_empty() && status(&city, &SourceId::new(parent), time) == "down";
            assert_eq!(word == "unreachable", below_dead, "{source} is {word} below {parent:?}");
            unreachable += usize::from(below_dead);
            own += usize::from(word == "down");
        }
    }
    assert!(unreachable > 0 && own > 0, "{unreachable} unreachable, {own} down: nothing was shown");
}

#[test]
fn servers_have_no_broken_sensor() {
    let profile = profile();
    let plan = schedule(&profile, 11, ArrivalTime(MIDNIGHT.0), ArrivalTime(MIDNIGHT.plus(120 * MINUTE).0));
    let stream = |source: &SourceId| profile.sources[source].stream.as_str().to_owned();
    let servers = ["nms", "soc", "lgsp", "datacentre", "sector_db", "image_store"];
    let mut heard = 0;
    for message in plan.iter().filter(|message| servers.contains(&stream(&message.source).as_str())) {
        assert_eq!(message.kind, PlannedKind::Regular, "{}", message.source);
        heard += 1;
    }
    assert!(heard > 100, "{heard} messages of servers in two hours");
}
