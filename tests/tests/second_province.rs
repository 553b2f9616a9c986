//! A second province is text alone: the program checks, tests and runs profiles/dong-thap as it does the first.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nhip_tests::{Node, NodeOptions, binary, get_json, post, until};

/// How long a figure may take to be seen (a loaded test machine, an unoptimised build).
const SEEN: Duration = Duration::from_secs(60);

#[test]
fn the_program_checks_and_tests_it() {
    for command in ["check", "test"] {
        let output = Command::new(binary()).arg(command).arg(dong_thap()).output().expect("the program runs");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{command}: {}", said.concat());
    }
}

#[test]
fn a_running_node_shows_its_figures_and_its_wall() {
    let folder = tempfile::tempdir().expect("a directory");
    let profile = dong_thap().display().to_string();
    let options = NodeOptions::run(&folder.path().join("data")).set("--profile", &profile);
    let node = Node::start(&options).expect("it starts");
    for (id, handled) in
        [("a", "software"), ("b", "software"), ("c", "outside"), ("d", "software"), ("a", "software")]
    {
        let body = format!(r#"{{"id": "{id}", "states": {{"handled": "{handled}"}}}}"#);
        let path = "/api/v1/ingest/dossier?source=dt-mc-28261";
        let (status, said) = post(node.http, path, "application/json", body.as_bytes()).expect("an answer");
        assert!((200..300).contains(&status), "{status}: {said}");
    }
    let figure = |area: &str| {
        let path = format!("/api/v1/figures?indicator=psc.onestop_1mo&area={area}");
        get_json(node.http, &path)["items"][0].clone()
    };
    until("Mỹ Tho's share of the month", SEEN, || figure("28261")["value"] == 75.0);
    let province = figure("82");
    assert_eq!(province["value"], 75.0, "{province}");
    assert_eq!((&province["k"], &province["m"]), (&1.into(), &103.into()), "{province}");
    assert_eq!(province["target"]["status"], "none", "the plan ended with Tiền Giang: {province}");
    let wall = get_json(node.http, "/api/v1/views/main/snapshot").to_string();
    for word in ["Đồng Tháp", "psc.onestop_1mo", "Phường Mỹ Tho"] {
        assert!(wall.contains(word), "{word}");
    }
    assert!(!wall.contains("Tây Ninh"));
}

fn dong_thap() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles/dong-thap")
}
