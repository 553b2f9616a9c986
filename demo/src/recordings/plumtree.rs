//! USGS gauge 01581752, Plumtree Run near Bel Air: five parameters every five minutes, a row each, with qualifiers
//! (A approved, P provisional, Eqp fault of the instrument).

use super::Attribution;
use super::rows::Rows;

pub(super) const ROWS: Rows = Rows {
    attribution: Attribution {
        source: "USGS National Water Information System, instantaneous values, site 01581752",
        licence: "public domain (US Geological Survey)",
    },
    files: ("water", "usgs_01581752_"),
    zone: "UTC",
    stretch_s: 21_600,
    stamp: |line| line.text("datetime_utc").strip_suffix('Z')?.parse().ok(),
    topic: |line| format!("recordings/usgs/{}", line.text("param_code")),
    told: None,
};
