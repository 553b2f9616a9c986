//! `GET /api/v1/export`: figures of the past as a file, streamed.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use nhip_proto::EventTime;

use super::Node;
use super::figures::{known_area, known_indicator};
use super::lists::Asked;
use super::problem::Problem;
use super::series::{as_of, instant};
use crate::export::{Export, ExportError, ExportOrder, Format, PIECES_QUEUED_MAX};

/// Parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportAsked {
    indicator: String,
    area: Option<String>,
    #[serde(default)]
    group: String,
    from: String,
    to: Option<String>,
    step: Option<String>,
    as_of: Option<String>,
    format: Option<String>,
}

/// `GET /api/v1/export?indicator=&area=&group=&from=&to=&step=&as_of=&format=`
pub(crate) async fn export(
    State(node): State<Arc<Node>>,
    Asked(asked): Asked<ExportAsked>,
) -> Result<Response, Problem> {
    let permit = Arc::clone(&node.exports).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::unavailable("two exports are under way"))?;
    let profile = node.profile();
    let now = EventTime(node.parts.clock.now().0);
    let detail = "format is csv, xlsx, parquet or geojson";
    let format =
        Format::parse(asked.format.as_deref().unwrap_or("csv")).ok_or(Problem::unprocessable(detail))?;
    let order = ExportOrder {
        indicator: known_indicator(&profile, &asked.indicator)?,
        area: asked.area.as_deref().map(|code| known_area(&profile, code)).transpose()?,
        group: asked.group,
        from: instant(&asked.from)?,
        to: asked.to.as_deref().map(instant).transpose()?.unwrap_or(now),
        step: asked.step.unwrap_or_else(|| "window".to_owned()),
        as_of: as_of(asked.as_of.as_deref())?,
        format,
        now,
    };
    let history = node.parts.history.as_ref();
    let export = Export::prepare(&profile, history, order, &|_| {}).await.map_err(Problem::of_export)?;
    export.fits().map_err(Problem::of_export)?;
    let (pieces, receiver) = mpsc::channel(PIECES_QUEUED_MAX);
    let writer = Arc::clone(&node);
    node.sessions.spawn(async move {
        let (history, parquet) = (writer.parts.history.as_ref(), &writer.parts.parquet);
        let written = export.write(&profile, history, parquet, &pieces, &|_| {}).await;
        match written {
            Ok(()) | Err(ExportError::Gone) => {}
            Err(error) => {
                tracing::error!(%error, "an export ended before its end");
                // The connection breaks off, so that a part does not pass for the whole.
                drop(pieces.send(Err(io::Error::other("the export ended before its end"))).await);
            }
        }
    });
    let kind = (header::CONTENT_TYPE, format.media_type());
    Ok(([kind], Body::from_stream(pieces_of(receiver, permit))).into_response())
}

type Receiver = mpsc::Receiver<io::Result<bytes::Bytes>>;

/// The pieces as a body; the place is held until the last one.
fn pieces_of(
    receiver: Receiver,
    permit: OwnedSemaphorePermit,
) -> impl futures_util::Stream<Item = io::Result<bytes::Bytes>> {
    stream::unfold((receiver, permit), |(mut receiver, permit)| async move {
        let piece = receiver.recv().await?;
        Some((piece, (receiver, permit)))
    })
}

impl Problem {
    /// What an export refused.
    fn of_export(error: ExportError) -> Self {
        match error {
            ExportError::Refused(detail) => Self::unprocessable(detail),
            ExportError::History(error) => Self::of_history(&error),
            ExportError::Io(_) | ExportError::Gone => Self::unavailable("the export cannot be made now"),
        }
    }
}
