//! Answers are those of a naive computation over the rows that went in.

use std::collections::BTreeMap;

use nhip_analyst::{COLUMNS, Limits, Table};
use nhip_proto::{AnalystFormat, AnalystQuestion, Row};
use serde_json::{Value, json};

use crate::stage::{
    FIRST, HOUR, MACHINE, SECRET, SIMULATED, Stage, all, question, revision, some_records, three_days,
};

/// Window by window, the row that became known last, without looking at how it is done elsewhere.
fn known_last(batches: &[Vec<Row>]) -> Vec<&Row> {
    let mut newest: BTreeMap<(&str, i64), &Row> = BTreeMap::new();
    for row in batches.iter().flatten() {
        let key = (row.key.area.as_str(), row.key.window_start.0);
        let order = |row: &Row| (row.known_offset, row.revision, row.definition);
        let stands = newest.entry(key).or_insert(row);
        if order(row) > order(stands) {
            *stands = row;
        }
    }
    newest.into_values().collect()
}

fn tenths(row: &Row) -> Option<i64> {
    row.value.map(|value| i64::try_from(value.mantissa).expect("small"))
}

#[tokio::test]
async fn a_table_that_has_no_files_yet_has_no_rows() {
    let stage = Stage::new(MACHINE);
    for table in Table::ALL {
        let name = table.as_str();
        assert_eq!(stage.rows(&format!("SELECT * FROM {name}")).await, json!([]));
        assert_eq!(stage.rows(&format!("SELECT COUNT(*) AS n FROM {name}")).await, json!([[0]]));
    }
    let tables = stage.rows("SHOW TABLES").await;
    assert_eq!(tables, json!([]), "none was asked for");
}

#[tokio::test]
async fn figures_are_the_version_known_last_and_revisions_are_all() {
    let stage = Stage::new(MACHINE);
    let batches = three_days();
    stage.seal_rows(&batches).await;
    let all_rows = batches.iter().map(Vec::len).sum::<usize>();
    let naive = known_last(&batches);
    assert!(naive.len() == 216 && all_rows > 300, "{} of {all_rows}", naive.len());

    let counts = stage.rows("SELECT COUNT(*) AS n, COUNT(value) AS k FROM revisions").await;
    let valued = batches.iter().flatten().filter(|row| row.value.is_some()).count();
    assert_eq!(counts, json!([[all_rows, valued]]));

    let sql = "SELECT area, COUNT(*) AS n, COUNT(value) AS k, SUM(value_exact) AS total, MAX(value_exact) AS top \
               FROM figures GROUP BY area ORDER BY area";
    let want: Vec<Value> = ["25459", "25462", "80"]
        .iter()
        .map(|area| {
            let of_area: Vec<&&Row> = naive.iter().filter(|row| row.key.area.as_str() == *area).collect();
            let values: Vec<i64> = of_area.iter().filter_map(|row| tenths(row)).collect();
            let (total, top) = (values.iter().sum::<i64>(), values.iter().max().expect("some"));
            json!([area, of_area.len(), values.len(), total.to_string(), top.to_string()])
        })
        .collect();
    assert_eq!(stage.rows(sql).await, json!(want));
}

/// What stands before the version known last must not be found by looking for what it said.
#[tokio::test]
async fn conditions_on_figures_see_only_what_stands() {
    let stage = Stage::new(MACHINE);
    let batches = three_days();
    stage.seal_rows(&batches).await;
    let naive = known_last(&batches);
    for state in ["provisional", "final", "revised"] {
        let want = naive.iter().filter(|row| row.state.as_str() == state).count();
        let sql = format!("SELECT COUNT(*) AS n FROM figures WHERE state = '{state}'");
        assert_eq!(stage.rows(&sql).await, json!([[want]]), "{state}");
    }
    let low = naive.iter().filter(|row| tenths(row).is_some_and(|value| value < 400)).count();
    assert_eq!(stage.rows("SELECT COUNT(*) AS n FROM figures WHERE value < 40").await, json!([[low]]));
    let of_area = naive.iter().filter(|row| row.key.area.as_str() == "80" && row.revision == 0).count();
    let sql = "SELECT COUNT(*) AS n FROM figures WHERE area = '80' AND revision = 0";
    assert_eq!(stage.rows(sql).await, json!([[of_area]]));
}

