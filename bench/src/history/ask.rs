//! The questions put to the series store through its port, in a process of its own so that its memory is only theirs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nhip_adapters::RowFiles;
use nhip_history::series::{SeriesHistory, SeriesStore};
use nhip_ports::{AsOf, History, Landing, SeriesKey, SeriesQuery};
use nhip_proto::{AreaCode, IndicatorId, Row};
use serde_json::{Value, json};

use super::data::{FIVE, Size, area, indicator, indicator_name, time};
use super::plan::{Kind, Question, questions};
use crate::context::Outcome;
use crate::process;
use crate::report::say;

/// Puts every question and says each answer as a JSON line.
pub(crate) async fn ask(data: &Path, size: Size) -> Outcome<()> {
    let landing: Arc<dyn Landing> = Arc::new(RowFiles::open(&data.join("rows"))?);
    let began = Instant::now();
    let store = Arc::new(SeriesStore::open(&data.join("series"), landing).await?);
    let history = SeriesHistory::new(store);
    let first = SeriesQuery {
        series: key(0),
        from: time(0),
        to: time(size.hours()),
        as_of: AsOf::Now,
        windows_max: usize::MAX,
    };
    history.figures(first).await?;
    let first_ms = milliseconds(began);
    for question in questions(size) {
        let (mut ms, mut told) = (Vec::new(), (Vec::new(), Sums::default()));
        let (read_before, cpu_before) = (process::bytes_read(), process::cpu_seconds(std::process::id()));
        for _ in 0..question.runs {
            drop(std::mem::take(&mut told));
            let began = Instant::now();
            told = put(&history, &question, size).await?;
            ms.push(milliseconds(began));
        }
        let bytes = (process::bytes_read() - read_before) / question.runs as f64;
        let cpu_ms = (process::cpu_seconds(std::process::id()) - cpu_before) * 1e3 / question.runs as f64;
        let (rows, mut sums) = told;
        sums.add(&rows);
        let line = json!({
            "question": question.name, "ms": ms, "answer": sums.json(), "bytes": bytes, "cpu_ms": cpu_ms,
        });
        say(&line.to_string());
    }
    let rss_mib = process::peak_resident_kib() / 1_024.0;
    say(&json!({"version": "nhip", "rss_mib": rss_mib, "first_ms": first_ms}).to_string());
    Ok(())
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// One question of the port after the other: it knows series, not tables. Rows that were asked for stay in memory
/// until all are there, as with the others; those of sums do not.
async fn put(history: &dyn History, question: &Question, size: Size) -> Outcome<(Vec<Row>, Sums)> {
    let (from, to) = question.hours;
    let (mut rows, mut sums) = (Vec::new(), Sums::default());
    for series in series_of(question, size) {
        let query =
            SeriesQuery { series, from: time(from), to: time(to), as_of: AsOf::Now, windows_max: usize::MAX };
        let mut found = history.figures(query).await?;
        match question.kind {
            Kind::Latest => rows.extend(found.pop()),
            Kind::Series => rows.append(&mut found),
            Kind::Group => sums.add(&found),
        }
    }
    Ok((rows, sums))
}

fn series_of(question: &Question, size: Size) -> Vec<SeriesKey> {
    let asked = |number: &u32| {
        question.indicator.as_ref().is_none_or(|name| *name == indicator_name(indicator(*number)))
            && (question.areas.is_empty() || question.areas.contains(&area(*number)))
    };
    // Only series 0 to 4 have the first indicator: the others need not be named.
    let end = if question.indicator == Some(indicator_name(0)) { FIVE.min(size.series) } else { size.series };
    (0..end).filter(asked).map(key).collect()
}

fn key(number: u32) -> SeriesKey {
    SeriesKey {
        indicator: IndicatorId::new(&indicator_name(indicator(number))),
        area: AreaCode::new(&area(number)),
        group: String::new(),
        period: "1h".to_owned(),
    }
}

/// Per area: rows and the exact sums of numerator, denominator, revision and known offset.
#[derive(Default)]
struct Sums(BTreeMap<String, [i128; 5]>);

impl Sums {
    fn add(&mut self, rows: &[Row]) {
        for row in rows {
            let parts =
                [1, row.numerator, row.denominator, i128::from(row.revision), i128::from(row.known_offset.0)];
            let area = row.key.area.as_str();
            let sums = match self.0.get_mut(area) {
                Some(sums) => sums,
                None => self.0.entry(area.to_owned()).or_default(),
            };
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
    }

    /// As texts: they are longer than a number of JSON.
    fn json(self) -> Value {
        let line = |(area, sums): (String, [i128; 5])| {
            let mut line = vec![Value::from(area)];
            line.extend(sums.map(|sum| Value::from(sum.to_string())));
            Value::from(line)
        };
        self.0.into_iter().map(line).collect()
    }
}
