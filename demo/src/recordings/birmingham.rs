//! Birmingham City Council car parks: cars and capacity about every half hour of the day, local time without a zone.

use super::Attribution;
use super::rows::Rows;

pub(super) const ROWS: Rows = Rows {
    attribution: Attribution {
        source: "Birmingham City Council car parks 2016 (UCI Parking Birmingham, doi 10.24432/C51K5Z)",
        licence: "UK Open Government Licence v3; CC BY 4.0 (UCI)",
    },
    files: ("counts", "birmingham_parking_"),
    zone: "Europe/London",
    stretch_s: 86_400,
    stamp: |line| line.text("LastUpdated").parse().ok(),
    topic: |_| "recordings/birmingham".to_owned(),
    told: None,
};
