//! How cells show their numbers: only whether as a percentage or as a date matters here.

use std::collections::BTreeMap;

use nhip_ports::ImportError;
use quick_xml::events::Event;

use super::parts::{Part, attribute};
use crate::imports::bounds::STYLES_MAX;
use crate::imports::cell::Shown;

/// The styles of a workbook by their index.
#[derive(Debug, Default)]
pub(super) struct Styles(Vec<Shown>);

impl Styles {
    pub(super) fn read(mut part: Part<'_>, from_1904: bool) -> Result<Self, ImportError> {
        let mut own: BTreeMap<u32, Shown> = BTreeMap::new();
        let (mut styles, mut within) = (Vec::new(), false);
        let mut buffer = Vec::new();
        loop {
            let event = part.next(&mut buffer)?;
            match &event {
                Event::Start(start) | Event::Empty(start) => match start.local_name().as_ref() {
                    b"cellXfs" => within = true,
                    b"cellStyleXfs" => within = false,
                    b"numFmt" if own.len() < STYLES_MAX => {
                        let code = attribute(start, b"formatCode")?.unwrap_or_default();
                        let id = attribute(start, b"numFmtId")?.and_then(|id| id.parse().ok());
                        own.extend(id.map(|id: u32| (id, shown_by(&code, from_1904))));
                    }
                    b"xf" if within && styles.len() < STYLES_MAX => {
                        let id = attribute(start, b"numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or(0);
                        let shown = own.get(&id).copied().unwrap_or_else(|| built_in(id, from_1904));
                        styles.push(shown);
                    }
                    _ => {}
                },
                Event::End(end) if end.local_name().as_ref() == b"cellXfs" => within = false,
                Event::Eof => return Ok(Self(styles)),
                _ => {}
            }
        }
    }

    /// How a cell of this style shows its number.
    pub(super) fn shown(&self, style: Option<&str>) -> Shown {
        let index = style.and_then(|style| style.parse::<usize>().ok()).unwrap_or(0);
        self.0.get(index).copied().unwrap_or(Shown::Plain)
    }
}

/// Formats every workbook has without naming them (ECMA-376 part 1, 18.8.30).
fn built_in(id: u32, from_1904: bool) -> Shown {
    match id {
        9 | 10 => Shown::Percent,
        14..=22 | 27..=36 | 45..=47 | 50..=58 => Shown::Date { from_1904 },
        _ => Shown::Plain,
    }
}

/// What a format code shows: letters of dates outside quotes and brackets, or a percent sign.
fn shown_by(code: &str, from_1904: bool) -> Shown {
    let (mut quoted, mut bracket, mut escaped) = (false, false, false);
    let mut shown = Shown::Plain;
    for letter in code.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        match letter {
            '\\' | '_' | '*' => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => bracket = true,
            ']' if !quoted => bracket = false,
            '%' if !quoted && !bracket => return Shown::Percent,
            'y' | 'm' | 'd' | 'h' | 's' | 'Y' | 'M' | 'D' | 'H' | 'S' if !quoted && !bracket => {
                shown = Shown::Date { from_1904 };
            }
            _ => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_codes_tell_dates_and_percentages() {
        let date = Shown::Date { from_1904: false };
        for (code, shown) in [
            ("General", Shown::Plain),
            ("#,##0.00", Shown::Plain),
            ("0.0%", Shown::Percent),
            ("yyyy-mm-dd", date),
            ("[$-42A]dd/mm/yyyy", date),
            ("mmm-yy", date),
            ("[Red]0.0", Shown::Plain),
            ("#,##0\" tỷ đồng\"", Shown::Plain),
            ("0\\d", Shown::Plain),
        ] {
            assert_eq!(shown_by(code, false), shown, "{code}");
        }
    }
}
