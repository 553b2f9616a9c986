//! The plans of the simulated city: the same bytes for the same seed, a bounded past, every fault, readable
//! payloads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use nhip_demo::{
    City, Disturbance, MESSAGES_MAX, MeasureValue, Planned, PlannedKind, backlog, disturb, schedule,
};
use nhip_ingest::{DecodeContext, Decoded, Router, decode};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, ItemValue, MINUTE, MessageBody, SourceId, Span};

const HOUR: Span = 60 * MINUTE;
/// 2026-11-20T17:00:00Z, midnight in Tây Ninh.
const MIDNIGHT: ArrivalTime = ArrivalTime(1_795_194_000_000_000_000);

fn profile() -> Arc<Profile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/tay-ninh");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("the profile is in the tree") {
        let path = entry.expect("a directory can be listed").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(&path).expect("profile files are text")));
    }
    Arc::new(nhip_profile::load(&files).expect("the profile has no mistake"))
}

fn decoded(profile: &Arc<Profile>, message: &Planned) -> Decoded {
    let router = Router::new(Arc::clone(profile));
    let taken = router.route(&message.topic, "").unwrap_or_else(|_| panic!("no route for {}", message.topic));
    assert_eq!(taken.source, message.source, "{}", message.topic);
    let levels: Vec<&str> = message.topic.split('/').collect();
    let (mapping, zone) = (taken.mapping, taken.zone);
    let context = DecodeContext { mapping, zone, ..DecodeContext::of(taken.stream, message.at, &levels) };
    decode(taken.dialect, &message.payload, &context)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let profile = profile();
    let plan = |seed| schedule(&profile, seed, MIDNIGHT, MIDNIGHT.plus(10 * MINUTE));
    assert_eq!(plan(7), plan(7));
    // A status says little more than its time: only what measures can differ.
    let measures = |message: &Planned| message.topic.contains("/air/") || message.topic.contains("/traffic/");
    let bytes = |seed| {
        let own = plan(seed).into_iter().filter(measures);
        own.map(|message| message.payload).collect::<BTreeSet<_>>()
    };
    let both = bytes(7).intersection(&bytes(8)).count();
    assert!(both < bytes(7).len() / 2, "{both} payloads of two seeds are the same");
}

#[test]
fn a_plan_may_be_cut_anywhere() {
    let profile = profile();
    let native = |plan: Vec<Planned>| plan.into_iter().filter(|m| m.qos == 1 && m.kind != PlannedKind::Death);
    let (from, cut, to) = (MIDNIGHT, MIDNIGHT.plus(17 * MINUTE + 123), MIDNIGHT.plus(40 * MINUTE));
    let whole: Vec<_> = native(schedule(&profile, 3, from, to)).collect();
    let parts: Vec<_> =
        native(schedule(&profile, 3, from, cut)).chain(native(schedule(&profile, 3, cut, to))).collect();
    assert!(whole.len() > 15_000, "{} messages in 40 minutes", whole.len());
    assert!(whole == parts, "the parts are not the whole");
}

#[test]
fn something_is_sent_every_second() {
    let plan = schedule(&profile(), 1, MIDNIGHT, MIDNIGHT.plus(2 * MINUTE));
    let seconds: BTreeSet<i64> = plan.iter().map(|message| message.at.0 / 1_000_000_000).collect();
    assert_eq!(seconds.len(), 120);
}

#[test]
fn the_past_is_thin_ordered_and_not_after_now() {
    let profile = profile();
    let now = MIDNIGHT.plus(9 * HOUR + 7 * MINUTE);
    let past = backlog(&profile, 5, now, 48 * HOUR, MESSAGES_MAX);
    // Thinned by doublings until it fits: never to less than half of what may be.
    assert!(past.len() <= MESSAGES_MAX && past.len() > MESSAGES_MAX / 2, "{} messages", past.len());
    let mut last: BTreeMap<&SourceId, i64> = BTreeMap::new();
    for message in &past {
        let Some(event) = message.event.map(|event| event.0) else { continue };
        assert!(event <= now.0 && message.at <= now, "{} lies after now", message.source);
        let before = last.insert(&message.source, event);
        assert!(before.is_none_or(|before| before <= event), "{} goes back", message.source);
    }
    // All but the node itself, which nobody simulates, and samples drawn more seldom than the past is long.
    for source in profile.sources.values().filter(|source| source.stream.as_str() != "ioc") {
        let cadence = profile.cadence_of(&source.id, &profile.streams[&source.stream]);
        assert!(cadence > 48 * HOUR || last.contains_key(&source.id), "{} has a past", source.id);
    }
    for (source, last) in last {
        let stream = &profile.streams[&profile.sources[source].stream];
        let bound = (2 * HOUR).max(2 * profile.cadence_of(source, stream));
        assert!(now.0 - last < bound, "the past of {source} ends long before now");
    }
    let few = backlog(&profile, 5, now, 48 * HOUR, 9_000);
    assert!(few.len() <= 9_000 && few.len() > 2_000, "{} messages", few.len());
}

