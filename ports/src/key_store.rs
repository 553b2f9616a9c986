//! Data keys of the sealed part, kept apart from log, snapshots and backups. Erasure = destroying a key.

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, Offset, SECOND};
use thiserror::Error;

const DAY: i64 = 86_400 * SECOND;

/// Which key seals a record: the narrowest of what the record holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyClass {
    /// The stream's class: `machine`, `camera`, `case` …
    pub class: String,
    /// The case for case streams, else empty.
    pub case: String,
}

impl KeyClass {
    /// The id of this class's key at a time: `class/UTC day` or `class/case`; from the second generation on
    /// (the one before was destroyed) `class+generation/…`.
    #[must_use]
    pub fn key_id(&self, at: ArrivalTime, generation: u32) -> String {
        let period = if self.case.is_empty() { utc_day(at) } else { self.case.clone() };
        match generation {
            0 | 1 => format!("{}/{period}", self.class),
            _ => format!("{}+{generation}/{period}", self.class),
        }
    }
}

/// The class of a key that is one of a UTC day, and when that day ended; none: the key of a case, or no such id.
#[must_use]
pub fn class_and_end(id: &str) -> Option<(&str, ArrivalTime)> {
    let (class, period) = id.rsplit_once('/')?;
    let start = day_start(period)?;
    let plain = class.rsplit_once('+').filter(|(_, generation)| {
        !generation.is_empty() && generation.bytes().all(|digit| digit.is_ascii_digit())
    });
    Some((plain.map_or(class, |(class, _)| class), start.plus(DAY)))
}

/// A key that is already durable.
#[derive(Clone)]
pub struct DataKey {
    /// `class/day` or `class/case`.
    pub id: String,
    /// 256 bits.
    pub bytes: [u8; 32],
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// When and under what keys are destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destruction {
    /// The node's time.
    pub at: ArrivalTime,
    /// The rule and its document, or the reason somebody gave.
    pub under: String,
    /// Who: the keeper of retention, or a person.
    pub author: String,
}

/// A key on the list of destroyed keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestroyedKey {
    /// Which.
    pub id: String,
    /// When and under what.
    pub destruction: Destruction,
    /// The record of the log that says so; none: not in the log yet.
    pub logged: Option<Offset>,
}

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// It was destroyed, or never existed.
    #[error("key {0} is gone")]
    Gone(String),
    /// The store failed.
    #[error("key store: {0}")]
    Failed(String),
}

/// Promise: `current` returns only keys that survive a power cut, one per class and UTC day of `at` (or case),
/// the same one every time; a destroyed key leaves no copy in the store and never comes back, not even with an older
/// copy of the store: the list of destroyed keys is durable before the first of them goes, is kept apart from the keys,
/// and holds against whatever is found when the store is opened.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The key to seal with.
    async fn current(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError>;

    /// The key of an id.
    async fn key(&self, id: &str) -> Result<DataKey, KeyError>;

    /// Destroys those of these keys that live; returns their ids. What was destroyed before keeps its entry.
    async fn destroy(&self, ids: &[String], destruction: &Destruction) -> Result<Vec<String>, KeyError>;

    /// The list of destroyed keys, sorted by id.
    async fn destroyed(&self) -> Result<Vec<DestroyedKey>, KeyError>;

    /// Notes which record of the log says that these keys were destroyed.
    async fn note_logged(&self, ids: &[String], at: Offset) -> Result<(), KeyError>;

    /// The ids of the keys that live, sorted.
    async fn ids(&self) -> Result<Vec<String>, KeyError>;
}

/// `YYYY-MM-DD` in UTC. Days to civil date as in <https://howardhinnant.github.io/date_algorithms.html>.
fn utc_day(at: ArrivalTime) -> String {
    let days = at.0.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The start of a day written `YYYY-MM-DD`; none for anything else. Civil date to days as above.
fn day_start(text: &str) -> Option<ArrivalTime> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok().filter(|_| text.len() == 10));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let start = ArrivalTime((days - 719_468).checked_mul(DAY)?);
    // No 31 February: only what is written back the same is a day.
    (utc_day(start) == text).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_civil_dates_in_utc() {
        let day = |seconds: i64| utc_day(ArrivalTime(seconds * SECOND));
        // From `date -u -d @N +%F`.
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(-1), "1969-12-31");
        assert_eq!(day(951_782_400), "2000-02-29");
        assert_eq!(day(1_795_219_199), "2026-11-20");
        assert_eq!(day(1_795_219_200), "2026-11-21");
        assert_eq!(day(4_107_542_400), "2100-03-01");
    }

    #[test]
    fn a_key_of_a_day_says_its_class_and_when_the_day_ended() {
        let end = |seconds: i64| ArrivalTime(seconds * SECOND);
        assert_eq!(class_and_end("air/2026-11-20"), Some(("air", end(1_795_219_200))));
        assert_eq!(
            class_and_end("air+12/2026-11-20"),
            Some(("air", end(1_795_219_200))),
            "a later generation"
        );
        assert_eq!(class_and_end("a/b/1970-01-01"), Some(("a/b", end(86_400))));
        assert_eq!(class_and_end("air/1969-12-31"), Some(("air", end(0))));
        for other in
            ["air/HS-7", "air/2026-02-31", "air/2026-13-01", "air/2026-1-001", "air", "air/", "air/-"]
        {
            assert_eq!(class_and_end(other), None, "{other}");
        }
        assert_eq!(class_and_end("a+b/2026-11-20").map(|(class, _)| class), Some("a+b"), "no generation");
    }
}
