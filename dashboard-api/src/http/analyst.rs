//! `POST /api/v1/analyst/query`: a statement over the files of the past, answered by the worker beside the node.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use nhip_ports::{AnalystAnswer, AnalystError};
use nhip_proto::{AnalystCode, AnalystFormat, AnalystQuestion, AnalystRefusal};
use serde::Deserialize;

use super::Node;
use super::problem::{Problem, Told};
use super::revisions::json_within;
use super::times;

/// Bytes of a request; a statement may need escapes.
const BODY_BYTES_MAX: usize = 48 * 1024;

const NOT_CONFIGURED: &str = "no worker for analysts is configured: name its socket in [analyst] of the node's \
    configuration and start `nhip-analyst serve` (docs/analyst.md)";
const NOT_THERE: &str = "the worker for analysts does not answer: start it with `nhip-analyst serve --data DIR \
    --socket PATH`, PATH as in [analyst] of the node's configuration (docs/analyst.md)";

/// Body of the request; times are RFC 3339.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryAsked {
    sql: String,
    from: Option<String>,
    to: Option<String>,
    format: Option<String>,
}

/// An answer that is none.
pub(crate) enum Refusal {
    Problem(Problem),
    Told(Told),
}

impl axum::response::IntoResponse for Refusal {
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

/// `POST /api/v1/analyst/query`
pub(crate) async fn query(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let asked: QueryAsked = json_within(&headers, body, BODY_BYTES_MAX).await?;
    let analyst = node.parts.analyst.as_ref().ok_or(Problem::not_configured(NOT_CONFIGURED))?;
    let instant = |text: &String| {
        let time = times::parse(text).ok_or(Problem::unprocessable("a time is RFC 3339 with an offset"))?;
        Ok::<i64, Problem>(time.0)
    };
    let wrong = Problem::unprocessable("format is json, csv or parquet");
    let format =
        asked.format.as_deref().map_or(Some(AnalystFormat::Json), AnalystFormat::parse).ok_or(wrong)?;
    let question = AnalystQuestion {
        sql: asked.sql,
        from_ns: asked.from.as_ref().map(instant).transpose()?,
        to_ns: asked.to.as_ref().map(instant).transpose()?,
        format,
    };
    let answered = analyst.ask(question).await;
    let outcome = answered.as_ref().map_or_else(outcome_of, |_| "answered");
    metrics::counter!("nhip_dashboard_analyst_questions_total", "outcome" => outcome).increment(1);
    answered.map(|answer| response(answer, format)).map_err(refused)
}

fn response(answer: AnalystAnswer, format: AnalystFormat) -> Response {
    let mut response = Body::from_stream(parts(answer.parts)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let origin = &answer.head.origin;
    // A file that leaves the node says in its name what is not measured.
    let file = format!("attachment; filename=\"nhip-{origin}.{}\"", format.as_str());
    for (name, value) in [
        (HeaderName::from_static("nhip-origin"), origin.clone()),
        (HeaderName::from_static("nhip-rows"), answer.head.rows.to_string()),
        (HeaderName::from_static("nhip-rows-scanned"), answer.head.rows_scanned.to_string()),
        (header::CONTENT_DISPOSITION, file),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// The connection breaks off with the answer, so that a part does not pass for the whole.
fn parts(
    parts: tokio::sync::mpsc::Receiver<Result<Bytes, AnalystError>>,
) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(parts, |mut parts| async move {
        let part = parts.recv().await?;
        Some((part.map_err(io::Error::other), parts))
    })
}

fn outcome_of(error: &AnalystError) -> &'static str {
    match error {
        AnalystError::Absent(_) => "absent",
        AnalystError::Broken(_) => "broken",
        AnalystError::Refused(refusal) => match refusal.code {
            AnalystCode::Statement => "statement",
            AnalystCode::Limit => "limit",
            AnalystCode::Busy => "busy",
            AnalystCode::Damaged => "damaged",
            AnalystCode::Failed => "failed",
        },
    }
}

fn refused(error: AnalystError) -> Refusal {
    let AnalystRefusal { code, message } = match error {
        AnalystError::Absent(why) => {
            tracing::warn!(why, "the worker for analysts is not there");
            return Problem::unavailable(NOT_THERE).into();
        }
        AnalystError::Broken(why) => {
            tracing::warn!(why, "the worker for analysts broke off");
            return Problem::unavailable("the worker for analysts ended before its answer: ask again").into();
        }
        AnalystError::Refused(refusal) => refusal,
    };
    let problem = match code {
        AnalystCode::Statement => Problem::statement(),
        AnalystCode::Limit => Problem::limit(),
        AnalystCode::Busy => Problem::unavailable(""),
        AnalystCode::Damaged => Problem::damaged(),
        AnalystCode::Failed => Problem::not_configured(""),
    };
    Refusal::Told(problem.telling(message))
}
