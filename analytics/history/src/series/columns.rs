//! The columns of a file of rows: one table for both directions. A row comes back exactly as it was written.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use nhip_proto::{
    AreaCode, ArrivalTime, Decimal, EventTime, IndicatorId, Level, Offset, Origin, RowCause, RowState, Share,
    SourceId,
};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::TypePtr;

use super::order::Kept;
use super::texts::{double, numbers, numbers_text};

/// How a column is got from a row and set in one.
pub(super) enum Codec {
    Text(fn(&Kept) -> Cow<'_, str>, fn(&mut Kept, &str) -> Option<()>),
    /// Names as a JSON list; neighbours often have the same ones.
    Names(fn(&Kept) -> &[SourceId], fn(&mut Kept, Vec<SourceId>)),
    Long(fn(&Kept) -> Option<i64>, fn(&mut Kept, Option<i64>) -> Option<()>),
    /// 16 bytes.
    Wide(fn(&Kept) -> Option<[u8; 16]>, fn(&mut Kept, Option<[u8; 16]>) -> Option<()>),
    /// For readers that know no exact numbers; never read back.
    Double(fn(&Kept) -> Option<f64>),
}

/// One column.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Its type in Parquet's words, `?` before it if it may be missing.
    kind: &'static str,
    pub(super) codec: Codec,
}

impl Column {
    pub(super) fn optional(&self) -> bool {
        self.kind.starts_with('?')
    }

    /// Whether a row is made of it.
    fn comes_back(&self) -> bool {
        !matches!(self.codec, Codec::Double(_))
    }
}

const fn column(name: &'static str, kind: &'static str, codec: Codec) -> Column {
    Column { name, kind, codec }
}

/// The places of the columns a row is made of.
pub(super) fn columns_of_a_row() -> impl Iterator<Item = usize> {
    COLUMNS.iter().enumerate().filter(|(_, column)| column.comes_back()).map(|(at, _)| at)
}

/// Those of them a figure shows ([`nhip_ports::figure_of`]): not where it comes from.
pub(super) const FIGURE_COLUMNS: &[usize] = &[
    place::KNOWN_AT,
    place::STATE,
    place::WINDOW_END,
    place::VALUE_SCALE,
    place::VALUE_EXACT,
    place::NUMERATOR,
    place::DENOMINATOR,
    place::K,
    place::M,
    place::LEVEL,
    place::ORIGIN,
];

const TEXT: &str = "binary NAME (UTF8)";
const COUNT: &str = "int64 NAME";
const TIME: &str = "int64 NAME (TIMESTAMP(NANOS,true))";
const EXACT: &str = "fixed_len_byte_array(16) NAME (DECIMAL(38,0))";

/// Places of columns that are read by themselves.
pub(super) mod place {
    pub(in crate::series) const INDICATOR: usize = 0;
    pub(in crate::series) const DEFINITION: usize = 1;
    pub(in crate::series) const AREA: usize = 2;
    pub(in crate::series) const GROUP: usize = 3;
    pub(in crate::series) const PERIOD: usize = 4;
    pub(in crate::series) const WINDOW_START: usize = 5;
    pub(in crate::series) const REVISION: usize = 6;
    pub(in crate::series) const KNOWN_OFFSET: usize = 7;
    pub(in crate::series) const KNOWN_AT: usize = 8;
    pub(in crate::series) const TICK: usize = 9;
    pub(in crate::series) const STATE: usize = 10;
    pub(in crate::series) const WINDOW_END: usize = 11;
    pub(in crate::series) const VALUE_SCALE: usize = 13;
    pub(in crate::series) const VALUE_EXACT: usize = 14;
    pub(in crate::series) const NUMERATOR: usize = 15;
    pub(in crate::series) const DENOMINATOR: usize = 16;
    pub(in crate::series) const K: usize = 17;
    pub(in crate::series) const M: usize = 18;
    pub(in crate::series) const LEVEL: usize = 20;
    pub(in crate::series) const ORIGIN: usize = 22;
    pub(in crate::series) const LINEAGE: usize = 23;
}

