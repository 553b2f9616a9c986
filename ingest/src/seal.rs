//! The sealed part: raw bytes under a data key that is kept elsewhere. Erasing the key erases them; replay
//! never opens them.
//!
//! Envelope (the plain bytes under AES-256-GCM), version 1:
//! `version u8 = 1 · flags u8 · [topic length u32 BE · topic] · [payload length u64 BE] · payload`.
//! Flag 1: the topic is not in the clear and stands in front. Flag 2: the payload was too large; its length
//! is told and only its beginning follows. Flag 4: the payload is one element of what was delivered. The key's id
//! is bound in as associated data.

use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use bytes::Bytes;
use nhip_ports::DataKey;
use nhip_proto::Sealed;
use thiserror::Error;

const VERSION: u8 = 1;
const TOPIC_IN_FRONT: u8 = 1;
const CUT: u8 = 2;
const ELEMENT: u8 = 4;
/// Context of the key the payload hash is keyed with; it is part of format 1 and never changes.
const HASH_CONTEXT: &str = "nhip 2026-11-21 sealed payload hash v1";

/// What goes into the sealed part of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain<'a> {
    /// The topic, where the clear part must not hold it.
    pub(crate) topic: Option<&'a str>,
    /// The payload, whole.
    pub(crate) payload: &'a [u8],
    /// How much of it is kept.
    pub(crate) kept_bytes_max: usize,
    /// Whether it is one element of the delivery's payload.
    pub(crate) is_element: bool,
}

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The topic, if the clear part does not hold it.
    pub topic: Option<String>,
    /// The payload, or its beginning.
    pub payload: Bytes,
    /// The length of the whole payload in bytes.
    pub payload_bytes: u64,
    /// Whether the payload is one element of what was delivered.
    pub is_element: bool,
}

/// Why a sealed part stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnsealError {
    /// It was sealed with another key, or changed since.
    #[error("wrong key, or the sealed bytes were changed")]
    Sealed,
    /// An envelope of a later version, or none.
    #[error("not an envelope of this version")]
    Envelope,
    /// The payload is not the one that was hashed.
    #[error("the payload does not match its hash")]
    Hash,
}

/// A data key made ready.
#[derive(Clone)]
pub struct SealKey {
    id: String,
    cipher: Aes256Gcm,
    hash_key: [u8; 32],
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

impl SealKey {
    /// Expands the key.
    #[must_use]
    pub fn new(key: &DataKey) -> Self {
        let cipher = Aes256Gcm::new(&key.bytes.into());
        Self { id: key.id.clone(), cipher, hash_key: blake3::derive_key(HASH_CONTEXT, &key.bytes) }
    }

    /// Seals under a nonce that was drawn for this record only; none if the cipher refuses the length (64
    /// GiB).
    pub(crate) fn seal(&self, plain: &Plain<'_>, nonce: [u8; 12]) -> Option<Sealed> {
        let mut bytes = envelope(plain);
        self.cipher.encrypt_in_place(Nonce::from_slice(&nonce), self.id.as_bytes(), &mut bytes).ok()?;
        let payload_hash = self.hash(plain.payload);
        Some(Sealed { key: self.id.clone(), nonce, ciphertext: bytes.into(), payload_hash })
    }

