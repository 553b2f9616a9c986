//! Dated periods with a name: holidays that move from year to year, seasons, campaigns.

use jiff::civil::Date;

use super::Label;

/// Periods of one kind (`tet`), each with its own dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Its id, the `window` of indicators.
    pub id: String,
    /// On screens.
    pub name: Label,
    /// In the order of their dates; none overlap.
    pub dated: Vec<DatedPeriod>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedPeriod {
    /// The first civil day.
    pub from: Date,
    /// The first civil day after it.
    pub to: Date,
    /// Its name on screens.
    pub name: String,
    /// What sets the dates.
    pub document: String,
}

/// Windows that are dated periods. An instant between two of them lies in no window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The id of the periods.
    pub id: String,
    /// First civil day and first day after, in order.
    pub spans: Vec<(Date, Date)>,
}

impl Periods {
    /// The windows an indicator has over them.
    #[must_use]
    pub fn windows(&self) -> Dated {
        Dated { id: self.id.clone(), spans: self.dated.iter().map(|one| (one.from, one.to)).collect() }
    }
}
