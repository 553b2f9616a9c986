//! Every program that is asked runs in a process of its own and says its answers as JSON lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::data::Size;
use super::plan::Answer;
use crate::context::{Context, Outcome};

/// The interpreter with polars and DuckDB; `cargo xtask bench` makes it.
const PYTHON: &str = "NHIP_BENCH_PYTHON";

/// One program's answers.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) answers: BTreeMap<String, Answer>,
    /// What it said at its end: version, peak memory.
    pub(crate) end: Value,
}

impl Told {
    pub(crate) fn version(&self) -> &str {
        self.end.get("version").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        self.end.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
    }
}

/// The series store.
pub(crate) fn ours(data: &Path, size: Size) -> Outcome<Told> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("history-ask").arg("--data-directory").arg(data);
    command.args(["--series", &size.series.to_string(), "--days", &size.days.to_string()]);
    told(command)
}

/// polars, then DuckDB; none if there is no interpreter for them.
pub(crate) fn theirs(plan: &Path) -> Outcome<Option<[Told; 2]>> {
    let Some(python) = std::env::var_os(PYTHON).map(PathBuf::from) else { return Ok(None) };
    let ask = |engine: &str| {
        let mut command = Command::new(&python);
        command.arg(Context::root().join("bench/peers/history.py")).arg(engine).arg(plan);
        told(command)
    };
    Ok(Some([ask("polars")?, ask("duckdb")?]))
}

fn told(mut command: Command) -> Outcome<Told> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", command.get_program().display(), output.status).into());
    }
    let mut told = Told { answers: BTreeMap::new(), end: Value::Null };
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        if line.get("version").is_some() {
            told.end = line;
        } else {
            let (name, answer) = Answer::of(&line)?;
            told.answers.insert(name, answer);
        }
    }
    Ok(told)
}
