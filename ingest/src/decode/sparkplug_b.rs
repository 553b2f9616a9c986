//! Eclipse Sparkplug B 3.0.0 (chapters 4 and 6): births, data and deaths of edge nodes and their devices.
//!
//! Stateless: aliases stay aliases (a birth's items bind them, the engine looks them up), and an integer
//! sent without its type is kept raw with a flag. How metrics meet the profile is written in docs/mqtt.md.

use nhip_proto::wire::sparkplug::{Metric, Payload, metric::Value};
use nhip_proto::{
    Decimal, EventTime, Item, ItemFlags, ItemName, ItemValue, Rejection, RejectionReason, Session,
    SessionKind,
};
use prost::Message as _;

use super::{
    DecodeContext, ITEMS_MAX, Stamp, protobuf_bounds, refuse, state_item, time_of_milliseconds, undeclared,
};

/// The field number of `Payload.metrics`.
const METRICS: u32 = 2;
/// Pairs a death with its birth (§6.4.19).
const BIRTH_METRIC: &str = "bdSeq";
/// Metrics that are commands to the node or device, not measurements.
const CONTROL_PREFIXES: [&str; 2] = ["Node Control/", "Device Control/"];

/// What a topic's message is: `spBv1.0/group/TYPE/node[/device]`. None for STATE, for commands (NCMD, DCMD)
/// and for anything that is no Sparkplug topic.
pub(super) fn kind(levels: &[&str]) -> Option<SessionKind> {
    match levels {
        ["spBv1.0", _, "NBIRTH", _] => Some(SessionKind::NodeBirth),
        ["spBv1.0", _, "NDATA", _] => Some(SessionKind::NodeData),
        ["spBv1.0", _, "NDEATH", _] => Some(SessionKind::NodeDeath),
        ["spBv1.0", _, "DBIRTH", _, _] => Some(SessionKind::DeviceBirth),
        ["spBv1.0", _, "DDATA", _, _] => Some(SessionKind::DeviceData),
        ["spBv1.0", _, "DDEATH", _, _] => Some(SessionKind::DeviceDeath),
        _ => None,
    }
}

/// The items of a payload and where it stands in its node's session. A message without metrics still counts
/// for the session, so it is no rejection.
pub(super) fn items(payload: &[u8], context: &DecodeContext<'_>) -> Result<(Vec<Item>, Session), Rejection> {
    let (Some(kind), [_, group, _, node, ..]) = (kind(context.levels), context.levels) else {
        return Err(refuse(RejectionReason::FieldInvalid, "message_type", 0));
    };
    let syntax = || refuse(RejectionReason::Syntax, "", 0);
    if !protobuf_bounds::at_most(payload, METRICS, ITEMS_MAX).ok_or_else(syntax)? {
        return Err(refuse(RejectionReason::TooManyItems, "metrics", ITEMS_MAX + 1));
    }
    let payload = Payload::decode(payload).map_err(|_| syntax())?;
    let sequence = payload.seq.map(u8::try_from).transpose();
    let session = Session {
        kind,
        sequence: sequence.map_err(|_| refuse(RejectionReason::FieldInvalid, "seq", 0))?,
        birth: payload.metrics.iter().find(|metric| is_birth_metric(metric, kind)).and_then(whole_number),
        node: format!("{group}/{node}"),
    };
    if matches!(kind, SessionKind::NodeDeath | SessionKind::DeviceDeath) {
        return Ok((Vec::new(), session));
    }
    let sent = payload.timestamp.map(|milliseconds| read_time(milliseconds, 0)).transpose()?;
    let mut items = Vec::with_capacity(payload.metrics.len());
    for (index, metric) in payload.metrics.iter().enumerate() {
        if !is_birth_metric(metric, kind) && !is_control(metric) {
            items.push(read_metric(metric, index, sent, kind, context)?);
        }
    }
    Ok((items, session))
}

fn is_birth_metric(metric: &Metric, kind: SessionKind) -> bool {
    let node_life = matches!(kind, SessionKind::NodeBirth | SessionKind::NodeDeath);
    node_life && metric.name.as_deref() == Some(BIRTH_METRIC)
}

