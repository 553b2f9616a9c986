//! What a question may not do and may not cost; after each refusal the next question is answered.

use nhip_analyst::{Limits, Worker};
use nhip_proto::{AnalystCode, AnalystFormat, AnalystQuestion, AnalystRefusal, Row};

use crate::stage::{FIRST, HOUR, MACHINE, Stage, all, question, revision};

/// Windows enough that every pair of them is too much.
const WINDOWS: i64 = 6_000;

async fn many() -> Stage {
    let stage = Stage::new(MACHINE);
    let rows: Vec<Row> = (0..WINDOWS).map(|hour| revision(1, "80", hour, 0, Some(hour % 500))).collect();
    stage.seal_rows(&[rows]).await;
    stage
}

async fn refused(worker: &Worker, question: &AnalystQuestion) -> AnalystRefusal {
    match all(worker, question).await {
        Ok((head, _)) => panic!("answered with {} rows: {}", head.rows, question.sql),
        Err(refusal) => refusal,
    }
}

/// The one next in line.
async fn still_answers(worker: &Worker) {
    let answered = all(worker, &question("SELECT MAX(value) AS v FROM figures WHERE area = '80'")).await;
    let (head, bytes) = answered.unwrap_or_else(|refusal| panic!("{}", refusal.message));
    assert_eq!(head.rows, 1);
    assert!(String::from_utf8_lossy(&bytes).contains("[49.9]"), "{}", String::from_utf8_lossy(&bytes));
}

#[tokio::test]
async fn statements_that_are_not_allowed_reach_no_file_and_change_nothing() {
    let stage = many().await;
    let worker = stage.worker(Limits::default());
    for sql in [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('../../etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM figures JOIN (SELECT * FROM \"/etc/passwd\") p ON figures.k = p.k",
        "WITH c AS (SELECT * FROM read_ipc('/etc/passwd')) SELECT * FROM c",
        "DROP TABLE figures",
        "DELETE FROM figures",
        "CREATE TABLE t AS SELECT * FROM figures",
        "SELECT nothing FROM figures",
        "SELECT * FROM figure",
        "no statement",
    ] {
        let refusal = refused(&worker, &question(sql)).await;
        assert_eq!(refusal.code, AnalystCode::Statement, "{sql}: {}", refusal.message);
        assert!(!refusal.message.contains("root:"), "{}", refusal.message);
    }
    let unknown = refused(&worker, &question("SELECT * FROM figure")).await;
    assert!(unknown.message.contains("there are figures, revisions, records"), "{}", unknown.message);
    still_answers(&worker).await;
}

#[tokio::test]
async fn more_rows_or_days_than_allowed_are_refused_before_anything_is_read() {
    let stage = many().await;
    // The files are no files any more: whoever reads them is refused for another reason.
    for entry in std::fs::read_dir(stage.series()).expect("the files") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            std::fs::write(&path, b"nothing").expect("written");
        }
    }
    let few = stage.worker(Limits { rows_scanned_max: 5_999, ..Limits::default() });
    let refusal = refused(&few, &question("SELECT * FROM figures")).await;
    assert_eq!(refusal.code, AnalystCode::Limit);
    assert!(refusal.message.contains("have 6000 rows, allowed are 5999"), "{}", refusal.message);

    let bounded = stage.worker(Limits { rows_unbounded_max: 100, span_days_max: 30, ..Limits::default() });
    let refusal = refused(&bounded, &question("SELECT * FROM figures")).await;
    assert!(refusal.message.contains("names from and to"), "{}", refusal.message);
    let month = AnalystQuestion {
        from_ns: Some(FIRST),
        to_ns: Some(FIRST + 31 * 24 * HOUR),
        ..question("SELECT 1 FROM figures")
    };
    let refusal = refused(&bounded, &month).await;
    assert!(refusal.message.contains("spans 31 days, allowed are 30"), "{}", refusal.message);

    let within = AnalystQuestion { to_ns: Some(FIRST + 30 * 24 * HOUR), ..month };
    assert_eq!(
        refused(&bounded, &within).await.code,
        AnalystCode::Damaged,
        "allowed, so the files were read"
    );
}

