//! The past of a figure from the real program: what was answered at a moment is answered for that moment ever after,
//! also after kill -9 and after the rows moved into Parquet; rows, replay and export say the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nhip_client::http_get;
use nhip_proto::MINUTE;
use nhip_tests::{
    AIR_START, AirNode, Oracle, air_reading, air_topic, get_json, metric, nhip, skipped, until,
};
use serde_json::Value;

/// Hours with fewer readings are missing.
const FULL: &str = r#"
[[indicator]]
id = "env.pm25_full_1h"
name = { vi = "Bụi mịn, giờ đủ số đo", en = "Fine dust of whole hours" }
domain = "env"
unit = "ug/m3"
scale = 1
owner = "Nhịp"
basis = "test"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"
completeness_min = 0.0
readings_min = 1.0

[[indicator.test]]
name = "too few"
story = '''
on 2030-03-18
at 07:00 air air-a pm25=10
tick 09:10
expect env.pm25_full_1h P 07:00 = none final
'''
"#;

/// A name a spreadsheet would take for a formula.
const AREAS: &str = "code,name,name_en,kind,parent,column,row,population,valid_from,valid_to\n\
    P,Tỉnh,Province,province,,,,,2020-01-01,\nA,\"=1+1, \"\"Một\"\"\",One,xa,P,0,0,,2020-01-01,\n";

/// Start of the window, value, revision, known_offset.
type Told = Vec<(i64, Option<String>, u64, u64)>;

struct Past {
    air: AirNode,
    runtime: tokio::runtime::Runtime,
    /// What was answered when the log ended before this offset.
    moments: BTreeMap<u64, Told>,
}

impl Past {
    fn start(directory: &Path) -> Self {
        let with_full = |profile: &str| format!("{profile}{FULL}");
        let air = AirNode::start(directory, with_full, &[("areas.csv", AREAS)]);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        Self { air, runtime, moments: BTreeMap::new() }
    }

    /// A reading of a minute after the start, sent now.
    fn publish(&mut self, minute: i64, value: i64) {
        let payload = air_reading(AIR_START.plus(minute * MINUTE), value);
        let mut client = self.air.connect();
        client.publish_all([(air_topic("a").as_str(), payload.as_bytes())]).expect("acknowledged");
        self.air.stepped.settle();
    }

    fn step_to(&mut self, minute: i64) {
        self.air.stepped.step_to(AIR_START.plus(minute * MINUTE));
        let figures = get_json(self.air.stepped.node.http, "/api/v1/figures");
        let offset = figures["offset"].as_u64().expect("an offset");
        // The Tick is the last record; each step changes a window, so its rows name it.
        let tick = offset - 1;
        let stored = || self.series("now").iter().any(|told| told.3 == tick);
        until("the rows of the Tick are in the store", Duration::from_secs(60), stored);
        let told = self.series("now");
        self.moments.insert(tick, told);
    }

    fn series(&self, as_of: &str) -> Told {
        let range = "from=2030-03-17T17:00:00Z&to=2030-03-19T17:00:00Z";
        let path = format!("/api/v1/series?indicator=env.pm25_1h&area=A&{range}&as_of={as_of}");
        let body = get_json(self.air.stepped.node.http, &path);
        let items = body["items"].as_array().unwrap_or_else(|| panic!("{body}"));
        items.iter().map(told_of_point).collect()
    }

    /// Every moment is told as it was told then.
    fn remembers(&self, when: &str) {
        for (offset, told) in &self.moments {
            assert_eq!(&self.series(&offset.to_string()), told, "as of offset {offset}, {when}");
        }
    }

    fn wait_until_sealed(&self) {
        let sealed =
            || metric(self.air.stepped.node.http, "nhip_rows_sealed_total").is_some_and(|rows| rows > 0.0);
        until("the rows are sealed", Duration::from_secs(60), sealed);
    }
}

fn told_of_point(point: &Value) -> (i64, Option<String>, u64, u64) {
    let start = point["window"]["start"].as_str().expect("a time");
    let start: jiff::Timestamp = start.parse().expect("RFC 3339");
    let value = (!point["value"].is_null()).then(|| point["value"].to_string());
    let number = |name: &str| point[name].as_u64().expect("a number");
    (start.as_nanosecond() as i64, value, number("revision"), number("known_offset"))
}

