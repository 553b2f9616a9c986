//! Every act of the history on a file is a step a test can end the program after, and only a build with deliberate
//! faults can.

use super::tree::{files, is_outside_production, production, read};

/// What changes files or makes a change durable.
const ACTS: &[&str] = &[
    "fs::rename",
    "fs::remove_file",
    "fs::remove_dir",
    "fs::write",
    "fs::copy",
    "File::create",
    "OpenOptions",
    ".sync_all(",
    ".sync_data(",
    ".set_len(",
];
/// The file of the room where each of them tells its step.
const TOLD_IN: &str = "analytics/history/src/durable.rs";
/// Outside the room: what goes because it stands elsewhere.
const GIVING_UP: &[&str] = &["adapters/src/log_segment/trim.rs", "adapters/src/rows_file.rs"];
/// The only listener, and what decides whether it is compiled.
const LISTENER: &str = "src/file_faults.rs";

#[test]
fn every_act_on_a_file_of_the_history_is_a_step() {
    let mut wrong = Vec::new();
    for path in files(&[".rs"]) {
        let inside = path.starts_with("analytics/history/src/") && path != TOLD_IN;
        if is_outside_production(&path) || !inside {
            continue;
        }
        let text = read(&path);
        wrong.extend(
            ACTS.iter().filter(|act| production(&text).contains(*act)).map(|act| format!("{path}: {act}")),
        );
    }
    for path in GIVING_UP {
        let text = read(path);
        wrong.extend(
            production(&text).contains("fs::remove_file").then(|| format!("{path}: fs::remove_file")),
        );
    }
    assert!(wrong.is_empty(), "acts on files that tell no step:\n{}", wrong.join("\n"));
    let told = read(TOLD_IN).matches("did(FileAct::").count();
    assert!(told >= 11, "{TOLD_IN} tells only {told} steps");
}

#[test]
fn nobody_listens_in_a_program_without_deliberate_faults() {
    let listens = |path: &String| !is_outside_production(path) && read(path).contains("watch_file_steps(");
    let listeners: Vec<String> = files(&[".rs"]).into_iter().filter(listens).collect();
    assert_eq!(listeners, ["ports/src/file_step.rs", LISTENER]);
    let main = read("src/main.rs");
    assert!(main.contains("#[cfg(feature = \"fault-injection\")]\nmod file_faults;"), "only in those builds");
}
