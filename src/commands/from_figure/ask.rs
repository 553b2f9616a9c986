//! Explanations of a running node.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde_json::Value;

use crate::commands::Failure;

/// An explanation with as many samples may have left some out.
const SAMPLES_FULL: usize = 8;

/// A running node, and whose figures are asked.
pub(super) struct Live<'a> {
    pub(super) http: SocketAddr,
    pub(super) area: &'a str,
    pub(super) group: &'a str,
}

/// One figure with the records it stands on.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) indicator: String,
    pub(super) group: String,
    /// UTC nanoseconds.
    pub(super) start: i64,
    pub(super) end: i64,
    /// As the node tells it.
    pub(super) start_text: String,
    /// In exact decimal; none: missing.
    pub(super) value: Option<String>,
    pub(super) unit: String,
    pub(super) version: String,
    pub(super) known_at: String,
    /// The sources that contributed.
    pub(super) sources: Vec<String>,
    pub(super) samples: Vec<Sample>,
}

/// One record.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) offset: u64,
    /// UTC nanoseconds.
    pub(super) arrival: i64,
    /// As lines of a story.
    pub(super) story: Vec<String>,
}

impl Live<'_> {
    /// The figure of a window, or the newest.
    pub(super) async fn ask(
        &self,
        indicator: &str,
        window: Option<&str>,
        group: &str,
    ) -> Result<Shown, Failure> {
        let mut path = format!(
            "/api/v1/explain?indicator={}&area={}&group={}",
            escaped(indicator),
            escaped(self.area),
            escaped(group)
        );
        if let Some(window) = window {
            path.push_str(&format!("&window={}", escaped(window)));
        }
        let answer = nhip_client::http_get_json(&self.http.to_string(), &path).await;
        let (status, answer) = answer.map_err(Failure::other)?;
        if status != 200 {
            let told = answer.get("detail").or_else(|| answer.get("title")).and_then(Value::as_str);
            let told = told.unwrap_or("no explanation");
            return Err(Failure::other(format!("{indicator} {}: {told} ({status})", self.area)));
        }
        read(indicator, group, &answer)
            .ok_or_else(|| Failure::other(format!("{indicator} {}: the node explains otherwise", self.area)))
    }
}

impl Shown {
    /// Whether it may stand on more records than are named.
    pub(super) fn may_be_more(&self) -> bool {
        self.samples.len() >= SAMPLES_FULL
    }
}

fn read(indicator: &str, group: &str, answer: &Value) -> Option<Shown> {
    let figure = answer.get("figure")?;
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let window = answer.get("window")?;
    let start_text = text(window, "start")?;
    let sources = answer.get("sources")?.as_array()?.iter();
    let sample = |sample: &Value| {
        let lines = sample.get("story")?.as_array()?.iter();
        Some(Sample {
            offset: sample.get("offset")?.as_u64()?,
            arrival: nanoseconds(sample.get("arrival")?.as_str()?)?,
            story: lines.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    };
    Some(Shown {
        indicator: indicator.to_owned(),
        group: group.to_owned(),
        start: nanoseconds(&start_text)?,
        end: nanoseconds(window.get("end")?.as_str()?)?,
        start_text,
        value: figure.get("value").filter(|value| value.is_number()).map(ToString::to_string),
        unit: text(figure, "unit").unwrap_or_default(),
        version: text(figure, "version").unwrap_or_default(),
        known_at: text(figure, "known_at").unwrap_or_default(),
        sources: sources.filter_map(|source| text(source, "source")).collect(),
        samples: answer.get("samples")?.as_array()?.iter().filter_map(sample).collect(),
    })
}

fn nanoseconds(text: &str) -> Option<i64> {
    let instant: Timestamp = text.parse().ok()?;
    i64::try_from(instant.as_nanosecond()).ok()
}

/// Percent-encoded, so that `+07:00` stays what it is.
fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(byte);
    let one = |byte: u8| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}
