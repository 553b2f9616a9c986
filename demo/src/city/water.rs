//! What stations of surface water measure: a river of the delta, slow and rich in what fields and towns give it.

use super::model::{FLAT, Gauge, TEMPERATURE, gauge, level};

/// The gauge of a quantity of surface water by the name profiles give it; none: it is no such quantity.
pub(super) fn gauge_of(name: &str) -> Option<Gauge> {
    Some(match name {
        "water_temperature" => gauge(level(&TEMPERATURE, 1_000, (20, 4), (20_000, 36_000)), "°C", 1),
        "oxygen" => gauge(level(&FLAT, 5_200, (180, 40), (500, 12_000)), "mg/L", 2),
        "toc" => gauge(level(&FLAT, 5_600, (250, 40), (500, 60_000)), "mg/L", 2),
        "n_nh4" => gauge(level(&FLAT, 260, (400, 60), (10, 6_000)), "mg/L", 3),
        "surface_cod" => gauge(level(&FLAT, 14_500, (250, 40), (2_000, 160_000)), "mg/L", 1),
        "surface_tss" => gauge(level(&FLAT, 42_000, (400, 80), (2_000, 600_000)), "mg/L", 1),
        _ => return None,
    })
}
