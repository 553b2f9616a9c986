//! What operators copy: units, image, compose file, configuration and manual name only what is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use nhip_tests::{binary, skipped};

/// Ten times the exposure `systemd-analyze security` may give the node's unit (0 none, 100 naked).
const EXPOSURE_TENTHS_MAX: &str = "15";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Command lines of the program: words behind `nhip`.
fn command_lines() -> Vec<(String, Vec<String>)> {
    let mut lines = Vec::new();
    for unit in ["deploy/systemd/nhip.service", "deploy/systemd/nhip-backup.service"] {
        let text = read(unit);
        let commands = text.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/nhip "));
        lines.extend(commands.map(|line| (unit.to_owned(), line.to_owned())));
    }
    for document in ["docs/operations.md", "README.md"] {
        let text = read(document);
        let blocks = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        let prose = text.split("```").step_by(2);
        let spans = prose.flat_map(|text| text.split('`').skip(1).step_by(2));
        let calls = blocks.chain(spans).filter_map(call);
        lines.extend(calls.map(|line| (document.to_owned(), line.to_owned())));
    }
    lines
        .into_iter()
        .map(|(place, line)| {
            let line = line.split(['#', '|', '…']).next().unwrap_or_default();
            (place, line.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

/// What follows `nhip` where a text calls the program.
fn call(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_prefix("runuser -u nhip -- ").unwrap_or(text);
    text.strip_prefix("target/release/").unwrap_or(text).strip_prefix("nhip ")
}

#[test]
fn units_and_manuals_name_only_commands_and_options_that_exist() {
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut checked = 0;
    for (place, words) in command_lines() {
        let is_name = |word: &&String| word.chars().all(|letter| letter.is_ascii_lowercase());
        let mut command: Vec<String> = words.iter().take_while(is_name).take(2).cloned().collect();
        if !["log", "prove", "backup"].contains(&command.first().map_or("", String::as_str)) {
            command.truncate(1);
        }
        assert!(!command.is_empty(), "{place}: nhip {words:?}");
        let help = helps.entry(command.clone()).or_insert_with(|| help(&command, &place));
        for flag in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
            let flag = flag.split('=').next().unwrap_or_default();
            let named = help.split_whitespace().any(|word| word.trim_end_matches(',') == flag);
            assert!(named, "{place}: nhip {command:?} has no {flag}");
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} options were found: the check checks nothing");
}

fn help(command: &[String], place: &str) -> String {
    let output = Command::new(binary()).args(command).arg("--help").output().expect("the program runs");
    assert!(output.status.success(), "{place}: nhip {command:?} is no command");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_unit_is_as_closed_as_the_manual_says() {
    let test = "the_unit_is_as_closed_as_the_manual_says";
    for unit in ["nhip.service", "nhip-backup.service", "nhip-analyst.service"] {
        let path = root().join("deploy/systemd").join(unit);
        let output = Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--no-pager", "--threshold", EXPOSURE_TENTHS_MAX])
            .arg(&path)
            .output();
        let Ok(output) = output else { return skipped(test, "systemd-analyze is not installed") };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{unit}: {said}{}", String::from_utf8_lossy(&output.stderr));
        let score = said.lines().find_map(|line| line.split("level for ").nth(1)?.split(": ").nth(1));
        let score = score.and_then(|rest| rest.split_whitespace().next()).expect("a score");
        let told = format!("`{unit}` {score}");
        assert!(read("docs/operations.md").contains(&told), "docs/operations.md does not say {told}");
    }
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut units = Vec::new();
    for unit in ["nhip.service", "nhip-backup.service", "nhip-backup.timer"] {
        // The program is not installed on a machine that tests it.
        let text =
            read(&format!("deploy/systemd/{unit}")).replace("/usr/bin/nhip", &binary().to_string_lossy());
        units.push(directory.path().join(unit));
        std::fs::write(units.last().expect("a unit"), text).expect("written");
    }
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output();
    let Ok(output) = output else {
        return skipped("systemd_finds_no_fault_in_the_units", "systemd-analyze is not installed");
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn image_and_compose_file_name_files_that_are_there() {
    let mut named: Vec<String> = Vec::new();
    for line in
        read("deploy/Dockerfile").lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
    {
        named.extend(line.split_whitespace().skip(1).take(1).map(str::to_owned));
    }
    let compose = read("deploy/compose.yaml");
    for line in compose.lines().map(str::trim) {
        let relative = line.strip_prefix("source: ").filter(|path| path.starts_with('.'));
        named.extend(relative.map(|path| format!("deploy/{path}")));
        named.extend(line.strip_prefix("dockerfile: ").map(str::to_owned));
        named.extend(line.strip_prefix("context: ").map(|path| format!("deploy/{path}")));
    }
    assert!(named.len() > 6, "{named:?}");
    let missing: Vec<&String> = named.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let test = "image_and_compose_file_name_files_that_are_there";
    let python = |code: &str, file: &str| {
        Command::new("python3").args(["-c", code, file]).current_dir(root()).output()
    };
    if !python("import yaml", "").is_ok_and(|output| output.status.success()) {
        return skipped(test, "python3-yaml is not installed");
    }
    let code = "import sys,yaml\n\
        d=yaml.safe_load(open(sys.argv[1]))\n\
        v=[m['source'] for s in d['services'].values() for m in s['volumes'] if m['type']=='volume']\n\
        assert sorted(set(v))==sorted(d['volumes']),v";
    let output = python(code, "deploy/compose.yaml").expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Compose file, image and configurations agree: what one names, the other has.
#[test]
fn the_compose_file_mounts_and_publishes_what_the_configurations_name() {
    let (compose, broker, image) =
        (read("deploy/compose.yaml"), read("deploy/mosquitto/nhip.conf"), read("deploy/Dockerfile"));
    let node: toml::Table = read("deploy/nhip.toml").parse().expect("TOML");
    let after = |text: &str, prefix: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim).filter_map(|line| line.strip_prefix(prefix));
        lines.map(str::to_owned).collect()
    };
    let targets = after(&compose, "target: ");
    for key in ["data", "keys", "profile"] {
        let named = node[key].as_str().expect("a path").to_owned();
        assert!(targets.contains(&named), "{key} = {named} is mounted nowhere: {targets:?}");
    }
    let sessions = after(&broker, "persistence_location ").concat();
    let sessions = sessions.trim_end_matches('/').to_owned();
    assert!(targets.contains(&sessions), "the broker's sessions {sessions} are kept nowhere");
    let listeners = after(&broker, "listener ");
    let published: Vec<String> = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ports: [\""))
        .filter_map(|line| Some(line.split('"').next()?.rsplit(':').next()?.to_owned()))
        .collect();
    assert_eq!(published.len(), 1);
    for port in &published {
        let listens = |line: &String| line.split_whitespace().next() == Some(port);
        assert!(listeners.iter().any(listens), "nobody listens on the published {port}");
    }
    // The last stage is the node's.
    let command = after(&image, "CMD [").pop().unwrap_or_default();
    let words: Vec<&str> = command.split('"').skip(1).step_by(2).collect();
    let help = help(&["run".to_owned()], "deploy/Dockerfile");
    assert_eq!(words.first(), Some(&"run"), "{words:?}");
    for word in words.iter().skip(1) {
        let known =
            if word.starts_with("--") { help.contains(word) } else { targets.contains(&(*word).to_owned()) };
        assert!(known, "the image's {word} is no option of `nhip run` and mounted nowhere");
    }
}

#[test]
fn the_configuration_we_ship_is_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let output = Command::new(binary())
        .args(["doctor", "--config", "deploy/nhip.toml", "--profile", "profiles/proof", "--json"])
        .args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
        .args([&data, Path::new("--keys"), &directory.path().join("keys")])
        .current_dir(root())
        .output()
        .expect("the program runs");
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
