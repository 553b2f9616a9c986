//! City of Melbourne pedestrian counters: people an hour, the start of the hour as an instant of UTC.

use super::Attribution;
use super::rows::Rows;

pub(super) const ROWS: Rows = Rows {
    attribution: Attribution {
        source: "City of Melbourne pedestrian counting system, 2015, as packaged with tsibble",
        licence: "CC BY 4.0 (city open data)",
    },
    files: ("counts", "melbourne_pedestrian_"),
    zone: "UTC",
    stretch_s: 86_400,
    stamp: |line| line.text("utc").strip_suffix('Z')?.parse().ok(),
    topic: |_| "recordings/melbourne".to_owned(),
    told: None,
};
