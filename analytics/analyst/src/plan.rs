//! What a question would touch, and whether it may: judged by what the manifests say, before a byte is read.

use nhip_history::SealedFile;
use nhip_proto::{AnalystCode, AnalystQuestion, AnalystRefusal};

use crate::limits::Limits;
use crate::tables::Table;

const DAY_NS: i128 = 86_400_000_000_000;

/// Refuses a range that is none, or longer than allowed.
pub(crate) fn range(question: &AnalystQuestion, limits: &Limits) -> Result<(), AnalystRefusal> {
    let (Some(from), Some(to)) = (question.from_ns, question.to_ns) else { return Ok(()) };
    if from >= to {
        let message = "from must lie before to".to_owned();
        return Err(AnalystRefusal { code: AnalystCode::Statement, message });
    }
    let days = (i128::from(to) - i128::from(from) + DAY_NS - 1) / DAY_NS;
    let allowed = limits.span_days_max;
    if days > i128::from(allowed) {
        return Err(over(format!(
            "from … to spans {days} days, allowed are {allowed}: ask for less at a time"
        )));
    }
    Ok(())
}

/// The files whose rows may lie in the range.
pub(crate) fn pruned(files: Vec<SealedFile>, question: &AnalystQuestion) -> Vec<SealedFile> {
    let (from, to) = (question.from_ns.unwrap_or(i64::MIN), question.to_ns.unwrap_or(i64::MAX));
    files.into_iter().filter(|file| file.meets(from, to)).collect()
}

/// Refuses more rows than allowed.
pub(crate) fn rows(rows: u64, question: &AnalystQuestion, limits: &Limits) -> Result<(), AnalystRefusal> {
    let Limits { rows_scanned_max, rows_unbounded_max, .. } = *limits;
    if rows > rows_scanned_max {
        return Err(over(format!(
            "the files of these tables and this time have {rows} rows, allowed are {rows_scanned_max}: \
             bring from and to closer together"
        )));
    }
    let bounded = question.from_ns.is_some() && question.to_ns.is_some();
    if !bounded && rows > rows_unbounded_max {
        return Err(over(format!(
            "the files of these tables have {rows} rows; beyond {rows_unbounded_max} a question names from and to \
             (window_start of figures and revisions, at of records)"
        )));
    }
    Ok(())
}

/// The rows the manifests promise, of every table.
pub(crate) fn least(tables: &[(Table, Vec<SealedFile>)]) -> u64 {
    tables.iter().flat_map(|(_, files)| files).map(|file| file.rows_least).sum()
}

fn over(message: String) -> AnalystRefusal {
    AnalystRefusal { code: AnalystCode::Limit, message }
}

#[cfg(test)]
mod tests {
    use nhip_proto::AnalystFormat;

    use super::*;

    fn question(from_ns: Option<i64>, to_ns: Option<i64>) -> AnalystQuestion {
        AnalystQuestion { sql: String::new(), from_ns, to_ns, format: AnalystFormat::Json }
    }

    #[test]
    fn a_span_is_refused_from_the_first_day_too_many() {
        let limits = Limits { span_days_max: 2, ..Limits::default() };
        let day = 86_400_000_000_000;
        assert_eq!(range(&question(Some(5), Some(5 + 2 * day)), &limits), Ok(()));
        let refusal = range(&question(Some(5), Some(6 + 2 * day)), &limits).expect_err("too long");
        assert_eq!(refusal.message, "from … to spans 3 days, allowed are 2: ask for less at a time");
        assert_eq!(
            range(&question(Some(5), Some(5)), &limits).expect_err("empty").code,
            AnalystCode::Statement
        );
        assert_eq!(
            range(&question(Some(i64::MIN), Some(i64::MAX)), &limits).expect_err("ever").code,
            AnalystCode::Limit
        );
        assert_eq!(range(&question(Some(5), None), &limits), Ok(()));
    }

    #[test]
    fn rows_are_bounded_and_more_closely_without_a_range() {
        let limits = Limits { rows_scanned_max: 100, rows_unbounded_max: 10, ..Limits::default() };
        let bounded = question(Some(1), Some(2));
        assert_eq!(rows(100, &bounded, &limits), Ok(()));
        assert!(
            rows(101, &bounded, &limits).expect_err("too many").message.contains("101 rows, allowed are 100")
        );
        for open in [question(None, None), question(Some(1), None), question(None, Some(1))] {
            assert_eq!(rows(10, &open, &limits), Ok(()));
            let refusal = rows(11, &open, &limits).expect_err("needs a range");
            assert!(
                refusal.message.contains("beyond 10 a question names from and to"),
                "{}",
                refusal.message
            );
        }
    }
}