#[tokio::test]
async fn answers_have_bounded_rows_and_bytes() {
    let stage = many().await;
    let limits = Limits { rows_returned_max: 100, answer_mib_max: 1, ..Limits::default() };
    let worker = stage.worker(limits);
    let refusal = refused(&worker, &question("SELECT * FROM figures LIMIT 101")).await;
    assert_eq!(refusal.code, AnalystCode::Limit);
    assert!(refusal.message.contains("more than 100 rows"), "{}", refusal.message);
    assert_eq!(
        all(&worker, &question("SELECT k FROM figures LIMIT 100")).await.expect("answered").0.rows,
        100
    );

    let long = stage.worker(Limits { answer_mib_max: 1, ..Limits::default() });
    for format in AnalystFormat::ALL {
        let sql = "SELECT a.*, RPAD(a.indicator, 2000, 'x') AS pad FROM revisions a";
        let asked = AnalystQuestion { format, ..question(sql) };
        if format == AnalystFormat::Parquet {
            continue; // Compressed to less than the bound.
        }
        let refusal = refused(&long, &asked).await;
        assert!(refusal.message.contains("longer than 1 MiB"), "{format:?}: {}", refusal.message);
    }
    still_answers(&worker).await;
}

#[tokio::test]
async fn a_question_beyond_its_memory_ends_alone() {
    let stage = many().await;
    let worker = stage.worker(Limits { memory_mib_max: 192, seconds_max: 300, ..Limits::default() });
    still_answers(&worker).await;
    let pairs = "SELECT a.window_start AS x, b.window_start AS y, COUNT(*) AS n FROM revisions a \
                 CROSS JOIN revisions b GROUP BY x, y ORDER BY n DESC LIMIT 3";
    let refusal = refused(&worker, &question(pairs)).await;
    assert_eq!(refusal.code, AnalystCode::Limit, "{}", refusal.message);
    assert!(refusal.message.contains("memory limit of 192 MiB"), "{}", refusal.message);
    still_answers(&worker).await;
}

#[tokio::test]
async fn a_question_beyond_its_time_is_ended() {
    let stage = many().await;
    let worker = stage.worker(Limits { seconds_max: 2, ..Limits::default() });
    let triples = "SELECT COUNT(*) AS n FROM revisions a CROSS JOIN revisions b CROSS JOIN revisions c \
                   WHERE a.value + b.value > c.value";
    let began = std::time::Instant::now();
    let refusal = refused(&worker, &question(triples)).await;
    assert_eq!(refusal.code, AnalystCode::Limit, "{}", refusal.message);
    let ended = refusal.message.contains("time limit of 2 s") || refusal.message.contains("memory limit");
    assert!(ended, "{}", refusal.message);
    assert!(began.elapsed() < std::time::Duration::from_secs(60), "{:?}", began.elapsed());
    still_answers(&stage.worker(Limits::default())).await;
}

/// Whatever a statement makes of polars, the process that asked goes on and the refusal is one.
#[tokio::test]
async fn a_process_that_breaks_off_is_a_refusal() {
    let stage = many().await;
    let worker = Worker::new(
        nhip_analyst::Catalogue::new(stage.data()),
        Limits::default(),
        std::path::PathBuf::from("/bin/false"),
    );
    let refusal = refused(&worker, &question("SELECT 1 FROM figures")).await;
    assert_eq!(refusal.code, AnalystCode::Failed);
    let gone = Worker::new(
        nhip_analyst::Catalogue::new(stage.data()),
        Limits::default(),
        std::path::PathBuf::from("/nonexistent/nhip-analyst"),
    );
    assert_eq!(refused(&gone, &question("SELECT 1 FROM figures")).await.code, AnalystCode::Failed);
}
