//! Payloads that are one word or number: `ON`, `offline`, `3`.

use nhip_proto::{Rejection, RejectionReason};

use super::refuse;

/// Bytes of such a payload.
pub(super) const WORD_BYTES_MAX: usize = 64;

/// The word, without blanks around it.
pub(super) fn word(payload: &[u8]) -> Result<&str, Rejection> {
    if payload.is_empty() {
        return Err(refuse(RejectionReason::Empty, "", 0));
    }
    if payload.len() > WORD_BYTES_MAX {
        return Err(refuse(RejectionReason::Bounds, "", 0));
    }
    let text = std::str::from_utf8(payload);
    text.map(str::trim).map_err(|error| refuse(RejectionReason::Syntax, "", error.valid_up_to() + 1))
}
