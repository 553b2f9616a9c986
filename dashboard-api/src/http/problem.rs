//! Errors as RFC 9457 problem details. Their texts are ours: nothing of a request is echoed.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use nhip_ports::{AnalysisError, HistoryError, PastError};
use nhip_proto::MILLISECOND;
use serde_json::{Value, json};

/// One error answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: &'static str,
    retry_s: Option<u16>,
    /// How far the work got that goes on when it is asked for again, ms since 1970.
    reached_ms: Option<i64>,
}

impl Problem {
    const fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: &'static str) -> Self {
        Self { status, kind, title, detail, retry_s: None, reached_ms: None }
    }

    pub(crate) const fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The figure cannot be: nothing that would feed it is connected.
    pub(crate) const fn no_source() -> Self {
        let detail = "no source of this indicator is connected in this area";
        Self::new(StatusCode::NOT_FOUND, "no-source", "No source yet", detail)
    }

    pub(crate) const fn bad_request(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    pub(crate) const fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Refused", detail)
    }

    /// No token, or none that is good; which of these is not told.
    pub(crate) const fn unauthorized() -> Self {
        let detail = "this needs a good token: Authorization: Bearer …; nhip token add makes one";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No good token", detail)
    }

    pub(crate) const fn misdirected() -> Self {
        let detail = "a node that listens on loopback only answers to localhost, 127.0.0.1 and [::1]";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", "Not this host", detail)
    }

    pub(crate) const fn timeout() -> Self {
        let detail = "the body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "Too slow", detail)
    }

    pub(crate) const fn too_large() -> Self {
        let detail = "a body has at most 1 MiB";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    pub(crate) const fn document_too_large() -> Self {
        let detail = "a document has at most 16 MiB";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The document is too large", detail)
    }

    pub(crate) const fn document_type() -> Self {
        let detail =
            "text/csv, text/tab-separated-values, application/json {\"text\": …} or an XLSX workbook";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The content type is not taken", detail)
    }

    pub(crate) const fn import() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "import", "The document cannot be imported", "")
    }

    pub(crate) const fn media_type() -> Self {
        let detail = "application/json or application/x-protobuf";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The content type is not taken", detail)
    }

    pub(crate) const fn unprocessable(detail: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", "A value is not allowed", detail)
    }

    pub(crate) fn of_analysis(error: &AnalysisError) -> Self {
        match error {
            AnalysisError::NotFound(_) => Self::not_found("there is no such figure"),
            AnalysisError::Unavailable(_) => Self::unavailable("analytics is starting, stopping or too busy"),
        }
    }

    pub(crate) fn of_history(error: &HistoryError) -> Self {
        match error {
            HistoryError::Refused(_) => {
                Self::unprocessable("more than one answer may hold: narrow the range")
            }
            HistoryError::Damaged(what) => {
                tracing::error!(what, "a question to the past met damage");
                let detail = "a file of the series store is not what was written; nothing of it is served; see the log";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", "The store is damaged", detail)
            }
            HistoryError::Failed(what) => {
                tracing::error!(what, "a question to the past failed");
                Self::unavailable("the series store cannot be read now")
            }
        }
    }

    pub(crate) fn of_past(error: &PastError) -> Self {
        match error {
            PastError::TooEarly => {
                let detail = "at that moment nothing was known yet";
                Self::new(StatusCode::NOT_FOUND, "too-early", "Before the first record", detail)
            }
            PastError::TooLate => {
                let detail = "that moment has not come yet";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too-late", "In the future", detail)
            }
            PastError::Gone => {
                let detail = "neither the log nor a snapshot reaches back to that moment";
                Self::new(StatusCode::GONE, "no-longer-kept", "No longer kept", detail)
            }
            PastError::Unfinished { reached } => {
                let detail = "the moment is still being replayed: ask again and it goes on";
                let reached_ms = reached.map(|at| at.0.div_euclid(MILLISECOND));
                Self { reached_ms, ..Self::unavailable(detail) }
            }
            PastError::Unavailable(what) => {
                tracing::warn!(what, "a moment of the past cannot be shown");
                let detail =
                    "the past cannot be shown now: ask again; if that does not help, see the node's log";
                Self::unavailable(detail)
            }
        }
    }

    pub(crate) const fn unavailable(detail: &'static str) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail);
        Self { retry_s: Some(1), ..problem }
    }
}

impl Problem {
    pub(crate) const fn not_configured(detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail)
    }

    /// With a text of its own, for the person who asked.
    pub(crate) fn telling(self, detail: String) -> Told {
        Told(self, detail)
    }

    pub(crate) const fn statement() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "statement", "The statement is not allowed", "")
    }

    pub(crate) const fn limit() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "limit", "More than one question may need", "")
    }

    pub(crate) const fn damaged() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "damaged", "The store is damaged", "")
    }
}

/// A problem whose text speaks of what was asked: a statement cannot be mended without it.
pub(crate) struct Told(Problem, String);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        self.0.response(&self.1)
    }
}

/// A profile with mistakes: the texts are ours and speak of the operator's own files.
pub(crate) struct Mistakes(pub(crate) Vec<String>);

impl IntoResponse for Mistakes {
    fn into_response(self) -> Response {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let body = json!({
            "type": "urn:nhip:problem:profile",
            "title": "The profile has mistakes",
            "status": status.as_u16(),
            "detail": "nothing was changed; every mistake is listed",
            "mistakes": self.0,
        });
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        (status, [kind], body.to_string()).into_response()
    }
}

/// 405 for every route that does not know the method.
pub(crate) async fn method_not_allowed() -> Problem {
    let detail = "this address does not know the method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed", detail)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response(self.detail)
    }
}

impl Problem {
    fn response(self, detail: &str) -> Response {
        let mut body = json!({
            "type": format!("urn:nhip:problem:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": detail,
        });
        let reached = self.reached_ms.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        if let Some((reached, body)) = reached.zip(body.as_object_mut()) {
            body.insert("reached".to_owned(), Value::from(reached.to_string()));
        }
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let mut response = (self.status, [kind], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(retry_s) = self.retry_s {
            let name: HeaderName = header::RETRY_AFTER;
            response.headers_mut().insert(name, HeaderValue::from(retry_s));
        }
        response
    }
}