/// All columns in the order of the file; [`place`] says where some are.
pub(super) const COLUMNS: &[Column] = &[
    column(
        "indicator",
        TEXT,
        Codec::Text(
            |kept| kept.row.key.indicator.as_str().into(),
            |kept, text| put(&mut kept.row.key.indicator, IndicatorId::new(text)),
        ),
    ),
    column(
        "definition",
        "fixed_len_byte_array(16) NAME",
        Codec::Wide(|kept| Some(kept.row.definition), |kept, bytes| put(&mut kept.row.definition, bytes?)),
    ),
    column(
        "area",
        TEXT,
        Codec::Text(
            |kept| kept.row.key.area.as_str().into(),
            |kept, text| put(&mut kept.row.key.area, AreaCode::new(text)),
        ),
    ),
    column(
        "group",
        TEXT,
        Codec::Text(
            |kept| kept.row.key.group.as_str().into(),
            |kept, text| put(&mut kept.row.key.group, text.to_owned()),
        ),
    ),
    column(
        "period",
        TEXT,
        Codec::Text(
            |kept| kept.row.key.period.as_str().into(),
            |kept, text| put(&mut kept.row.key.period, text.to_owned()),
        ),
    ),
    column(
        "window_start",
        TIME,
        Codec::Long(
            |kept| Some(kept.row.key.window_start.0),
            |kept, long| put(&mut kept.row.key.window_start, EventTime(long?)),
        ),
    ),
    column(
        "revision",
        COUNT,
        Codec::Long(
            |kept| Some(kept.row.revision.into()),
            |kept, long| put(&mut kept.row.revision, u32::try_from(long?).ok()?),
        ),
    ),
    column(
        "known_offset",
        COUNT,
        Codec::Long(
            |kept| Some(kept.row.known_offset.0.cast_signed()),
            |kept, long| put(&mut kept.row.known_offset, offset(long?)),
        ),
    ),
    column(
        "known_at",
        TIME,
        Codec::Long(
            |kept| Some(kept.row.known_at.0),
            |kept, long| put(&mut kept.row.known_at, ArrivalTime(long?)),
        ),
    ),
    column(
        "tick",
        COUNT,
        Codec::Long(|kept| Some(kept.tick.0.cast_signed()), |kept, long| put(&mut kept.tick, offset(long?))),
    ),
    column(
        "state",
        TEXT,
        Codec::Text(
            |kept| kept.row.state.as_str().into(),
            |kept, text| put(&mut kept.row.state, *RowState::ALL.iter().find(|one| one.as_str() == text)?),
        ),
    ),
    column(
        "window_end",
        TIME,
        Codec::Long(
            |kept| Some(kept.row.window_end.0),
            |kept, long| put(&mut kept.row.window_end, EventTime(long?)),
        ),
    ),
    column("value", "?double NAME", Codec::Double(|kept| kept.row.value.and_then(double))),
    // The scale is set before the digits: without digits there is no value.
    column(
        "value_scale",
        "?int64 NAME",
        Codec::Long(
            |kept| kept.row.value.map(|value| value.scale.into()),
            |kept, long| {
                let scale = long.map(u8::try_from).transpose().ok()?;
                put(&mut kept.row.value, scale.map(|scale| Decimal::new(0, scale)))
            },
        ),
    ),
    column(
        "value_exact",
        "?fixed_len_byte_array(16) NAME (DECIMAL(38,0))",
        Codec::Wide(
            |kept| kept.row.value.map(|value| value.mantissa.to_be_bytes()),
            |kept, bytes| match (&mut kept.row.value, bytes) {
                (Some(value), Some(bytes)) => put(&mut value.mantissa, i128::from_be_bytes(bytes)),
                (None, None) => Some(()),
                _ => None,
            },
        ),
    ),
    column(
        "numerator",
        EXACT,
        Codec::Wide(
            |kept| Some(kept.row.numerator.to_be_bytes()),
            |kept, bytes| put(&mut kept.row.numerator, i128::from_be_bytes(bytes?)),
        ),
    ),
    column(
        "denominator",
        EXACT,
        Codec::Wide(
            |kept| Some(kept.row.denominator.to_be_bytes()),
            |kept, bytes| put(&mut kept.row.denominator, i128::from_be_bytes(bytes?)),
        ),
    ),
    column(
        "k",
        COUNT,
        Codec::Long(
            |kept| Some(kept.row.k.into()),
            |kept, long| put(&mut kept.row.k, u32::try_from(long?).ok()?),
        ),
    ),
    column(
        "m",
        COUNT,
        Codec::Long(
            |kept| Some(kept.row.m.into()),
            |kept, long| put(&mut kept.row.m, u32::try_from(long?).ok()?),
        ),
    ),
    column(
        "event_time",
        "?int64 NAME (TIMESTAMP(NANOS,true))",
        Codec::Long(
            |kept| kept.row.event_time.map(|time| time.0),
            |kept, long| put(&mut kept.row.event_time, long.map(EventTime)),
        ),
    ),
    column(
        "level",
        TEXT,
        Codec::Text(
            |kept| kept.row.level.as_str().into(),
            |kept, text| put(&mut kept.row.level, *Level::ALL.iter().find(|one| one.as_str() == text)?),
        ),
    ),
    column(
        "cause",
        TEXT,
        Codec::Text(
            |kept| kept.row.cause.as_str().into(),
            |kept, text| put(&mut kept.row.cause, *RowCause::ALL.iter().find(|one| one.as_str() == text)?),
        ),
    ),
    column(
        "origin",
        TEXT,
        Codec::Text(
            |kept| kept.row.origin.as_str().into(),
            |kept, text| put(&mut kept.row.origin, *Origin::ALL.iter().find(|one| one.as_str() == text)?),
        ),
    ),
    column(
        "lineage",
        TEXT,
        Codec::Text(
            |kept| kept.row.lineage.as_str().into(),
            |kept, text| put(&mut kept.row.lineage, text.to_owned()),
        ),
    ),
    column(
        "badge_dung",
        TEXT,
        Codec::Text(
            |kept| share_text(kept.row.badge.dung),
            |kept, text| put(&mut kept.row.badge.dung, share(text)?),
        ),
    ),
    column(
        "badge_du",
        TEXT,
        Codec::Text(
            |kept| share_text(kept.row.badge.du),
            |kept, text| put(&mut kept.row.badge.du, share(text)?),
        ),
    ),
    column(
        "badge_sach",
        TEXT,
        Codec::Text(
            |kept| share_text(kept.row.badge.sach),
            |kept, text| put(&mut kept.row.badge.sach, share(text)?),
        ),
    ),
    column(
        "badge_song",
        TEXT,
        Codec::Text(
            |kept| share_text(kept.row.badge.song),
            |kept, text| put(&mut kept.row.badge.song, share(text)?),
        ),
    ),
    column(
        "first_offset",
        "?int64 NAME",
        Codec::Long(
            |kept| kept.row.provenance.first.map(|offset| offset.0.cast_signed()),
            |kept, long| put(&mut kept.row.provenance.first, long.map(offset)),
        ),
    ),
    column(
        "last_offset",
        "?int64 NAME",
        Codec::Long(
            |kept| kept.row.provenance.last.map(|offset| offset.0.cast_signed()),
            |kept, long| put(&mut kept.row.provenance.last, long.map(offset)),
        ),
    ),
    column(
        "samples",
        TEXT,
        Codec::Text(
            |kept| numbers_text(&kept.row.provenance.samples).into(),
            |kept, text| put(&mut kept.row.provenance.samples, numbers(text)?),
        ),
    ),
    column(
        "sources",
        TEXT,
        Codec::Names(|kept| &kept.row.provenance.sources, |kept, names| kept.row.provenance.sources = names),
    ),
];

