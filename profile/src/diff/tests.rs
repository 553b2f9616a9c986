//! Two profiles, and what is said of them.

use super::*;
use crate::load;

const PROFILE: &str = r#"
[profile]
id = "test"
name = { vi = "Thử", en = "Test" }
zone = "Asia/Ho_Chi_Minh"

[[domain]]
id = "env"
name = { vi = "Môi trường", en = "Environment" }

[[quantity]]
name = "pm25"
label = { vi = "Bụi mịn", en = "Dust" }
unit = "µg/m³"
scale = 1
min = 0
max = 1000

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "60s"
quantities = { pm25 = "µg/m³" }

[[indicator]]
id = "a"
name = { vi = "A", en = "A" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "Sở"
basis = "-"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"

[[indicator]]
id = "b"
name = { vi = "B", en = "B" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "Sở"
basis = "-"
formula = "a - limit(a)"
window = "1h"
direction = "worse"

[[indicator]]
id = "c"
name = { vi = "C", en = "C" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "Sở"
basis = "-"
over_time = { of = "b", by = "max" }
window = "1d"
direction = "worse"

[[threshold]]
indicator = "a"
limit = 50
valid_from = "2023-01-01"
document = "QCVN 05:2023/BTNMT"
"#;
const TABLES: [(&str, &str); 2] = [
    ("areas.csv", "code,name,name_en,kind,parent\n80,T,T,province,\n1,A,A,xa,80\n"),
    ("sources.csv", "id,stream,area,name,name_en,owner\ns1,air,1,S,S,Sở\n"),
];

fn told(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
    let edited = |edits: &[(&str, &str)]| {
        let mut files: Vec<(String, String)> = [("profile.toml", PROFILE)]
            .into_iter()
            .chain(TABLES)
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        for (from, to) in edits {
            assert!(files.iter().any(|(_, text)| text.contains(from)), "{from} stands somewhere");
            files.iter_mut().for_each(|(_, text)| *text = text.replacen(from, to, 1));
        }
        let profile = load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        (files, profile)
    };
    let (old, new) = (edited(old), edited(new));
    let difference =
        diff(Edition { files: &old.0, profile: &old.1 }, Edition { files: &new.0, profile: &new.1 });
    // Versions are told by their first digits, which no test repeats.
    difference.to_string().lines().map(without_versions).collect()
}

fn without_versions(line: &str) -> String {
    let Some((head, tail)) = line.split_once("definition version ") else { return line.to_owned() };
    let rest = tail.split_once(", ").map_or(String::new(), |(_, rest)| format!(" {rest}"));
    let shape = |word: &str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let versions: Vec<&str> = tail.split([' ', ',']).filter(|word| shape(word)).collect();
    if versions.len() == 2 { format!("{head}V{rest}") } else { line.to_owned() }
}

#[test]
fn the_same_is_no_difference() {
    assert_eq!(told(&[], &[]), ["no difference"]);
    assert_eq!(told(&[], &[("[profile]", "# a remark\n[profile]")]), ["no difference"]);
}

#[test]
fn a_name_computes_the_same() {
    assert_eq!(
        told(&[], &[("en = \"B\"", "en = \"Excess\"")]),
        [
            "indicator b: changed",
            "  name.en: \"B\" → \"Excess\"",
            "  computes the same: the definition version stays",
            "0 new, 0 gone, 1 changed; 0 indicators compute anew",
        ]
    );
}

#[test]
fn what_is_derived_changes_through_its_inputs() {
    assert_eq!(
        told(&[], &[("mean = \"pm25\"", "max = \"pm25\"")]),
        [
            "indicator a: changed",
            "  max: nothing → \"pm25\"",
            "  mean: \"pm25\" → nothing",
            "  computes anew: V",
            "indicator b: computes anew: V through a",
            "indicator c: computes anew: V through b",
            "0 new, 0 gone, 1 changed; 3 indicators compute anew",
        ]
    );
}

#[test]
fn a_limit_changes_the_formulas_that_read_it() {
    assert_eq!(
        told(&[], &[("limit = 50", "limit = 45")]),
        [
            "threshold a 2023-01-01: changed",
            "  limit: 50 → 45",
            "indicator b: computes anew: V",
            "indicator c: computes anew: V through b",
            "0 new, 0 gone, 1 changed; 2 indicators compute anew",
        ]
    );
}

#[test]
fn entries_come_and_go() {
    let station = ("s1,air,1,S,S,Sở\n", "s1,air,1,S,S,Sở\ns2,air,1,S,S,Sở\n");
    assert_eq!(
        told(&[], &[station]),
        ["source s2: new", "1 new, 0 gone, 0 changed; 0 indicators compute anew"]
    );
    assert_eq!(told(&[station], &[])[0], "source s2: gone");
    assert_eq!(
        told(&[], &[("1,A,A,xa", "1,A,B,xa"), ("zone = \"Asia/Ho_Chi_Minh\"", "zone = \"Asia/Tokyo\"")])[..4],
        [
            "area 1: changed",
            "  name_en: \"A\" → \"B\"",
            "profile: changed",
            "  zone: \"Asia/Ho_Chi_Minh\" → \"Asia/Tokyo\""
        ]
    );
}
