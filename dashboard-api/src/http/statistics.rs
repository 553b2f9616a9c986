//! `statistics` and `imports`: documents of people are previewed, written whole or not at all, and read again.

mod report;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use nhip_ports::{DocumentKind, ImportError, ImportOrder, WrittenQuery};
use nhip_proto::{EventTime, Offset, SourceId, StreamId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Node;
use super::bearer;
use super::figures::known_area;
use super::ingest::read_body;
use super::lists::{Asked, Page, json_response};
use super::problem::{Problem, Told};
use super::series::instant;
use super::times::Zone;
use report::{entry_json, import_json, report_body};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// Bytes of a sheet's name (spreadsheets: 31 letters).
const SHEET_BYTES_MAX: usize = 256;

/// Parameters of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentAsked {
    stream: Option<String>,
    source: Option<String>,
    decimal: Option<String>,
    delimiter: Option<String>,
    sheet: Option<String>,
}

/// Cells pasted from a sheet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pasted {
    text: String,
}

/// Parameters of `GET /api/v1/statistics`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenAsked {
    stream: Option<String>,
    source: Option<String>,
    area: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Parameters of `GET /api/v1/imports`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportsAsked {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// An answer that is no success.
pub(crate) enum Refusal {
    Problem(Problem),
    Told(Told),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Told(told) => told.into_response(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// `POST /api/v1/statistics/preview?stream=&source=`: what a document says and what is to be mended; writes nothing.
pub(crate) async fn preview(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<DocumentAsked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let order = order_of(&node, asked, &headers, body).await?;
    let report = node.parts.statistics.preview(order).await.map_err(refused)?;
    Ok(report_body(StatusCode::OK, &report, &Zone::of(&node.profile().zone)))
}

/// `POST /api/v1/statistics?stream=&source=`: writes a document without a mistake, whole; 422 with all mistakes else.
pub(crate) async fn commit(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<DocumentAsked>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let order = order_of(&node, asked, &headers, body).await?;
    let report = node.parts.statistics.commit(order).await.map_err(refused)?;
    let status = match (&report.written, report.repeated) {
        (Some(_), false) => StatusCode::CREATED,
        (Some(_), true) => StatusCode::OK,
        (None, _) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(report_body(status, &report, &Zone::of(&node.profile().zone)))
}

async fn order_of(
    node: &Node,
    asked: DocumentAsked,
    headers: &HeaderMap,
    body: Body,
) -> Result<ImportOrder, Problem> {
    let grant = bearer::needed(node, headers).await?;
    let named = |text: Option<String>, what: Problem| text.filter(|text| !text.is_empty()).ok_or(what);
    let stream = StreamId::new(&named(asked.stream, Problem::unprocessable("stream is missing"))?);
    let source = SourceId::new(&named(asked.source, Problem::unprocessable("source is missing"))?);
    bearer::may_write(&grant, &stream, &source)?;
    let decimal_comma = match asked.decimal.as_deref() {
        None | Some("point") => false,
        Some("comma") => true,
        Some(_) => return Err(Problem::unprocessable("decimal is point or comma")),
    };
    let delimiter = match asked.delimiter.as_deref() {
        None => None,
        Some("comma") => Some(b','),
        Some("semicolon") => Some(b';'),
        Some("tab") => Some(b'\t'),
        Some(_) => return Err(Problem::unprocessable("delimiter is comma, semicolon or tab")),
    };
    if asked.sheet.as_ref().is_some_and(|sheet| sheet.len() > SHEET_BYTES_MAX) {
        return Err(Problem::unprocessable("sheet is the name of a sheet"));
    }
    let kind = kind_of(headers)?;
    let bytes_max = node.config.document_bytes_max;
    let (body, _held) = read_body(node, headers, body, bytes_max, Problem::document_too_large()).await?;
    let (kind, document, delimiter) = match kind {
        Kind::Workbook => (DocumentKind::Workbook, body, delimiter),
        Kind::Text => (DocumentKind::Delimited, body, delimiter),
        Kind::Tabs => (DocumentKind::Delimited, body, delimiter.or(Some(b'\t'))),
        Kind::Pasted => {
            let wrong = |_| Problem::bad_request("the body is {\"text\": the pasted cells}");
            let pasted: Pasted = serde_json::from_slice(&body).map_err(wrong)?;
            (DocumentKind::Delimited, Bytes::from(pasted.text), delimiter)
        }
    };
    let sheet = asked.sheet.filter(|sheet| !sheet.is_empty());
    let author = grant.name;
    Ok(ImportOrder { author, stream, source, kind, document, delimiter, decimal_comma, sheet })
}

enum Kind {
    Workbook,
    Text,
    Tabs,
    Pasted,
}

fn kind_of(headers: &HeaderMap) -> Result<Kind, Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    match value.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        XLSX => Ok(Kind::Workbook),
        "text/csv" => Ok(Kind::Text),
        "text/tab-separated-values" => Ok(Kind::Tabs),
        "application/json" => Ok(Kind::Pasted),
        _ => Err(Problem::document_type()),
    }
}

fn refused(error: ImportError) -> Refusal {
    match error {
        ImportError::Refused(what) | ImportError::Bound(what) => {
            Refusal::Told(Problem::import().telling(what))
        }
        ImportError::Unavailable(what) => {
            tracing::info!(what, "an import was not taken now");
            Problem::unavailable("another import is under way, or the node is starting or stopping").into()
        }
    }
}

/// `GET /api/v1/statistics?stream=&source=&area=&from=&to=`: what people wrote, newest first.
pub(crate) async fn written(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<WrittenAsked>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let grant = bearer::needed(&node, &headers).await?;
    bearer::may_read(&grant)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref(), &node.config)?;
    let profile = node.profile();
    let time = |text: &Option<String>, else_: i64| text.as_deref().map_or(Ok(EventTime(else_)), instant);
    let area = asked.area.as_deref().map(|code| known_area(&profile, code)).transpose()?;
    let query = WrittenQuery {
        stream: asked.stream.as_deref().map(StreamId::new),
        source: asked.source.as_deref().map(SourceId::new),
        area,
        from: time(&asked.from, i64::MIN)?,
        to: time(&asked.to, i64::MAX)?,
        before: before(page.after())?,
        entries_max: page.limit(),
    };
    let found = node.parts.statistics.written(query).await.map_err(refused)?;
    let zone = Zone::of(&profile.zone);
    let mine = found.entries.iter().filter(|(_, entry)| grant.reads(&entry.stream, &entry.subject));
    let items: Vec<Value> = mine.map(|(offset, entry)| entry_json(&profile, &zone, *offset, entry)).collect();
    Ok(list(items, found.next))
}

/// `GET /api/v1/imports`: which documents were written, newest first.
pub(crate) async fn imports(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<ImportsAsked>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let grant = bearer::needed(&node, &headers).await?;
    bearer::may_read(&grant)?;
    let page = Page::new(asked.limit, asked.cursor.as_deref(), &node.config)?;
    let found = node.parts.statistics.imports(before(page.after())?, page.limit()).await.map_err(refused)?;
    let next = found.last().filter(|_| found.len() == page.limit()).map(|import| import.offset);
    let zone = Zone::of(&node.profile().zone);
    let mine = found.iter().filter(|import| grant.reads(import.stream.as_str(), import.source.as_str()));
    Ok(list(mine.map(|import| import_json(&zone, import)).collect(), next))
}

/// The record a cursor stands for.
fn before(after: Option<&str>) -> Result<Offset, Problem> {
    let wrong = Problem::unprocessable("cursor is none this server gave");
    after.map_or(Ok(Offset(u64::MAX)), |after| after.parse().map(Offset).map_err(|_| wrong))
}

fn list(items: Vec<Value>, next: Option<Offset>) -> Response {
    let next = next.map(|next| super::lists::encode(&next.0.to_string()));
    json_response(&json!({ "items": items, "next": next }))
}
