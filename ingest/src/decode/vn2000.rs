//! VN-2000, the coordinates Vietnamese offices keep, to WGS 84, which Nhịp keeps.
//!
//! Plane coordinates are a transverse Mercator projection of the ellipsoid of WGS 84 (scale 0.9999 on the central
//! meridian of a zone of 3°, 0.9996 of 6°; false easting 500,000 m), inverted by Krüger's series to the fourth power
//! of the third flattening: below a millimetre inside a zone. Then come the seven parameters of QĐ
//! 05/2007/QĐ-BTNMT, which turn the axes (EPSG:6960, coordinate frame rotation); heights are taken as 0. `libm` gives
//! the same digits on every machine, so that a message read again has the same place.

use nhip_profile::Vn2000Zone;
use nhip_proto::Decimal;

/// Semi-major axis, metres, and flattening of WGS 84.
const AXIS_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
const FALSE_EASTING_M: f64 = 500_000.0;
/// Translation in metres, rotation in seconds of arc, scale in millionths: VN-2000 to WGS 84.
const SHIFT_M: [f64; 3] = [-191.904_414_29, -39.303_182_79, -111.450_328_35];
const TURN_S: [f64; 3] = [-0.009_288_36, 0.019_754_79, -0.004_273_72];
const GROWTH_PPM: f64 = 0.252_906_278;
/// Eastings a zone can hold, and northings of the country, in millimetres: what lies beyond is a mistake, most often
/// the two taken for each other.
const EASTING_MM: std::ops::RangeInclusive<i128> = 0..=1_000_000_000;
const NORTHING_MM: std::ops::RangeInclusive<i128> = 800_000_000..=2_700_000_000;
/// Rounds that bring the latitude to the last digit: each leaves less than a hundredth of the error before it.
const LATITUDE_ROUNDS: usize = 8;

/// Longitude and latitude of WGS 84 in units of 10⁻⁷ degrees, of an easting and a northing in metres; none outside the
/// country.
pub(super) fn to_wgs84(zone: Vn2000Zone, easting: Decimal, northing: Decimal) -> Option<(i128, i128)> {
    let (easting, northing) = (easting.at_scale(3)?, northing.at_scale(3)?);
    if !EASTING_MM.contains(&easting) || !NORTHING_MM.contains(&northing) {
        return None;
    }
    let (longitude, latitude) = unprojected(zone, easting as f64 / 1_000.0, northing as f64 / 1_000.0);
    let (longitude, latitude) = shifted(longitude, latitude);
    let e7 = |radians: f64| libm::round(radians.to_degrees() * 10_000_000.0) as i128;
    Some((e7(longitude), e7(latitude)))
}

/// Longitude and latitude on the ellipsoid of VN-2000, radians.
fn unprojected(zone: Vn2000Zone, easting: f64, northing: f64) -> (f64, f64) {
    let n = FLATTENING / (2.0 - FLATTENING);
    let (n2, n3, n4) = (n * n, n * n * n, n * n * n * n);
    let scale = if zone.width_degrees == 3 { 0.9999 } else { 0.9996 };
    let radius = scale * AXIS_M / (1.0 + n) * (1.0 + n2 / 4.0 + n4 / 64.0);
    let (north, east) = (northing / radius, (easting - FALSE_EASTING_M) / radius);
    let plane = [
        n / 2.0 - 2.0 * n2 / 3.0 + 37.0 * n3 / 96.0 - n4 / 360.0,
        n2 / 48.0 + n3 / 15.0 - 437.0 * n4 / 1_440.0,
        17.0 * n3 / 480.0 - 37.0 * n4 / 840.0,
        4_397.0 * n4 / 161_280.0,
    ];
    let (mut north_of_sphere, mut east_of_sphere) = (north, east);
    for (factor, turns) in plane.iter().zip([2.0, 4.0, 6.0, 8.0]) {
        north_of_sphere -= factor * libm::sin(turns * north) * libm::cosh(turns * east);
        east_of_sphere -= factor * libm::cos(turns * north) * libm::sinh(turns * east);
    }
    let conformal = libm::asin(libm::sin(north_of_sphere) / libm::cosh(east_of_sphere));
    let ball = [
        2.0 * n - 2.0 * n2 / 3.0 - 2.0 * n3 + 116.0 * n4 / 45.0,
        7.0 * n2 / 3.0 - 8.0 * n3 / 5.0 - 227.0 * n4 / 45.0,
        56.0 * n3 / 15.0 - 136.0 * n4 / 35.0,
        4_279.0 * n4 / 630.0,
    ];
    let mut latitude = conformal;
    for (factor, turns) in ball.iter().zip([2.0, 4.0, 6.0, 8.0]) {
        latitude += factor * libm::sin(turns * conformal);
    }
    let meridian = (f64::from(zone.meridian_e4) / 10_000.0).to_radians();
    (meridian + libm::atan2(libm::sinh(east_of_sphere), libm::cos(north_of_sphere)), latitude)
}

