//! `nhip doctor` in good and in bad surroundings: what it says, and its exit code.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nhip_adapters::{LogConfig, LogIdentity, SegmentLog};
use nhip_ports::EventLog as _;
use nhip_proto::{ArrivalTime, Origin, Record, Tick};
use nhip_tests::{Node, NodeOptions, binary, skipped};
use serde_json::Value;

/// 2090-01-01 UTC.
const FAR_AHEAD: ArrivalTime = ArrivalTime(3_786_912_000_000_000_000);

/// A place on the disk the tests are built on: a temporary directory may lie in memory.
fn place() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}

fn doctor(data: &Path, further: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
    let given = |flag: &str| further.contains(&flag);
    let mut command = Command::new(binary());
    command.current_dir(root).args(["doctor", "--profile", "profiles/proof", "--json", "--data"]).arg(data);
    for pair in ports.chunks(2).filter(|pair| !given(pair[0])) {
        command.args(pair);
    }
    command.args(further).output().expect("the program runs")
}

/// Exit code, and what is an error: check, place, what, all with advice.
fn errors(output: &Output) -> (Option<i32>, Vec<(String, String, String)>) {
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    assert!(findings.len() >= 8, "{report}");
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let mut errors = Vec::new();
    for finding in findings.iter().filter(|finding| finding["grade"] == "error") {
        assert!(!text(finding, "allowed").is_empty() && !text(finding, "advice").is_empty(), "{finding}");
        errors.push((text(finding, "check"), text(finding, "place"), text(finding, "what")));
    }
    assert_eq!(report["errors"].as_u64(), Some(errors.len() as u64));
    (output.status.code(), errors)
}

/// Exactly one error, of this kind.
#[track_caller]
fn one_error(output: &Output, check: &str) -> (String, String) {
    let (code, errors) = errors(output);
    assert_eq!(code, Some(1), "{errors:?}");
    let [(found, place, what)] = errors.as_slice() else { panic!("one error of {check}: {errors:?}") };
    assert_eq!(found, check, "{errors:?}");
    (place.clone(), what.clone())
}

#[test]
fn before_the_first_start_beside_a_running_node_and_after_it_all_is_fine() {
    let directory = place();
    let data = directory.path().join("data");
    assert_eq!(errors(&doctor(&data, &[])), (Some(0), Vec::new()), "before");
    assert!(!data.exists(), "nothing was made");
    let options = NodeOptions::run(&data).set("--profile", "profiles/proof");
    let mut node = Node::start(&options).expect("a node");
    let (http, mqtt) = (node.http.to_string(), node.mqtt.expect("an endpoint").to_string());
    let beside = doctor(&data, &["--http", &http, "--mqtt", &mqtt]);
    assert_eq!(errors(&beside), (Some(0), Vec::new()), "beside");
    assert!(String::from_utf8_lossy(&beside.stdout).contains("while the node of this data directory runs"));
    assert!(node.stop().success(), "{}", node.said());
    assert_eq!(errors(&doctor(&data, &[])), (Some(0), Vec::new()), "after");
}

#[test]
fn data_in_memory_is_an_error() {
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else {
        return skipped("data_in_memory_is_an_error", "there is no /dev/shm");
    };
    let (code, errors) = errors(&doctor(&memory.path().join("data"), &[]));
    assert_eq!(code, Some(1));
    assert!(
        errors.iter().any(|(check, _, what)| check == "disk" && what.contains("in memory")),
        "{errors:?}"
    );
}

#[test]
fn keys_others_can_read_are_an_error() {
    let directory = place();
    let keys = directory.path().join("data-keys");
    std::fs::create_dir(&keys).expect("made");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o755)).expect("set");
    let (place, what) = one_error(&doctor(&directory.path().join("data"), &[]), "keys");
    assert_eq!(PathBuf::from(place), keys);
    assert!(what.contains("755"), "{what}");
}

#[test]
fn a_taken_port_is_an_error() {
    let directory = place();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let (place, _) = one_error(&doctor(&directory.path().join("data"), &["--mqtt", &address]), "port");
    assert!(place.contains(&address) && place.contains("--mqtt"), "{place}");
}

#[test]
fn a_clock_behind_the_log_is_an_error_unless_the_log_has_its_own() {
    for (origin, is_error) in [(Origin::Machine, true), (Origin::Simulated, false)] {
        let directory = place();
        let data = directory.path().join("data");
        forge(&data.join("log"), origin);
        let output = doctor(&data, &[]);
        if is_error {
            let (_, what) = one_error(&output, "clock");
            assert!(what.contains("behind the last record"), "{what}");
        } else {
            assert_eq!(errors(&output), (Some(0), Vec::new()));
        }
    }
}

#[test]
fn a_damaged_log_is_an_error_that_says_where() {
    let directory = place();
    let log = directory.path().join("data/log");
    forge(&log, Origin::Simulated);
    let segment = log.join("00000000000000000000.seg");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[540] ^= 1;
    std::fs::write(&segment, bytes).expect("damaged");
    let (_, what) = one_error(&doctor(&directory.path().join("data"), &[]), "log");
    assert!(what.contains("00000000000000000000.seg"), "{what}");
}

#[test]
fn a_profile_with_mistakes_is_an_error_and_bad_arguments_are_none() {
    let directory = place();
    let (data, profile) = (directory.path().join("data"), directory.path().join("profile"));
    std::fs::create_dir(&profile).expect("made");
    std::fs::write(profile.join("profile.toml"), "nonsense = 1\n").expect("written");
    let output = Command::new(binary())
        .args(["doctor", "--json", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
        .args([&data, Path::new("--profile"), &profile])
        .output()
        .expect("the program runs");
    one_error(&output, "profile");
    let config = directory.path().join("nhip.toml");
    std::fs::write(&config, "dta = \"x\"\n").expect("written");
    assert_eq!(doctor(&data, &["--config", &config.to_string_lossy()]).status.code(), Some(2));
    assert_eq!(doctor(&data, &["--nonsense"]).status.code(), Some(2));
}

/// A log of two Ticks far ahead.
fn forge(log: &Path, origin: Origin) {
    let identity = LogIdentity { installation: [7; 16], node: "node-1".to_owned(), origin };
    let (log, _) = SegmentLog::open(log, &identity, LogConfig::default()).expect("a log");
    let tick = || Record::Tick(Tick { at: FAR_AHEAD });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let commit = log.append(vec![tick(), tick()]).await.expect("queued");
        commit.durable().await.expect("durable");
    });
    log.close();
}
