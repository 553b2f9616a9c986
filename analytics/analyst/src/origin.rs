//! Where the messages of a log come from, as its `identity` says (docs/log-format.md).

use std::fs;
use std::io;
use std::path::Path;

use nhip_proto::Origin;

const MAGIC: &[u8] = b"NhipLog\0";
const LENGTH: usize = 512;
const FORMAT: [u8; 4] = 1_u32.to_le_bytes();
const ORIGIN_AT: usize = 28;

/// The origin of the log in a data directory.
///
/// # Errors
/// If there is no log, or its identity is not one.
pub(crate) fn of(data: &Path) -> io::Result<Origin> {
    let path = data.join("log").join("identity");
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let bytes = fs::read(&path).map_err(named)?;
    read(&bytes).ok_or_else(|| named(io::Error::new(io::ErrorKind::InvalidData, "not the identity of a log")))
}

fn read(bytes: &[u8]) -> Option<Origin> {
    let (body, sum) = bytes.split_last_chunk::<4>().filter(|_| bytes.len() == LENGTH)?;
    let whole = body.starts_with(MAGIC)
        && body.get(MAGIC.len()..MAGIC.len() + 4) == Some(FORMAT.as_slice())
        && crc32c::crc32c(body) == u32::from_le_bytes(*sum);
    let code = *body.get(ORIGIN_AT).filter(|_| whole)?;
    Origin::from_code(u32::from(code)).filter(|origin| !matches!(origin, Origin::Typed | Origin::Official))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by the log itself, of format 1.
    const GOLDEN: &str = "../../adapters/tests/golden/format-1";

    #[test]
    fn the_identity_of_the_golden_log_is_read_and_no_changed_one() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
        assert_eq!(of(&golden).expect("the golden identity"), Origin::Machine);
        assert!(of(&golden.join("log")).is_err(), "no data directory");
        let bytes = fs::read(golden.join("log/identity")).expect("the golden identity");
        for place in [0, 8, ORIGIN_AT, 40, LENGTH - 1] {
            let mut changed = bytes.clone();
            changed[place] ^= 4;
            assert_eq!(read(&changed), None, "byte {place}");
        }
        assert_eq!(read(&bytes[..LENGTH - 1]), None);
    }
}
