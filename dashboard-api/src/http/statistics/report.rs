//! What a document says, as JSON; a list of many mistakes is written without a tree of it in memory.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nhip_ports::{CellMistake, FigureChange, ImportRecord, ImportReport, MistakeKind, cell_address};
use nhip_profile::Profile;
use nhip_proto::{Entry, Item, ItemName, ItemValue, Offset, SourceId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::http::times::Zone;
use crate::snapshot::number;

/// The states and the quantity that say how settled a figure is.
const SETTLED: [&str; 3] = ["phase", "revision", "released"];

#[derive(Serialize)]
struct Body<'r> {
    #[serde(flatten)]
    problem: Option<ProblemHead>,
    import: String,
    sheet: Option<&'r str>,
    sheets: &'r [String],
    form: &'static str,
    rows: u64,
    good_rows: u64,
    bad_rows: u64,
    figures: u64,
    unchanged: u64,
    changes: u64,
    behind: u64,
    duplicates: u64,
    mistakes: u64,
    listed: Vec<Mistake<'r>>,
    changed: Vec<Change<'r>>,
    repeated: bool,
    written: Option<Value>,
}

#[derive(Serialize)]
struct ProblemHead {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
}

#[derive(Serialize)]
struct Mistake<'r> {
    cell: String,
    row: u32,
    column: u32,
    heading: &'r str,
    kind: &'static str,
    vi: &'static str,
    en: &'static str,
    found: &'r str,
    allowed: &'r str,
    nearest: &'r str,
}

#[derive(Serialize)]
struct Change<'r> {
    cell: String,
    name: &'r str,
    period: &'r str,
    old: Value,
    new: Value,
    offset: u64,
}

/// The answer to a document.
pub(super) fn report_body(status: StatusCode, report: &ImportReport, zone: &Zone) -> Response {
    let refused = status == StatusCode::UNPROCESSABLE_ENTITY;
    let kind = if refused { "application/problem+json" } else { "application/json" };
    let detail = if report.mistakes > 0 {
        "nothing was written; every cell to mend is listed"
    } else {
        "nothing was written: the document holds no figure"
    };
    let body = Body {
        problem: refused.then_some(ProblemHead {
            r#type: "urn:nhip:problem:import",
            title: "The document cannot be imported",
            status: status.as_u16(),
            detail,
        }),
        import: hex(&report.id),
        sheet: (!report.sheet.is_empty()).then_some(report.sheet.as_str()),
        sheets: &report.sheets,
        form: if report.long { "long" } else { "wide" },
        rows: report.rows,
        good_rows: report.good_rows,
        bad_rows: report.rows - report.good_rows,
        figures: report.figures,
        unchanged: report.unchanged,
        changes: report.changes,
        behind: report.behind,
        duplicates: report.duplicates,
        mistakes: report.mistakes,
        listed: report.listed.iter().map(mistake).collect(),
        changed: report.changed.iter().map(change).collect(),
        repeated: report.repeated,
        written: report.written.as_ref().map(|import| import_json(zone, import)),
    };
    // Texts and numbers only: nothing in it can fail.
    let bytes = serde_json::to_vec(&body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response()
}

fn mistake(mistake: &CellMistake) -> Mistake<'_> {
    let (kind, vi, en) = words(mistake.kind);
    Mistake {
        cell: mistake.address(),
        row: mistake.row,
        column: mistake.column,
        heading: &mistake.heading,
        kind,
        vi,
        en,
        found: &mistake.found,
        allowed: &mistake.allowed,
        nearest: &mistake.nearest,
    }
}

fn change(change: &FigureChange) -> Change<'_> {
    Change {
        cell: cell_address(change.row, change.column),
        name: &change.name,
        period: &change.period,
        old: number(change.old),
        new: number(change.new),
        offset: change.offset.0,
    }
}

/// An import that was written.
pub(super) fn import_json(zone: &Zone, import: &ImportRecord) -> Value {
    json!({
        "import": hex(&import.id),
        "at": zone.arrival(import.at),
        "author": import.author,
        "stream": import.stream.as_str(),
        "source": import.source.as_str(),
        "document_hash": hex(&import.document_hash),
        "rows": import.rows,
        "figures": import.figures,
        "offset": import.offset.0,
        "last_offset": import.offset.0 + import.rows,
    })
}