/// By hand: three versions of one window, one of another, one without a value.
#[tokio::test]
async fn a_revised_window_by_hand() {
    let stage = Stage::new(MACHINE);
    let what_if = Row { lineage: "what-if-1".to_owned(), ..revision(9, "80", 0, 9, Some(9_999)) };
    stage
        .seal_rows(&[
            vec![revision(1, "80", 0, 0, Some(100)), revision(1, "80", 1, 0, Some(70))],
            vec![revision(2, "80", 0, 1, Some(120)), revision(2, "80", 2, 0, None)],
            vec![revision(3, "80", 0, 2, Some(110)), what_if],
        ])
        .await;
    let sql = "SELECT window_start, revision, state, value, value_exact, value_scale FROM figures \
               ORDER BY window_start";
    let want = json!([
        ["2026-11-20T00:00:00Z", 2, "revised", 11, "110", 1],
        ["2026-11-20T01:00:00Z", 0, "provisional", 7, "70", 1],
        ["2026-11-20T02:00:00Z", 0, "provisional", null, null, null],
    ]);
    assert_eq!(stage.rows(sql).await, want);
    let mean = stage.rows("SELECT AVG(value) AS mean, COUNT(*) AS n, COUNT(value) AS k FROM figures").await;
    assert_eq!(mean, json!([[9, 3, 2]]), "a window without a value is no zero");
    let sql = "SELECT value FROM revisions WHERE lineage = 'live' AND value IS NOT NULL ORDER BY known_offset, value";
    assert_eq!(stage.rows(sql).await, json!([[7], [10], [12], [11]]));
}

#[tokio::test]
async fn from_and_to_bound_what_is_read() {
    let stage = Stage::new(MACHINE);
    let batches = three_days();
    stage.seal_rows(&batches).await;
    let worker = stage.worker(Limits::default());
    let whole = question("SELECT MIN(window_start) AS a, MAX(window_start) AS b, COUNT(*) AS n FROM figures");
    let bounded =
        AnalystQuestion { from_ns: Some(FIRST + 23 * HOUR), to_ns: Some(FIRST + 26 * HOUR), ..whole.clone() };
    let (head, bytes) = all(&worker, &bounded).await.expect("answered");
    let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(answer["rows"], json!([["2026-11-20T23:00:00Z", "2026-11-21T01:00:00Z", 9]]));
    let (whole_head, _) = all(&worker, &whole).await.expect("answered");
    let on_third_day = |row: &&Row| row.key.window_start.0 >= FIRST + 48 * HOUR;
    let third = batches.iter().flatten().filter(on_third_day).count() as u64;
    assert_eq!(head.rows_scanned, whole_head.rows_scanned - third, "the file of the third day is left alone");
}

#[tokio::test]
async fn statements_of_many_kinds_are_understood() {
    let stage = Stage::new(MACHINE);
    stage
        .seal_rows(&[vec![
            revision(1, "25459", 0, 0, Some(100)),
            revision(1, "25459", 17, 0, Some(200)),
            revision(1, "80", 0, 0, Some(300)),
            revision(1, "80", 17, 0, None),
        ]])
        .await;
    for (sql, want) in [
        (
            // 17:00 UTC is the next midnight in Việt Nam.
            "SELECT STRFTIME(window_start + INTERVAL '7 hours', '%Y-%m-%d') AS day, COUNT(*) AS n FROM figures \
             GROUP BY day ORDER BY day",
            json!([["2026-11-20", 2], ["2026-11-21", 2]]),
        ),
        (
            "WITH top AS (SELECT area, MAX(value) AS v FROM figures GROUP BY area) \
             SELECT f.area, f.value FROM figures f JOIN top ON f.area = top.area AND f.value = top.v ORDER BY f.area",
            json!([["25459", 20], ["80", 30]]),
        ),
        (
            "SELECT area, value FROM figures \
             WHERE window_start >= '2026-11-20T10:00:00' AND window_start < '2026-11-21' \
             ORDER BY area",
            json!([["25459", 20], ["80", null]]),
        ),
        (
            "SELECT area, SUM(CASE WHEN value IS NULL THEN 1 ELSE 0 END) AS gaps FROM figures GROUP BY area \
             HAVING COUNT(*) > 1 ORDER BY gaps DESC, area LIMIT 1",
            json!([["80", 1]]),
        ),
        ("SELECT DISTINCT area FROM figures WHERE area IN ('80', 'x') UNION SELECT 'none'", Value::Null),
        ("SELECT area FROM figures WHERE area LIKE '254%' AND value > 15", json!([["25459"]])),
    ] {
        let rows = stage.rows(sql).await;
        if want.is_null() {
            assert_eq!(rows.as_array().map(Vec::len), Some(2), "{sql}");
        } else {
            assert_eq!(rows, want, "{sql}");
        }
    }
}

