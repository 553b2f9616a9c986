//! The XML parts of a workbook, event by event and within their bounds.

use std::borrow::Cow;
use std::io::{BufReader, Cursor, Read};
use std::sync::Arc;

use nhip_ports::ImportError;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::imports::bounds::{STRINGS_BYTES_MAX, STRINGS_MAX, UNPACKED_BYTES_MAX};

/// Bytes unpacked at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// One part, unpacked as it is read.
pub(super) struct Part<'z>(Reader<BufReader<Bounded<'z>>>);

/// Stops an archive that unpacks to more than a part may have.
struct Bounded<'z> {
    inner: Box<dyn Read + 'z>,
    left: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or(std::io::ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}

impl<'z> Part<'z> {
    /// A part by its name; none: the workbook has none.
    pub(super) fn of(
        zip: &'z mut ZipArchive<Cursor<&[u8]>>,
        name: &str,
    ) -> Result<Option<Self>, ImportError> {
        let file = match zip.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(ImportError::Refused(format!("part {name}: {error}"))),
        };
        let bounded = Bounded { inner: Box::new(file), left: UNPACKED_BYTES_MAX };
        let mut reader = Reader::from_reader(BufReader::with_capacity(BUFFER_BYTES, bounded));
        reader.config_mut().check_end_names = false;
        Ok(Some(Self(reader)))
    }

    /// The next event; a document type is refused, because it could define texts that grow.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, ImportError> {
        buffer.clear();
        match self.0.read_event_into(buffer) {
            Ok(Event::DocType(_)) => Err(ImportError::Refused("a part has a document type".to_owned())),
            Ok(event) => Ok(event),
            Err(quick_xml::Error::Io(error)) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                let what =
                    format!("a file inside the workbook unpacks to more than {UNPACKED_BYTES_MAX} bytes");
                Err(ImportError::Bound(what))
            }
            Err(error) => Err(unreadable(&error)),
        }
    }
}

pub(super) fn unreadable(error: &dyn std::fmt::Display) -> ImportError {
    ImportError::Refused(format!("the workbook cannot be read: {error}"))
}

/// Hands over every element that begins, by its local name; true: it is empty.
pub(super) fn events(
    mut part: Part<'_>,
    mut take: impl FnMut(&[u8], &BytesStart<'_>, bool) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut buffer = Vec::new();
    loop {
        match part.next(&mut buffer)? {
            Event::Start(start) => take(start.local_name().as_ref(), &start, false)?,
            Event::Empty(start) => take(start.local_name().as_ref(), &start, true)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// An attribute by its local name.
pub(super) fn attribute(start: &BytesStart<'_>, wanted: &[u8]) -> Result<Option<String>, ImportError> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| unreadable(&error))?;
        if attribute.key.local_name().as_ref() == wanted {
            let value = attribute.unescape_value().map_err(|error| unreadable(&error))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

/// Adds the text of an event, if it is one.
pub(super) fn add_text(event: &Event<'_>, text: &mut String) -> Result<(), ImportError> {
    let piece: Cow<'_, str> = match event {
        Event::Text(piece) => piece.decode().map_err(|error| unreadable(&error))?,
        Event::CData(piece) => piece.decode().map_err(|error| unreadable(&error))?,
        Event::GeneralRef(reference) => {
            if let Some(letter) = reference.resolve_char_ref().map_err(|error| unreadable(&error))? {
                text.push(letter);
                return Ok(());
            }
            let name = reference.decode().map_err(|error| unreadable(&error))?;
            let letter = quick_xml::escape::resolve_xml_entity(&name);
            Cow::Borrowed(letter.ok_or_else(|| unreadable(&"an entity nobody defines"))?)
        }
        _ => return Ok(()),
    };
    text.push_str(&piece);
    Ok(())
}

/// The shared texts: those of all runs of each, without phonetic ones.
pub(super) fn texts(mut part: Part<'_>) -> Result<Vec<Arc<str>>, ImportError> {
    let (mut strings, mut text, mut bytes) = (Vec::new(), String::new(), 0_usize);
    let (mut within, mut phonetic) = (false, false);
    let mut buffer = Vec::new();
    loop {
        let event = part.next(&mut buffer)?;
        match &event {
            Event::Start(start) => match start.local_name().as_ref() {
                b"t" => within = true,
                b"rPh" => phonetic = true,
                _ => {}
            },
            Event::End(end) => match end.local_name().as_ref() {
                b"t" => within = false,
                b"rPh" => phonetic = false,
                b"si" => {
                    bytes += text.len();
                    if strings.len() >= STRINGS_MAX || bytes > STRINGS_BYTES_MAX {
                        return Err(ImportError::Bound(format!(
                            "a workbook has at most {STRINGS_MAX} texts of {STRINGS_BYTES_MAX} bytes together"
                        )));
                    }
                    strings.push(Arc::from(text.as_str()));
                    text.clear();
                }
                _ => {}
            },
            Event::Empty(start) if start.local_name().as_ref() == b"si" => strings.push(Arc::from("")),
            Event::Eof => return Ok(strings),
            event if within && !phonetic => add_text(event, &mut text)?,
            _ => {}
        }
    }
}