#[test]
fn a_statistic_is_told_of_closed_months_at_the_start_and_when_the_next_has_ended() {
    let (profile, index) = (profile(), SourceId::new("tn-idx-01"));
    let own = |plan: Vec<Planned>| -> Vec<Planned> {
        plan.into_iter().filter(|message| message.source == index).collect()
    };
    let now = MIDNIGHT.plus(9 * HOUR);
    let past = own(backlog(&profile, 5, now, 48 * HOUR, MESSAGES_MAX));
    assert_eq!(past.len(), 13, "a year and the same month before");
    let end_of_october = MIDNIGHT.plus(-20 * 24 * HOUR);
    let last = past.last().expect("a message");
    assert_eq!(last.event.map(|event| event.0), Some(end_of_october.0));
    let MessageBody::Items(items) = decoded(&profile, last).body else { panic!("a message with items") };
    let month = |item: &nhip_proto::Item| item.period.map(|(from, to)| to.since(from));
    assert!(items.iter().all(|item| month(item) == Some(31 * 24 * HOUR)), "{items:?}");
    let end_of_november = MIDNIGHT.plus(10 * 24 * HOUR);
    let live = |from, to| own(schedule(&profile, 5, from, to)).len();
    assert_eq!(live(end_of_november.plus(-2 * MINUTE), end_of_november), 0);
    assert_eq!(live(end_of_november, end_of_november.plus(2 * MINUTE)), 1);
}

#[test]
fn the_past_of_a_detector_counts_every_vehicle() {
    let profile = profile();
    let detector = profile.sources.values().find(|source| source.stream.as_str() == "traffic").expect("one");
    let now = MIDNIGHT.plus(24 * HOUR);
    let count = |plan: Vec<Planned>| -> i128 {
        let own = plan.into_iter().filter(|message| message.source == detector.id);
        own.map(|message| total(&decoded(&profile, &message))).sum()
    };
    let past = count(backlog(&profile, 5, now, 24 * HOUR, MESSAGES_MAX));
    let city = City::new(&profile, 5);
    let minutes = (1..=24 * 60).map(|minute| {
        let time = nhip_proto::EventTime(MIDNIGHT.0 + minute * MINUTE);
        let reading = city.reading(&detector.id, time).expect("a listed source");
        match reading.measures.iter().find(|measure| measure.name == "count").map(|measure| &measure.value) {
            Some(MeasureValue::Number(number)) => number.mantissa,
            other => panic!("no count: {other:?}"),
        }
    });
    let exact: i128 = minutes.sum();
    assert!(exact > 5_000, "{exact} vehicles a day");
    // The dead spans of a detector (12 minutes each) are the only thing that may be missing.
    assert!(past <= exact && past > exact * 9 / 10, "{past} of {exact} vehicles");
}

fn total(decoded: &Decoded) -> i128 {
    let MessageBody::Items(items) = &decoded.body else { return 0 };
    let counts = items.iter().filter(|item| item.name == nhip_proto::ItemName::Text("count".to_owned()));
    counts.map(|item| if let ItemValue::Number(number) = item.value { number.mantissa } else { 0 }).sum()
}

#[test]
fn every_kind_of_fault_occurs_and_every_payload_is_what_it_seems() {
    let profile = profile();
    let plan = schedule(&profile, 11, MIDNIGHT, MIDNIGHT.plus(2 * HOUR));
    let kinds: BTreeSet<PlannedKind> = plan.iter().map(|message| message.kind).collect();
    let wanted: BTreeSet<PlannedKind> =
        PlannedKind::ALL.iter().copied().filter(|kind| *kind != PlannedKind::Backlog).collect();
    assert_eq!(kinds, wanted);
    for message in
        plan.iter().step_by(7).chain(plan.iter().filter(|message| message.kind != PlannedKind::Regular))
    {
        let rejected = matches!(decoded(&profile, message).body, MessageBody::Rejected(_));
        // Every dialect of the city has a way to say that there is no value.
        assert_eq!(rejected, message.kind == PlannedKind::Rubbish, "{message:?}");
        let late = message.event.is_some_and(|event| event.0 > message.at.0);
        assert_eq!(late, message.kind == PlannedKind::ClockAhead, "{message:?}");
    }
}

#[test]
fn duplicates_are_the_same_bytes() {
    let plan = schedule(&profile(), 11, MIDNIGHT, MIDNIGHT.plus(HOUR));
    let first: BTreeSet<(&str, &[u8])> = plan
        .iter()
        .filter(|message| message.kind == PlannedKind::Regular)
        .map(|message| (message.topic.as_str(), message.payload.as_ref()))
        .collect();
    let again: Vec<_> = plan.iter().filter(|message| message.kind == PlannedKind::Duplicate).collect();
    assert!(again.len() > 100, "{} duplicates", again.len());
    for message in again {
        assert!(first.contains(&(message.topic.as_str(), message.payload.as_ref())), "{message:?}");
    }
}

