//! Interstate 94 westbound between Minneapolis and St Paul: hourly volume and weather, local time without a zone.

use super::Attribution;
use super::rows::Rows;

pub(super) const ROWS: Rows = Rows {
    attribution: Attribution {
        source: "Metro Interstate Traffic Volume (Hogue 2019, UCI, doi 10.24432/C5X60B)",
        licence: "CC BY 4.0",
    },
    files: ("traffic", "metro_interstate_i94_"),
    zone: "America/Chicago",
    stretch_s: 86_400,
    stamp: |line| line.text("date_time").parse().ok(),
    topic: |_| "recordings/i94".to_owned(),
    told: None,
};
