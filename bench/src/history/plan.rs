//! What is asked of every program in the same words, and what each answers.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::data::{FIVE, Size, area, indicator_name, time};
use crate::context::Outcome;

/// Rows of the first file that DuckDB writes into its own format.
const NATIVE_ROWS: u64 = 1_000_000;

/// What kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The windows of some series, as rows.
    Series,
    /// Sums by area.
    Group,
    /// The newest window of every series.
    Latest,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Group => "group",
            Self::Latest => "latest",
        }
    }
}

/// One question. Per window it wants the version known last.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// None: all.
    pub(crate) indicator: Option<String>,
    /// None named: all.
    pub(crate) areas: Vec<String>,
    /// Hours, first and end.
    pub(crate) hours: (i64, i64),
    pub(crate) runs: usize,
    pub(crate) peer_runs: usize,
}

/// The questions, cheapest first.
pub(crate) fn questions(size: Size) -> Vec<Question> {
    let hours = size.hours();
    let year = (0, hours);
    let five: Vec<String> = (0..FIVE.min(size.series)).map(area).collect();
    let one: Vec<String> = five.iter().take(1).cloned().collect();
    let question =
        |name: &str, kind, indicator: Option<u32>, areas: &[String], hours, runs, peer_runs| Question {
            name: name.to_owned(),
            kind,
            indicator: indicator.map(indicator_name),
            areas: areas.to_vec(),
            hours,
            runs,
            peer_runs,
        };
    // Neither of the first nor of the last month, if there are several.
    let middle = hours / 2;
    let month = (middle / 24 * 24, (middle / 24 * 24 + 30 * 24).min(hours));
    let last = (hours - 24, hours);
    use Kind::{Group, Latest, Series};
    let mut asked = vec![
        question("one window", Series, Some(0), &one, (middle, middle + 1), 40, 5),
        question("a day of one series", Series, Some(0), &one, (middle, middle + 24), 40, 5),
        question("a year of one series", Series, Some(0), &one, year, 20, 5),
        question("a year of five series", Series, Some(0), &five, year, 20, 5),
    ];
    if size.series > FIVE {
        asked.push(question("by area, one indicator, a month", Group, Some(1), &[], month, 3, 3));
        asked.push(question("by area, one indicator, a year", Group, Some(1), &[], year, 3, 3));
    }
    asked.push(question("all series at one hour", Series, None, &[], (middle, middle + 1), 1, 2));
    asked.push(question("newest value of all series, last day", Latest, None, &[], last, 1, 2));
    asked
}

/// The plan as Python reads it.
pub(crate) fn json(questions: &[Question], files: &[PathBuf], work: &Path) -> Value {
    let asked: Vec<Value> = questions
        .iter()
        .map(|question| {
            let (from, to) = question.hours;
            json!({
                "name": question.name, "kind": question.kind.word(), "indicator": question.indicator,
                "areas": question.areas, "from": time(from).0, "to": time(to).0, "peer_runs": question.peer_runs,
            })
        })
        .collect();
    json!({"questions": asked, "files": files, "work": work, "native_rows": NATIVE_ROWS})
}

/// What a program answered to one question.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Milliseconds of each run, ascending.
    pub(crate) ms: Vec<f64>,
    /// Per area: rows and the exact sums of numerator, denominator, revision and known offset.
    pub(crate) sums: Value,
    /// Bytes read from files in one run; none if not known.
    pub(crate) bytes: Option<f64>,
    /// CPU time of one run, milliseconds, to 10 ms in all runs; none if not known.
    pub(crate) cpu_ms: Option<f64>,
}

impl Answer {
    pub(crate) fn of(line: &Value) -> Outcome<(String, Self)> {
        let name = line.get("question").and_then(Value::as_str).ok_or("an answer without its question")?;
        let ms = line.get("ms").and_then(Value::as_array).ok_or("an answer without times")?;
        let mut ms: Vec<f64> = ms.iter().filter_map(Value::as_f64).collect();
        ms.sort_by(f64::total_cmp);
        let sums = line.get("answer").cloned().ok_or("an answer without sums")?;
        let bytes = line.get("bytes").and_then(Value::as_f64);
        let cpu_ms = line.get("cpu_ms").and_then(Value::as_f64);
        Ok((name.to_owned(), Self { ms, sums, bytes, cpu_ms }))
    }

    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let at = ((self.ms.len() as f64 * share) as usize).min(self.ms.len().saturating_sub(1));
        self.ms.get(at).copied().unwrap_or(f64::NAN)
    }
}
