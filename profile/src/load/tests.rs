//! The checks of `load`: each kind of mistake with its exact text.

use crate::{Mistake, Profile, check_report, load};

mod cases;
mod language;

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
label = { vi = "Bụi mịn PM2.5", en = "PM2.5" }
unit = "ug/m3"
scale = 1
min = 0
max = 999.9

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "60s"
quantities = { pm25 = "µg/m³" }
states = { status = ["online", "offline"] }

[[indicator]]
id = "env.pm25_1h"
name = { vi = "PM2.5 1 giờ", en = "PM2.5 1 h" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "Sở"
basis = "QCVN 05:2023/BTNMT"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"

[[threshold]]
indicator = "env.pm25_1h"
limit = 50
valid_from = "2023-01-01"
valid_to = "2026-01-01"
document = "QCVN 05:2023/BTNMT"

[[view]]
id = "main"
title = { vi = "Chính", en = "Main" }
tiles = ["env.pm25_1h"]
map = "env.pm25_1h"
"#;
const AREAS: &str = "# test\ncode,name,name_en,kind,parent,column,row\n80,Tây Ninh,Tay Ninh,province,,,\n\
    1,Một,One,xa,80,0,0\n2,Hai,Two,xa,80,1,0\n";
const SOURCES: &str = "id,stream,area,name,name_en,owner\ns1,air,1,Trạm 1,Station 1,Sở\n";

fn files(profile: &str, areas: &str, sources: &str) -> Vec<(String, String)> {
    [("profile.toml", profile), ("areas.csv", areas), ("sources.csv", sources)]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .to_vec()
}

fn loaded(profile: &str) -> Result<Profile, Vec<Mistake>> {
    load(&files(profile, AREAS, SOURCES))
}

fn shown(result: Result<Profile, Vec<Mistake>>) -> Vec<String> {
    result.err().unwrap_or_default().iter().map(Mistake::to_string).collect()
}

#[test]
fn a_good_profile_has_no_mistake() {
    assert_eq!(shown(loaded(PROFILE)), Vec::<String>::new());
}

/// Each kind of mistake of a TOML file with its exact text.
#[test]
fn every_mistake_is_told_where_it_stands() {
    let (blocks, wrong) = judge(PROFILE, include_str!("tests/mistakes.txt"), loaded);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(blocks > 40, "only {blocks} blocks were read");
}

/// How many blocks there are, and those where something else is said.
fn judge(
    good: &str,
    blocks: &str,
    load: impl Fn(&str) -> Result<Profile, Vec<Mistake>>,
) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for block in blocks.split("\n\n") {
        let part = |sign: &str| {
            let lines: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix(sign)).collect();
            lines.join("\n")
        };
        let (from, to, want) = (part("- "), part("+ "), part("! "));
        let want = want.replace("{units}", &crate::unit::all_units().count().to_string());
        if from.is_empty() {
            continue;
        }
        assert!(good.contains(&from), "the good profile has {from:?}");
        let found = without("profile.toml:", &shown(load(&good.replacen(&from, &to, 1))));
        if found != want {
            wrong.push(format!("{from} → {to}\nsays {found}\nnot  {want}"));
        }
        count += 1;
    }
    (count, wrong)
}

fn without(prefix: &str, lines: &[String]) -> String {
    let short: Vec<&str> = lines.iter().map(|line| line.strip_prefix(prefix).unwrap_or(line)).collect();
    short.join("\n")
}