    fn hash(&self, payload: &[u8]) -> [u8; 16] {
        let mut first = [0; 16];
        let hash = blake3::keyed_hash(&self.hash_key, payload);
        first.iter_mut().zip(hash.as_bytes()).for_each(|(first, byte)| *first = *byte);
        first
    }
}

/// Opens a sealed part with its key.
///
/// # Errors
/// [`UnsealError`] if it is another key, the bytes were changed, or they come from a later version.
pub fn open(key: &DataKey, sealed: &Sealed) -> Result<Opened, UnsealError> {
    let key = SealKey::new(key);
    let mut bytes = sealed.ciphertext.to_vec();
    key.cipher
        .decrypt_in_place(Nonce::from_slice(&sealed.nonce), sealed.key.as_bytes(), &mut bytes)
        .map_err(|_| UnsealError::Sealed)?;
    let opened = read_envelope(&bytes).ok_or(UnsealError::Envelope)?;
    let whole = usize::try_from(opened.payload_bytes).is_ok_and(|length| length == opened.payload.len());
    if whole && key.hash(&opened.payload) != sealed.payload_hash {
        return Err(UnsealError::Hash);
    }
    Ok(opened)
}

fn envelope(plain: &Plain<'_>) -> Vec<u8> {
    let cut = plain.payload.len() > plain.kept_bytes_max;
    let topic = plain.topic.unwrap_or_default();
    let topic_length = u32::try_from(topic.len()).ok().filter(|_| plain.topic.is_some());
    // 16 bytes for the cipher's tag, so that sealing does not grow the vector.
    let mut bytes = Vec::with_capacity(14 + topic.len() + plain.payload.len().min(plain.kept_bytes_max) + 16);
    let flag = |on: bool, flag: u8| if on { flag } else { 0 };
    bytes.push(VERSION);
    bytes.push(
        flag(topic_length.is_some(), TOPIC_IN_FRONT) | flag(cut, CUT) | flag(plain.is_element, ELEMENT),
    );
    if let Some(length) = topic_length {
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(topic.as_bytes());
    }
    if cut {
        bytes.extend_from_slice(&(plain.payload.len() as u64).to_be_bytes());
    }
    bytes.extend_from_slice(plain.payload.get(..plain.kept_bytes_max).unwrap_or(plain.payload));
    bytes
}

fn read_envelope(bytes: &[u8]) -> Option<Opened> {
    let ([VERSION, flags], mut rest) = bytes.split_first_chunk::<2>()? else { return None };
    if flags & !(TOPIC_IN_FRONT | CUT | ELEMENT) != 0 {
        return None;
    }
    let mut topic = None;
    if flags & TOPIC_IN_FRONT != 0 {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (text, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        topic = Some(String::from_utf8(text.to_vec()).ok()?);
        rest = after;
    }
    let mut payload_bytes = rest.len() as u64;
    if flags & CUT != 0 {
        let (length, after) = rest.split_first_chunk::<8>()?;
        payload_bytes = u64::from_be_bytes(*length);
        rest = after;
    }
    Some(Opened {
        topic,
        payload: Bytes::copy_from_slice(rest),
        payload_bytes: payload_bytes.max(rest.len() as u64),
        is_element: flags & ELEMENT != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> DataKey {
        DataKey { id: "machine/2026-11-21".to_owned(), bytes: [byte; 32] }
    }

    fn sealed(plain: &Plain<'_>) -> Sealed {
        SealKey::new(&key(7)).seal(plain, [9; 12]).expect("small")
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_only() {
        let plain =
            Plain { topic: Some("a/b"), payload: b"51A-123.45", kept_bytes_max: 100, is_element: false };
        let sealed = sealed(&plain);
        let opened = open(&key(7), &sealed).expect("opens");
        assert_eq!(
            (opened.topic.as_deref(), opened.payload.as_ref()),
            (Some("a/b"), b"51A-123.45".as_slice())
        );
        assert_eq!(opened.payload_bytes, 10);
        assert_eq!(open(&key(8), &sealed), Err(UnsealError::Sealed));
        let renamed = Sealed { key: "machine/2026-11-22".to_owned(), ..sealed };
        assert_eq!(open(&key(7), &renamed), Err(UnsealError::Sealed));
    }

    #[test]
    fn a_large_payload_keeps_its_beginning_and_its_length() {
        let opened = open(
            &key(7),
            &sealed(&Plain { topic: None, payload: &[5; 50], kept_bytes_max: 8, is_element: false }),
        )
        .expect("opens");
        assert_eq!(
            opened,
            Opened {
                topic: None,
                payload: Bytes::from_static(&[5; 8]),
                payload_bytes: 50,
                is_element: false
            }
        );
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let sealed = sealed(&Plain { topic: None, payload: b"35.2", kept_bytes_max: 100, is_element: false });
        for bit in 0..sealed.ciphertext.len() * 8 {
            let mut bytes = sealed.ciphertext.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = Sealed { ciphertext: bytes.into(), ..sealed.clone() };
            assert_eq!(open(&key(7), &changed), Err(UnsealError::Sealed), "bit {bit}");
        }
    }

    #[test]
    fn the_hash_is_keyed() {
        let payload: &[u8] = b"35.2";
        let one = SealKey::new(&key(1))
            .seal(&Plain { topic: None, payload, kept_bytes_max: 9, is_element: false }, [0; 12]);
        let other = SealKey::new(&key(2))
            .seal(&Plain { topic: None, payload, kept_bytes_max: 9, is_element: false }, [0; 12]);
        assert_ne!(one.map(|sealed| sealed.payload_hash), other.map(|sealed| sealed.payload_hash));
    }
}
