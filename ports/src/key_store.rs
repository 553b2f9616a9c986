//! Data keys of the sealed part, kept apart from log, snapshots and backups. Erasure = destroying a key.

use async_trait::async_trait;
use nhip_proto::{ArrivalTime, SECOND};
use thiserror::Error;

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
/// the same one every time; `destroy` leaves no copy in the store.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The key to seal with.
    async fn current(&self, class: &KeyClass, at: ArrivalTime) -> Result<DataKey, KeyError>;

    /// The key of an id.
    async fn key(&self, id: &str) -> Result<DataKey, KeyError>;

    /// Destroys a key.
    async fn destroy(&self, id: &str) -> Result<(), KeyError>;

    /// The ids it holds, sorted.
    async fn ids(&self) -> Result<Vec<String>, KeyError>;
}

/// `YYYY-MM-DD` in UTC. Days to civil date as in <https://howardhinnant.github.io/date_algorithms.html>.
fn utc_day(at: ArrivalTime) -> String {
    let days = at.0.div_euclid(86_400 * SECOND) + 719_468;
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
}