#[tokio::test]
async fn records_are_rows_of_items_and_nothing_sealed_is_among_their_columns() {
    let stage = Stage::new(MACHINE);
    stage.seal_records(some_records()).await;
    let sql = "SELECT \"offset\", place, kind, source, name, value, mantissa, scale, state FROM records \
               ORDER BY \"offset\", place";
    let want = json!([
        [0, 0, "message", "st-01", "pm25", 35.2, 352, 1, null],
        [0, 1, "message", "st-01", "mode", null, null, null, "ok"],
        [1, 0, "message", "st-02", "pm25", 7, 7, 0, null],
        [2, 0, "tick", null, null, null, null, null, null],
    ]);
    assert_eq!(stage.rows(sql).await, want);
    assert_eq!(
        stage.rows("SELECT at FROM records WHERE kind = 'tick'").await,
        json!([["2026-11-20T03:00:00Z"]])
    );
    for column in ["sealed", "sealed_key", "sealed_nonce", "sealed_hash", "rest"] {
        let asked =
            all(&stage.worker(Limits::default()), &question(&format!("SELECT {column} FROM records"))).await;
        assert!(asked.is_err(), "{column}");
        let star = stage.json("SELECT * FROM records").await;
        assert!(
            star["columns"].as_array().expect("columns").iter().all(|known| known["name"] != column),
            "{column}"
        );
    }
    let hexadecimal: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let star = stage.json("SELECT * FROM records").await.to_string();
    assert!(!star.contains("SECRET") && !star.contains(&hexadecimal));
}

#[tokio::test]
async fn every_column_that_is_told_is_there() {
    let stage = Stage::new(MACHINE);
    stage.seal_rows(&[vec![revision(1, "80", 0, 0, Some(100))]]).await;
    stage.seal_records(some_records()).await;
    for (table, columns) in [("revisions", COLUMNS[0]), ("figures", COLUMNS[0]), ("records", COLUMNS[1])] {
        let names: Vec<Value> = columns.iter().map(|(name, _)| json!(name)).collect();
        let with_files = stage.json(&format!("SELECT * FROM {table}")).await["columns"].take();
        let told: Vec<&Value> =
            with_files.as_array().expect("columns").iter().map(|column| &column["name"]).collect();
        assert_eq!(told, names.iter().collect::<Vec<_>>(), "{table}");
        let empty = Stage::new(MACHINE).json(&format!("SELECT * FROM {table}")).await["columns"].take();
        assert_eq!(empty, with_files, "{table}: the same types without a file");
    }
}

#[tokio::test]
async fn what_is_simulated_says_so_in_every_format() {
    let stage = Stage::new(SIMULATED);
    stage.seal_rows(&[vec![revision(1, "80", 0, 0, Some(100))]]).await;
    let worker = stage.worker(Limits::default());
    let mut asked = question("SELECT area, value FROM figures");
    let (head, json) = all(&worker, &asked).await.expect("answered");
    assert_eq!((head.origin.as_str(), head.rows), ("simulated", 1));
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!((&json["origin"], &json["rows"]), (&json!("simulated"), &json!([["80", 10, "simulated"]])));
    asked.format = AnalystFormat::Csv;
    let (_, csv) = all(&worker, &asked).await.expect("answered");
    assert_eq!(String::from_utf8(csv).expect("UTF-8"), "area,value,origin\r\n80,10,simulated\r\n");
    asked.format = AnalystFormat::Parquet;
    let (_, parquet) = all(&worker, &asked).await.expect("answered");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let words = String::from_utf8_lossy(&parquet).into_owned();
    assert!(words.contains("nhip.origin") && words.contains("simulated"));
}
