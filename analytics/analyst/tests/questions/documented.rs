//! Every statement docs/analyst.md shows is answered.

use nhip_analyst::{COLUMNS, Limits};

use crate::stage::{MACHINE, Stage, all, question, some_records, three_days};

const MANUAL: &str = include_str!("../../../../docs/analyst.md");

#[tokio::test]
async fn every_statement_of_the_manual_is_answered() {
    let stage = Stage::new(MACHINE);
    stage.seal_rows(&three_days()).await;
    stage.seal_records(some_records()).await;
    let worker = stage.worker(Limits::default());
    let statements: Vec<&str> =
        MANUAL.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(statements.len() >= 5, "{} statements", statements.len());
    for sql in statements {
        let (head, _) =
            all(&worker, &question(sql)).await.unwrap_or_else(|refusal| panic!("{sql}: {}", refusal.message));
        assert!(head.rows > 0, "{sql}: an example without an answer shows nothing");
    }
}

#[test]
fn the_manual_names_every_column() {
    for (name, _) in COLUMNS.iter().copied().flatten() {
        assert!(MANUAL.contains(&format!("`{name}`")), "docs/analyst.md does not name {name}");
    }
}
