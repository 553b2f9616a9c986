//! Frames a session wants sent, and the texts of all frames but deltas.

use axum::extract::ws::Utf8Bytes;
use serde_json::{Number, Value};

use crate::board::{Board, FRAME_BYTES_TARGET};
use crate::session::{HEARTBEAT_MS, Pulse};
use crate::shown::append;

/// What is to be sent now, in order; handed to the socket at once, never kept.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The frames.
    pub(crate) frames: Vec<Utf8Bytes>,
    /// Close with this code after them.
    pub(crate) close: Option<u16>,
}

/// Why the server ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// The node stops.
    Stopping,
    /// The boards are not filled yet.
    Starting,
    /// The screen does not keep up.
    Slow,
    /// No hello in time.
    NoHello,
    /// Another protocol version.
    Version,
    /// The profile has no such view.
    UnknownView,
    /// A frame that is none.
    NotProtocol,
    /// More frames than the bound.
    Flood,
}

/// What a welcome says of the server.
pub(crate) struct About<'a> {
    /// The epoch.
    pub(crate) epoch: &'a str,
    /// The screen's position.
    pub(crate) offset: u64,
    /// The Clock.
    pub(crate) clock_ms: i64,
    /// Build and rate.
    pub(crate) pulse: &'a Pulse,
}

impl Outbox {
    /// One more frame.
    pub(crate) fn push(&mut self, frame: Utf8Bytes) {
        self.frames.push(frame);
    }

    /// A goodbye and the end.
    pub(crate) fn leave(&mut self, farewell: Farewell) {
        let (code, retry_ms, reason) = farewell.words();
        metrics::counter!("nhip_dashboard_byes_total", "reason" => reason).increment(1);
        let text =
            format!("{{\"t\":\"bye\",\"code\":{code},\"retry_ms\":{retry_ms},\"reason\":\"{reason}\"}}");
        self.push(text.into());
        self.close = Some(code);
    }
}

impl Farewell {
    /// Close code, least wait in ms, word.
    #[must_use]
    pub(crate) fn words(self) -> (u16, u32, &'static str) {
        match self {
            Self::Stopping => (1012, 500, "stopping"),
            Self::Starting => (1013, 500, "starting"),
            Self::Slow => (1013, 1_000, "slow"),
            Self::NoHello => (4002, 2_000, "no_hello"),
            Self::Version => (4002, 60_000, "version"),
            Self::UnknownView => (4002, 10_000, "view"),
            Self::NotProtocol => (4002, 2_000, "not_protocol"),
            Self::Flood => (4002, 10_000, "flood"),
        }
    }
}

/// `welcome`.
#[must_use]
pub(crate) fn welcome(about: &About<'_>, mode: &str, reason: Option<&str>) -> Utf8Bytes {
    let (epoch, build) = (Value::from(about.epoch), Value::from(&*about.pulse.build));
    let reason = reason.map_or_else(String::new, |reason| format!(",\"reason\":\"{reason}\""));
    format!(
        "{{\"t\":\"welcome\",\"v\":1,\"e\":{epoch},\"o\":{},\"ts\":{},\"rate\":{},\"hb_ms\":{HEARTBEAT_MS},\
         \"mode\":\"{mode}\"{reason},\"build\":{build}}}",
        about.offset, about.clock_ms, about.pulse.rate
    )
    .into()
}

/// All `snap` parts of a board.
pub(crate) fn snap(epoch: &str, offset: u64, board: &Board, out: &mut Outbox) {
    let mut parts: Vec<(String, String)> = vec![Default::default()];
    for (id, row) in (0_u32..).zip(board.rows()) {
        if parts.last().is_none_or(|(dict, rows)| dict.len() + rows.len() > FRAME_BYTES_TARGET) {
            parts.push(Default::default());
        }
        let Some((dict, rows)) = parts.last_mut() else { continue };
        let comma = if rows.is_empty() { "" } else { "," };
        append(dict, format_args!("{comma}{}", dict_entry(id, row.indicator.as_str(), row.area.as_str())));
        rows.push_str(comma);
        row.shown.write_row(rows, id, row.changed);
        rows.push('}');
    }
    let (epoch, count) = (Value::from(epoch), parts.len());
    for (part, (dict, rows)) in parts.into_iter().enumerate() {
        let head = format!("{{\"t\":\"snap\",\"e\":{epoch},\"o\":{offset},\"part\":{part},\"parts\":{count}");
        out.push(format!("{head},\"dict\":[{dict}],\"rows\":[{rows}]}}").into());
    }
}

/// One entry of `dict`.
#[must_use]
pub(crate) fn dict_entry(id: u32, indicator: &str, area: &str) -> String {
    let (indicator, area) = (Value::from(indicator), Value::from(area));
    format!("{{\"id\":{id},\"indicator\":{indicator},\"area\":{area},\"sensitivity\":\"public\"}}")
}

/// `hb`.
#[must_use]
pub(crate) fn heartbeat(position: u64, clock_ms: i64, tail: &str) -> Utf8Bytes {
    format!("{{\"t\":\"hb\",\"o\":{position},\"ts\":{clock_ms},{tail}").into()
}

/// `pong`.
#[must_use]
pub(crate) fn pong(n: &Number, c0: &Number, clock_ms: i64) -> Utf8Bytes {
    format!("{{\"t\":\"pong\",\"n\":{n},\"c0\":{c0},\"s1\":{clock_ms},\"s2\":{clock_ms}}}").into()
}

/// `reset`.
#[must_use]
pub(crate) fn reset(epoch: &str, reason: &str) -> Utf8Bytes {
    format!("{{\"t\":\"reset\",\"e\":{},\"reason\":\"{reason}\"}}", Value::from(epoch)).into()
}
