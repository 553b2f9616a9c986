//! Two clocks, two types: when something happened, and when Nhịp received it. They do not convert.

/// Nanoseconds.
pub type Span = i64;
/// One millisecond in nanoseconds.
pub const MILLISECOND: Span = 1_000_000;
/// One second in nanoseconds.
pub const SECOND: Span = 1_000_000_000;
/// One minute in nanoseconds.
pub const MINUTE: Span = 60 * SECOND;

/// When something happened, by the sender's clock. UTC nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(pub i64);

/// When Nhịp received it, or the time of a Tick, by the node's Clock port. UTC nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArrivalTime(pub i64);

impl EventTime {
    /// This time moved by a span; saturates at the ends of the range.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// The span from `earlier` to this time; saturates.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        self.0.saturating_sub(earlier.0)
    }
}

impl ArrivalTime {
    /// This time moved by a span; saturates at the ends of the range.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// The span from `earlier` to this time; saturates.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        self.0.saturating_sub(earlier.0)
    }

    /// The arrival standing in for an event time the sender did not give.
    #[must_use]
    pub fn stands_in_as_event_time(self) -> EventTime {
        EventTime(self.0)
    }
}
