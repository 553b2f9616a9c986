//! `[profile]`: which installation this is.

use jiff::tz::TimeZone;
use nhip_proto::Origin;

use super::{Loading, TOPIC_LEVEL, is_topic_level};
use crate::access::{zone, zone_names};
use crate::read::Section;

pub(super) fn read(roots: &[Section<'_>], loading: &mut Loading<'_>) {
    let mut given = roots.iter().filter(|root| root.has("profile"));
    let Some(root) = given.next() else {
        loading.found.add_whole("profile.toml", "profile", "is missing", "[profile] with id, name, zone");
        return;
    };
    for twice in given {
        twice.mistake("profile", "stands in two files", "one [profile]");
    }
    if let Some(section) = root.section("profile") {
        read_section(section, loading);
    }
}

fn read_section(section: Section<'_>, loading: &mut Loading<'_>) {
    let profile = &mut loading.profile;
    if let Some(id) = section.text("id") {
        if !is_topic_level(&id) {
            section.mistake("id", format!("\"{id}\" cannot stand in a topic"), TOPIC_LEVEL);
        }
        profile.id = id;
    }
    profile.name = section.label("name").unwrap_or_default();
    if let Some(name) = section.text("zone") {
        let rules = zone(&name).filter(|rules| TimeZone::tzif(&rules.name, &rules.tzif).is_ok());
        match rules {
            Some(rules) => profile.zone = rules.name,
            None => section.unknown("zone", "time zone", &name, zone_names()),
        }
    }
    if section.has("banner") {
        profile.banner = section.label("banner").unwrap_or_default();
    }
    if section.has("origin") {
        let origins = [("machine", Origin::Machine), ("replayed", Origin::Replayed)];
        profile.origin = section.choice("origin", &origins).unwrap_or(Origin::Machine);
    }
    section.finish();
}
