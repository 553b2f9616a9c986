//! A figure beside its roofline and its budget: one line for people, one JSON line for machines.

use std::fs::File;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::context::{Context, Outcome};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Higher,
    Lower,
}

/// One measured value.
#[derive(Debug)]
pub(crate) struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    better: Better,
    roofline: Option<(String, f64)>,
    budget: Option<f64>,
    note: String,
}

impl Figure {
    /// More is better.
    pub(crate) fn rate(what: &str, value: f64, unit: &'static str) -> Self {
        Self::new(what, value, unit, Better::Higher)
    }

    /// Less is better.
    pub(crate) fn cost(what: &str, value: f64, unit: &'static str) -> Self {
        Self::new(what, value, unit, Better::Lower)
    }

    fn new(what: &str, value: f64, unit: &'static str, better: Better) -> Self {
        let (roofline, budget, note) = (None, None, String::new());
        Self { what: what.to_owned(), value, unit, better, roofline, budget, note }
    }

    /// What the same machine does in the same run without us, or another program beside us.
    pub(crate) fn beside(mut self, name: &str, value: f64) -> Self {
        self.roofline = Some((name.to_owned(), value));
        self
    }

    /// The budget: at least for rates, at most for costs.
    pub(crate) fn budget(mut self, value: f64) -> Self {
        self.budget = Some(value);
        self
    }

    /// Words behind it.
    pub(crate) fn note(mut self, note: &str) -> Self {
        note.clone_into(&mut self.note);
        self
    }

    fn met(&self) -> Option<bool> {
        self.budget.map(|budget| match self.better {
            Better::Higher => self.value >= budget,
            Better::Lower => self.value <= budget,
        })
    }

    /// 100 % is as good as the roofline.
    fn share(&self) -> Option<f64> {
        let (_, roofline) = self.roofline.as_ref()?;
        let share = match self.better {
            Better::Higher => self.value / roofline,
            Better::Lower => roofline / self.value,
        };
        Some(share * 100.0).filter(|share| share.is_finite())
    }

    fn line(&self) -> String {
        let mut line = format!("  {:<46} {:>12} {:<10}", self.what, shown(self.value), self.unit);
        if let (Some((name, value)), Some(share)) = (&self.roofline, self.share()) {
            line.push_str(&format!(" {share:>6.1} % of {name} {}", shown(*value)));
        }
        if let (Some(budget), Some(met)) = (self.budget, self.met()) {
            let bound = if self.better == Better::Higher { "≥" } else { "≤" };
            line.push_str(&format!(
                " · budget {bound} {} {}",
                shown(budget),
                if met { "met" } else { "MISSED" }
            ));
        }
        if !self.note.is_empty() {
            line.push_str(&format!(" · {}", self.note));
        }
        line
    }

    fn json(&self, row: &str) -> Value {
        json!({
            "row": row,
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "roofline": self.roofline.as_ref().map(|(name, value)| json!({"name": name, "value": value})),
            "roofline_percent": self.share(),
            "budget": self.budget,
            "met": self.met(),
            "note": self.note,
            "load_average": crate::process::load_average(),
        })
    }
}

/// The figures of one row.
#[derive(Debug)]
pub(crate) struct Report {
    row: &'static str,
    file: File,
}

impl Report {
    /// Begins a row: a heading, an empty file.
    pub(crate) fn begin(context: &Context, row: &'static str) -> Outcome<Self> {
        say(&format!("\n{row}  (load average {})", crate::process::load_average()));
        let file = File::create(context.results().join(format!("{row}.jsonl")))?;
        Ok(Self { row, file })
    }

    /// Says and writes one figure.
    pub(crate) fn add(&mut self, figure: &Figure) -> Outcome<()> {
        say(&figure.line());
        writeln!(self.file, "{}", figure.json(self.row))?;
        Ok(())
    }

    /// Words without a figure.
    pub(crate) fn remark(&mut self, words: &str) -> Outcome<()> {
        say(&format!("  {words}"));
        writeln!(self.file, "{}", json!({"row": self.row, "remark": words}))?;
        Ok(())
    }
}

fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        middle if middle >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// One line on stdout.
#[expect(clippy::print_stdout, reason = "the bench talks to the person who started it")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// One line on stderr.
#[expect(clippy::print_stderr, reason = "the bench talks to the person who started it")]
pub(crate) fn complain(line: &str) {
    eprintln!("nhip-bench: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_floor_for_rates_and_a_ceiling_for_costs() {
        assert_eq!(Figure::rate("a", 5.0, "x").budget(4.0).met(), Some(true));
        assert_eq!(Figure::rate("a", 5.0, "x").budget(6.0).met(), Some(false));
        assert_eq!(Figure::cost("a", 5.0, "x").budget(4.0).met(), Some(false));
        assert_eq!(Figure::cost("a", 5.0, "x").met(), None);
    }

    #[test]
    fn half_the_roofline_is_50_percent_either_way() {
        assert_eq!(Figure::rate("a", 5.0, "x").beside("b", 10.0).share(), Some(50.0));
        assert_eq!(Figure::cost("a", 10.0, "x").beside("b", 5.0).share(), Some(50.0));
        assert_eq!(Figure::cost("a", 0.0, "x").beside("b", 0.0).share(), None);
    }
}
