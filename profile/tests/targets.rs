//! `docs/targets.md` says what the profile of Tây Ninh says, and holds every number of the founding documents.
//! `NHIP_WRITE_TARGETS=1` writes it anew.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use nhip_profile::{Baseline, Label, Profile, Target, check_report, load, profile_files};
use nhip_proto::{Decimal, IndicatorId};

/// The day the table tells the state of.
const TODAY: &str = "2026-12-01";
/// Targets of the node's own making are in no document.
const INTERNAL: &str = "Mục tiêu nội bộ";

/// What the founding documents set or tell: indicator, number as written there, of which area, whether it is a
/// result, and where it stands.
const SEEDS: [(&str, &str, &str, bool, &str); 34] = [
    ("psc.ontime", "96", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("eo.docs", "95", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("eo.signed", "70", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("eo.certificates", "2286", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("eo.mailboxes", "7290", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("psc.procedures", "1884", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("psc.proc_part", "1216", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("psc.proc_full", "108", "Tỉnh Tây Ninh trước sáp nhập", true, "1694/KH-UBND"),
    ("dx.ict_index", "0.4582", "Tỉnh Tây Ninh trước sáp nhập", true, "Đề án Chính quyền số"),
    ("dx.ict_index_rank", "25", "Tỉnh Tây Ninh trước sáp nhập", true, "Đề án Chính quyền số"),
    ("dx.dti_rank", "46", "Tỉnh Tây Ninh trước sáp nhập", true, "Báo cáo DTI năm 2020"),
    ("dx.ict_index", "0.5", "", false, "Đề án Chính quyền số"),
    ("dx.ict_index_rank", "15", "", false, "Đề án Chính quyền số"),
    ("psc.full_share", "100", "", false, "Đề án Chính quyền số"),
    ("psc.multi_device", "100", "", false, "Đề án Chính quyền số"),
    ("psc.auth", "100", "", false, "Đề án Chính quyền số"),
    ("psc.eid_people", "50", "", false, "Đề án Chính quyền số"),
    ("psc.eid_firms", "50", "", false, "Đề án Chính quyền số"),
    ("psc.online", "60", "", false, "Đề án Chính quyền số"),
    ("psc.satisf", "90", "", false, "Đề án Chính quyền số"),
    ("wf.coverage", "100", "Thành phố Tây Ninh", false, "Đề án Chính quyền số"),
    ("wf.users", "50", "Thành phố Tây Ninh", false, "Đề án Chính quyền số"),
    ("psc.toantrinh", "100", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.auth", "100", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.joined_people", "70", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.joined_firms", "70", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.onestop", "100", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.satisf", "90", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.multi_device", "100", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("eo.workfile_online", "100", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("od.services_growth", "30", "Thành phố Tây Ninh", false, "Nghị quyết 02-NQ/TU"),
    ("psc.proc_reduced", "30", "Thị xã Hòa Thành", false, "Đề án đô thị thông minh"),
    ("od.services_growth", "30", "Thị xã Hòa Thành", false, "Đề án đô thị thông minh"),
    ("dx.communes_basic", "1", "Thị xã Hòa Thành", false, "Đề án đô thị thông minh"),
];

#[test]
fn the_table_is_what_the_profile_says() {
    let profile = tay_ninh();
    let text = table(&profile);
    let path = root().join("docs/targets.md");
    if std::env::var_os("NHIP_WRITE_TARGETS").is_some() {
        std::fs::write(&path, &text).expect("docs can be written");
    }
    let stands = std::fs::read_to_string(&path).expect("docs/targets.md is in the tree");
    let wrong = text.lines().zip(stands.lines()).find(|(right, found)| right != found);
    assert!(wrong.is_none(), "NHIP_WRITE_TARGETS=1 writes it anew; should be and is: {wrong:#?}");
    assert_eq!(text.lines().count(), stands.lines().count(), "NHIP_WRITE_TARGETS=1 writes it anew");
}

#[test]
fn every_number_of_the_founding_documents_stands_with_its_indicator() {
    let profile = tay_ninh();
    let mut lost = Vec::new();
    for (id, number, area, result, document) in SEEDS {
        let Some(indicator) = profile.indicators.get(&IndicatorId::new(id)) else { continue };
        let value = Decimal::parse(number).ok().and_then(|value| value.at_scale(indicator.scale));
        let meant = |of: &IndicatorId, held: i128, by: &str| {
            of.as_str() == id && Some(held) == value && by.contains(document)
        };
        let baseline =
            |b: &Baseline| meant(&b.indicator, b.value, &b.document) && b.former_area.vi.starts_with(area);
        let target = |t: &Target| meant(&t.indicator, t.value, &t.document) && is_over(t, area);
        let (results, goals) = (profile.baselines.iter().any(baseline), profile.targets.iter().any(target));
        if (results, goals) != (result, !result) {
            lost.push(format!("{id} {number} {area} ({document})"));
        }
    }
    assert!(lost.is_empty(), "not in the profile, or a result taken for a target: {lost:#?}");
}

#[test]
fn what_expired_or_was_set_for_a_former_area_is_no_target_of_today() {
    let profile = tay_ninh();
    let province = profile.province().expect("a province").code.clone();
    let on = |id: &str, day: &str| {
        let date = day.parse().expect("a date");
        profile.target_on(&IndicatorId::new(id), &province, date).map(|target| target.value)
    };
    assert_eq!(on("psc.auth", "2025-12-31"), Some(1_000));
    assert_eq!(on("psc.auth", "2026-01-01"), None);
    assert_eq!(on("psc.joined_people", "2024-01-01"), None, "a target of the city is not the province's");
    assert_eq!(on("eo.docs", "2024-01-01"), None, "a result is no target");
    assert_eq!(on("se.grdp", TODAY), Some(1_000));
}

/// Whether a target of the years to 2025 has ended, and one of a former area says so or ended with its plan.
fn is_over(target: &Target, area: &str) -> bool {
    let over = target.valid.to.is_some_and(|to| to <= jiff::civil::date(2026, 1, 1));
    let named = !area.is_empty() && target.former_area.vi.starts_with(area);
    over && (named || target.former_area.vi.is_empty())
}

fn table(profile: &Profile) -> String {
    let today: Date = TODAY.parse().expect("a date");
    let mut text = format!(
        "<!-- Every dated target and baseline of Tây Ninh. Written by profile/tests/targets.rs; do not edit. -->\n\
         # Targets and baselines\n\n\
         All targets and baselines of `profiles/tay-ninh` that a document sets or tells, with their state on {TODAY}. \
         An indicator\nthat is not here has none: its figure says *chưa giao chỉ tiêu*. A target of a former area and \
         an expired one are history:\nno figure of today is compared with them.\n\n\
         ## Targets\n\n\
         | indicator | value | for | document | from | to (exclusive) | state |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    let mut targets: Vec<&Target> =
        profile.targets.iter().filter(|t| !t.document.starts_with(INTERNAL)).collect();
    targets.sort_by_key(|t| (&t.indicator, &t.former_area.vi, t.valid.from));
    for target in targets {
        let state = match (target.stands(), target.valid.holds_on(today)) {
            (false, _) => "history: former area",
            (true, true) => "in force",
            (true, false) if target.valid.to.is_some_and(|to| to <= today) => "history: expired",
            (true, false) => "not yet in force",
        };
        let area = place(profile, target.area.as_str(), &target.former_area);
        let value = value_of(profile, &target.indicator, target.value);
        let (from, to) = (day(target.valid.from), day(target.valid.to));
        let document = &target.document;
        let indicator = &target.indicator;
        let line = format!("| `{indicator}` | {value} | {area} | {document} | {from} | {to} | {state} |\n");
        text.push_str(&line);
    }
    text.push_str(
        "\n## Baselines\n\nResults, never something to reach.\n\n\
         | indicator | value | of | document | as of |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut baselines: Vec<&Baseline> = profile.baselines.iter().collect();
    baselines.sort_by_key(|b| (&b.indicator, b.as_of));
    for baseline in baselines {
        let area = place(profile, baseline.area.as_str(), &baseline.former_area);
        let value = value_of(profile, &baseline.indicator, baseline.value);
        let least = if baseline.at_least { "above " } else { "" };
        let (document, as_of) = (&baseline.document, baseline.as_of);
        let indicator = &baseline.indicator;
        let line = format!("| `{indicator}` | {least}{value} | {area} | {document} | {as_of} |\n");
        text.push_str(&line);
    }
    text.push_str(&without_indicator(profile));
    text
}

/// Numbers of the founding documents for which the profile has no indicator yet.
fn without_indicator(profile: &Profile) -> String {
    let mut text = String::from(
        "\n## Not in the profile yet\n\n\
         Numbers of the founding documents whose indicator the profile does not have.\n\n\
         | indicator | number | for | result or target | document |\n| --- | --- | --- | --- | --- |\n",
    );
    for (id, number, area, result, document) in SEEDS {
        if !profile.indicators.contains_key(&IndicatorId::new(id)) {
            let kind = if result { "result" } else { "target" };
            let area = if area.is_empty() { "Tây Ninh" } else { area };
            text.push_str(&format!("| `{id}` | {number} | {area} | {kind} | {document} |\n"));
        }
    }
    text
}

fn place(profile: &Profile, code: &str, former: &Label) -> String {
    let area = profile.areas.values().find(|area| area.code.as_str() == code);
    if former.vi.is_empty() {
        area.map_or(code, |area| area.name.vi.as_str()).to_owned()
    } else {
        former.vi.clone()
    }
}

fn value_of(profile: &Profile, id: &IndicatorId, value: i128) -> String {
    let indicator = &profile.indicators[id];
    let number = Decimal::new(value, indicator.scale);
    if indicator.unit == "1" { number.to_string() } else { format!("{number} {}", indicator.unit) }
}

fn day(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tay_ninh() -> Profile {
    let directory = root().join("profiles/tay-ninh");
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
