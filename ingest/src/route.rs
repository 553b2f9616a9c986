//! From a topic to stream, source and dialect. Native topics are built in, foreign ones come by the
//! profile's routes; what has no route, or a source nobody knows, keeps topic and source sealed.

use std::sync::Arc;

use nhip_profile::{Profile, Source, Stream};
use nhip_proto::{RejectionReason, SourceId, StreamId};

use crate::decode::Dialect;

/// Levels of a topic at most; deeper ones have no route.
pub const TOPIC_LEVELS_MAX: usize = 32;
/// Bytes of a source id at most.
pub const SOURCE_BYTES_MAX: usize = 128;
/// The MQTT 5 or HTTP content types of the native binary dialect.
const PROTOBUF_TYPES: [&str; 2] = ["application/x-protobuf", "application/protobuf"];

/// A topic that leads somewhere.
#[derive(Clone, Debug)]
pub struct Taken<'p> {
    /// The stream.
    pub stream: &'p Stream,
    /// The stream's id, shared with the profile.
    pub stream_id: &'p StreamId,
    /// The source.
    pub source: SourceId,
    /// How its bytes are read.
    pub dialect: Dialect,
    /// The topic with every level the mapping does not name as `+` (or `#` for a tail).
    pub clear_topic: String,
    /// Whether `clear_topic` is the whole topic; if not, the topic is sealed with the payload.
    pub topic_is_clear: bool,
}

/// A topic that does not.
#[derive(Clone, Copy, Debug)]
pub struct Turned<'p> {
    /// [`RejectionReason::NoRoute`] or [`RejectionReason::UnknownSource`].
    pub reason: RejectionReason,
    /// The stream a route named, if one did.
    pub stream: Option<&'p Stream>,
    /// The dialect a route named, if one did.
    pub dialect: Option<Dialect>,
}

/// The routes of one profile, compiled.
#[derive(Debug)]
pub struct Router {
    profile: Arc<Profile>,
    routes: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    filter: Vec<Level>,
    tail: bool,
    dialect: Dialect,
    stream: StreamId,
    source: Vec<Piece>,
}

#[derive(Debug)]
enum Level {
    Exact(String),
    /// `+`; whether the source template names it, so that it may stand in the clear.
    Any {
        named: bool,
    },
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Level(usize),
}

impl Router {
    /// Compiles the routes; one the profile's own check would refuse is left out and told in the log.
    #[must_use]
    pub fn new(profile: Arc<Profile>) -> Self {
        let compiled = |(index, route)| {
            let compiled = compile(&profile, route);
            if compiled.is_none() {
                tracing::error!(route = index, "a route of the profile names no known dialect or stream");
            }
            compiled
        };
        let routes = profile.routes.iter().enumerate().filter_map(compiled).collect();
        Self { profile, routes }
    }

    /// The profile it was made of.
    #[must_use]
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// Where a topic leads. Routes are tried in the profile's order; the first that fits decides.
    ///
    /// # Errors
    /// [`Turned`] if no route fits, or the source is not listed and its stream takes no strangers.
    pub fn route(&self, topic: &str, content_type: &str) -> Result<Taken<'_>, Turned<'_>> {
        let no_route = Turned { reason: RejectionReason::NoRoute, stream: None, dialect: None };
        let mut levels: Vec<&str> = Vec::with_capacity(8);
        for level in topic.split('/') {
            if levels.len() == TOPIC_LEVELS_MAX {
                return Err(no_route);
            }
            levels.push(level);
        }
        if let ["nhip", "v1", tenant, stream, source, suffix @ ..] = levels.as_slice() {
            let binary = match suffix {
                [] => is_protobuf(content_type),
                ["pb"] => true,
                _ => return Err(no_route),
            };
            let dialect = if binary { Dialect::NativeProtobuf } else { Dialect::NativeJson };
            return match self.profile.streams.get_key_value(*stream) {
                Some((id, stream)) if *tenant == self.profile.id => {
                    self.take((id, stream), source, dialect, (topic.to_owned(), true))
                }
                _ => Err(no_route),
            };
        }
        let fits = |route: &&Compiled| route.fits(&levels) && route.dialect.carries(&levels);
        let route = self.routes.iter().find(fits).ok_or(no_route)?;
        let stream = self.profile.streams.get_key_value(&route.stream).ok_or(no_route)?;
        self.take(stream, &route.source_id(&levels), route.dialect, route.clear_topic(topic, &levels))
    }

