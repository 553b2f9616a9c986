//! The badge: đúng · đủ · sạch · sống (accurate, complete, clean, live), each a share derived from counts.

/// A share kept as its counts; shown as 0…1. The denominator is never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub numerator: u64,
    /// The whole.
    pub denominator: u64,
}

impl Share {
    /// A share; none if the whole is 0, for then there is nothing to judge. The part is capped at the whole.
    #[must_use]
    pub fn of(numerator: u64, denominator: u64) -> Option<Self> {
        (denominator > 0).then(|| Self { numerator: numerator.min(denominator), denominator })
    }

    /// 0…1, for display only.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The smaller of two shares, compared exactly.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let left = u128::from(self.numerator) * u128::from(other.denominator);
        let right = u128::from(other.numerator) * u128::from(self.denominator);
        if right < left { other } else { self }
    }
}

/// The four words; none means not judged, never 100 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badge {
    /// đúng: agreement with a second source; none is *chưa đối soát* (not reconciled).
    pub dung: Option<Share>,
    /// đủ: received of expected records.
    pub du: Option<Share>,
    /// sạch: 1 − (rejected + out of range + device-flagged + conflicting) of received.
    pub sach: Option<Share>,
    /// sống: sources inside their staleness limit.
    pub song: Option<Share>,
}
