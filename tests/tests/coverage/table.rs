//! The page docs/coverage.md as text.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::plan::{Function, Plan, Row};

const HEAD: &str = "\
<!-- What the founding documents name and what stands for it here. Written by `cargo xtask coverage`. -->
# Coverage

Written from [coverage.toml](coverage.toml) and `profiles/tay-ninh` by `cargo xtask coverage`; a test fails when it is
stale or names what does not exist. *chưa có* means not built yet. What feeds a row: **simulated**: sources of the
profile send, in the demo from a simulated city (nothing here is connected to a system of the province);
**recording**: a profile replays real data of other places; **protocol**: the dialect of the real systems is decoded.
Every row fed by the demo is asked for one figure with its value, k of m and an explanation down to a record
(`tests/tests/coverage.rs`).

";

/// The whole page.
pub(crate) fn write(plan: &Plan) -> String {
    let mut page = HEAD.to_owned();
    let covered = plan.rows.iter().filter(|row| !row.indicators.is_empty()).count();
    let indicators = plan.profile.indicators.len();
    line(
        &mut page,
        &format!("{covered} of {} rows have indicators; {indicators} indicators in all.\n", plan.rows.len()),
    );
    page.push_str(
        "## Systems\n\n| # | hệ thống | system | streams | indicators | screens | tests | fed by |\n",
    );
    page.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for row in &plan.rows {
        line(&mut page, &system(plan, row));
    }
    page.push_str("\n## Functions\n\n| id | chức năng | function | state | rows | shown by | note |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for function in &plan.functions {
        line(&mut page, &function_line(plan, function));
    }
    page.push_str("\n## Indicators on no screen\n\n");
    let nowhere: Vec<&str> = plan.profile.indicators.keys().map(|id| id.as_str()).collect();
    let nowhere: Vec<&str> = nowhere.into_iter().filter(|id| plan.places(id).is_empty()).collect();
    page.push_str("In `/api/v1/figures` and `explain` only");
    let end = if nowhere.is_empty() { ": none.".to_owned() } else { format!(": {}.", code(&nowhere)) };
    line(&mut page, &end);
    page
}

fn system(plan: &Plan, row: &Row) -> String {
    let (number, vi, en) = (row.number, &row.vi, &row.en);
    if row.indicators.is_empty() {
        return format!("| {number} | {vi} | {en} | | chưa có | | | nothing yet |");
    }
    let (streams, indicators, screens) = if row.is_every() {
        (String::new(), "each, of that area".to_owned(), "`/wall/main?area=CODE`".to_owned())
    } else {
        let places: BTreeSet<String> = row.indicators.iter().flat_map(|id| plan.places(id)).collect();
        let places: Vec<String> = places.into_iter().collect();
        let screens = if places.is_empty() { "none".to_owned() } else { places.join(", ") };
        (code(&row.streams), code(&row.indicators), screens)
    };
    let stories: usize = row.indicators.iter().map(|id| plan.stories(id)).sum();
    let mut tests = vec![format!("{stories} stories")];
    tests.extend(row.tests.iter().map(|test| format!("`{test}`")));
    let tests = tests.join(", ");
    format!("| {number} | {vi} | {en} | {streams} | {indicators} | {screens} | {tests} | {} |", fed(row))
}

fn fed(row: &Row) -> String {
    let mut fed = Vec::new();
    if row.connected > 0 {
        fed.push(format!("simulated, sources: {}", row.connected));
    }
    if !row.recordings.is_empty() {
        fed.push(format!("recording: {}", code(&row.recordings)));
    }
    if !row.protocols.is_empty() {
        fed.push(format!("protocol: {}", code(&row.protocols)));
    }
    if fed.is_empty() { "nothing yet (chưa có nguồn)".to_owned() } else { fed.join("; ") }
}

fn function_line(plan: &Plan, function: &Function) -> String {
    let state = match plan.shown_state(function) {
        "built" => "có",
        "part" => "một phần",
        _ => "chưa có",
    };
    let Function { id, vi, en, rows, tests, note, .. } = function;
    let claimed = state != "chưa có";
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    let (tests, note) = if claimed { (code(tests), note.as_str()) } else { (String::new(), "") };
    format!("| {id} | {vi} | {en} | {state} | {} | {tests} | {note} |", rows.join(", "))
}

fn code<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    quoted.join(", ")
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").unwrap_or_default();
}
