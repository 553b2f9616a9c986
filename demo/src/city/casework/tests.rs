//! Desks: as many cases as an office has, whole lives, the same however the time is cut.

use super::*;

const DAY: Span = 24 * 60 * 60 * SECOND;
/// 2026-11-23T00:00+07:00, a Monday.
const MONDAY: ArrivalTime = ArrivalTime(1_795_366_800 * SECOND);

fn profile() -> Profile {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/tay-ninh");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the profile")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    files.sort();
    nhip_profile::load(&files).expect("the profile has no mistakes")
}

fn desk(profile: &Profile, source: &str) -> Desk {
    let source = SourceId::new(source);
    let stream = profile.sources.get(&source).and_then(|source| profile.streams.get(&source.stream));
    Desk::new(profile, stream.expect("a stream"), &source, 7).expect("a desk")
}

fn text(step: &Step) -> String {
    match &step.body {
        Body::Message { payload, .. } => String::from_utf8_lossy(payload).into_owned(),
        _ => String::new(),
    }
}

#[test]
fn more_than_three_hundred_reports_a_day_over_the_communes() {
    let profile = profile();
    let steps = desk(&profile, "tn-1022").live(MONDAY, MONDAY.plus(DAY));
    let received: Vec<String> =
        steps.iter().map(text).filter(|text| text.contains("\"step\":\"received\"")).collect();
    assert!(received.len() >= 300, "{} reports", received.len());
    let communes: std::collections::BTreeSet<&str> =
        received.iter().filter_map(|text| text.split("\"commune\":\"").nth(1)?.split('"').next()).collect();
    assert!(communes.len() > 60, "{} communes", communes.len());
    for step in ["assigned", "resolved", "extended", "reopened", "rated", "waiting", "duplicate", "returned"]
    {
        let word = format!("\"step\":\"{step}\"");
        assert!(steps.iter().any(|told| text(told).contains(&word)), "nobody {step}");
    }
}

#[test]
fn a_day_is_the_same_however_it_is_cut() {
    let profile = profile();
    let say = |steps: Vec<Step>| -> Vec<(ArrivalTime, String)> {
        steps.iter().map(|step| (step.at, text(step))).collect()
    };
    for source in ["tn-1022", "tn-motcua", "tn-pakn"] {
        let whole = say(desk(&profile, source).live(MONDAY, MONDAY.plus(DAY)));
        let mut other = desk(&profile, source);
        let mut parts = say(other.live(MONDAY, MONDAY.plus(DAY / 3)));
        parts.extend(say(other.live(MONDAY.plus(DAY / 3), MONDAY.plus(DAY))));
        assert_eq!(whole, parts, "{source}");
        // And by one who joins late.
        let late = say(desk(&profile, source).live(MONDAY.plus(DAY / 3), MONDAY.plus(DAY)));
        assert!(whole.ends_with(&late), "{source}");
    }
}

#[test]
fn no_life_is_longer_than_looked_for_and_all_words_are_declared() {
    let profile = profile();
    for source in ["tn-1022", "tn-motcua", "tn-pakn"] {
        let desk = desk(&profile, source);
        for number in 0..2_000 {
            for (after_s, measures) in desk.life(number, 1_795_400_000 + number) {
                assert!((0..LIFE_MAX_S).contains(&after_s), "{source} {number}: {after_s} s");
                for measure in measures {
                    let MeasureValue::State(word) = &measure.value else { continue };
                    let known = measure.name == "case" || desk.stream.lists(&measure.name, word);
                    assert!(known, "{source}: {} = {word}", measure.name);
                }
            }
        }
    }
}

#[test]
fn the_past_is_told_in_few_messages_and_not_after_now() {
    let profile = profile();
    let steps = desk(&profile, "tn-1022").with_past(2 * DAY).backlog(MONDAY);
    let readings: u32 = steps.iter().map(|step| step.readings).sum();
    assert!(readings > 2_000 && steps.len() <= readings as usize / PAST_MAX + 1);
    assert!(
        steps.iter().all(|step| step.at == MONDAY && step.event.is_some_and(|event| event.0 <= MONDAY.0))
    );
}
