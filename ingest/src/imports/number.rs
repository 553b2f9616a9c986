//! Numbers of cells, exact. A text is read by its own decimal mark and by no guess; a workbook stores binary numbers
//! of 15 to 17 digits, which are read as the shortest decimal that is the same binary number.

use nhip_ports::MistakeKind;
use nhip_proto::Decimal;

/// Digits a spreadsheet keeps of any number.
const SHEET_DIGITS: usize = 15;

/// Why a cell is no number, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoNumber {
    pub(super) kind: MistakeKind,
    /// A number that may stand there, or empty.
    pub(super) meant: String,
}

/// A number in a text: digits, one decimal mark, a minus in front; nothing else.
pub(super) fn of_text(text: &str, decimal_comma: bool) -> Result<Decimal, NoNumber> {
    let (mark, other) = if decimal_comma { (',', '.') } else { ('.', ',') };
    let plain = !text.contains(other) && !text.contains(['e', 'E']);
    let pointed = if decimal_comma { text.replace(mark, ".") } else { text.to_owned() };
    match Decimal::parse(&pointed) {
        Ok(number) if plain => Ok(number),
        Err(nhip_proto::DecimalError::Range) if plain => {
            Err(NoNumber { kind: MistakeKind::TooManyDigits, meant: String::new() })
        }
        _ => Err(no_number(text, mark)),
    }
}

/// A text of a workbook is never a number: what it looks like is told.
pub(super) fn of_sheet_text(text: &str) -> NoNumber {
    no_number(text, '.')
}

/// A number of a workbook from its digits.
pub(super) fn of_sheet(digits: &str) -> Result<Decimal, NoNumber> {
    let wrong = |kind| NoNumber { kind, meant: String::new() };
    let exact = Decimal::parse(digits).map_err(|error| match error {
        nhip_proto::DecimalError::Range => wrong(MistakeKind::TooManyDigits),
        _ => wrong(MistakeKind::NotANumber),
    })?;
    let significant = exact.mantissa.unsigned_abs().to_string().trim_end_matches('0').len();
    if significant <= SHEET_DIGITS {
        return Ok(exact);
    }
    if exact.scale == 0 {
        return Err(wrong(MistakeKind::NotExact));
    }
    let float: f64 = digits.parse().map_err(|_| wrong(MistakeKind::NotANumber))?;
    Decimal::from_float(float).ok_or(wrong(MistakeKind::TooManyDigits))
}

fn no_number(text: &str, mark: char) -> NoNumber {
    match looks_like(text) {
        Some(meant) => {
            let meant = if mark == ',' { meant.replace('.', ",") } else { meant };
            NoNumber { kind: MistakeKind::NumberAsText, meant }
        }
        None => NoNumber { kind: MistakeKind::NotANumber, meant: String::new() },
    }
}

/// The number a text probably means, with a point; empty where it may be one of two. None: it is no number at all.
fn looks_like(text: &str) -> Option<String> {
    let bare: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let digits_end = bare.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let (number, unit) = bare.split_at_checked(digits_end)?;
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let number = number.strip_prefix('+').unwrap_or(number);
    let fits = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == ',';
    if !number.starts_with(|letter: char| letter.is_ascii_digit()) || !number.chars().all(fits) {
        return None;
    }
    if unit.chars().count() > 6 || unit.contains(fits) {
        return None;
    }
    let (points, commas) = (number.matches('.').count(), number.matches(',').count());
    let last = number.rfind(['.', ',']);
    let behind = last.map_or(0, |at| number.len() - at - 1);
    let mark = match (points, commas) {
        (0, 0) => None,
        (1, 0) | (0, 1) if behind == 3 => return Some(String::new()),
        (1, 0) | (0, 1) => last,
        (0, _) | (_, 0) => None,
        _ => last,
    };
    let keep = |(at, letter): (usize, char)| match letter {
        '.' | ',' => (Some(at) == mark).then_some('.'),
        digit => Some(digit),
    };
    Some(format!("{sign}{}", number.char_indices().filter_map(keep).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str, decimal_comma: bool) -> (MistakeKind, String) {
        let error = of_text(text, decimal_comma).expect_err(text);
        (error.kind, error.meant)
    }

    #[test]
    fn a_text_is_a_number_by_its_own_mark_only() {
        let number = |text: &str, comma| of_text(text, comma).expect(text).to_string();
        assert_eq!(number("1234.50", false), "1234.5");
        assert_eq!(number("-0,5", true), "-0.5");
        assert_eq!(number("0.1", false), "0.1");
        let text = MistakeKind::NumberAsText;
        for (wrong, comma, hint) in [
            ("1.234,5", true, "1234,5"),
            ("1.234,5", false, "1234.5"),
            ("1,234.5", false, "1234.5"),
            ("12 %", false, "12"),
            ("12,5", false, "12.5"),
            ("12.5", true, "12,5"),
            ("1 234", false, "1234"),
            ("1.234.567", false, "1234567"),
            ("1,234", false, ""),
            ("1.234", true, ""),
            ("1e5", false, ""),
            ("35 người", false, "35"),
        ] {
            let (kind, said) = meant(wrong, comma);
            // `1e5` is no way people write numbers; it may be a code.
            let expected = if wrong == "1e5" { MistakeKind::NotANumber } else { text };
            assert_eq!((kind, said.as_str()), (expected, hint), "{wrong}");
        }
        for wrong in ["", "abc", "12/2026", "3-4", "n/a", "…", "A12"] {
            assert_eq!(meant(wrong, false).0, MistakeKind::NotANumber, "{wrong}");
        }
        assert_eq!(meant(&"9".repeat(40), false).0, MistakeKind::TooManyDigits);
    }

    #[test]
    fn a_stored_number_is_the_shortest_decimal_of_its_bits() {
        let number = |digits: &str| of_sheet(digits).map(|number| number.to_string());
        assert_eq!(number("0.1").as_deref(), Ok("0.1"));
        assert_eq!(number("0.10000000000000001").as_deref(), Ok("0.1"));
        assert_eq!(number("12.300000000000001").as_deref(), Ok("12.3"));
        assert_eq!(number("12.300000000000002").as_deref(), Ok("12.300000000000002"));
        assert_eq!(number("1E-05").as_deref(), Ok("0.00001"));
        assert_eq!(number("1.5E+3").as_deref(), Ok("1500"));
        assert_eq!(number("123456789012345").as_deref(), Ok("123456789012345"));
        assert_eq!(number("12345678901234567").map_err(|no| no.kind), Err(MistakeKind::NotExact));
        assert_eq!(number("x").map_err(|no| no.kind), Err(MistakeKind::NotANumber));
    }
}
