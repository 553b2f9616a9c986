//! From a topic to stream, source and dialect. Native topics are built in, foreign ones come by the
//! profile's routes; what has no route, or a source nobody knows, keeps topic and source sealed.

mod split;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::TimeZone;
use nhip_profile::{Mapping, Path, Profile, Source, Stream, named_zone};
use nhip_proto::{RejectionReason, SourceId, StreamId};

use crate::decode::{Dialect, json, tree};

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
    /// The mapping its route names.
    pub mapping: Option<&'p Mapping>,
    /// The zone of stamps that name none.
    pub zone: Option<&'p TimeZone>,
}

/// One message of a delivery: the whole payload, or one element of it.
#[derive(Clone, Debug)]
pub struct Part<'p> {
    /// Where it leads.
    pub routed: Result<Taken<'p>, Turned<'p>>,
    /// Its own bytes, as sent.
    pub payload: Bytes,
    /// Whether they are one element of the delivery's payload.
    pub is_element: bool,
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
    zones: BTreeMap<StreamId, TimeZone>,
}

#[derive(Debug)]
struct Compiled {
    filter: Vec<Level>,
    tail: bool,
    dialect: Dialect,
    stream: StreamId,
    source: Vec<Piece>,
    each: Option<Path>,
    mapping: Option<String>,
    zone: Option<TimeZone>,
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
    Payload(Path),
}

/// Where a topic leads as far as the topic tells.
enum Lead<'p> {
    Native { stream: (&'p StreamId, &'p Stream), source: String, dialect: Dialect },
    Foreign { stream: (&'p StreamId, &'p Stream), route: &'p Compiled },
}