#[test]
fn every_mistake_of_a_table_is_told_at_its_cell() {
    let header =
        "code,name,name_en,kind,parent,column,row\n80,Tây Ninh,Tay Ninh,province,,,\n1,Một,One,xa,80,0,0\n";
    let cases = [
        ("1,B,B,xa,80,1,1", "4:1: area.code: \"1\" is declared twice (allowed: each area once)"),
        (
            "2,B,B,xa,81,1,1",
            "4:10: area.parent: unknown area \"81\", did you mean \"1\"? (allowed: 1, 2, 80)",
        ),
        (
            "2,B,B,xa,,1,1",
            "4:10: area.parent: is empty, but there is a province already (allowed: one area without parent)",
        ),
        (
            "2,B,B,town,80,1,1",
            "4:7: area.kind: unknown kind of area \"town\" \
             (allowed: province, xa, phuong, dac-khu, khu, tinh, huyen)",
        ),
        ("2,B,B,xa,80,0,0", "4:13: area.column: the cell is taken by 1 (allowed: one area per cell)"),
        ("2,B,B,xa,80,1,", "4:13: area.column: a cell needs column and row (allowed: both or none)"),
        (
            "2,B,B,xa,80,x,1",
            "4:13: area.column: \"x\" is no whole number (allowed: 0, 1, 2 …)\n\
             4:13: area.column: a cell needs column and row (allowed: both or none)",
        ),
        ("2,B,B,xa,2,1,1", "4:10: area.parent: is the area itself (allowed: the province)"),
        ("2,,B,xa,80,1,1", "4:3: area.name: is empty (allowed: a text)"),
        ("2,B,B,xa,80,1", "4:1: area: has 6 cells (allowed: 7 cells as in the header)"),
        ("2,\"B,B,xa,80,1,1", "4:1: area: is no CSV line (allowed: cells between commas, quotes closed)"),
    ];
    for (line, want) in cases {
        let found =
            shown(load(&files(PROFILE, &format!("{header}{line}\n"), "id,stream,area,name,name_en,owner\n")));
        assert_eq!(without("areas.csv:", &found), want, "{line}");
    }
}

#[test]
fn every_mistake_of_a_source_is_told_at_its_cell() {
    let cases = [
        ("s1,air,1,A,A,Sở", "3:1: source.id: \"s1\" is declared twice (allowed: each source once)"),
        (
            "s/2,air,1,A,A,Sở",
            "3:1: source.id: \"s/2\" cannot stand in a topic (allowed: one topic level: no /, +, # or \
             control character)",
        ),
        (
            "s2,ari,1,A,A,Sở",
            "3:4: source.stream: unknown stream \"ari\", did you mean \"air\"? (allowed: air)",
        ),
        ("s2,air,9,A,A,Sở", "3:8: source.area: unknown area \"9\", did you mean \"1\"? (allowed: 1, 2, 80)"),
        ("s2,air,1,A,A,", "3:14: source.owner: is empty (allowed: a text)"),
    ];
    for (line, want) in cases {
        let found = shown(load(&files(PROFILE, AREAS, &format!("{SOURCES}{line}\n"))));
        assert_eq!(without("sources.csv:", &found), want, "{line}");
    }
    assert_eq!(
        shown(load(&files(PROFILE, AREAS, &SOURCES.replace("owner", "ower")))),
        [
            "sources.csv:1:1: source.owner: is missing in the header (allowed: \
             id,stream,area,name,name_en,owner)",
            "sources.csv:1:29: source.ower: unknown column \"ower\", did you mean \"owner\"? (allowed: id, \
             stream, area, name, name_en, owner, cadence, lateness, state, group, longitude, latitude)",
        ]
    );
}

#[test]
fn a_file_too_many_or_too_few_is_told() {
    let mut several = files(PROFILE, AREAS, SOURCES);
    several.push(("areas.csv".to_owned(), AREAS.to_owned()));
    several.push(("notes.md".to_owned(), String::new()));
    assert_eq!(
        shown(load(&several)),
        [
            "areas.csv:0:0: is given twice (allowed: each file once)",
            "notes.md:0:0: is no file of a profile (allowed: .toml, .csv)"
        ]
    );
    let mut odd = files(PROFILE, AREAS, SOURCES);
    odd.push(("notes.csv".to_owned(), "a,b\n".to_owned()));
    assert_eq!(
        shown(load(&odd)),
        [
            "notes.csv:0:0: is no table of a profile (allowed: areas*.csv, sources*.csv, units*.csv, calendars*.csv, \
             periods*.csv, crosswalk*.csv)"
        ]
    );
    assert_eq!(
        shown(load(&[])),
        [
            "areas.csv:0:0: area: has no province (allowed: one area without parent)",
            "profile.toml:0:0: profile: is missing (allowed: [profile] with id, name, zone)",
        ]
    );
    let broken = shown(load(&files("[profile\nid = ", AREAS, SOURCES)));
    assert!(!broken.is_empty() && broken.iter().all(|line| line.contains("is no TOML")), "{broken:?}");
}

