//! The past: a year of ten thousand series, asked of the series store and, raw on the same files, of polars and
//! DuckDB; exports; records computed again.

mod analyst;
mod ask;
mod data;
mod export;
mod fill;
mod peers;
mod plan;
mod recompute;

use std::path::PathBuf;

use self::peers::Told;
use self::plan::{Kind, Question};
use crate::context::{Context, Outcome};
use crate::disk;
use crate::report::{Figure, Report, say};

pub(crate) use self::ask::ask;
pub(crate) use self::data::{DAYS_MAX, Size};
pub(crate) use self::recompute::{MINUTES as RECOMPUTE_MINUTES, measure as recompute};

/// Of a year of five hourly series.
const FIVE_YEARS_MS_MAX: f64 = 200.0;

/// The row `history`.
pub(crate) async fn measure(context: &Context, size: Size) -> Outcome<()> {
    let mut report = Report::begin(context, "history")?;
    report.remark(&format!(
        "{} series, {} days, hourly: {} points, every twentieth with a revision",
        size.series,
        size.days,
        size.points()
    ))?;
    let directory = context.directory("history")?;
    let data = directory.join("data");
    let filled = fill::fill(&data, size).await?;
    let per_row = filled.bytes as f64 / filled.rows as f64;
    let per_point = filled.bytes as f64 / size.points() as f64;
    report.add(&Figure::rate("written by the file writer, all cores", filled.written_per_s, "rows/s"))?;
    let figure = Figure::rate("row files → sealed, read again, merged", filled.sealed_per_s, "rows/s");
    report.add(&figure.note("the last two days"))?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(data.join("series"))?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "parquet"));
    files.sort();
    let (bytes, seconds) = disk::read_all(&data.join("series"))?;
    let mebibytes_per_s = bytes as f64 / f64::from(1 << 20) / seconds;
    report.add(&Figure::rate("reading all files, page cache", mebibytes_per_s, "MiB/s"))?;
    let questions = plan::questions(size);
    let path = directory.join("plan.json");
    std::fs::write(&path, plan::json(&questions, &files, &directory).to_string())?;
    let ours = peers::ours(&data, size)?;
    let theirs = peers::theirs(&path)?;
    let native = theirs.as_ref().map_or(f64::NAN, |[_, duck]| duck.number("native_bytes_per_row"));
    let words = format!("{per_point:.2} per point; {} rows in {} files", filled.rows, filled.files);
    let figure = Figure::cost("bytes per row on disk", per_row, "bytes").note(&words);
    report.add(&if native.is_nan() { figure } else { figure.beside("DuckDB's own file", native) })?;
    match &theirs {
        Some(theirs) => {
            for other in theirs {
                equal(&questions, &ours, other)?;
            }
            report.remark("every answer is equal in count and exact sums")?;
        }
        None => report.remark("SKIPPED polars and DuckDB: NHIP_BENCH_PYTHON names no interpreter")?,
    }
    let rooflines = mebibytes_per_s * f64::from(1 << 20) / 1e3;
    add_questions(&mut report, &questions, &ours, theirs.as_ref(), rooflines)?;
    let figure = Figure::cost("peak memory of the asked process", ours.number("rss_mib"), "MiB");
    report.add(&figure.note(&peaks(theirs.as_ref())))?;
    let figure = Figure::cost("first question of a year, files not verified", ours.number("first_ms"), "ms");
    report.add(&figure.note("reads and hashes every file whole"))?;
    export::measure(&mut report, context, &data, size).await?;
    analyst::measure(&mut report, context, &data, &questions, &ours)
}

fn peaks(theirs: Option<&[Told; 2]>) -> String {
    let one = |told: &Told| format!("{} {:.0} MiB", told.version(), told.number("rss_mib"));
    theirs.map_or_else(String::new, |theirs| theirs.each_ref().map(one).join(", "))
}

/// The same rows and sums, or the bench has failed.
fn equal(questions: &[Question], ours: &Told, other: &Told) -> Outcome<()> {
    for question in questions {
        let sums = |told: &Told| told.answers.get(&question.name).map(|answer| answer.sums.clone());
        let (own, their) = (sums(ours), sums(other));
        let whole = own.as_ref().and_then(|sums| sums.as_array()).is_some_and(|areas| !areas.is_empty());
        if !whole || own != their {
            let what =
                format!("{}: {} answers otherwise than the series store", question.name, other.version());
            return Err(what.into());
        }
    }
    Ok(())
}

/// A line for each question and, after them, the table for the docs.
fn add_questions(
    report: &mut Report,
    questions: &[Question],
    ours: &Told,
    theirs: Option<&[Told; 2]>,
    bytes_per_ms: f64,
) -> Outcome<()> {
    let mut table = vec![
        "| question | Nhịp p50, p95 ms | polars p50 ms | DuckDB p50 ms | Nhịp : polars | Nhịp : DuckDB \
         | bytes read | roofline ms |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    for question in questions {
        let Some(own) = ours.answers.get(&question.name) else { continue };
        let (p50, p95) = (own.quantile(0.5), own.quantile(0.95));
        let bytes = own.bytes.unwrap_or(f64::NAN);
        let mut figure = Figure::cost(&question.name, p50, "ms");
        let mut their = [f64::NAN; 2];
        for (told, place) in theirs.into_iter().flatten().zip(&mut their) {
            *place = told.answers.get(&question.name).map_or(f64::NAN, |answer| answer.quantile(0.5));
        }
        let [polars, duck] = their;
        if !duck.is_nan() {
            figure = figure.beside("DuckDB", duck);
        }
        if question.name.contains("five") {
            figure = figure.budget(FIVE_YEARS_MS_MAX);
        }
        let asked = if question.kind == Kind::Series && question.indicator.is_some() { "" } else { MANY };
        let roofline = bytes / bytes_per_ms;
        let cpu = own.cpu_ms.unwrap_or(f64::NAN);
        let words = format!(
            "p95 {p95:.1}, CPU {cpu:.1}, polars {polars:.1}, reading its bytes {roofline:.2} ms{asked}"
        );
        report.add(&figure.note(&words))?;
        table.push(format!(
            "| {}{asked} | {p50:.1}, {p95:.1} | {polars:.1} | {duck:.1} | {:.3} | {:.3} | {bytes:.0} | {roofline:.2} |",
            question.name,
            p50 / polars,
            p50 / duck,
        ));
    }
    table.iter().for_each(|line| say(line));
    Ok(())
}

/// The port of history knows series: other questions are many of its own.
const MANY: &str = " (one question per series)";