/// One row somebody wrote.
pub(super) fn entry_json(profile: &Profile, zone: &Zone, offset: Offset, entry: &Entry) -> Value {
    let (mut values, mut states) = (Map::new(), Map::new());
    let mut settled = Map::new();
    for item in &entry.items {
        let ItemName::Text(name) = &item.name else { continue };
        let shown = match &item.value {
            ItemValue::Number(value) => number(*value),
            ItemValue::State(word) => Value::from(word.as_str()),
            ItemValue::Missing => Value::Null,
        };
        match &item.value {
            _ if SETTLED.contains(&name.as_str()) => settled.insert(name.clone(), shown),
            ItemValue::State(_) => states.insert(name.clone(), shown),
            _ => {
                values.insert(name.clone(), json!({ "value": shown, "unit": unit_of(profile, entry, item) }))
            }
        };
    }
    let period = entry.items.first().and_then(|item| item.period);
    let period = period.map(|(start, end)| json!({ "start": zone.event(start), "end": zone.event(end) }));
    let of = |name: &str| settled.get(name).cloned().unwrap_or(Value::Null);
    json!({
        "offset": offset.0,
        "at": zone.arrival(entry.at),
        "author": entry.author,
        "stream": entry.stream,
        "source": entry.subject,
        "area": profile.source_area(&SourceId::new(&entry.subject)).as_str(),
        "period": period,
        "values": values,
        "states": states,
        "phase": of("phase"),
        "revision": of("revision"),
        "released": of("released"),
    })
}

/// The unit as sent, or the stream's.
fn unit_of(profile: &Profile, entry: &Entry, item: &Item) -> String {
    let ItemName::Text(name) = &item.name else { return String::new() };
    if !item.unit.is_empty() {
        return item.unit.clone();
    }
    let stream = profile.streams.get(entry.stream.as_str());
    stream.and_then(|stream| stream.quantities.get(name)).cloned().unwrap_or_default()
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Word, Vietnamese and English of what can be wrong.
fn words(kind: MistakeKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        MistakeKind::UnknownColumn => {
            ("unknown_column", "Cột không có trong luồng", "no such column in the stream")
        }
        MistakeKind::RepeatedColumn => ("repeated_column", "Cột bị lặp", "the column stands twice"),
        MistakeKind::ColumnMissing => ("column_missing", "Thiếu cột", "a column is missing"),
        MistakeKind::CellBesideTable => ("cell_beside_table", "Ô nằm ngoài bảng", "the cell has no heading"),
        MistakeKind::NotANumber => ("not_a_number", "Không phải số", "not a number"),
        MistakeKind::NumberAsText => ("number_as_text", "Số ghi dạng chữ", "a number written as text"),
        MistakeKind::NotExact => {
            ("not_exact", "Quá 15 chữ số, bảng tính không giữ đúng", "more than 15 digits")
        }
        MistakeKind::TooManyDigits => ("too_many_digits", "Quá nhiều chữ số", "too many digits"),
        MistakeKind::ShownAsPercent => {
            ("shown_as_percent", "Ô định dạng phần trăm", "shown as a percentage, kept as a hundredth of it")
        }
        MistakeKind::DateInCell => ("date_in_cell", "Ô chứa ngày", "the cell holds a date"),
        MistakeKind::OutOfRange => ("out_of_range", "Ngoài khoảng hợp lý", "outside the plausible range"),
        MistakeKind::UnknownUnit => ("unknown_unit", "Đơn vị không biết", "unknown unit"),
        MistakeKind::OtherUnit => ("other_unit", "Đơn vị không đổi được", "the unit does not convert"),
        MistakeKind::UnknownWord => {
            ("unknown_word", "Từ không có trong danh mục", "a word the stream does not list")
        }
        MistakeKind::PeriodInvalid => ("period_invalid", "Kỳ không đọc được", "the period cannot be read"),
        MistakeKind::PeriodAhead => ("period_ahead", "Kỳ chưa kết thúc", "the period is not over yet"),
        MistakeKind::Blank => ("blank", "Ô trống", "the cell is blank"),
        MistakeKind::NoFigure => ("no_figure", "Dòng không có số liệu", "the row has no figure"),
        MistakeKind::Duplicate => ("duplicate", "Số liệu bị lặp trong tệp", "the figure stands twice"),
        MistakeKind::Merged => ("merged", "Ô bị gộp", "part of a merged area"),
        MistakeKind::Formula => ("formula", "Ô là công thức", "a formula: paste its value"),
        MistakeKind::ErrorValue => ("error_value", "Ô báo lỗi", "an error value"),
        MistakeKind::HiddenRow => ("hidden_row", "Dòng bị ẩn", "a hidden row: show or delete it"),
        MistakeKind::HiddenColumn => ("hidden_column", "Cột bị ẩn", "a hidden column: show or delete it"),
    }
}
