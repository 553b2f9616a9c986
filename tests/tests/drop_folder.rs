//! Station files on the real program: nothing lost and nothing counted twice under kill -9, and a file that comes three
//! days late re-opens its hours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nhip_proto::{ArrivalTime, SECOND};
use nhip_tests::{Node, NodeOptions, SteppedNode, get_json, seed, until};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

/// How long a file may take to be moved away (a loaded test machine, an unoptimised build).
const MOVED: Duration = Duration::from_secs(60);
/// 2026-11-21T00:00:00Z, 07:00 in the province.
const MIDNIGHT: i64 = 1_795_219_200;

/// A profile, a configuration and a drop folder.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let profile = folder.path().join("profile");
        std::fs::create_dir_all(&profile).expect("made");
        for source in [root.join("profiles/proof"), root.join("tests/profiles/stations")] {
            for entry in std::fs::read_dir(source).expect("a profile") {
                let path = entry.expect("a file").path();
                std::fs::copy(&path, profile.join(path.file_name().expect("a name"))).expect("copied");
            }
        }
        let drop = folder.path().join("drop");
        std::fs::create_dir_all(drop.join("KK01")).expect("made");
        std::fs::create_dir_all(drop.join("KK02")).expect("made");
        let config = format!("[[drop_folder]]\nname = \"stations\"\ndirectory = {drop:?}\nsettle_s = 0\n");
        std::fs::write(folder.path().join("nhip.toml"), config).expect("written");
        Self { folder }
    }

    fn options(&self) -> NodeOptions {
        let shown = |name: &str| self.folder.path().join(name).display().to_string();
        NodeOptions::run(&self.folder.path().join("data"))
            .set("--config", &shown("nhip.toml"))
            .set("--profile", &shown("profile"))
    }

    /// One file of one line, put as an uploader does: under another name, then renamed.
    fn put(&self, station: &str, at_s: i64, value: &str, status: &str) -> PathBuf {
        let local = jiff::Timestamp::from_second(at_s + 7 * 3_600).expect("a time");
        let stamp = local.strftime("%Y%m%d%H%M%S").to_string();
        let name = format!("{station}_{stamp}.txt");
        let folder = self.folder.path().join("drop").join(station);
        let unfinished = folder.join(format!(".{name}"));
        let line = format!("\u{feff}PM2.5\t{value}\tug/Nm3\t{stamp}\t{status}\r\n");
        std::fs::write(&unfinished, line).expect("written");
        std::fs::rename(unfinished, folder.join(&name)).expect("renamed");
        self.folder.path().join("drop/done").join(station).join(name)
    }
}

fn ledger(http: std::net::SocketAddr, source: &str) -> Value {
    let list = get_json(http, "/api/v1/ledger?limit=5000");
    let lines = list["items"].as_array().cloned().unwrap_or_default();
    lines.into_iter().find(|line| line["source"] == source).unwrap_or_default()
}

#[test]
fn killed_at_any_moment_every_file_counts_once() {
    let site = Site::new();
    let mut chance = ChaCha8Rng::seed_from_u64(seed("drop folder"));
    let now = jiff::Timestamp::now().as_second() / 60 * 60;
    let mut done = Vec::new();
    for round in 0_i64..6 {
        let mut node = Node::start(&site.options()).expect("a node");
        let files: Vec<_> =
            (0..20).map(|file| site.put("KK01", now - 60 * (round * 20 + file + 1), "25,0", "00")).collect();
        // Killed when so many of them have left, whatever stands between durable and moved for the others.
        let left = chance.random_range(0..files.len());
        let gone = || files.iter().filter(|path| path.exists()).count() >= left;
        until("some files are moved", MOVED, gone);
        node.kill();
        done.extend(files);
    }
    let node = Node::start(&site.options()).expect("a node");
    until("every file is moved", MOVED, || done.iter().all(|path| path.exists()));
    until("every file is applied", MOVED, || ledger(node.http, "KK01")["applied"] == 120);
    let line = ledger(node.http, "KK01");
    let count = |class: &str| line[class].as_u64().unwrap_or_default();
    assert_eq!(count("received"), count("applied") + count("duplicate"), "{line}");
    assert_eq!((count("rejected"), count("late"), count("item_rejected")), (0, 0, 0), "{line}");
    println!("120 files in 7 lives: {} delivered twice", count("duplicate"));
}

#[test]
fn a_station_file_three_days_late_reopens_its_hours() {
    let site = Site::new();
    let start = ArrivalTime((MIDNIGHT - 600) * SECOND);
    let mut stepped = SteppedNode::start(site.options(), start).expect("a node");
    let put = |stepped: &SteppedNode, station: &str, at_s: i64, value: &str, status: &str| {
        let done = site.put(station, at_s, value, status);
        until("the file is moved", MOVED, || done.exists());
        stepped.settle();
    };
    put(&stepped, "KK01", MIDNIGHT - 3_600, "1", "00");
    stepped.step_to(ArrivalTime((MIDNIGHT + 900) * SECOND));
    put(&stepped, "KK02", MIDNIGHT + 600, "20", "00");
    // The station calibrates: kept, and in no figure.
    put(&stepped, "KK02", MIDNIGHT + 660, "900", "01");
    stepped.step_to(ArrivalTime((MIDNIGHT + 3 * 86_400) * SECOND));
    let figure = |stepped: &SteppedNode| {
        let asked = "indicator=station.pm25_1h&area=proof&group=&window=2026-11-21T00:00:00Z";
        get_json(stepped.node.http, &format!("/api/v1/explain?{asked}"))["figure"].clone()
    };
    let before = told(&figure(&stepped));
    assert_eq!(before, (Some(20.0), "final".to_owned(), Some(1)));
    // Three days later the other station's buffer arrives.
    put(&stepped, "KK01", MIDNIGHT + 600, "40,0", "00");
    stepped.step_to(ArrivalTime((MIDNIGHT + 3 * 86_400 + 60) * SECOND));
    let after = told(&figure(&stepped));
    assert_eq!(after, (Some(30.0), "revised".to_owned(), Some(2)));
    let line = ledger(stepped.node.http, "KK02");
    assert_eq!(line["item_rejected"], 1, "the calibrating value is counted, with its reason: {line}");
}

/// Value, state and k of a figure.
fn told(figure: &Value) -> (Option<f64>, String, Option<u64>) {
    let state = figure["state"].as_str().unwrap_or_default().to_owned();
    (figure["value"].as_f64(), state, figure["k"].as_u64())
}
