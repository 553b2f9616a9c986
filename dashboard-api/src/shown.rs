//! One row as a screen sees it, and its JSON text.

use std::fmt::Write;

use nhip_proto::{Badge, Decimal, EventTime, Figure, Level, MILLISECOND, Origin, RowCause, RowState, Share};

/// Bits of `f`.
const TYPED: u8 = 1;
const PROVISIONAL: u8 = 2;
const SIMULATED: u8 = 4;
const PARTIAL: u8 = 8;
const REVISED: u8 = 16;
const REPLAYED: u8 = 32;
const RESTATED: u8 = 64;
/// Qualities of `q`.
const GOOD: u8 = 0;
const NO_DATA: u8 = 130;
/// A share of 1 in the ten-thousandths shares are shown in.
const WHOLE: u16 = 10_000;

/// The four words in ten-thousandths; none: not judged.
pub(crate) type ShownBadge = [Option<u16>; 4];

/// What can be seen of a figure. Two equal ones need no frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Event time in ms; none: never heard.
    pub(crate) event_ms: Option<i64>,
    /// The value; none: missing, never 0.
    pub(crate) value: Option<Decimal>,
    /// `q`.
    pub(crate) quality: u8,
    /// `f`.
    pub(crate) flags: u8,
    /// Sources that contributed.
    pub(crate) k: u32,
    /// Sources due.
    pub(crate) m: u32,
    /// `l`.
    pub(crate) level: u8,
    /// Start and end of the window in ms; none: no window yet.
    pub(crate) window_ms: Option<(i64, i64)>,
    /// đúng, đủ, sạch, sống.
    pub(crate) badge: ShownBadge,
    /// Revision of the window.
    pub(crate) revision: u32,
}

impl Shown {
    /// A row no figure exists for yet.
    #[must_use]
    pub(crate) fn never_heard(due: u32) -> Self {
        Self {
            event_ms: None,
            value: None,
            quality: NO_DATA,
            flags: if due > 0 { PARTIAL } else { 0 },
            k: 0,
            m: due,
            level: 0,
            window_ms: None,
            badge: [None; 4],
            revision: 0,
        }
    }

    /// A figure of a profile whose data comes from `profile_origin`.
    #[must_use]
    pub(crate) fn of(figure: &Figure, profile_origin: Origin) -> Self {
        let row = &figure.row;
        let state = match row.state {
            RowState::Provisional => PROVISIONAL,
            RowState::Final => 0,
            RowState::Revised => REVISED,
        };
        let partial = if row.k < row.m { PARTIAL } else { 0 };
        let again = matches!(row.cause, RowCause::Restated | RowCause::Redecoded);
        let restated = if again { RESTATED } else { 0 };
        Self {
            event_ms: row.event_time.map(milliseconds),
            value: row.value,
            quality: if row.value.is_some() { GOOD } else { NO_DATA },
            flags: state | partial | restated | origin_bits(row.origin) | origin_bits(profile_origin),
            k: row.k,
            m: row.m,
            level: match row.level {
                Level::None => 0,
                Level::Normal => 1,
                Level::Exceeded => 2,
                Level::Warning => 3,
            },
            window_ms: Some((milliseconds(row.key.window_start), milliseconds(row.window_end))),
            badge: shown_badge(&row.badge),
            revision: row.revision,
        }
    }

    /// Appends the tuple of a `d` frame: times relative to `base_ms`.
    pub(crate) fn write_change(&self, out: &mut String, id: u32, base_ms: i64) {
        let relative = |ms: i64| ms.saturating_sub(base_ms);
        open_tuple(out, id);
        write_integer(out, self.event_ms.map(relative));
        out.push(',');
        write_decimal(out, self.value);
        write_numbers(
            out,
            &[u32::from(self.quality), u32::from(self.flags), self.k, self.m, self.level.into()],
        );
        out.push(',');
        write_integer(out, self.window_ms.map(|(start, _)| relative(start)));
        out.push(',');
        write_integer(out, self.window_ms.map(|(_, end)| relative(end)));
        out.push(',');
        write_badge(out, self.badge);
        write_numbers(out, &[self.revision]);
        out.push(']');
    }

    /// Appends what a complete window said, for a screen that finds a newer, incomplete one: `{t,v,k,m,l,w}`.
    pub(crate) fn write_kept(&self, out: &mut String) {
        out.push_str("{\"t\":");
        write_integer(out, self.event_ms);
        out.push_str(",\"v\":");
        write_decimal(out, self.value);
        let (start, end) = self.window_ms.unwrap_or_default();
        let numbers =
            format_args!(",\"k\":{},\"m\":{},\"l\":{},\"w\":[{start},{end}]}}", self.k, self.m, self.level);
        append(out, numbers);
    }

