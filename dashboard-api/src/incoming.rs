//! What a screen may say, read within bounds and never echoed but for two numbers of a ping.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Number;

use crate::scope::Scope;

/// Longest number text taken in a ping.
const NUMBER_BYTES_MAX: usize = 32;
/// The protocol version this server speaks.
pub(crate) const VERSION: u32 = 1;

/// A frame of a screen.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// The first frame, or a start-over.
    Hello(Hello),
    /// Clock and round trip.
    Ping {
        /// As sent.
        n: Number,
        /// As sent.
        c0: Number,
    },
    /// How the screen keeps up.
    Flow {
        /// Milliseconds between a frame's arrival and its paint.
        lag_ms: f64,
        /// Frames it left out.
        drop: f64,
    },
    /// Supervision of the wall.
    Stat,
    /// A type of a later version.
    Unknown,
}

/// `hello`.
#[derive(Debug, Deserialize)]
pub(crate) struct Hello {
    /// Protocol version.
    pub(crate) v: u32,
    /// The view.
    pub(crate) view: String,
    /// The area it is limited to; absent: none.
    #[serde(default)]
    pub(crate) area: Option<String>,
    /// Where the screen stands.
    #[serde(default)]
    pub(crate) resume: Option<Resume>,
    /// The shortest time between two deltas, in ms.
    #[serde(default)]
    pub(crate) rate_ms: Option<f64>,
}

/// Where a screen stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Resume {
    /// The epoch.
    pub(crate) e: String,
    /// The offset.
    pub(crate) o: u64,
    /// The number of the last event it saw.
    #[serde(default)]
    pub(crate) n: Option<u64>,
}

impl Hello {
    /// What the screen wants to see.
    #[must_use]
    pub(crate) fn scope(&self) -> Scope {
        Scope::asked(&self.view, self.area.as_deref())
    }
}

/// The frame is no frame of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotProtocol;

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Ping {
    n: Number,
    c0: Number,
}

#[derive(Deserialize)]
struct Flow {
    #[serde(default)]
    lag_ms: f64,
    #[serde(default)]
    drop: f64,
}

/// Reads one text frame.
///
/// # Errors
/// [`NotProtocol`] if it is no JSON object with `t`, or a known `t` lacks its fields.
pub(crate) fn read(text: &str) -> Result<Incoming, NotProtocol> {
    let kind: Kind<'_> = parse(text)?;
    match kind.t.as_ref() {
        "hello" => Ok(Incoming::Hello(parse(text)?)),
        "ping" => {
            let Ping { n, c0 } = parse(text)?;
            let fits = |number: &Number| number.as_str().len() <= NUMBER_BYTES_MAX;
            if fits(&n) && fits(&c0) { Ok(Incoming::Ping { n, c0 }) } else { Err(NotProtocol) }
        }
        "flow" => {
            let Flow { lag_ms, drop } = parse(text)?;
            Ok(Incoming::Flow { lag_ms, drop })
        }
        "stat" => Ok(Incoming::Stat),
        _ => Ok(Incoming::Unknown),
    }
}

/// The limited scope a hello asks for, whose board may have to be opened before the frame is taken.
#[must_use]
pub(crate) fn limited_scope(text: &str) -> Option<Scope> {
    match read(text) {
        Ok(Incoming::Hello(hello)) if hello.area.is_some() => Some(hello.scope()),
        _ => None,
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, NotProtocol> {
    serde_json::from_str(text).map_err(|_| NotProtocol)
}
