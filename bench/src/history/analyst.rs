//! Group-by over the files as the analyst's worker answers it: a process of its own for each question.

use std::path::Path;

use super::peers::Told;
use super::plan::Question;
use crate::context::{Context, Outcome};
use crate::report::Report;

/// The worker, beside the program.
const PROGRAM: &str = "nhip-analyst";

/// Says what the worker takes, or that it is not built.
pub(crate) fn measure(
    report: &mut Report,
    context: &Context,
    _data: &Path,
    _questions: &[Question],
    _ours: &Told,
) -> Outcome<()> {
    let program = context.program().with_file_name(PROGRAM);
    if !program.exists() {
        return report.remark("group-by in nhip-analyst: not built");
    }
    report.remark("group-by in nhip-analyst: not measured yet")
}