    /// Appends what a window of the past says today: `{v,f,k,m,l,rev}`.
    pub(crate) fn write_today(&self, out: &mut String) {
        out.push_str("{\"v\":");
        write_decimal(out, self.value);
        let (flags, level, revision) = (self.flags, self.level, self.revision);
        let numbers = format_args!(
            ",\"f\":{flags},\"k\":{},\"m\":{},\"l\":{level},\"rev\":{revision}}}",
            self.k, self.m
        );
        append(out, numbers);
    }

    /// Appends the row object of snapshots, without its closing brace, so that `hist` may follow.
    pub(crate) fn write_row(&self, out: &mut String, id: u32, changed: u64) {
        append(out, format_args!("{{\"id\":{id},\"t\":"));
        write_integer(out, self.event_ms);
        out.push_str(",\"v\":");
        write_decimal(out, self.value);
        append(out, format_args!(",\"q\":{},\"f\":{},\"k\":{}", self.quality, self.flags, self.k));
        append(out, format_args!(",\"m\":{},\"l\":{},\"w\":", self.m, self.level));
        match self.window_ms {
            Some((start, end)) => append(out, format_args!("[{start},{end}]")),
            None => out.push_str("null"),
        }
        out.push_str(",\"b\":");
        write_badge(out, self.badge);
        append(out, format_args!(",\"rev\":{},\"o\":{changed}", self.revision));
    }
}

/// The four words of a badge as they are shown.
#[must_use]
pub(crate) fn shown_badge(badge: &Badge) -> ShownBadge {
    [badge.dung, badge.du, badge.sach, badge.song].map(|share| share.map(ten_thousandths))
}

/// A share in ten-thousandths, rounded down: only a whole is shown as 1.
#[must_use]
pub(crate) fn ten_thousandths(share: Share) -> u16 {
    let denominator = u128::from(share.denominator.max(1));
    let shown = u128::from(share.numerator) * u128::from(WHOLE) / denominator;
    u16::try_from(shown).unwrap_or(WHOLE).min(WHOLE)
}

/// Appends `[đúng,đủ,sạch,sống]`.
pub(crate) fn write_badge(out: &mut String, badge: ShownBadge) {
    out.push('[');
    for (at, share) in badge.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_share(out, share);
    }
    out.push(']');
}

/// Appends a share as an exact decimal 0…1, or null.
pub(crate) fn write_share(out: &mut String, share: Option<u16>) {
    match share {
        None => out.push_str("null"),
        Some(0) => out.push('0'),
        Some(whole) if whole >= WHOLE => out.push('1'),
        Some(part) => out.push_str(format!("0.{part:04}").trim_end_matches('0')),
    }
}

/// Appends a decimal with its digits, or null.
pub(crate) fn write_decimal(out: &mut String, value: Option<Decimal>) {
    match value {
        Some(value) => append(out, format_args!("{value}")),
        None => out.push_str("null"),
    }
}

/// Appends an integer, or null.
pub(crate) fn write_integer(out: &mut String, value: Option<i64>) {
    match value {
        Some(value) => append(out, format_args!("{value}")),
        None => out.push_str("null"),
    }
}

/// Appends formatted text; a `String` takes every text.
pub(crate) fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).unwrap_or_default();
}

/// Event time in ms, rounded down.
#[must_use]
pub(crate) fn milliseconds(time: EventTime) -> i64 {
    time.0.div_euclid(MILLISECOND)
}

fn origin_bits(origin: Origin) -> u8 {
    match origin {
        Origin::Machine | Origin::Official => 0,
        Origin::Typed => TYPED,
        Origin::Simulated => SIMULATED,
        Origin::Replayed => REPLAYED,
    }
}

fn open_tuple(out: &mut String, id: u32) {
    append(out, format_args!("[{id},"));
}

fn write_numbers(out: &mut String, numbers: &[u32]) {
    for number in numbers {
        append(out, format_args!(",{number}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_and_never_flatter() {
        let shown = |numerator, denominator| {
            let mut out = String::new();
            write_share(&mut out, Share::of(numerator, denominator).map(ten_thousandths));
            out
        };
        assert_eq!(shown(0, 7), "0");
        assert_eq!(shown(7, 7), "1");
        assert_eq!(shown(99_999, 100_000), "0.9999");
        assert_eq!(shown(1, 2), "0.5");
        assert_eq!(shown(1, 400), "0.0025");
        assert_eq!(shown(1, 0), "null");
    }

    #[test]
    fn a_row_never_heard_has_no_value_and_no_zero() {
        let mut out = String::new();
        Shown::never_heard(3).write_row(&mut out, 7, 0);
        let want = concat!(
            r#"{"id":7,"t":null,"v":null,"q":130,"f":8,"k":0,"m":3,"l":0,"w":null,"#,
            r#""b":[null,null,null,null],"rev":0,"o":0"#
        );
        assert_eq!(out, want);
    }
}
