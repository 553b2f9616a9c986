//! Only listed files, and only whole ones; files that are merged away meanwhile change no answer.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use nhip_analyst::Limits;
use nhip_proto::AnalystCode;
use serde_json::json;

use crate::stage::{FIRST, HOUR, MACHINE, Stage, all, question, revision};

const COUNT: &str = "SELECT COUNT(*) AS n FROM revisions";

async fn two_files() -> (Stage, Vec<PathBuf>) {
    let stage = Stage::new(MACHINE);
    stage.seal_rows(&[vec![revision(1, "80", 0, 0, Some(1))], vec![revision(2, "80", 30, 0, Some(2))]]).await;
    let mut files: Vec<PathBuf> = fs::read_dir(stage.series())
        .expect("the files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    (stage, files)
}

#[tokio::test]
async fn a_file_no_list_names_is_never_read() {
    let (stage, files) = two_files().await;
    fs::copy(&files[0], stage.series().join("2026-11-20.000000000099.parquet")).expect("planted");
    fs::create_dir_all(stage.data().join("archive")).expect("a directory");
    fs::copy(&files[0], stage.data().join("archive").join(format!("{:020}-{:020}.parquet", 0, 9)))
        .expect("planted");
    assert_eq!(stage.rows(COUNT).await, json!([[2]]));
    assert_eq!(stage.rows("SELECT COUNT(*) AS n FROM records").await, json!([[0]]));
}

#[tokio::test]
async fn a_damaged_file_is_not_served_also_if_it_was_verified_before() {
    let (stage, files) = two_files().await;
    let worker = stage.worker(Limits::default());
    all(&worker, &question(COUNT)).await.expect("whole");
    let whole = fs::read(&files[0]).expect("bytes");
    for place in [4, whole.len() / 2, whole.len() - 5] {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        fs::write(&files[0], &flipped).expect("written");
        let refusal = all(&worker, &question(COUNT)).await.expect_err("damaged");
        assert_eq!(refusal.code, AnalystCode::Damaged, "byte {place}: {}", refusal.message);
    }
    // The other file answers alone: a range that does not need the damaged one.
    let mut later = question(COUNT);
    later.from_ns = Some(FIRST + 25 * HOUR);
    later.to_ns = Some(FIRST + 40 * HOUR);
    assert_eq!(all(&worker, &later).await.expect("whole").0.rows_scanned, 1);
    fs::remove_file(&files[0]).expect("removed");
    assert_eq!(all(&worker, &question(COUNT)).await.expect_err("missing").code, AnalystCode::Damaged);
    fs::write(&files[0], &whole).expect("written");
    all(&worker, &question(COUNT)).await.expect("whole again");
}

#[tokio::test]
async fn a_damaged_list_serves_nothing() {
    let (stage, _) = two_files().await;
    let path = stage.series().join("manifest");
    let mut list = fs::read(&path).expect("the list");
    list[40] ^= 1;
    fs::write(&path, list).expect("written");
    let refusal = all(&stage.worker(Limits::default()), &question(COUNT)).await.expect_err("damaged");
    assert_eq!(refusal.code, AnalystCode::Damaged, "{}", refusal.message);
}

/// As the store merges: a new file and a new list, then the old file goes; over and over while questions are asked.
#[test]
fn files_that_are_merged_away_change_no_answer() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (stage, files) = runtime.block_on(two_files());
    let worker = stage.worker(Limits::default());
    let list = stage.series().join("manifest");
    let body = |name: &str| {
        let text = fs::read_to_string(&list).expect("the list");
        let body = text.strip_prefix("NhipManifest 1\n").and_then(|rest| rest.rsplit_once("\nblake3 "));
        let mut value: serde_json::Value = serde_json::from_str(body.expect("a list").0).expect("JSON");
        value["files"][0]["name"] = json!(name);
        value
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 10_u64;
            let mut current = files[0].clone();
            while !stop.load(Ordering::Relaxed) {
                let name = format!("2026-11-20.{number:012}.parquet");
                let next = stage.series().join(&name);
                fs::copy(&current, &next).expect("written anew");
                nhip_history::manifest::swap(&list, &body(&name)).expect("listed");
                fs::remove_file(&current).expect("removed");
                (current, number) = (next, number + 1);
            }
        });
        let asked = runtime.block_on(async {
            let mut asked = Vec::new();
            for _ in 0..12 {
                asked.push(all(&worker, &question(COUNT)).await);
            }
            asked
        });
        // Before anything is judged: a failed test must not merge for ever.
        stop.store(true, Ordering::Relaxed);
        let mut answered = 0;
        for asked in asked {
            match asked {
                Ok((head, bytes)) => {
                    answered += 1;
                    assert_eq!(head.rows_scanned, 2);
                    assert!(
                        String::from_utf8_lossy(&bytes).contains("[2]"),
                        "{}",
                        String::from_utf8_lossy(&bytes)
                    );
                }
                // No store merges without a pause; whoever meets this is told to ask again.
                Err(refusal) => assert_eq!(refusal.code, AnalystCode::Busy, "{}", refusal.message),
            }
        }
        assert!(answered > 0, "no question was answered");
    });
}

/// The child trusts no path: it must be the file that was verified.
#[test]
fn a_file_exchanged_after_it_was_verified_is_not_opened() {
    let question =
        json!({ "sql": "SELECT * FROM figures", "from_ns": null, "to_ns": null, "format": "json" });
    let limits = serde_json::to_value(Limits::default()).expect("JSON");
    let job = json!({ "question": question, "limits": limits, "origin": "machine" });
    let identity = json!({ "bytes": 1, "device": 1, "inode": 1, "modified_ns": 1, "changed_ns": 1 });
    let file = json!({ "path": "/etc/passwd", "identity": identity });
    let files = json!({ "tables": [["figures", [file]]], "rows": 1, "bytes": 1 });
    let mut child = Command::new(env!("CARGO_BIN_EXE_nhip-analyst"))
        .arg("run")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(format!("{job}\n{files}\n").as_bytes()).expect("taken");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, "{\"Tables\":[\"figures\"]}\n{\"Changed\":\"/etc/passwd\"}\n");
}
