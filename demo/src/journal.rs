//! The publisher's own record of what it sent and what the server acknowledged, as JSON lines.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use bytes::Bytes;
use nhip_proto::ArrivalTime;

use crate::DemoError;

/// Writes a journal file. Lines: `{"sent":n,"at_ns":…,"qos":1,"topic":"…","payload":"base64"}` in publish
/// order, `{"acked":n}`, and for loads `{"source":"…","boot":1,"sequence":12}`.
pub(crate) struct JournalWriter {
    file: BufWriter<File>,
}

impl JournalWriter {
    /// Creates the file, replacing an older one.
    pub(crate) fn create(path: &Path) -> Result<Self, DemoError> {
        let file = File::create(path).map_err(|error| DemoError::File(path.to_owned(), error.to_string()))?;
        Ok(Self { file: BufWriter::with_capacity(256 * 1024, file) })
    }

    /// A message goes out for the first time.
    pub(crate) fn sent(
        &mut self,
        number: u64,
        at: ArrivalTime,
        qos: u8,
        topic: &str,
        payload: &Bytes,
    ) -> Result<(), DemoError> {
        let topic = serde_json::to_string(topic).map_err(|error| DemoError::Journal(error.to_string()))?;
        let payload = base64(payload);
        let line = format_args!(
            "{{\"sent\":{number},\"at_ns\":{},\"qos\":{qos},\"topic\":{topic},\"payload\":\"{payload}\"}}\n",
            at.0
        )
        .to_string();
        self.line(&line)
    }

    /// The server acknowledged it.
    pub(crate) fn acknowledged(&mut self, number: u64) -> Result<(), DemoError> {
        self.line(&format!("{{\"acked\":{number}}}\n"))
    }

    /// The server acknowledged a load message.
    pub(crate) fn sequence(&mut self, source: &str, boot: u64, sequence: u64) -> Result<(), DemoError> {
        self.line(&format!("{{\"source\":\"{source}\",\"boot\":{boot},\"sequence\":{sequence}}}\n"))
    }

    /// Hands everything to the operating system.
    pub(crate) fn flush(&mut self) -> Result<(), DemoError> {
        self.file.flush().map_err(|error| DemoError::Journal(error.to_string()))
    }

    fn line(&mut self, line: &str) -> Result<(), DemoError> {
        self.file.write_all(line.as_bytes()).map_err(|error| DemoError::Journal(error.to_string()))
    }
}

/// RFC 4648 §4 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let sign = SIGNS.get((word >> shift & 63) as usize).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() { char::from(sign) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, want) in cases {
            assert_eq!(base64(plain.as_bytes()), want);
        }
        assert_eq!(base64(&[0xFB, 0xFF]), "+/8=");
    }
}
