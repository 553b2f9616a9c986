//! Text to dense numbers with a fixed hash: same log, same numbers, no string work per item after the first.

/// A hash table of numbers into somebody else's list; never iterated.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    slots: Vec<u32>,
    used: usize,
}

const EMPTY: u32 = u32::MAX;

impl Table {
    /// The number whose key hashes to `hash` and satisfies `same`.
    pub(crate) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            match self.slots.get(at).copied() {
                None | Some(EMPTY) => return None,
                Some(number) if same(number) => return Some(number),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    /// Adds a number that is not in the table; `hash_of` tells the hashes of those that are.
    pub(crate) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.used + 1) * 2 > self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![EMPTY; (old.len() * 2).max(64)];
            for number in old.into_iter().filter(|number| *number != EMPTY) {
                self.place(hash_of(number), number);
            }
        }
        self.used += 1;
        self.place(hash, number);
    }

    fn place(&mut self, hash: u64, number: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots.get(at).is_some_and(|slot| *slot != EMPTY) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = number;
        }
    }
}

/// A fixed hash of bytes, the same on every machine.
pub(crate) fn hash_bytes(seed: u64, bytes: &[u8]) -> u64 {
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.iter().rev().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        hash = (hash.rotate_left(23) ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    }
    let tail = chunks.remainder().iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
    mix((hash.rotate_left(23) ^ tail).wrapping_mul(0xff51_afd7_ed55_8ccd))
}

/// A fixed bijection of 64-bit numbers (the finaliser of SplitMix64).
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Texts that the profile declares, by number; only grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    texts: Vec<Box<str>>,
    table: Table,
}

impl Words {
    /// The number of a text that was interned.
    pub(crate) fn get(&self, text: &str) -> Option<u32> {
        self.table.find(hash_bytes(0, text.as_bytes()), |number| self.text(number) == text)
    }

    /// The number of a text, given now if it has none.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        let texts = &self.texts;
        let hash_of =
            |number: u32| texts.get(number as usize).map_or(0, |text| hash_bytes(0, text.as_bytes()));
        self.table.insert(hash_bytes(0, text.as_bytes()), number, hash_of);
        number
    }

    /// The text of a number, empty for a number never given.
    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |text| text)
    }

    /// All texts in the order of their numbers.
    pub(crate) fn texts(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.texts.iter().map(|text| &**text)
    }
}
