//! What one reading does to one figure. Touches commute between sources, so that any merge order gives the same state.

/// A change to the window of a definition, for a place and all it counts for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub(crate) definition: u32,
    pub(crate) place: u32,
    pub(crate) source: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) offset: u64,
    /// The event time of the reading; none: only an older sample's hold moved.
    pub(crate) time: Option<i64>,
    /// Whether the reading counts as received for the window.
    pub(crate) counted: bool,
    /// Whether the source may not be a member of the window yet.
    pub(crate) joins: bool,
    /// Whether it takes back what an earlier touch with the same change brought. Only of what adds up and of buckets.
    pub(crate) retracts: bool,
    /// Whether it may be taken back: the window counts what each source brought, to know when it has left.
    pub(crate) held: bool,
    pub(crate) change: Change,
}

/// How the accumulator changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Added above and below.
    Add(i128, i128),
    /// Offered to the least.
    Least(i128),
    /// Offered to the greatest.
    Greatest(i128),
    /// Offered as the source's last: sequence and value; the time is the touch's.
    Last(u64, i128),
    /// Offered as the source's first, likewise.
    First(u64, i128),
    /// One more value in a bucket of the histogram.
    Bucket(i32),
    /// An element of the set, by its hash.
    Element(u64),
    /// Time in the counted states and known time, of a sample with a successor.
    Held(i128, i128),
    /// The same of a source's newest sample: true begins, false ends. It counts when the window is closed.
    Ahead(i128, i128, bool),
    /// One more case of the source stands so.
    Stand,
    /// The source was heard: its cases that stand so are all there are.
    Present,
}