    fn take<'p>(
        &'p self,
        (stream_id, stream): (&'p StreamId, &'p Stream),
        id: &str,
        dialect: Dialect,
        (clear_topic, topic_is_clear): (String, bool),
    ) -> Result<Taken<'p>, Turned<'p>> {
        let unknown =
            Turned { reason: RejectionReason::UnknownSource, stream: Some(stream), dialect: Some(dialect) };
        if !is_source_id(id) {
            return Err(unknown);
        }
        let id = SourceId::new(id);
        let source = match self.profile.sources.get_key_value(&id) {
            Some((listed, Source { stream: own, .. })) if own == stream_id => listed.clone(),
            _ if stream.open || (dialect == Dialect::SparkplugB && self.is_edge_node(&id, stream_id)) => id,
            _ => return Err(unknown),
        };
        Ok(Taken { stream, stream_id, source, dialect, clear_topic, topic_is_clear })
    }

    /// A listed device vouches for the edge node it speaks through: `group/node/device` for `group/node`.
    fn is_edge_node(&self, id: &SourceId, stream: &StreamId) -> bool {
        let prefix = format!("{id}/");
        let mut devices = self.profile.sources.range(SourceId::new(&prefix)..);
        let below = devices.by_ref().take_while(|(device, _)| device.as_str().starts_with(&prefix));
        below.into_iter().any(|(_, source)| source.stream == *stream)
    }
}

impl Compiled {
    /// MQTT 3.1.1 §4.7: `+` is one level, a last `#` any number of them, and neither fits a first level
    /// with `$`.
    fn fits(&self, levels: &[&str]) -> bool {
        let enough =
            if self.tail { levels.len() >= self.filter.len() } else { levels.len() == self.filter.len() };
        let system = levels.first().is_some_and(|level| level.starts_with('$'));
        let named = matches!(self.filter.first(), Some(Level::Exact(_)));
        enough
            && (!system || named)
            && self.filter.iter().zip(levels).all(|(filter, level)| match filter {
                Level::Exact(text) => text == level,
                Level::Any { .. } => true,
            })
    }

    /// The template with its levels filled in; a level the topic does not have is empty, and slashes left
    /// at the end go.
    fn source_id(&self, levels: &[&str]) -> String {
        let mut id = String::new();
        for piece in &self.source {
            match piece {
                Piece::Text(text) => id.push_str(text),
                Piece::Level(index) => id.push_str(levels.get(*index).copied().unwrap_or_default()),
            }
        }
        id.truncate(id.trim_end_matches('/').len());
        id
    }

    /// A Sparkplug topic is all ids and enumerations; of other topics only what the filter or the source
    /// names.
    fn clear_topic(&self, topic: &str, levels: &[&str]) -> (String, bool) {
        let whole = self.dialect == Dialect::SparkplugB
            || (!self.tail && self.filter.iter().all(|level| !matches!(level, Level::Any { named: false })));
        if whole {
            return (topic.to_owned(), true);
        }
        let mut clear: Vec<&str> = Vec::with_capacity(levels.len());
        for (filter, level) in self.filter.iter().zip(levels) {
            clear.push(if matches!(filter, Level::Any { named: false }) { "+" } else { level });
        }
        if self.tail {
            clear.push("#");
        }
        (clear.join("/"), false)
    }
}

fn compile(profile: &Profile, route: &nhip_profile::Route) -> Option<Compiled> {
    let source = pieces(&route.source)?;
    let mut filter = Vec::new();
    let mut tail = false;
    for (index, level) in route.filter.split('/').enumerate() {
        let named = source.iter().any(|piece| matches!(piece, Piece::Level(level) if *level == index));
        match level {
            _ if tail => return None,
            "#" => tail = true,
            "+" => filter.push(Level::Any { named }),
            text => filter.push(Level::Exact(text.to_owned())),
        }
    }
    profile.streams.contains_key(&route.stream).then_some(())?;
    let dialect = Dialect::of_name(&route.dialect)?;
    Some(Compiled { filter, tail, dialect, stream: route.stream.clone(), source })
}

/// `station-{3}` as its pieces; none if a brace does not close or holds no number.
fn pieces(template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (number, after) = after.split_once('}')?;
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(Piece::Level(number.parse().ok()?));
        rest = after;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

/// Printable and short; nothing that hides, turns or breaks a line.
fn is_source_id(id: &str) -> bool {
    let shown = |letter: char| {
        !letter.is_control()
            && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            && letter != '\u{feff}'
    };
    !id.is_empty() && id.len() <= SOURCE_BYTES_MAX && id.trim() == id && id.chars().all(shown)
}

fn is_protobuf(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    PROTOBUF_TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known))
}
