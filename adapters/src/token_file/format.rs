//! The bytes of the token file, format 1: magic, version, count, tokens, CRC-32C. All numbers little-endian; a text
//! is its length in 4 bytes and its bytes in UTF-8; a time is ns since 1970, the least number for none.

use nhip_ports::Grant;
use nhip_proto::ArrivalTime;

use super::{StoredToken, TOKEN_SCOPES_MAX, TOKENS_MAX};

const MAGIC: [u8; 8] = *b"NhipTok\0";
const FORMAT: u32 = 1;

pub(super) fn encoded(tokens: &[StoredToken]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend((tokens.len() as u32).to_le_bytes());
    for token in tokens {
        bytes.extend(token.hash.as_bytes());
        put_text(&mut bytes, &token.id);
        put_text(&mut bytes, &token.grant.name);
        for scope in [&token.grant.streams, &token.grant.sources] {
            bytes.extend((scope.len() as u32).to_le_bytes());
            scope.iter().for_each(|one| put_text(&mut bytes, one));
        }
        bytes.extend([u8::from(token.grant.write), u8::from(token.grant.read)]);
        for time in [Some(token.created), token.valid_to, token.revoked] {
            bytes.extend(time.map_or(i64::MIN, |time| time.0).to_le_bytes());
        }
    }
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// None: damaged, or of another version.
pub(super) fn decoded(file: &[u8]) -> Option<Vec<StoredToken>> {
    let (covered, checksum) = file.split_last_chunk::<4>()?;
    if crc32c::crc32c(covered).to_le_bytes() != *checksum {
        return None;
    }
    let mut fields = Fields(covered);
    if fields.take::<8>()? != MAGIC || fields.number()? != FORMAT {
        return None;
    }
    let count = fields.count(TOKENS_MAX)?;
    let mut tokens = Vec::with_capacity(count);
    for _ in 0..count {
        tokens.push(fields.token()?);
    }
    fields.0.is_empty().then_some(tokens)
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn token(&mut self) -> Option<StoredToken> {
        let hash = blake3::Hash::from_bytes(self.take()?);
        let (id, name) = (self.text()?, self.text()?);
        let (streams, sources) = (self.texts()?, self.texts()?);
        let [write, read] = self.take()?;
        let created = self.time()??;
        let (valid_to, revoked) = (self.time()?, self.time()?);
        let grant = Grant { name, streams, sources, write: write == 1, read: read == 1 };
        Some(StoredToken { id, hash, grant, created, valid_to, revoked })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn count(&mut self, max: usize) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= max)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        let count = self.count(TOKEN_SCOPES_MAX)?;
        (0..count).map(|_| self.text()).collect()
    }

    /// Outside: the file ends. Inside: no time.
    fn time(&mut self) -> Option<Option<ArrivalTime>> {
        let time = i64::from_le_bytes(self.take()?);
        Some((time != i64::MIN).then_some(ArrivalTime(time)))
    }
}
