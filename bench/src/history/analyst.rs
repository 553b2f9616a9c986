//! Group-by over the files as the analyst's worker answers it: a process of its own for each question, verifying of
//! every file included.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::export::rfc3339;
use super::peers::Told;
use super::plan::{Kind, Question};
use crate::context::{Context, Outcome};
use crate::report::{Figure, Report};

/// The worker, beside the program.
const PROGRAM: &str = "nhip-analyst";
/// Bounds far beyond the shipped ones: here it is asked what everything costs.
const BOUNDS: [&str; 8] = [
    "--rows-scanned",
    "1000000000",
    "--seconds",
    "600",
    "--memory-mib",
    "8192",
    "--rows-unbounded",
    "1000000000",
];

/// Says what the worker takes, or that it is not built. The node must have run on the data: its log says of what
/// origin they are.
pub(crate) fn measure(
    report: &mut Report,
    context: &Context,
    data: &Path,
    questions: &[Question],
    ours: &Told,
) -> Outcome<()> {
    let program = context.program().with_file_name(PROGRAM);
    if !program.exists() {
        return report.remark("SKIPPED group-by in nhip-analyst: not built beside the program");
    }
    for question in questions.iter().filter(|question| question.kind == Kind::Group) {
        let began = Instant::now();
        let output = ask(&program, data, question)?;
        let took_ms = began.elapsed().as_secs_f64() * 1e3;
        if !output.status.success() {
            let refusal = String::from_utf8_lossy(&output.stderr);
            report.remark(&format!("nhip-analyst, {}: {}", question.name, refusal.trim()))?;
            continue;
        }
        let sums = sums(&serde_json::from_slice(&output.stdout)?)?;
        if ours.answers.get(&question.name).is_none_or(|answer| answer.sums != sums) {
            return Err(
                format!("{}: nhip-analyst answers otherwise than the series store", question.name).into()
            );
        }
        let figure = Figure::cost(&format!("{}, in nhip-analyst", question.name), took_ms, "ms");
        report.add(&figure.note("one run: its start, hashing of every file and SQL"))?;
    }
    Ok(())
}

fn ask(program: &Path, data: &Path, question: &Question) -> Outcome<std::process::Output> {
    let indicator = question.indicator.as_deref().ok_or("a grouped question names its indicator")?;
    let sql = format!(
        "SELECT area, COUNT(*) AS n, SUM(numerator) AS numerators, SUM(denominator) AS denominators, \
         SUM(revision) AS revisions, SUM(known_offset) AS offsets \
         FROM figures WHERE indicator = '{indicator}' GROUP BY area ORDER BY area"
    );
    let mut command = Command::new(program);
    command.args(["query", "--format", "json", "--sql", &sql]).arg("--data").arg(data);
    command.args(["--from", &rfc3339(question.hours.0), "--to", &rfc3339(question.hours.1)]).args(BOUNDS);
    Ok(command.stdin(Stdio::null()).output()?)
}

/// As the others tell them: area, then numbers as texts.
fn sums(answer: &Value) -> Outcome<Value> {
    let rows = answer.get("rows").and_then(Value::as_array).ok_or("an answer without rows")?;
    let told = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let row = |row: &Value| -> Vec<String> { row.as_array().into_iter().flatten().map(told).collect() };
    Ok(json!(rows.iter().map(row).collect::<Vec<_>>()))
}
