//! The profiles in the tree load without a mistake, and say what they promise.

use std::path::Path;

use nhip_profile::{Profile, check_report, load, profile_files};
use nhip_proto::{AreaCode, IndicatorId, Origin, StreamId};

fn shipped(name: &str) -> Profile {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles").join(name);
    let listing: Vec<String> = std::fs::read_dir(&directory)
        .expect("the profile's directory is in the tree")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let files: Vec<(String, String)> = profile_files(listing.iter().map(String::as_str))
        .into_iter()
        .map(|path| (path.to_owned(), std::fs::read_to_string(directory.join(path)).expect("a text file")))
        .collect();
    load(&files).unwrap_or_else(|mistakes| panic!("{}", check_report(&mistakes)))
}

#[test]
fn tay_ninh_is_whole() {
    let profile = shipped("tay-ninh");
    let province = profile.province().expect("a province").code.clone();
    assert_eq!(province, AreaCode::new("80"));
    assert_eq!(profile.children(&province).count(), 96);
    assert!(profile.indicators.len() >= 10);
    assert_eq!(profile.views["main"].tiles.len(), 12);
    let due = |stream: &str| profile.due(&StreamId::new(stream), &province).len();
    assert_eq!([due("air"), due("traffic"), due("camera"), due("device")], [5, 40, 375, 8]);
    let camera = StreamId::new("camera");
    for area in profile.children(&province) {
        assert!(area.cell.is_some(), "{} has a cell", area.code);
        assert!(!profile.due(&camera, &area.code).is_empty(), "{} has a camera", area.code);
    }
}

#[test]
fn dong_thap_is_whole_and_its_plan_is_history() {
    let profile = shipped("dong-thap");
    let province = profile.province().expect("a province").code.clone();
    assert_eq!(province, AreaCode::new("82"));
    assert_eq!(profile.children(&province).count(), 102);
    let dossier = StreamId::new("dossier");
    for area in profile.children(&province) {
        assert!(area.cell.is_some(), "{} has a cell", area.code);
        assert_eq!(profile.due(&dossier, &area.code).len(), 1, "{} has a one-stop desk", area.code);
        assert!(area.name.en.is_ascii(), "{}", area.name.en);
    }
    assert_eq!(profile.due(&StreamId::new("portal"), &province).len(), 33);
    let date = |day: &str| day.parse().expect("a date");
    let (last, first) = (date("2025-06-30"), date("2025-07-01"));
    assert_eq!(profile.targets.len(), 7);
    for target in &profile.targets {
        assert!(target.document.contains("Tiền Giang"), "{}", target.document);
        assert!(target.valid.holds_on(last) && !target.valid.holds_on(first), "{}", target.indicator);
    }
    let former = profile.units.values().filter(|unit| unit.id.starts_with("tg-"));
    assert!(former.clone().count() > 5);
    for unit in former {
        let successor = unit.successor.as_ref().and_then(|id| profile.units.get(id));
        assert!(!unit.valid.holds_on(first) && successor.is_some(), "{} has a successor", unit.id);
    }
}

#[test]
fn the_limit_of_fine_dust_follows_the_day() {
    let profile = shipped("tay-ninh");
    let limit = |day: &str| {
        let date = day.parse().expect("a date");
        profile.threshold_on(&IndicatorId::new("env.pm25_1d"), date).map(|threshold| threshold.limit)
    };
    assert_eq!(limit("2023-09-11"), None);
    assert_eq!(limit("2025-12-31"), Some(500));
    assert_eq!(limit("2026-01-01"), Some(450));
}

#[test]
fn recordings_say_what_they_are() {
    let profile = shipped("recordings");
    assert_eq!(profile.origin, Origin::Replayed);
    assert!(profile.banner.vi.contains("không phải số liệu Tây Ninh"));
    assert!(profile.areas.values().all(|area| !area.name.vi.contains("Tây Ninh")));
    assert_eq!(profile.sources.len(), 52);
}

#[test]
fn the_indicator_text_is_its_own_lines() {
    let profile = shipped("tay-ninh");
    let text = &profile.indicators["traffic.speed_5m"].text;
    assert!(text.starts_with("[[indicator]]\nid = \"traffic.speed_5m\"\n"), "{text}");
    assert!(!text.contains("speed_min_1h") && !text.contains("story"), "{text}");
}
