//! Boston's 311 requests through MQTT into a real node: backlog, terms and times of cases equal those of the table.

use std::path::Path;
use std::process::Command;

use nhip_demo::RowSet;
use nhip_proto::{MINUTE, Span};
use nhip_tests::{Oracle, Replayed, binary, shared_data, skipped};

const WEEK: Span = 7 * 24 * 60 * MINUTE;
const TABLE: &str = "reports/boston311_201504_201506.csv.gz";

#[test]
fn requests_of_boston_live_as_the_table_says() {
    let test = "requests_of_boston_live_as_the_table_says";
    let Some(data) = shared_data() else { return skipped(test, "../shared is absent") };
    let Some(oracle) = Oracle::find() else { return skipped(test, "no oracle: run cargo xtask test") };
    let plan = RowSet::Boston.plan(&data).expect("the recording can be read");
    let told: u64 = plan.iter().map(|message| u64::from(message.readings)).sum();
    // 31,331 requests are opened, 27,211 of them closed.
    assert_eq!(told, 31_331 + 27_211);
    let replayed = Replayed { profile: "profiles/recordings-boston", plan, step: WEEK, split: true };
    let directory = tempfile::tempdir().expect("a directory");
    let account = replayed.play(directory.path());
    assert_eq!(account.total("received"), told);
    assert_eq!(account.total("late") + account.total("duplicate") + account.total("item_rejected"), 0);
    let rows = Command::new(binary())
        .args(["log", "rows", "--data"])
        .arg(directory.path().join("data"))
        .output()
        .expect("the program runs");
    assert!(rows.status.success(), "{}", String::from_utf8_lossy(&rows.stderr));
    let actual = directory.path().join("actual.jsonl");
    std::fs::write(&actual, &rows.stdout).expect("rows");
    let arguments = [Path::new("--table"), &data.join(TABLE), Path::new("--rows"), &actual];
    let said = oracle.run("boston.py", &arguments).unwrap_or_else(|said| panic!("{said}"));
    println!("{said}");
}
