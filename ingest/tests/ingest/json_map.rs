//! `json-map`: what senders really send, read by mappings that stand as text in tests/profiles/mappings.toml.

use std::sync::Arc;

use nhip_ingest::{DecodeContext, Dialect, decode, run_mapping_tests};
use nhip_profile::Profile;
use nhip_proto::ArrivalTime;
use proptest::prelude::*;

use crate::stage::MIDNIGHT;

fn profile(edit: impl Fn(&str) -> String) -> Arc<Profile> {
    let areas = "code,name,name_en,kind,parent\n80,Tây Ninh,Tay Ninh,province,\n";
    let sources = "id,stream,area,name,name_en,owner\n";
    let files = [
        ("profile.toml", edit(include_str!("../profiles/mappings.toml"))),
        ("areas.csv", areas.to_owned()),
        ("sources.csv", sources.to_owned()),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text));
    Arc::new(nhip_profile::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}")))
}

#[test]
fn every_mapping_passes_its_own_tests() {
    let report = run_mapping_tests(&profile(str::to_owned));
    assert!(report.passed(), "{report}");
    assert_eq!(report.outcomes.len(), 30, "{report}");
}

/// A wrong mapping is told with what it says instead, at the line of its test.
#[test]
fn a_wrong_mapping_fails_its_test() {
    let wrong = [
        ("format = \"epoch_ms\"", "format = \"epoch_s\""),
        ("unit = \"Pa\"", "unit = \"hPa\""),
        ("factor = 0.5", "factor = 5"),
        ("absent = \"zero\"", "absent = \"missing\""),
        ("[value_type=SDS_P2]", "[value_type=SDS_P1]"),
        ("zone = \"Europe/Madrid\"", "zone = \"UTC\""),
        ("null = \"skip\"", "null = \"zero\""),
        ("each = \"/results\"", "each = \"/result\""),
        ("decimal_comma = true", "decimal_comma = false"),
        ("\"ON\" = \"on\"", "\"ON\" = \"off\""),
        ("is = [\"broken\"]", "is = [\"fine\"]"),
        ("not = [\"motion\"]", "is = [\"motion\"]"),
        ("sentinel = [-1, \"nan\"]", "sentinel = [-2]"),
        ("lon = \"where[0]\", lat = \"where[1]\"", "lon = \"where[1]\", lat = \"where[0]\""),
        ("meridian = 105.5", "meridian = 105.75"),
        ("meridian = 105.5", "meridian = 105.5, zone_width = 6"),
        ("sequence = \"fCnt\"", "sequence = \"fPort\""),
        ("time = { path = \"time\", optional = true }", "time = { path = \"time\" }"),
    ];
    for (from, to) in wrong {
        let report = run_mapping_tests(&profile(|text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        }));
        let failed: Vec<_> =
            report.outcomes.iter().filter_map(|outcome| outcome.failure.as_deref()).collect();
        assert!(!failed.is_empty(), "{from} → {to} is not noticed");
        assert!(failed.iter().all(|failure| failure.starts_with("profile.toml:")), "{failed:?}");
    }
}

#[test]
fn a_deleted_retained_message_says_nothing() {
    let profile = profile(str::to_owned);
    let stream = profile.streams.values().next().expect("one");
    let mapping = profile.mappings.get("lora");
    let context = DecodeContext { mapping, ..DecodeContext::of(stream, ArrivalTime(MIDNIGHT), &[]) };
    let decoded = decode(Dialect::JsonMap, b"", &context);
    assert_eq!(crate::stage::shown(&decoded.body), Vec::<String>::new());
}

proptest! {
    /// No payload makes a mapping panic, neither noise nor the tests' own payloads with bytes changed.
    #[test]
    fn no_bytes_break_a_mapping(
        at in 0_usize..10_000,
        noise in proptest::collection::vec(any::<u8>(), 0..4),
        which in 0_usize..28,
    ) {
        let profile = profile(str::to_owned);
        let mappings = profile.mappings.values();
        let tests: Vec<_> = mappings.flat_map(|one| one.tests.iter().map(move |test| (one, test))).collect();
        let stream = profile.streams.values().next().expect("one");
        if let Some((mapping, test)) = tests.get(which) {
            let mut payload = test.payload.clone().into_bytes();
            let at = at % (payload.len() + 1);
            payload.splice(at..(at + noise.len()).min(payload.len()), noise);
            let plain = DecodeContext::of(stream, ArrivalTime(MIDNIGHT), &[]);
            let context = DecodeContext { mapping: Some(mapping), ..plain };
            let first = decode(Dialect::JsonMap, &payload, &context);
            prop_assert_eq!(first, decode(Dialect::JsonMap, &payload, &context));
        }
    }
}
