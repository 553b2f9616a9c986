//! Absurd questions to the real program: ranges nobody can answer, paths in every parameter, names that a spreadsheet
//! would run. Each gets a clear refusal or an empty answer, nothing of the machine is told, and memory stays flat.

#![expect(clippy::print_stdout, reason = "a test of memory tells what it measured")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use nhip_proto::{ArrivalTime, MINUTE, SECOND};
use nhip_tests::{MqttWire, Node, NodeOptions, SteppedNode, get, get_json, post};
use serde_json::{Value, json};

/// What a node may grow by over all questions of a test, most of it allocated once and kept.
const GROWTH_KIB_MAX: u64 = 48 << 10;
/// 2030-03-18T00:00:00+07:00.
const START: ArrivalTime = ArrivalTime(1_899_997_200 * SECOND);

/// Encoded for a place in a URL.
fn encoded(text: &str) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => url.push(char::from(byte)),
            other => write!(url, "%{other:02X}").expect("a string takes it"),
        }
    }
    url
}

/// Answers that are right for a question nobody should ask.
fn is_harmless(status: u16, body: &str) -> bool {
    let problem = body.contains("\"type\"") && body.contains("\"title\"");
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/")).to_string_lossy();
    let tells = ["root:x:", "panicked", "No such file", &checkout, "/tmp/", "src/"]
        .iter()
        .any(|word| body.contains(word));
    !tells && (status == 200 || ((400..500).contains(&status) && (problem || body.is_empty())))
}

/// What an attacker would put where a name is asked for.
const PATHS: [&str; 9] = [
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "/etc/passwd",
    "....//....//etc/passwd",
    "..\\..\\windows\\win.ini",
    "file:///etc/passwd",
    "%00",
    "manifest",
    "2026-11-21.000000000001.parquet",
];

#[test]
fn no_parameter_leads_to_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = Node::start(&NodeOptions::run(&directory.path().join("data"))).expect("a node");
    let api = get_json(node.http, "/api/v1/openapi.json");
    let (before, mut asked) = (node.resident_kib(), 0);
    for (route, operations) in api["paths"].as_object().expect("paths") {
        let parameters = operations["get"]["parameters"].as_array().into_iter().flatten();
        let parameters: Vec<(&str, bool)> =
            parameters.map(|one| (one["name"].as_str().expect("a name"), one["in"] == "path")).collect();
        for (attacked, _) in &parameters {
            for path in PATHS {
                let url = attack(route, &parameters, attacked, path);
                let (status, body) = get(node.http, &url).expect("an answer");
                assert!(is_harmless(status, &body), "{url}: {status} {body}");
                asked += 1;
            }
        }
    }
    for path in PATHS {
        attack_beyond_parameters(&node, path);
    }
    assert!(asked > 300, "every parameter of every route was tried: {asked}");
    assert_flat(&node, before, &format!("{asked} paths in parameters"));
}

/// A question whose one parameter is a path; the others are what they should be.
fn attack(route: &str, parameters: &[(&str, bool)], attacked: &str, path: &str) -> String {
    let valid = BTreeMap::from([
        ("indicator", "env.pm25_1h"),
        ("area", "80"),
        ("from", "2026-11-20T00:00:00Z"),
        ("to", "2026-11-21T00:00:00Z"),
        ("view", "main"),
    ]);
    let value =
        |name: &str| if name == attacked { path } else { valid.get(name).copied().unwrap_or_default() };
    let (mut url, mut query) = (route.to_owned(), Vec::new());
    for (name, in_path) in parameters {
        match (value(name), in_path) {
            (value, true) => url = url.replace(&format!("{{{name}}}"), &encoded(value)),
            ("", false) => {}
            (value, false) => query.push(format!("{name}={}", encoded(value))),
        }
    }
    format!("{url}?{}", query.join("&"))
}

fn attack_beyond_parameters(node: &Node, path: &str) {
    let urls = [
        format!("/{path}"),
        format!("/{}", encoded(path)),
        format!("/wall/{path}"),
        format!("/api/v1/{path}"),
    ];
    for url in urls {
        let (status, body) = get(node.http, &url).expect("an answer");
        assert!((400..500).contains(&status) && is_harmless(status, &body), "{url}: {status} {body}");
    }
    let order = json!({"indicator": path, "from": path, "to": path, "reason": path, "author": path});
    let (route, kind) = ("/api/v1/restatements?dry_run=true", "application/json");
    let (status, body) = post(node.http, route, kind, order.to_string().as_bytes()).expect("an answer");
    assert!((400..500).contains(&status) && is_harmless(status, &body), "{path}: {status} {body}");
}