/// The same point seen from the axes of WGS 84.
fn shifted(longitude: f64, latitude: f64) -> (f64, f64) {
    let squared = FLATTENING * (2.0 - FLATTENING);
    let curvature = |latitude: f64| {
        let sine = libm::sin(latitude);
        AXIS_M / libm::sqrt(1.0 - squared * sine * sine)
    };
    let across = curvature(latitude);
    let x = across * libm::cos(latitude) * libm::cos(longitude);
    let y = across * libm::cos(latitude) * libm::sin(longitude);
    let z = across * (1.0 - squared) * libm::sin(latitude);
    let [turn_x, turn_y, turn_z] = TURN_S.map(|seconds| (seconds / 3_600.0).to_radians());
    let growth = 1.0 + GROWTH_PPM / 1_000_000.0;
    let [shift_x, shift_y, shift_z] = SHIFT_M;
    let x_there = shift_x + growth * (x + turn_z * y - turn_y * z);
    let y_there = shift_y + growth * (y - turn_z * x + turn_x * z);
    let z_there = shift_z + growth * (z + turn_y * x - turn_x * y);
    let from_axis = libm::sqrt(x_there * x_there + y_there * y_there);
    let mut found = libm::atan2(z_there, from_axis * (1.0 - squared));
    for _ in 0..LATITUDE_ROUNDS {
        found = libm::atan2(z_there + squared * curvature(found) * libm::sin(found), from_axis);
    }
    (libm::atan2(y_there, x_there), found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(meridian_e4: i32, width_degrees: u8) -> Vn2000Zone {
        Vn2000Zone { meridian_e4, width_degrees }
    }

    /// Of an easting and a northing in millimetres.
    fn of(zone: Vn2000Zone, easting: i128, northing: i128) -> Option<(i128, i128)> {
        to_wgs84(zone, Decimal::new(easting, 3), Decimal::new(northing, 3))
    }

    /// Worked out by PROJ 9.5.1 (pyproj 3.7.2): `+proj=pipeline +step +inv +proj=tmerc +lon_0=… +k=… +x_0=500000
    /// +ellps=WGS84`, then EPSG:6960 (`+proj=helmert … +convention=coordinate_frame`), in 10⁻⁷ degrees.
    #[test]
    fn as_proj_has_it_to_the_last_digit() {
        let tay_ninh = zone(1_055_000, 3);
        let vectors = [
            (tay_ninh, 500_000_000, 1_250_000_000, 1_055_017_924, 113_032_766),
            // Beside the seat of the former Tây Ninh.
            (tay_ninh, 566_480_250, 1_249_812_750, 1_061_107_752, 113_009_538),
            (tay_ninh, 620_000_000, 1_165_000_000, 1_065_981_661, 105_328_575),
            (tay_ninh, 431_234_500, 1_288_888_125, 1_048_710_947, 116_541_774),
            (zone(1_050_000, 3), 585_000_000, 2_325_000_000, 1_058_195_793, 210_165_192),
            (zone(1_050_000, 6), 620_000_000, 1_165_000_000, 1_060_985_076, 105_360_199),
            // Far outside the zone, where the series is at its end.
            (tay_ninh, 0, 1_000_000_000, 1_009_585_048, 90_147_237),
            (zone(1_080_000, 6), 1_000_000_000, 2_600_000_000, 1_128_924_871, 234_323_512),
        ];
        for (zone, easting, northing, longitude, latitude) in vectors {
            assert_eq!(of(zone, easting, northing), Some((longitude, latitude)), "{easting} {northing}");
        }
    }

    #[test]
    fn east_and_north_taken_for_each_other_are_refused() {
        let tay_ninh = zone(1_055_000, 3);
        assert_eq!(of(tay_ninh, 1_249_812_750, 566_480_250), None);
        assert_eq!(of(tay_ninh, -1, 1_250_000_000), None);
        assert_eq!(of(tay_ninh, 500_000_000, 2_700_000_001), None);
        // Degrees are no metres.
        assert_eq!(of(tay_ninh, 106_110, 11_300), None);
    }
}