fn is_control(metric: &Metric) -> bool {
    let name = metric.name.as_deref().unwrap_or_default();
    metric.alias.is_none() && CONTROL_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Encoders send bdSeq as Int64 or as UInt64, in either integer field.
fn whole_number(metric: &Metric) -> Option<u64> {
    match metric.value {
        Some(Value::IntValue(number)) => Some(u64::from(number)),
        Some(Value::LongValue(number)) => Some(number),
        _ => None,
    }
}

fn read_time(milliseconds: u64, position: usize) -> Result<EventTime, Rejection> {
    let time = i64::try_from(milliseconds).ok().and_then(time_of_milliseconds);
    time.ok_or_else(|| refuse(RejectionReason::TimeInvalid, "timestamp", position))
}

fn read_metric(
    metric: &Metric,
    index: usize,
    sent: Option<EventTime>,
    kind: SessionKind,
    context: &DecodeContext<'_>,
) -> Result<Item, Rejection> {
    let event_time = match metric.timestamp {
        Some(milliseconds) => Some(read_time(milliseconds, index + 1)?),
        None => sent,
    };
    let stamp = Stamp { event_time, ..Stamp::default() };
    let mut item = match (metric.name.as_deref(), metric.alias) {
        (None | Some(""), Some(alias)) => aliased_item(metric, alias, &stamp, context),
        (name, _) => match declared_name(name.unwrap_or_default(), context) {
            Some(name) => named_item(metric, name, &stamp, context),
            None => undeclared(&stamp, context, index),
        },
    };
    if matches!(kind, SessionKind::NodeBirth | SessionKind::DeviceBirth) {
        item.binds_alias = metric.alias;
        item.flags = item.flags.with(signed_width(metric.datatype));
    }
    if metric.is_historical == Some(true) {
        item.flags = item.flags.with(ItemFlags::HISTORICAL);
    }
    Ok(item)
}

/// A metric is a quantity or state of the stream by its whole name, else by what follows its last `/`.
fn declared_name<'n>(name: &'n str, context: &DecodeContext<'_>) -> Option<&'n str> {
    let last = name.rsplit('/').next().unwrap_or_default();
    let stream = context.stream;
    [name, last]
        .into_iter()
        .find(|name| stream.quantities.contains_key(*name) || stream.states.contains_key(*name))
}

fn named_item(metric: &Metric, name: &str, stamp: &Stamp, context: &DecodeContext<'_>) -> Item {
    if context.stream.quantities.contains_key(name) {
        let (value, flags) = quantity_value(metric);
        let mut item = stamp.item(context, ItemName::Text(name.to_owned()), value);
        item.flags = flags;
        return item;
    }
    let mut item = match present(metric) {
        None => state_item(stamp, context, name, None),
        Some(Value::StringValue(state)) => state_item(stamp, context, name, Some(state)),
        Some(Value::BooleanValue(state)) => {
            state_item(stamp, context, name, Some(if *state { "true" } else { "false" }))
        }
        Some(Value::IntValue(_) | Value::LongValue(_)) => {
            let (value, _) = quantity_value(metric);
            let number = if let ItemValue::Number(number) = value { Some(number.to_string()) } else { None };
            state_item(stamp, context, name, number.as_deref())
        }
        Some(Value::FloatValue(_) | Value::DoubleValue(_) | Value::BytesValue(_)) => {
            state_item(stamp, context, name, Some(""))
        }
    };
    item.flags = item.flags.with(unread(metric));
    item
}

/// Data under an alias: the name is known to the engine only, so a state is clear if any state of the
/// stream may have it.
fn aliased_item(metric: &Metric, alias: u64, stamp: &Stamp, context: &DecodeContext<'_>) -> Item {
    let listed = |state: &str| context.stream.states.values().flatten().any(|one| one == state);
    let (value, flags) = match present(metric) {
        Some(Value::StringValue(state)) if listed(state) => {
            (ItemValue::State(state.clone()), ItemFlags::default())
        }
        Some(Value::BooleanValue(state)) if listed("true") && listed("false") => {
            let state = if *state { "true" } else { "false" };
            (ItemValue::State(state.to_owned()), ItemFlags::default())
        }
        _ => quantity_value(metric),
    };
    let mut item = stamp.item(context, ItemName::Alias(alias), value);
    item.flags = flags;
    item
}

fn present(metric: &Metric) -> Option<&Value> {
    if metric.is_null == Some(true) { None } else { metric.value.as_ref() }
}

/// Neither null nor a value this dialect reads (a data set, a template): something is there and stays sealed.
fn unread(metric: &Metric) -> ItemFlags {
    let unread = metric.is_null != Some(true) && metric.value.is_none();
    if unread { ItemFlags::UNDECLARED_VALUE } else { ItemFlags::default() }
}

fn quantity_value(metric: &Metric) -> (ItemValue, ItemFlags) {
    let number = match present(metric) {
        None => return (ItemValue::Missing, unread(metric)),
        Some(Value::IntValue(number)) => return integer(u64::from(*number), metric.datatype),
        Some(Value::LongValue(number)) => return integer(*number, metric.datatype),
        Some(Value::FloatValue(number)) => Decimal::from_single(*number),
        Some(Value::DoubleValue(number)) => Decimal::from_float(*number),
        Some(Value::BooleanValue(on)) => Some(Decimal::new(i128::from(*on), 0)),
        Some(Value::StringValue(_) | Value::BytesValue(_)) => None,
    };
    match number {
        Some(number) => (ItemValue::Number(number), ItemFlags::default()),
        None => (ItemValue::Missing, ItemFlags::UNDECLARED_VALUE),
    }
}

fn integer(raw: u64, datatype: Option<u32>) -> (ItemValue, ItemFlags) {
    let number = ItemValue::Number(Decimal::new(signed_width(datatype).read_integer(raw), 0));
    (number, if datatype.is_none() { ItemFlags::INTEGER_RAW } else { ItemFlags::default() })
}

/// Datatypes 1 to 4 are Int8, Int16, Int32 and Int64 (§6.4.16).
fn signed_width(datatype: Option<u32>) -> ItemFlags {
    match datatype {
        Some(1) => ItemFlags::SIGNED_8,
        Some(2) => ItemFlags::SIGNED_16,
        Some(3) => ItemFlags::SIGNED_32,
        Some(4) => ItemFlags::SIGNED_64,
        _ => ItemFlags::default(),
    }
}
