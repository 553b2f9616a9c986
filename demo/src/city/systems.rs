//! What the systems of digital infrastructure, security, media and data platforms would count: totals and their parts
//! are of one throw, so that a part is never more than the whole; what stands below a dead parent is unreachable.

use super::dice::Dice;
use super::model::{Gauge, counted, level_of, rare};

/// A state of this word means: the fault is that of the parent.
const UNREACHABLE: &str = "unreachable";
/// A state of this word means: the fault is its own.
const DOWN: &str = "down";
/// Streams that servers send, with a right clock and a queue of their own: no sensor fails there.
const SYSTEMS: [&str; 6] = ["nms", "soc", "lgsp", "datacentre", "sector_db", "image_store"];

/// The gauge of a quantity of these systems by its name in profiles; none: they do not know it.
pub(crate) fn gauge_of(name: &str) -> Option<Gauge> {
    security(name).or_else(|| network(name)).or_else(|| platforms(name)).or_else(|| public(name))
}

/// Open incidents and hosts stand for hours; alerts come about in five minutes.
fn security(name: &str) -> Option<Gauge> {
    Some(match name {
        "critical_open" => level_of(500, (2_400, 0), (0, 6_000), "", 0),
        "critical_overdue" => level_of(150, (2_400, 0), (0, 3_000), "", 0),
        "hosts_infected" => level_of(3_000, (900, 0), (0, 40_000), "", 0),
        "log_sources_silent" => level_of(1_200, (1_500, 0), (0, 12_000), "", 0),
        "security_alerts" => level_of(42_000, (300, 400), (0, 900_000), "", 0),
        "hosts" => counted(1_850, 0, (1_000, 0)),
        "hosts_protected" => counted(1_850, 0, (962, 12)),
        "detection_time" => level_of(1_100, (300, 500), (100, 40_000), "h", 1),
        "recovery_time" => level_of(3_900, (300, 500), (300, 90_000), "h", 1),
        "handling_time" => level_of(1_400, (300, 500), (100, 40_000), "h", 1),
        _ => return None,
    })
}

fn network(name: &str) -> Option<Gauge> {
    Some(match name {
        "links" => counted(74, 0, (1_000, 0)),
        "links_down" => level_of(600, (2_000, 0), (0, 9_000), "", 0),
        "links_unreachable" => level_of(700, (2_600, 0), (0, 12_000), "", 0),
        "wan_communes" => counted(48, 0, (1_000, 0)),
        "wan_communes_up" => counted(48, 0, (985, 15)),
        "recording_missing" => level_of(180, (900, 500), (0, 4_000), "h", 2),
        "cameras_recorded" => counted(93, 0, (1_000, 0)),
        "days_kept" => level_of(31_000, (80, 10), (0, 60_000), "d", 1),
        "image_storage" => counted(420, 0, (1_000, 0)),
        "image_storage_used" => counted(420, 0, (790, 60)),
        "sites_due" => counted(97, 0, (1_000, 0)),
        "sites_connected" => counted(97, 0, (980, 20)),
        "commune_staff" => counted(42, 120, (1_000, 0)),
        "commune_computers" => counted(42, 120, (940, 60)),
        "commune_computers_protected" => counted(42, 120, (830, 50)),
        "wifi_clients" => level_of(24_000, (500, 300), (0, 300_000), "", 0),
        _ => return None,
    })
}

/// Data centres, the sharing platform, open data, sector databases.
fn platforms(name: &str) -> Option<Gauge> {
    Some(match name {
        "cores" => counted(640, 0, (1_000, 0)),
        "cores_used" => counted(640, 0, (610, 120)),
        "centre_storage" => counted(300, 0, (1_000, 0)),
        "centre_storage_used" => counted(300, 0, (700, 40)),
        "hosted_services" => counted(38, 0, (1_000, 0)),
        "hosted_services_cloud" => counted(38, 0, (640, 10)),
        "calls" => counted(5_200, 350, (1_000, 0)),
        "calls_succeeded" => counted(5_200, 350, (992, 7)),
        "call_time" => level_of(240_000, (300, 300), (20_000, 5_000_000), "ms", 0),
        "systems_planned" => counted(46, 0, (1_000, 0)),
        "systems_active" => counted(46, 0, (900, 40)),
        "datasets_published" => counted(164, 0, (1_000, 0)),
        "datasets_fresh" => counted(164, 0, (860, 30)),
        "downloads" => level_of(310_000, (300, 300), (0, 9_000_000), "", 0),
        "data_services" => counted(23, 0, (1_000, 0)),
        "data_services_before" => counted(23, 0, (870, 0)),
        "sync_age" => level_of(9_000, (900, 400), (200, 400_000), "h", 1),
        "consumers" => level_of(2_400, (500, 0), (0, 30_000), "", 0),
        _ => return None,
    })
}

/// Media, advertising, Wi-Fi, portals.
fn public(name: &str) -> Option<Gauge> {
    Some(match name {
        "mentions" => counted(34, 500, (1_000, 0)),
        "mentions_negative" => counted(34, 500, (110, 60)),
        "false_detected" => counted(12, 400, (1_000, 0)),
        "false_due" => counted(12, 400, (920, 0)),
        "false_handled" => counted(12, 400, (850, 70)),
        "answer_time" => level_of(17_000, (300, 600), (1_000, 200_000), "h", 1),
        "boards_licensed" => counted(58, 0, (1_000, 0)),
        "boards_unlicensed" => rare(30, 2),
        "advertising_violations" => rare(40, 3),
        "wifi_places" => counted(26, 300, (1_000, 0)),
        "wifi_places_covered" => counted(26, 300, (870, 60)),
        "people_present" => counted(310_000, 80, (1_000, 0)),
        "wifi_users" => counted(310_000, 80, (330, 60)),
        "portal_visits" => level_of(5_400_000, (300, 200), (0, 90_000_000), "", 0),
        "portal_interactions" => level_of(64_000, (300, 300), (0, 900_000), "", 0),
        "content_age" => level_of(1_500, (900, 500), (0, 40_000), "d", 1),
        _ => return None,
    })
}

/// Whether a stream is sent by servers rather than by devices in the field.
pub(crate) fn sent_by_servers(stream: &str) -> bool {
    SYSTEMS.contains(&stream)
}

/// Whether the word of a state changes with each event.
pub(crate) fn changes_each_time(state: &str) -> bool {
    matches!(state, "topic" | "severity" | "vector" | "platform")
}

/// The usual word of a state, and in how many of a hundred readings it stands.
pub(crate) fn usual_word(state: &str) -> Option<(&'static str, u64)> {
    Some(match state {
        "content" => ("approved", 98),
        "fresh" => ("yes", 92),
        "wan" => ("yes", 97),
        _ => return None,
    })
}

/// What the network management system says of a device below a parent: while the parent is down, nobody knows more
/// than that it cannot be reached. `own` is what the device's or its parent's dice would say.
pub(crate) fn below(
    parent: Option<&Dice>,
    dice: &Dice,
    words: &[String],
    own: impl Fn(&Dice, &[String]) -> String,
) -> Option<String> {
    words.iter().position(|word| word == UNREACHABLE)?;
    let words: Vec<String> = words.iter().filter(|word| *word != UNREACHABLE).cloned().collect();
    let dead = parent.is_some_and(|parent| own(parent, &words) == DOWN);
    Some(if dead { UNREACHABLE.to_owned() } else { own(dice, &words) })
}