#[test]
fn what_was_told_then_is_told_of_then_ever_after() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut past = Past::start(directory.path());
    for hour in 0..3 {
        for ten in 0..6 {
            let minute = hour * 60 + ten * 10;
            past.publish(minute, 10 * (hour + 1) + ten);
            past.step_to(minute + 5);
        }
    }
    // Out of order, inside the lateness: hour 0 was final.
    past.publish(55, 100);
    past.step_to(181);
    past.publish(180, 7);
    past.publish(181, 8);
    past.step_to(200);
    let now = past.series("now");
    assert_eq!(now[0].1.as_deref(), Some("25.0"), "(10 + 11 + … + 15 + 100) ÷ 7: {now:?}");
    let before: Vec<_> = past.moments.values().filter_map(|told| told.first()?.1.clone()).collect();
    assert!(before.contains(&"12.5".to_owned()), "before, the wall said 12.5: {before:?}");

    past.remembers("while it runs");
    past.air.stepped.kill_and_start();
    past.remembers("after kill -9");
    past.wait_until_sealed();
    past.remembers("from Parquet");
    past.publish(190, 9);
    past.step_to(210);
    past.air.stepped.restart();
    past.wait_until_sealed();
    past.remembers("from several files");
    // The hour of three readings is closed by what comes an hour later, and has no value.
    past.air.stepped.step_to(AIR_START.plus(250 * MINUTE));
    past.publish(250, 5);
    past.air.stepped.step_to(AIR_START.plus(255 * MINUTE));
    read_by_others(&past);
    // Hours of silence: due, and missing.
    past.air.stepped.step_to(AIR_START.plus(6 * 60 * MINUTE));
    assert!(past.air.stepped.node.stop().success(), "{}", past.air.stepped.node.said());

    rows_say_the_same(&past);
    let data = past.air.data.to_string_lossy().into_owned();
    nhip(&["replay", "--data", &data]);
    let profile = past.air.profile.to_string_lossy().into_owned();
    let words =
        ["export", "--data", &data, "--profile", &profile, "--indicator", "env.pm25_1h", "--area", "A"];
    let range = ["--from", "2030-03-18T00:00:00+07:00", "--to", "2030-03-19T00:00:00+07:00"];
    let csv = nhip(&[&words[..], &range[..]].concat());
    // In 2030 as the log has it: without an end it is the last Tick, at six, and no hour after it is due.
    let day = nhip(&[&words[..], &range[..2], &["--step", "day"]].concat());
    let last = day.lines().last().unwrap_or_default();
    assert!(last.contains(",5,6,"), "five hours with a value of the six that are due: {day}");
    let sheet = past.air.data.with_extension("xlsx");
    let file = sheet.to_string_lossy().into_owned();
    nhip(&[&words[..], &range[..], &["--format", "xlsx", "--out", &file]].concat());
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
        import xml.dom.minidom as x\n[x.parseString(z.read(n)) for n in z.namelist()]\n\
        assert b'<c><v>25.0</v></c>' in z.read('xl/worksheets/sheet1.xml')";
    let read = Command::new("python3").args(["-c", script, &file]).output().expect("python3 runs");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(csv.contains("2030-03-18T00:00:00+07:00,2030-03-18T01:00:00+07:00,25.0,"), "{csv}");
}

/// The exports of the running node, read by readers that share no code with it, say what `/api/v1/series` says.
fn read_by_others(past: &Past) {
    let Some(oracle) = Oracle::find() else {
        return skipped("exports read by others", "no oracle: run cargo xtask test");
    };
    let directory = past.air.data.with_file_name("exports");
    std::fs::create_dir(&directory).expect("a directory");
    let range = "indicator=env.pm25_full_1h&area=A&from=2030-03-17T17:00:00Z&to=2030-03-19T17:00:00Z";
    let series = format!("/api/v1/series?{range}");
    let missing = || {
        let body = get_json(past.air.stepped.node.http, &series);
        body["items"].as_array().is_some_and(|points| points.iter().any(|point| point["value"].is_null()))
    };
    until("an hour without a value is in the store", Duration::from_secs(60), missing);
    let save = |name: &str, path: &str| {
        let node = past.air.stepped.node.http.to_string();
        let answer = past.runtime.block_on(http_get(&node, path)).expect("an answer");
        assert_eq!(answer.status, 200, "{path}");
        std::fs::write(directory.join(name), &answer.body).expect("written");
    };
    save("series.json", &series);
    for format in ["csv", "xlsx", "parquet", "geojson"] {
        save(&format!("export.{format}"), &format!("/api/v1/export?{range}&format={format}"));
    }
    let said = oracle.run("export_readers.py", &[&directory]).unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains("read alike by csv, openpyxl"), "{said}");
}

/// Of all revisions, per window the one known last at each moment.
fn rows_say_the_same(past: &Past) {
    let lines = nhip(&["log", "rows", "--all", "--data", &past.air.data.to_string_lossy()]);
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (offset, told) in &past.moments {
        let mut windows = BTreeMap::new();
        for row in rows.iter().filter(|row| row["area"] == "A" && row["indicator"] == "env.pm25_1h") {
            let known = row["known_offset"].as_u64().expect("an offset");
            let revision = row["revision"].as_u64().expect("a number");
            let start = row["window_start_ns"].as_i64().expect("a time");
            let value = row["value"].as_str().map(str::to_owned);
            if known <= *offset {
                windows.insert(start, (start, value, revision, known));
            }
        }
        assert_eq!(&windows.into_values().collect::<Told>(), told, "rows as of offset {offset}");
    }
    assert!(past.moments.len() > 18, "enough moments were recorded");
}
