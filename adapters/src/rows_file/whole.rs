//! How much of a row file a copy takes: whole frames, also while a node appends to it.

use std::fs;
use std::io;
use std::path::Path;

use nhip_proto::Offset;

use super::damage;
use super::frame::{Frames, Step};

/// Walks through one file that grew while it was read; a Tick a second cannot outrun that many.
const WALKS_MAX: u32 = 5;

/// The whole frames of a row file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WholeRows {
    /// Bytes of header and whole frames.
    pub bytes: u64,
    /// The last Tick among them.
    pub last: Option<Offset>,
}

/// Reads a row file to its last whole frame; changes nothing.
///
/// # Errors
/// The file system refuses, it is no row file, or an invalid frame stands before a whole one.
pub fn whole_rows(path: &Path) -> io::Result<WholeRows> {
    for _ in 1..WALKS_MAX {
        let length = fs::metadata(path)?.len();
        match walk(path) {
            // What looked torn may have been a frame on its way to the disk.
            Err(error)
                if error.kind() == io::ErrorKind::InvalidData && fs::metadata(path)?.len() > length => {}
            walked => return walked,
        }
    }
    walk(path)
}

fn walk(path: &Path) -> io::Result<WholeRows> {
    let mut frames = Frames::open(path, u64::MAX)?;
    let mut last = None;
    loop {
        match frames.next()? {
            Step::Frame { tick, .. } => last = Some(tick),
            Step::End => break,
            Step::Invalid { byte } if frames.later_frame(byte)? => {
                return Err(damage(&path.display().to_string(), byte));
            }
            Step::Invalid { .. } => break,
        }
    }
    Ok(WholeRows { bytes: frames.at(), last })
}

#[cfg(test)]
mod tests {
    use super::super::frame::{encoded, file_header};
    use super::*;

    #[test]
    fn a_torn_frame_is_left_out_and_damage_before_a_whole_one_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("00000000000000000003.rows");
        let frames = [encoded(Offset(3), &[]), encoded(Offset(5), &[]), encoded(Offset(9), &[])];
        let whole = [file_header(), frames.concat()].concat();
        fs::write(&path, &whole).expect("written");
        let all = WholeRows { bytes: whole.len() as u64, last: Some(Offset(9)) };
        assert_eq!(whole_rows(&path).expect("whole"), all);

        fs::write(&path, &whole[..whole.len() - 1]).expect("written");
        let without_last = WholeRows { bytes: all.bytes - frames[2].len() as u64, last: Some(Offset(5)) };
        assert_eq!(whole_rows(&path).expect("torn"), without_last);

        let mut damaged = whole.clone();
        damaged[file_header().len() + frames[0].len() + 1] ^= 1;
        fs::write(&path, &damaged).expect("written");
        assert!(whole_rows(&path).is_err());
    }
}
