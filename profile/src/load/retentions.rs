//! `[[retention]]`: how long sealed parts are kept, by which document.

use nhip_proto::{MINUTE, StreamId};

use super::Loading;
use super::streams::read_stream_name;
use crate::read::Section;
use crate::{Label, Retention, RetentionOf, UNROUTED_KEY_CLASS, Validity};

/// A century; longer is no rule but a slip of the pen.
const DAYS_MAX: i128 = 36_500;
const DAY: i64 = 24 * 60 * MINUTE;

pub(super) fn read(sections: Vec<Section<'_>>, loading: &mut Loading<'_>) {
    for section in sections {
        if let Some(rule) = read_one(&section, loading) {
            let overlaps = |other: &&Retention| other.of == rule.of && other.valid.overlaps(&rule.valid);
            if loading.profile.retentions.iter().any(|other| overlaps(&other)) {
                let reason = "overlaps another rule of the same stream or key class";
                section.mistake("valid_from", reason, "one rule per day: end the older with valid_to");
            }
            loading.profile.retentions.push(rule);
        }
        section.finish();
    }
}

fn read_one(section: &Section<'_>, loading: &Loading<'_>) -> Option<Retention> {
    let of = read_of(section, loading);
    let sealed_days = read_days(section);
    if let (Some(of), Some(days)) = (&of, sealed_days) {
        against_horizon(section, loading, of, days);
    }
    let document = section.text("document");
    let valid = Validity { from: section.date("valid_from"), to: section.date("valid_to") };
    if let (Some(from), Some(to)) = (valid.from, valid.to)
        && from >= to
    {
        section.mistake("valid_to", "is not after valid_from", "a later date, or nothing");
    }
    let note = if section.has("note") { section.label("note") } else { Some(Label::default()) };
    Some(Retention { of: of?, sealed_days: sealed_days?, document: document?, valid, note: note? })
}

fn read_of(section: &Section<'_>, loading: &Loading<'_>) -> Option<RetentionOf> {
    if section.has("stream") == section.has("key_class") {
        section.here("names no stream and no key class, or both", "stream or key_class");
        return None;
    }
    if section.has("stream") {
        return Some(RetentionOf::Stream(StreamId::new(&read_stream_name(section, loading)?)));
    }
    let class = section.text("key_class")?;
    let known = || loading.profile.streams.values().map(|stream| stream.key_class.as_str());
    if class != UNROUTED_KEY_CLASS && !known().any(|known| known == class) {
        section.unknown("key_class", "key class", &class, known().chain([UNROUTED_KEY_CLASS]));
        return None;
    }
    Some(RetentionOf::KeyClass(class))
}

fn read_days(section: &Section<'_>) -> Option<u16> {
    let days = section.number("sealed_days", 0)?;
    if !(1..=DAYS_MAX).contains(&days) {
        let reason = format!("{days} days is no time to keep anything");
        section.mistake(
            "sealed_days",
            reason,
            format!("a whole number from 1 to {DAYS_MAX}; no rule: for ever"),
        );
        return None;
    }
    u16::try_from(days).ok()
}

/// Inside the horizon a message may still change its figures, so it must still be possible to read it again.
fn against_horizon(section: &Section<'_>, loading: &Loading<'_>, of: &RetentionOf, days: u16) {
    let meant = |stream: &&crate::Stream| match of {
        RetentionOf::Stream(id) => stream.id == *id,
        RetentionOf::KeyClass(class) => stream.key_class == *class,
    };
    let streams = loading.profile.streams.values().filter(meant);
    if let Some(longest) = streams.max_by_key(|stream| stream.horizon)
        && longest.horizon > i64::from(days) * DAY
    {
        let reason = format!("is shorter than the horizon of stream {}", longest.id);
        let least = (longest.horizon + DAY - 1) / DAY;
        section.mistake("sealed_days", reason, format!("{least} or more, or a shorter horizon"));
    }
}
