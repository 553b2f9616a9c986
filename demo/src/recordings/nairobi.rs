//! Road crashes of Nairobi reported by its people: one row a crash, day/month/year and local time.

use jiff::civil::DateTime;

use super::Attribution;
use super::rows::Rows;

pub(super) const ROWS: Rows = Rows {
    attribution: Attribution {
        source: "Nairobi road crashes, crowdsourced from @Ma3Route (Milusheva et al. 2021, World Bank)",
        licence: "CC BY 4.0 (World Bank Microdata Library)",
    },
    files: ("incidents", "nairobi_crash_reports_"),
    zone: "Africa/Nairobi",
    stretch_s: 86_400,
    stamp: |line| DateTime::strptime("%d/%m/%Y %H:%M", line.text("crash_datetime")).ok(),
    topic: |_| "recordings/nairobi".to_owned(),
    told: None,
};