#[test]
fn a_thousand_million_points_are_refused_before_any_work() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = NodeOptions::run(&directory.path().join("data")).set("--profile", "profiles/proof");
    let node = Node::start(&options).expect("a node");
    // 290 years of windows of five seconds: 1.8 thousand million.
    let range = "indicator=load.messages&from=1970-01-02T00:00:00Z&to=2260-01-01T00:00:00Z";
    let area = "&area=proof";
    let mut questions = vec![
        format!("series?{range}{area}&limit=20000"),
        format!("series?{range}{area}&step=hour"),
        format!("series?{range}{area}&step=day"),
        format!("series?{range}{area}&step=month"),
        format!("series?{range}{area}&compare=previous-period"),
        format!("series?{range}{area}&compare=previous-year"),
        format!("series?{range}{area}&compare=area:proof-a"),
    ];
    for format in ["csv", "xlsx", "parquet", "geojson"] {
        questions.push(format!("export?{range}&format={format}"));
        questions.push(format!("export?{range}{area}&format={format}&step=month"));
    }
    let before = node.resident_kib();
    for question in questions.iter().cycle().take(questions.len() * 10) {
        let (status, body) = get(node.http, &format!("/api/v1/{question}")).expect("an answer");
        assert!(status == 422 && is_harmless(status, &body), "{question}: {status} {body}");
        assert!(body.contains("windows"), "it says what is allowed: {question}: {body}");
    }
    // Restatements are bounded by their number, not by their range: of a new node there are none.
    for question in [format!("restatements?{range}"), format!("restatements?{range}{area}&limit=5000")] {
        let told = get_json(node.http, &format!("/api/v1/{question}"));
        assert_eq!(told["items"], json!([]), "{question}");
    }
    assert_flat(&node, before, "ranges of a thousand million points");
}

#[track_caller]
fn assert_flat(node: &Node, before: u64, what: &str) {
    let after = node.resident_kib();
    println!("{what}: resident {before} KiB before, {after} KiB after");
    assert!(before > 1_000, "the kernel tells the size of a node: {before}");
    assert!(after < before + GROWTH_KIB_MAX, "{what}: from {before} to {after} KiB");
}

const PROFILE: &str = r#"
[profile]
id = "past"
name = { vi = "=1+1", en = "=1+1" }
zone = "Asia/Ho_Chi_Minh"

[[quantity]]
name = "pm25"
label = { vi = "Bụi mịn", en = "Fine dust" }
unit = "ug/m3"
scale = 1
min = -100000
max = 100000

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "10m"
lateness = "3h"
staleness = "30m"

[stream.quantities]
pm25 = "ug/m3"

[[domain]]
id = "env"
name = { vi = "Môi trường", en = "Environment" }

[[indicator]]
id = "env.pm25_1h"
name = { vi = "=cmd|'/C calc'!A0", en = "+1" }
domain = "env"
unit = "ug/m3"
scale = 1
owner = "@SUM(1+1)*cmd|' /C calc'!A0"
basis = "-2+3\",=1"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"
completeness_min = 0.0

[[indicator.test]]
name = "a mean"
story = '''
on 2030-03-18
at 07:00 air air-0 pm25=10
at 07:10 air air-0 pm25=20
tick 09:10
expect env.pm25_1h P 07:00 = 15 final
'''

[[view]]
id = "main"
title = { vi = "Không khí", en = "Air" }
map = "env.pm25_1h"
tiles = ["env.pm25_1h"]
"#;

/// Names of areas; those that no name may be are refused by `nhip check`.
const NAMES: &[&str] = &[
    "=HYPERLINK(\"http://x\",\"y\")",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "＝1+1",
    "a\",=1,\"b",
    " =1",
    "\t=1",
    "\r=1",
    "\n=1",
    "a\r\n=1",
];

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The profile with these names.
fn profile(directory: &Path, names: &[&str]) -> String {
    let profile = directory.join("profile");
    std::fs::create_dir_all(&profile).expect("a directory");
    let mut areas = "code,name,name_en,kind,parent,column,row,population,valid_from,valid_to\n\
        P,Tỉnh,Province,province,,,,,2020-01-01,\n"
        .to_owned();
    let mut sources = "id,stream,area,name,name_en,owner\n".to_owned();
    for (number, name) in names.iter().enumerate() {
        let name = quoted(name);
        writeln!(areas, "A{number},{name},{name},xa,P,{number},0,,2020-01-01,").expect("a string takes it");
        writeln!(sources, "air-{number},air,A{number},{name},{name},{name}").expect("a string takes it");
    }
    std::fs::write(profile.join("areas.csv"), areas).expect("written");
    std::fs::write(profile.join("sources.csv"), sources).expect("written");
    std::fs::write(profile.join("profile.toml"), PROFILE).expect("written");
    profile.to_string_lossy().into_owned()
}