#[test]
fn a_silent_station_sends_its_store_in_one_array() {
    let profile = profile();
    let plan = schedule(&profile, 11, MIDNIGHT, MIDNIGHT.plus(3 * HOUR));
    let air = |message: &&Planned| message.topic.contains("/air/") && message.kind == PlannedKind::LateBurst;
    let stores: Vec<&Planned> = plan.iter().filter(air).collect();
    assert!(!stores.is_empty());
    for store in stores {
        assert!(store.readings >= 5 && store.payload.starts_with(b"[{"), "{store:?}");
        let MessageBody::Items(items) = decoded(&profile, store).body else { panic!("{store:?}") };
        let times: BTreeSet<_> = items.iter().filter_map(|item| item.event_time).collect();
        assert_eq!(times.len(), store.readings as usize);
    }
}

#[test]
fn the_day_has_its_rhythm() {
    let profile = profile();
    let city = City::new(&profile, 1);
    let mean = |stream: &str, quantity: &str, hour: i64| {
        let sources = profile.sources.values().filter(|source| source.stream.as_str() == stream);
        let values: Vec<f64> = sources
            .flat_map(|source| (0..60).map(move |minute| (source, minute)))
            .filter_map(|(source, minute)| {
                let time = nhip_proto::EventTime(MIDNIGHT.0 + hour * HOUR + minute * MINUTE);
                let reading = city.reading(&source.id, time)?;
                let measure = reading.measures.iter().find(|measure| measure.name == quantity)?;
                let MeasureValue::Number(number) = measure.value else { return None };
                number.to_string().parse().ok()
            })
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let (night, noon) = (mean("air", "pm25", 4), mean("air", "pm25", 13));
    assert!(night > noon * 1.6 && night < 90.0 && noon > 5.0, "PM2.5 {night} and {noon}");
    let (morning, deep, evening) =
        (mean("traffic", "count", 7), mean("traffic", "count", 2), mean("traffic", "count", 17));
    assert!(morning > deep * 5.0 && evening > deep * 5.0, "vehicles {morning}, {deep}, {evening}");
    assert!(mean("traffic", "speed", 7) < mean("traffic", "speed", 3), "a full road is slow");
    assert!(mean("air", "temperature", 14) > mean("air", "temperature", 5) + 5.0);
}

#[test]
fn most_cameras_are_online() {
    let profile = profile();
    let city = City::new(&profile, 1);
    let cameras = profile.sources.values().filter(|source| source.stream.as_str() == "camera");
    let states: Vec<MeasureValue> = cameras
        .flat_map(|camera| city.reading(&camera.id, nhip_proto::EventTime(MIDNIGHT.0)).map(|r| r.measures))
        .flatten()
        .map(|measure| measure.value)
        .collect();
    let online = states.iter().filter(|state| **state == MeasureValue::State("online".to_owned())).count();
    assert_eq!(states.len(), 375);
    assert!((320..375).contains(&online), "{online} of 375 online");
}

#[test]
fn the_way_shuffles_repeats_and_soils_by_seed() {
    let mut plan = schedule(&profile(), 2, MIDNIGHT, MIDNIGHT.plus(30 * MINUTE));
    plan.retain(|message| message.event.is_none_or(|event| event.0 <= message.at.0));
    let disturbance = Disturbance { shuffle: 20 * MINUTE, duplicates_permille: 100, rubbish_permille: 10 };
    let disturbed = disturb(plan.clone(), 4, disturbance);
    assert_eq!(disturbed, disturb(plan.clone(), 4, disturbance));
    let kind = |plan: &[Planned], kind| plan.iter().filter(|message| message.kind == kind).count();
    let own = kind(&plan, PlannedKind::Duplicate);
    let duplicates = (kind(&disturbed, PlannedKind::Duplicate) - own) as f64 / plan.len() as f64;
    assert!((0.09..0.13).contains(&duplicates), "{duplicates} duplicates");
    let regular = |plan: &[Planned]| {
        let regular = plan.iter().filter(|message| message.kind == PlannedKind::Regular);
        let mut all: Vec<_> = regular.map(|message| message.payload.clone()).collect();
        all.sort();
        all
    };
    assert!(regular(&plan) == regular(&disturbed), "a message was lost or changed");
    let moved = disturbed.windows(2).filter(|pair| pair[0].event > pair[1].event).count();
    assert!(moved > plan.len() / 4, "{moved} moved");
    assert!(disturbed.iter().all(|message| message.event.is_none_or(|event| event.0 <= message.at.0)));
}