static SCHEMA: LazyLock<std::result::Result<TypePtr, String>> = LazyLock::new(|| {
    let fields: Vec<String> = COLUMNS
        .iter()
        .map(|column| {
            let repetition = if column.optional() { "optional" } else { "required" };
            format!("{repetition} {};", column.kind.trim_start_matches('?').replace("NAME", column.name))
        })
        .collect();
    let message = format!("message nhip_row {{ {} }}", fields.join(" "));
    parquet::schema::parser::parse_message_type(&message).map(Arc::new).map_err(|error| error.to_string())
});

/// The schema of the table above.
pub(super) fn schema() -> Result<TypePtr> {
    SCHEMA.clone().map_err(ParquetError::General)
}

fn put<T>(place: &mut T, value: T) -> Option<()> {
    *place = value;
    Some(())
}

fn offset(long: i64) -> Offset {
    Offset(long.cast_unsigned())
}

/// `12/15`, or nothing where nothing can be judged.
fn share_text(share: Option<Share>) -> Cow<'static, str> {
    share.map_or(Cow::Borrowed(""), |share| format!("{}/{}", share.numerator, share.denominator).into())
}

/// The outer none: not what was written.
fn share(text: &str) -> Option<Option<Share>> {
    if text.is_empty() {
        return Some(None);
    }
    let (numerator, denominator) = text.split_once('/')?;
    Some(Some(Share { numerator: numerator.parse().ok()?, denominator: denominator.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_where_they_are_looked_for() {
        let named = [
            (place::INDICATOR, "indicator"),
            (place::DEFINITION, "definition"),
            (place::AREA, "area"),
            (place::GROUP, "group"),
            (place::PERIOD, "period"),
            (place::WINDOW_START, "window_start"),
            (place::REVISION, "revision"),
            (place::KNOWN_OFFSET, "known_offset"),
            (place::KNOWN_AT, "known_at"),
            (place::TICK, "tick"),
            (place::STATE, "state"),
            (place::WINDOW_END, "window_end"),
            (place::VALUE_SCALE, "value_scale"),
            (place::VALUE_EXACT, "value_exact"),
            (place::NUMERATOR, "numerator"),
            (place::DENOMINATOR, "denominator"),
            (place::K, "k"),
            (place::M, "m"),
            (place::LEVEL, "level"),
            (place::ORIGIN, "origin"),
            (place::LINEAGE, "lineage"),
        ];
        for (at, name) in named {
            assert_eq!(COLUMNS[at].name, name);
        }
        assert_eq!(schema().expect("a schema").get_fields().len(), COLUMNS.len());
    }
}