fn check(profile: &str) -> (bool, String) {
    let output =
        Command::new(nhip_tests::binary()).args(["check", profile]).output().expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Reads a CSV and the sheet of a spreadsheet as other programs do: every cell, and whether one is a formula.
const READER: &str = r#"
import csv, io, json, sys, zipfile, xml.etree.ElementTree as tree
if sys.argv[1].endswith('.csv'):
    text = open(sys.argv[1], encoding='utf-8', newline='').read()
    cells = [cell for line in csv.reader(io.StringIO(text), strict=True) for cell in line]
    formulas = [cell for cell in cells if cell[:1] in tuple('=+-@\t\r\n＝＋－＠') and cell != '']
    numbers = [cell for cell in formulas if cell.lstrip('-').replace('.', '').isdigit()]
    formulas = [cell for cell in formulas if cell not in numbers]
else:
    sheet = zipfile.ZipFile(sys.argv[1]).read('xl/worksheets/sheet1.xml')
    name = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
    cells = [''.join(cell.itertext()) for cell in tree.fromstring(sheet).iter(name + 'c')]
    kinds = {cell.get('t') for cell in tree.fromstring(sheet).iter(name + 'c')}
    formulas = [one.text for one in tree.fromstring(sheet).iter(name + 'f')] + list(kinds - {'inlineStr', None})
print(json.dumps({'cells': cells, 'formulas': formulas}))
"#;

fn read(file: &Path) -> Value {
    let output = Command::new("python3").args(["-c", READER]).arg(file).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn no_name_of_a_profile_runs_in_a_spreadsheet() {
    let directory = tempfile::tempdir().expect("a directory");
    let (allowed, refused): (Vec<&str>, Vec<&str>) =
        NAMES.iter().partition(|name| check(&profile(directory.path(), &[name])).0);
    println!("refused by nhip check: {refused:?}");
    assert!(allowed.len() >= 6, "formulas may stand in names: {allowed:?}");
    for name in &refused {
        let (_, said) = check(&profile(directory.path(), &[name]));
        assert!(said.contains("areas.csv"), "it says where: {said}");
    }
    let options = NodeOptions::run(&directory.path().join("data"))
        .set("--profile", &profile(directory.path(), &allowed));
    let mut stepped = SteppedNode::start(options, START).expect("a node");
    let mut wire = MqttWire::connect(stepped.node.mqtt.expect("an endpoint"), "air").expect("connects");
    for minute in [5, 65, 130] {
        let at = START.plus(minute * MINUTE);
        let payload = json!({"time": at.0 / 1_000_000, "values": {"pm25": -7}}).to_string();
        for number in 0..allowed.len() {
            let topic = format!("nhip/v1/past/air/air-{number}");
            wire.publish_all([(topic.as_str(), payload.as_bytes())]).expect("acknowledged");
        }
        stepped.step_to(START.plus((minute + 5) * MINUTE));
    }
    let range = "from=2030-03-18T00:00:00%2B07:00&to=2030-03-18T02:00:00%2B07:00";
    for (format, file) in [("csv", "out.csv"), ("xlsx", "out.xlsx")] {
        let file = directory.path().join(file);
        let url = format!(
            "http://{}/api/v1/export?indicator=env.pm25_1h&{range}&format={format}",
            stepped.node.http
        );
        let fetch =
            "import sys, urllib.request as u; open(sys.argv[2], 'wb').write(u.urlopen(sys.argv[1]).read())";
        let fetched =
            Command::new("python3").args(["-c", fetch, &url]).arg(&file).output().expect("python3 runs");
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        let found = read(&file);
        assert_eq!(found["formulas"], json!([]), "{format}");
        let cells: Vec<&str> =
            found["cells"].as_array().expect("cells").iter().filter_map(Value::as_str).collect();
        for name in &allowed {
            let shown = |cell: &str| cell.trim_start_matches('\'').trim() == name.trim();
            assert!(cells.iter().copied().any(shown), "{format}: {name:?} is told: {cells:?}");
        }
        assert!(cells.iter().any(|cell| cell.starts_with("-7")), "{format}: a number keeps its sign");
    }
}
