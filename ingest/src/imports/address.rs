//! Addresses of cells as spreadsheets write them: `B7`, `B7:C9`.

/// Column and row, counted from 1, of an address.
pub(super) fn parse(text: &str) -> Option<(u32, u32)> {
    let split = text.find(|letter: char| letter.is_ascii_digit())?;
    let (letters, digits) = text.split_at_checked(split)?;
    let mut column = 0_u32;
    for letter in letters.bytes() {
        let place = letter.to_ascii_uppercase().checked_sub(b'A').filter(|place| *place < 26)?;
        column = column.checked_mul(26)?.checked_add(u32::from(place) + 1)?;
    }
    let row = digits.parse().ok().filter(|row| *row > 0)?;
    (column > 0).then_some((column, row))
}

/// The first and the last cell of a range.
pub(super) fn range(text: &str) -> Option<((u32, u32), (u32, u32))> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let (first, last) = (parse(first)?, parse(last)?);
    (first.0 <= last.0 && first.1 <= last.1).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, column, row) in
            [("A1", 1, 1), ("Z9", 26, 9), ("AA10", 27, 10), ("AZ3", 52, 3), ("XFD1", 16_384, 1)]
        {
            assert_eq!(parse(text), Some((column, row)), "{text}");
        }
        for wrong in ["", "7", "B", "B0", "1B", "É1", "B-1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(range("B7:C9"), Some(((2, 7), (3, 9))));
        assert_eq!(range("C9:B7"), None);
    }
}
