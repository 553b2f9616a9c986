//! A formula cut into tokens, each with the byte it begins at.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `12`, `0.75`.
    Number(&'a str),
    /// An indicator, a function, `and`, `or`, `not`; in backquotes always an indicator.
    Name { text: &'a str, quoted: bool },
    /// What stands between `[` and `]`: a unit behind a number, windows back behind an indicator.
    Bracket(&'a str),
    /// `+ - * / ( ) ,` and the comparisons.
    Sign(&'static str),
}

/// A token and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    pub(super) token: Token<'a>,
    pub(super) at: usize,
}

/// What cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) at: usize,
    pub(super) reason: String,
}

/// Longer signs before those they begin with. `−`, `×` and `÷` are taken as written on screens.
const SIGNS: [(&str, &str); 15] = [
    ("<=", "<="),
    (">=", ">="),
    ("==", "=="),
    ("≤", "<="),
    ("≥", ">="),
    ("<", "<"),
    (">", ">"),
    ("+", "+"),
    ("-", "-"),
    ("−", "-"),
    ("*", "*"),
    ("×", "*"),
    ("/", "/"),
    ("÷", "/"),
    (",", ","),
];

/// All tokens of a formula.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed<'_>>, Unread> {
    let mut placed = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let space = rest.len() - rest.trim_start().len();
        if space > 0 {
            at += space;
            continue;
        }
        let (token, length) = next(rest).map_err(|reason| Unread { at, reason })?;
        placed.push(Placed { token, at });
        at += length;
    }
    Ok(placed)
}

/// The first token of a text that does not begin with a space, and its length in bytes.
fn next(rest: &str) -> Result<(Token<'_>, usize), String> {
    let first = rest.chars().next().unwrap_or_default();
    if first.is_ascii_digit() {
        let length = rest.find(|sign: char| !sign.is_ascii_digit() && sign != '.').unwrap_or(rest.len());
        return Ok((Token::Number(head(rest, length)), length));
    }
    if first.is_alphabetic() || first == '_' {
        let length = rest.find(|sign| !is_inside(sign)).unwrap_or(rest.len());
        return Ok((Token::Name { text: head(rest, length), quoted: false }, length));
    }
    match first {
        '`' => {
            let name = enclosed(rest, '`').ok_or("an indicator in backquotes does not end")?;
            Ok((Token::Name { text: name, quoted: true }, name.len() + 2))
        }
        '[' => {
            let inner = enclosed(rest, ']').ok_or("a bracket [ is not closed")?;
            Ok((Token::Bracket(inner), inner.len() + 2))
        }
        '(' => Ok((Token::Sign("("), 1)),
        ')' => Ok((Token::Sign(")"), 1)),
        _ => {
            let sign = SIGNS.iter().find(|(written, _)| rest.starts_with(written));
            let (written, meant) = sign.ok_or_else(|| format!("\"{first}\" has no meaning here"))?;
            Ok((Token::Sign(meant), written.len()))
        }
    }
}

/// Whether the name of an indicator needs no backquotes.
pub(super) fn is_plain(name: &str) -> bool {
    let mut signs = name.chars();
    let starts = signs.next().is_some_and(|sign| sign.is_alphabetic() || sign == '_');
    starts && !matches!(name, "and" | "or" | "not") && signs.all(is_inside)
}

fn is_inside(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '.'
}

/// What stands between the first sign and the next `end`.
fn enclosed(rest: &str, end: char) -> Option<&str> {
    let inner = rest.get(1..)?;
    inner.get(..inner.find(end)?)
}

fn head(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_falls_into_tokens_with_their_places() {
        let found = tokens("ratio(a.b_1[-2], 5[km/h]) >= −`x-y`").expect("tokens");
        let shown: Vec<(usize, Token<'_>)> =
            found.into_iter().map(|placed| (placed.at, placed.token)).collect();
        let name = |text, quoted| Token::Name { text, quoted };
        let want = [
            (0, name("ratio", false)),
            (5, Token::Sign("(")),
            (6, name("a.b_1", false)),
            (11, Token::Bracket("-2")),
            (15, Token::Sign(",")),
            (17, Token::Number("5")),
            (18, Token::Bracket("km/h")),
            (24, Token::Sign(")")),
            (26, Token::Sign(">=")),
            (29, Token::Sign("-")),
            (32, name("x-y", true)),
        ];
        assert_eq!(shown, want);
    }

    #[test]
    fn what_has_no_meaning_is_told_where_it_stands() {
        let at = |text: &str| tokens(text).err().map(|unread| (unread.at, unread.reason));
        assert_eq!(at("a $ b"), Some((2, "\"$\" has no meaning here".to_owned())));
        assert_eq!(at("5[km"), Some((1, "a bracket [ is not closed".to_owned())));
        assert_eq!(at("a + `b"), Some((4, "an indicator in backquotes does not end".to_owned())));
    }
}