const NO_ROUTE: Turned<'static> = Turned { reason: RejectionReason::NoRoute, stream: None, dialect: None };

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
        let zone = |id: &StreamId| Some((id.clone(), stream_zone(&profile, id)?));
        let zones = profile.streams.keys().filter_map(zone).collect();
        Self { profile, routes, zones }
    }

    /// The profile it was made of.
    #[must_use]
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// Where a topic leads. Routes are tried in the profile's order; the first that fits decides. A route that
    /// looks into the payload finds an empty one here: for such topics ask [`Router::read`].
    ///
    /// # Errors
    /// [`Turned`] if no route fits, or the source is not listed and its stream takes no strangers.
    pub fn route(&self, topic: &str, content_type: &str) -> Result<Taken<'_>, Turned<'_>> {
        let levels = levels(topic).ok_or(NO_ROUTE)?;
        let lead = self.lead(&levels, content_type)?;
        self.follow(&lead, topic, &levels, b"")
    }

    /// The messages of a delivery, at least one: one for each element where the route splits the payload. A payload
    /// of more than `payload_bytes_max` bytes is not looked into.
    #[must_use]
    pub fn read(
        &self,
        topic: &str,
        content_type: &str,
        payload: &Bytes,
        payload_bytes_max: usize,
    ) -> Vec<Part<'_>> {
        let whole = |routed| vec![Part { routed, payload: payload.clone(), is_element: false }];
        let Some(levels) = levels(topic) else { return whole(Err(NO_ROUTE)) };
        let lead = match self.lead(&levels, content_type) {
            Ok(lead) => lead,
            Err(turned) => return whole(Err(turned)),
        };
        let follow = |bytes: &Bytes| self.follow(&lead, topic, &levels, bytes);
        let Lead::Foreign { stream: (_, stream), route } = &lead else { return whole(follow(payload)) };
        if !route.looks_inside() {
            return whole(follow(payload));
        }
        let turned = |reason| Turned { reason, stream: Some(stream), dialect: Some(route.dialect) };
        if payload.len() > payload_bytes_max {
            return whole(Err(turned(RejectionReason::TooLarge)));
        }
        let Some(each) = &route.each else { return whole(follow(payload)) };
        let part = |payload: Bytes| Part { routed: follow(&payload), payload, is_element: true };
        match split::elements(payload, &each.steps) {
            Ok(elements) => elements.into_iter().map(part).collect(),
            Err(reason) => whole(Err(turned(reason))),
        }
    }

    /// The zone of a mapping's stamps in a stream.
    pub(crate) fn zone_of(&self, mapping: &Mapping, stream: &StreamId) -> Option<TimeZone> {
        own_zone(mapping).or_else(|| self.zones.get(stream).cloned())
    }

    /// The message an element once was: it is not split again.
    pub(crate) fn read_element(&self, topic: &str, payload: &[u8]) -> Result<Taken<'_>, Turned<'_>> {
        let levels = levels(topic).ok_or(NO_ROUTE)?;
        let lead = self.lead(&levels, "")?;
        self.follow(&lead, topic, &levels, payload)
    }

    fn lead(&self, levels: &[&str], content_type: &str) -> Result<Lead<'_>, Turned<'static>> {
        if let ["nhip", "v1", tenant, stream, source, suffix @ ..] = levels {
            let binary = match suffix {
                [] => is_protobuf(content_type),
                ["pb"] => true,
                _ => return Err(NO_ROUTE),
            };
            let dialect = if binary { Dialect::NativeProtobuf } else { Dialect::NativeJson };
            return match self.profile.streams.get_key_value(*stream) {
                Some(stream) if *tenant == self.profile.id => {
                    Ok(Lead::Native { stream, source: (*source).to_owned(), dialect })
                }
                _ => Err(NO_ROUTE),
            };
        }
        let fits = |route: &&Compiled| route.fits(levels) && route.dialect.carries(levels);
        let route = self.routes.iter().find(fits).ok_or(NO_ROUTE)?;
        let stream = self.profile.streams.get_key_value(&route.stream).ok_or(NO_ROUTE)?;
        Ok(Lead::Foreign { stream, route })
    }

    fn follow<'p>(
        &'p self,
        lead: &Lead<'p>,
        topic: &str,
        levels: &[&str],
        payload: &[u8],
    ) -> Result<Taken<'p>, Turned<'p>> {
        match lead {
            Lead::Native { stream, source, dialect } => {
                self.take(*stream, source, *dialect, (topic.to_owned(), true))
            }
            Lead::Foreign { stream, route } => {
                let turned = |reason| Turned { reason, stream: Some(stream.1), dialect: Some(route.dialect) };
                let id = route.source_id(levels, payload).map_err(turned)?;
                let taken = self.take(*stream, &id, route.dialect, route.clear_topic(topic, levels))?;
                let mapping = route.mapping.as_ref().and_then(|id| self.profile.mappings.get(id));
                Ok(Taken { mapping, zone: route.zone.as_ref().or(taken.zone), ..taken })
            }
        }
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
        let zone = self.zones.get(stream_id);
        Ok(Taken { stream, stream_id, source, dialect, clear_topic, topic_is_clear, mapping: None, zone })
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

    /// Whether the payload must be read to know what it is and whose.
    fn looks_inside(&self) -> bool {
        self.each.is_some() || self.source.iter().any(|piece| matches!(piece, Piece::Payload(_)))
    }

    /// The template filled in; a level the topic does not have is empty, and slashes left at the end go. A piece
    /// of the payload must be there as text or number.
    fn source_id(&self, levels: &[&str], payload: &[u8]) -> Result<String, RejectionReason> {
        let mut root = None;
        let mut id = String::new();
        for piece in &self.source {
            match piece {
                Piece::Text(text) => id.push_str(text),
                Piece::Level(index) => id.push_str(levels.get(*index).copied().unwrap_or_default()),
                Piece::Payload(path) => {
                    if root.is_none() {
                        root = Some(tree(self.dialect, payload).map_err(|rejection| rejection.reason)?);
                    }
                    let value = root.as_ref().and_then(|root| root.find(&path.steps));
                    let text = value.and_then(json::Json::scalar).ok_or(RejectionReason::FieldMissing)?;
                    id.push_str(&text);
                }
            }
        }
        id.truncate(id.trim_end_matches('/').len());
        Ok(id)
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
    let mapping = route.mapping.as_ref().map(|id| profile.mappings.get(id).ok_or(())).transpose().ok()?;
    let zone = mapping.and_then(own_zone);
    Some(Compiled {
        filter,
        tail,
        dialect,
        stream: route.stream.clone(),
        source,
        each: route.each.clone(),
        mapping: route.mapping.clone(),
        zone,
    })
}

/// The zone a mapping names itself.
fn own_zone(mapping: &Mapping) -> Option<TimeZone> {
    mapping.time.as_ref()?.zone.as_deref().and_then(named_zone)
}

/// The zone of a stream's stamps that name none.
fn stream_zone(profile: &Profile, stream: &StreamId) -> Option<TimeZone> {
    let own = profile.streams.get(stream).and_then(|stream| stream.zone.as_deref());
    own.map_or_else(|| profile.time_zone(), named_zone)
}

/// The levels of a topic; none if it has too many.
fn levels(topic: &str) -> Option<Vec<&str>> {
    let mut levels: Vec<&str> = Vec::with_capacity(8);
    for level in topic.split('/') {
        if levels.len() == TOPIC_LEVELS_MAX {
            return None;
        }
        levels.push(level);
    }
    Some(levels)
}

/// `station-{3}` as its pieces; none if a brace does not close or holds neither a number nor a path.
fn pieces(template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (number, after) = after.split_once('}')?;
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(match number.strip_prefix("payload:") {
            Some(path) => Piece::Payload(Path::parse(path)?),
            None => Piece::Level(number.parse().ok()?),
        });
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
