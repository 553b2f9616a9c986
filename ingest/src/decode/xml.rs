//! A small XML reader: elements and text become a tree like JSON's. There are no document types and so no
//! entities of a sender's own to expand; attributes and namespaces are skipped.

use std::borrow::Cow;

use nhip_proto::{Rejection, RejectionReason};

use super::json::Json;
use super::{ITEMS_MAX, NESTING_MAX, refuse};

/// Elements of a document.
const ELEMENTS_MAX: usize = ITEMS_MAX;
/// Bytes of an entity between `&` and `;`: `#x10FFFF`.
const ENTITY_BYTES_MAX: usize = 8;

/// The root's name without prefix, and what is inside: an object of its children (repeated names as they
/// stand), or its text.
pub(super) fn read(text: &str) -> Result<(&str, Json<'_>), Rejection> {
    let mut reader = Reader { text, at: 0, open: Vec::new(), elements: 0 };
    let root = loop {
        if let Some(root) = reader.step()? {
            break root;
        }
    };
    while reader.at < text.len() {
        if !reader.skip_between()? {
            return Err(reader.syntax());
        }
    }
    Ok(root)
}

struct Reader<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
    open: Vec<Element<'a>>,
    elements: usize,
}

struct Element<'a> {
    /// With its prefix, for its end tag.
    name: &'a str,
    children: Vec<(Cow<'a, str>, Json<'a>)>,
    text: String,
}

impl<'a> Reader<'a> {
    /// Reads one piece; the root when it closes.
    fn step(&mut self) -> Result<Option<(&'a str, Json<'a>)>, Rejection> {
        if self.open.is_empty() && self.skip_between()? {
            return Ok(None);
        }
        if self.rest().is_empty() {
            return Err(self.syntax());
        }
        if let Some(content) = self.between("<![CDATA[", "]]>")? {
            let element = self.open.last_mut().ok_or_else(|| refuse(RejectionReason::Syntax, "", 1))?;
            element.text.push_str(content);
            return Ok(None);
        }
        if self.skip_between()? {
            return Ok(None);
        }
        if self.rest().starts_with("</") {
            return self.close();
        }
        if self.rest().starts_with('<') {
            return self.open();
        }
        let length = self.rest().find('<').unwrap_or(self.rest().len());
        let text = self.take(length);
        let syntax = self.syntax();
        let element = self.open.last_mut().ok_or(syntax)?;
        unescape(text, &mut element.text).ok_or_else(|| self.syntax())?;
        Ok(None)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        taken
    }

    fn syntax(&self) -> Rejection {
        refuse(RejectionReason::Syntax, "", self.at + 1)
    }

    /// What stands between two marks, if the first is next.
    fn between(&mut self, start: &str, end: &str) -> Result<Option<&'a str>, Rejection> {
        let Some(rest) = self.rest().strip_prefix(start) else { return Ok(None) };
        let length = rest.find(end).ok_or_else(|| self.syntax())?;
        let content = rest.get(..length);
        self.at += start.len() + length + end.len();
        Ok(content)
    }

    /// Skips a comment, a processing instruction or, outside the root, blanks.
    fn skip_between(&mut self) -> Result<bool, Rejection> {
        let blanks = self.rest().len() - self.rest().trim_start().len();
        if self.open.is_empty() && blanks > 0 {
            self.at += blanks;
            return Ok(true);
        }
        Ok(self.between("<!--", "-->")?.is_some() || self.between("<?", "?>")?.is_some())
    }

    fn open(&mut self) -> Result<Option<(&'a str, Json<'a>)>, Rejection> {
        let length = tag_length(self.rest()).ok_or_else(|| self.syntax())?;
        let tag = self.rest().get(1..length - 1).unwrap_or_default();
        let (tag, empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let name = tag.split(char::is_whitespace).next().unwrap_or_default();
        if !is_name(name) {
            return Err(self.syntax());
        }
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(refuse(RejectionReason::TooManyItems, "", 0));
        }
        if self.open.len() >= NESTING_MAX {
            return Err(refuse(RejectionReason::Bounds, "", 0));
        }
        self.at += length;
        self.open.push(Element { name, children: Vec::new(), text: String::new() });
        Ok(if empty { self.finish() } else { None })
    }

    fn close(&mut self) -> Result<Option<(&'a str, Json<'a>)>, Rejection> {
        let length = self.rest().find('>').ok_or_else(|| self.syntax())?;
        let name = self.rest().get(2..length).unwrap_or_default().trim_end();
        if self.open.last().is_none_or(|element| element.name != name) {
            return Err(self.syntax());
        }
        self.at += length + 1;
        Ok(self.finish())
    }

    /// Closes the innermost element; the root goes out.
    fn finish(&mut self) -> Option<(&'a str, Json<'a>)> {
        let element = self.open.pop()?;
        let name = element.name.rsplit(':').next().unwrap_or_default();
        let inside = if element.children.is_empty() {
            Json::Text(Cow::Owned(element.text.trim().to_owned()))
        } else {
            Json::Object(element.children)
        };
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push((Cow::Borrowed(name), inside));
                None
            }
            None => Some((name, inside)),
        }
    }
}

/// Bytes of a start tag, its `>` included; one in quotes does not end it.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'<') if at > 0 => return None,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn is_name(name: &str) -> bool {
    let letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':');
    name.chars().all(letter) && name.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Adds the text with XML's five entities and character numbers resolved; none if there is another one.
fn unescape(text: &str, into: &mut String) -> Option<()> {
    let mut parts = text.split('&');
    into.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (entity, rest) = part.split_once(';')?;
        if entity.len() > ENTITY_BYTES_MAX {
            return None;
        }
        into.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => numbered(number)?,
        });
        into.push_str(rest);
    }
    Some(())
}

fn numbered(entity: &str) -> Option<char> {
    let number = entity.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|letter| !letter.is_control() || letter.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match read(text) {
            Ok((name, inside)) => format!("{name} {inside:?}"),
            Err(refused) => format!("{} {}", refused.reason, refused.place),
        }
    }

    #[test]
    fn elements_and_text_become_a_tree() {
        let cases = [
            ("<a/>", r#"a Text("")"#),
            (
                "<?xml version=\"1.0\"?>\n<!-- x --><p:a x='>'> 1 &amp; 2 &#x41; </p:a >\n",
                r#"a Text("1 & 2 A")"#,
            ),
            (
                "<a><b>1</b> <b>2</b><c><![CDATA[<&]]></c></a>",
                r#"a Object([("b", Text("1")), ("b", Text("2")), ("c", Text("<&"))])"#,
            ),
        ];
        for (text, want) in cases {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_document_is_refused() {
        let cases = [
            ("", "syntax 1"),
            ("<a>", "syntax 4"),
            ("<a></b>", "syntax 4"),
            ("<a/><b/>", "syntax 5"),
            ("<a/>x", "syntax 5"),
            ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "syntax 1"),
            ("<a>&x;</a>", "syntax 7"),
            ("<a>&#0;</a>", "syntax 8"),
            ("<a b=\"", "syntax 1"),
            ("<a <b/>", "syntax 1"),
        ];
        for (text, want) in cases {
            assert_eq!(shown(text), want, "{text}");
        }
        assert_eq!(shown(&"<a>".repeat(17)), "bounds 0");
        assert_eq!(shown(&format!("<a>{}</a>", "<b/>".repeat(10_001))), "too_many_items 0");
    }
}