#[test]
fn tables_of_a_spreadsheet_are_read() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let profile = load(&files(&PROFILE.replace('\n', "\r\n"), &windows(AREAS), &windows(SOURCES)));
    let profile = profile.unwrap_or_else(|mistakes| panic!("{}", check_report(&mistakes)));
    assert_eq!((profile.areas.len(), profile.sources.len()), (3, 1));
}

#[test]
fn the_hash_is_of_all_files_in_any_order() {
    let hash = |files: &[(String, String)]| load(files).expect("a good profile").hash;
    let mut given = files(PROFILE, AREAS, SOURCES);
    let first = hash(&given);
    given.reverse();
    assert_eq!(hash(&given), first);
    given.first_mut().expect("a file").1.push('\n');
    assert_ne!(hash(&given), first);
}

#[test]
fn the_definition_version_is_of_what_is_computed() {
    let definition = |from: &str, to: &str| {
        let text = PROFILE.replace(from, to);
        assert_ne!(text, PROFILE, "{from} stands in the good profile");
        load(&files(&text, AREAS, SOURCES)).expect("a good profile").indicators["env.pm25_1h"].definition
    };
    let first = loaded(PROFILE).expect("a good profile").indicators["env.pm25_1h"].definition;
    assert_eq!(definition("PM2.5 1 h", "Fine dust"), first);
    assert_eq!(definition("owner = \"Sở\"", "owner = \"UBND\""), first);
    assert_eq!(definition("limit = 50", "limit = 45"), first);
    assert_ne!(definition("window = \"1h\"", "window = \"5m\""), first);
    assert_ne!(definition("mean = \"pm25\"", "max = \"pm25\""), first);
    assert_ne!(definition("mean = \"pm25\"", "mean = \"pm25\"\nwhere.status = \"online\""), first);
    assert_ne!(definition("scale = 1\nmin = 0", "scale = 2\nmin = 0"), first);
}

mod mutation {
    //! Whatever stands in the files, `load` answers.

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// Pieces that meet the reader where it is weakest.
    const PIECES: [&str; 15] = [
        "[",
        "]",
        "[[indicator]]",
        "=",
        "\"",
        "'''",
        "{",
        "}",
        "1e999",
        "-",
        "\n",
        "\u{0}",
        "ộ",
        "nan",
        "999999999999999999d",
    ];

    fn mutated(text: &str, edits: &[(Index, Index, u8)]) -> String {
        let mut signs: Vec<char> = text.chars().collect();
        for (at, piece, kind) in edits {
            if signs.is_empty() {
                break;
            }
            let at = at.index(signs.len());
            let piece = PIECES.get(piece.index(PIECES.len())).copied().unwrap_or_default();
            match kind % 8 {
                0..=2 => drop(signs.remove(at)),
                3..=6 => drop(signs.splice(at..at, piece.chars())),
                _ => signs.truncate(at),
            }
        }
        signs.into_iter().collect()
    }

    proptest! {
        #[test]
        fn load_never_panics(
            edits in prop::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..6),
            which in 0..3_usize,
        ) {
            let mut given = files(PROFILE, AREAS, SOURCES);
            if let Some((_, text)) = given.get_mut(which) {
                *text = mutated(text, &edits);
            }
            let first = load(&given);
            prop_assert_eq!(&first, &load(&given), "the same text gives the same answer");
            if let Err(mistakes) = first {
                prop_assert!(!mistakes.is_empty(), "a refusal says why");
            }
        }
    }
}
