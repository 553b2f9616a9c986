//! Figure rows in bytes.

use prost::Message as _;

use super::{CodecError, array, wire_row as wire};
use crate::{
    AreaCode, ArrivalTime, Badge, Decimal, EventTime, FigureKey, IndicatorId, Level, Offset, Origin,
    Provenance, Row, RowCause, RowState, Share, SourceId,
};

/// Appends the row's bytes to `out`.
pub fn encode_row(row: &Row, out: &mut Vec<u8>) {
    let wide = |number: i128| bytes::Bytes::copy_from_slice(&number.to_be_bytes());
    let mantissa = row.value.map_or(0, |value| value.mantissa);
    let narrow = i64::try_from(mantissa);
    let wire = wire::Row {
        lineage: row.lineage.clone(),
        indicator: row.key.indicator.as_str().to_owned(),
        definition: bytes::Bytes::copy_from_slice(&row.definition),
        area: row.key.area.as_str().to_owned(),
        group: row.key.group.clone(),
        period: row.key.period.clone(),
        window_start_ns: row.key.window_start.0,
        window_end_ns: row.window_end.0,
        revision: row.revision,
        state: row.state.code(),
        numerator: wide(row.numerator),
        denominator: wide(row.denominator),
        has_value: row.value.is_some(),
        value: narrow.unwrap_or(0),
        wide_value: if narrow.is_err() { wide(mantissa) } else { bytes::Bytes::new() },
        scale: row.value.map_or(0, |value| u32::from(value.scale)),
        k: row.k,
        m: row.m,
        known_offset: row.known_offset.0,
        known_at_ns: row.known_at.0,
        event_time_ns: row.event_time.map(|time| time.0),
        level: row.level.code(),
        first_offset: row.provenance.first.map_or(0, |offset| offset.0 + 1),
        last_offset: row.provenance.last.map_or(0, |offset| offset.0 + 1),
        samples: row.provenance.samples.iter().map(|offset| offset.0).collect(),
        badge: Some(badge_to_wire(&row.badge)),
        cause: row.cause.code(),
        origin: row.origin.code(),
        sources: row.provenance.sources.iter().map(|source| source.as_str().to_owned()).collect(),
    };
    wire.encode_raw(out);
}

/// Reads a row back.
///
/// # Errors
/// [`CodecError`] if the bytes are no row of this version.
pub fn decode_row(bytes: bytes::Bytes) -> Result<Row, CodecError> {
    let row = wire::Row::decode(bytes)?;
    Ok(Row {
        key: FigureKey {
            indicator: IndicatorId::new(&row.indicator),
            area: AreaCode::new(&row.area),
            group: row.group.clone(),
            period: row.period.clone(),
            window_start: EventTime(row.window_start_ns),
        },
        definition: array("row.definition", &row.definition)?,
        window_end: EventTime(row.window_end_ns),
        revision: row.revision,
        state: RowState::from_code(row.state).ok_or(CodecError::Unknown("row.state"))?,
        numerator: i128::from_be_bytes(array("row.numerator", &row.numerator)?),
        denominator: i128::from_be_bytes(array("row.denominator", &row.denominator)?),
        value: value_from_wire(&row)?,
        k: row.k,
        m: row.m,
        known_offset: Offset(row.known_offset),
        known_at: ArrivalTime(row.known_at_ns),
        event_time: row.event_time_ns.map(EventTime),
        level: Level::from_code(row.level).ok_or(CodecError::Unknown("row.level"))?,
        provenance: Provenance {
            sources: row.sources.iter().map(|source| SourceId::new(source)).collect(),
            first: row.first_offset.checked_sub(1).map(Offset),
            last: row.last_offset.checked_sub(1).map(Offset),
            samples: row.samples.iter().map(|offset| Offset(*offset)).collect(),
        },
        badge: row.badge.as_ref().map_or_else(Badge::default, badge_from_wire),
        cause: RowCause::from_code(row.cause).ok_or(CodecError::Unknown("row.cause"))?,
        origin: Origin::from_code(row.origin).ok_or(CodecError::Unknown("row.origin"))?,
        lineage: row.lineage,
    })
}

fn value_from_wire(row: &wire::Row) -> Result<Option<Decimal>, CodecError> {
    if !row.has_value {
        return Ok(None);
    }
    let scale = u8::try_from(row.scale).map_err(|_| CodecError::Unknown("row.scale"))?;
    let mantissa = if row.wide_value.is_empty() {
        i128::from(row.value)
    } else {
        i128::from_be_bytes(array("row.wide_value", &row.wide_value)?)
    };
    Ok(Some(Decimal { mantissa, scale }))
}

fn badge_to_wire(badge: &Badge) -> wire::Badge {
    let parts = |share: Option<Share>| share.map_or_else(Vec::new, |s| vec![s.numerator, s.denominator]);
    wire::Badge {
        dung: parts(badge.dung),
        du: parts(badge.du),
        sach: parts(badge.sach),
        song: parts(badge.song),
    }
}

fn badge_from_wire(badge: &wire::Badge) -> Badge {
    let share = |parts: &[u64]| match parts {
        [numerator, denominator] => Share::of(*numerator, *denominator),
        _ => None,
    };
    Badge {
        dung: share(&badge.dung),
        du: share(&badge.du),
        sach: share(&badge.sach),
        song: share(&badge.song),
    }
}
