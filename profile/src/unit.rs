//! Units of measurement: which are known, which convert into which, exactly.

mod dimension;

use nhip_proto::{Decimal, divide_half_even};

pub(crate) use dimension::{Dimension, unit_named};

/// One unit: `base = value × factor + offset`, both exact fractions.
struct Unit {
    /// How it is written on screens.
    name: &'static str,
    /// Other spellings senders use.
    spellings: &'static [&'static str],
    /// Units of one kind convert into each other.
    kind: &'static str,
    factor: (i128, i128),
    offset: (i128, i128),
}

const fn unit(
    name: &'static str,
    spellings: &'static [&'static str],
    kind: &'static str,
    factor: (i128, i128),
) -> Unit {
    Unit { name, spellings, kind, factor, offset: (0, 1) }
}

const UNITS: &[Unit] = &[
    unit("µg/m³", &["ug/m3", "µg/m3", "μg/m³", "μg/m3", "mcg/m3"], "mass concentration", (1, 1)),
    unit("mg/m³", &["mg/m3"], "mass concentration", (1_000, 1)),
    unit("µg/L", &["ug/L", "ug/l", "µg/l"], "mass concentration", (1_000, 1)),
    unit("mg/L", &["mg/l"], "mass concentration", (1_000_000, 1)),
    unit("ppb", &[], "volume share", (1, 1)),
    unit("ppm", &[], "volume share", (1_000, 1)),
    unit("°C", &["degC", "C", "celsius", "Cel"], "temperature", (1, 1)),
    Unit { name: "K", spellings: &["kelvin"], kind: "temperature", factor: (1, 1), offset: (-27_315, 100) },
    Unit {
        name: "°F",
        spellings: &["degF", "F", "fahrenheit"],
        kind: "temperature",
        factor: (5, 9),
        offset: (-160, 9),
    },
    unit("m/s", &["mps"], "speed", (1, 1)),
    unit("km/h", &["kmh", "kph", "kmph"], "speed", (5, 18)),
    unit("mph", &["mi/h"], "speed", (1_397, 3_125)),
    unit("kn", &["knot", "knots"], "speed", (463, 900)),
    unit("%", &["percent", "pct"], "share", (1, 100)),
    unit("1", &["share", "ratio"], "share", (1, 1)),
    unit("ms", &[], "time", (1, 1_000)),
    unit("s", &["sec", "second", "seconds"], "time", (1, 1)),
    unit("min", &["minute", "minutes"], "time", (60, 1)),
    unit("h", &["hour", "hours"], "time", (3_600, 1)),
    unit("d", &["day", "days"], "time", (86_400, 1)),
    unit("mm", &[], "length", (1, 1_000)),
    unit("cm", &[], "length", (1, 100)),
    unit("m", &["metre", "meter"], "length", (1, 1)),
    unit("km", &[], "length", (1_000, 1)),
    unit("L", &["l", "litre", "litres"], "volume", (1, 1_000)),
    unit("m³", &["m3"], "volume", (1, 1)),
    unit("kg", &[], "mass", (1, 1)),
    unit("t", &["tonne", "tonnes"], "mass", (1_000, 1)),
    unit("Pa", &[], "pressure", (1, 1)),
    unit("hPa", &["mbar"], "pressure", (100, 1)),
    unit("kPa", &[], "pressure", (1_000, 1)),
    unit("mV", &[], "voltage", (1, 1_000)),
    unit("V", &["volt"], "voltage", (1, 1)),
    unit("W", &[], "power", (1, 1)),
    unit("kW", &[], "power", (1_000, 1)),
    unit("Wh", &[], "energy", (1, 1)),
    unit("kWh", &[], "energy", (1_000, 1)),
    unit("m³/s", &["m3/s"], "flow", (1, 1)),
    unit("m³/h", &["m3/h"], "flow", (1, 3_600)),
    unit("µS/cm", &["uS/cm"], "conductivity", (1, 1)),
    unit("mS/cm", &[], "conductivity", (1_000, 1)),
    unit("°", &["deg", "degree", "degrees"], "angle", (1, 1)),
    unit("dB", &[], "level", (1, 1)),
    unit("dBA", &["dB(A)"], "A-weighted level", (1, 1)),
    unit("dBm", &[], "power level", (1, 1)),
    unit("pH", &[], "acidity", (1, 1)),
    unit("NTU", &[], "turbidity", (1, 1)),
    unit("vehicles", &["vehicle", "veh", "xe"], "vehicles", (1, 1)),
    unit("vehicles/h", &["veh/h", "xe/h"], "vehicle flow", (1, 1)),
    unit("people", &["person", "persons", "người"], "people", (1, 1)),
    unit("readings", &["reading", "messages", "lượt"], "readings", (1, 1)),
    unit("events", &["event", "vụ"], "events", (1, 1)),
    unit("sources", &["source", "nguồn"], "sources", (1, 1)),
    unit("cases", &["case", "hồ sơ"], "cases", (1, 1)),
    unit("reports", &["report", "phản ánh"], "reports", (1, 1)),
    unit("devices", &["device", "thiết bị"], "devices", (1, 1)),
    unit("links", &["link", "đường truyền"], "links", (1, 1)),
    unit("systems", &["system", "hệ thống"], "systems", (1, 1)),
    unit("datasets", &["dataset", "bộ dữ liệu"], "datasets", (1, 1)),
    unit("calls", &["call", "lượt gọi"], "calls", (1, 1)),
    unit("visits", &["visit", "lượt truy cập"], "visits", (1, 1)),
    unit("posts", &["post", "tin, bài"], "posts", (1, 1)),
    unit("interactions", &["interaction", "lượt tương tác"], "interactions", (1, 1)),
    unit("GB", &["gigabyte"], "data", (1, 1)),
    unit("TB", &["terabyte"], "data", (1_000, 1)),
    unit("documents", &["document", "văn bản"], "documents", (1, 1)),
    unit("procedures", &["procedure", "thủ tục"], "procedures", (1, 1)),
    unit("tasks", &["task", "nhiệm vụ"], "tasks", (1, 1)),
    unit("firms", &["firm", "doanh nghiệp"], "firms", (1, 1)),
    unit("households", &["household", "hộ"], "households", (1, 1)),
    unit("communes", &["commune", "xã, phường"], "communes", (1, 1)),
    unit("VND_mn", &["triệu đồng"], "money in VND", (1, 1)),
    unit("VND_bn", &["tỷ đồng"], "money in VND", (1_000, 1)),
    unit("USD_mn", &["triệu USD"], "money in USD", (1, 1)),
    unit("USD_bn", &["tỷ USD"], "money in USD", (1_000, 1)),
    unit("ha", &["hectare", "hectares"], "area", (1, 1)),
    unit("MPN/100mL", &["MPN/100ml", "CFU/100mL", "CFU/100ml"], "microbes", (1, 1)),
    unit("points", &["point", "điểm"], "points", (1, 1)),
    unit("grade", &["level", "cấp", "mức"], "grade", (1, 1)),
];

/// Kinds a count may be shown in.
const COUNTED: &[&str] = &[
    "vehicles",
    "people",
    "readings",
    "events",
    "sources",
    "cases",
    "reports",
    "devices",
    "links",
    "systems",
    "datasets",
    "calls",
    "visits",
    "posts",
    "interactions",
];

fn find(text: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.name == text || unit.spellings.contains(&text))
}

/// Whether senders and profiles may use this unit, in any of its spellings.
#[must_use]
pub fn known_unit(text: &str) -> bool {
    find(text).is_some()
}

/// The one spelling screens use: `ug/m3` → `µg/m³`.
#[must_use]
pub fn canonical_unit(text: &str) -> Option<&'static str> {
    find(text).map(|unit| unit.name)
}

/// Whether values in one unit can be told in the other.
#[must_use]
pub fn convertible(from: &str, to: &str) -> bool {
    matches!((find(from), find(to)), (Some(from), Some(to)) if from.kind == to.kind)
}

/// Whether things are counted in this unit.
pub(crate) fn counts_things(text: &str) -> bool {
    find(text).is_some_and(|unit| COUNTED.contains(&unit.kind))
}

/// All units in all spellings, the ones of screens first.
pub fn all_units() -> impl Iterator<Item = &'static str> {
    let names = UNITS.iter().map(|unit| unit.name);
    names.chain(UNITS.iter().flat_map(|unit| unit.spellings.iter().copied()))
}

/// The value in the unit `to`, as digits at `scale`, exact but for one rounding half to even.
/// None if a unit is unknown, the kinds differ, or the number is too large.
#[must_use]
pub fn convert(value: Decimal, from: &str, to: &str, scale: u8) -> Option<i128> {
    if from == to {
        return value.at_scale(scale);
    }
    let (from, to) = (find(from)?, find(to)?);
    if from.kind != to.kind {
        return None;
    }
    let value = (value.mantissa, power_of_ten(value.scale)?);
    let base = add(multiply(value, from.factor)?, from.offset)?;
    let less = add(base, (-to.offset.0, to.offset.1))?;
    let (numerator, denominator) = multiply(less, (to.factor.1, to.factor.0))?;
    let shown = multiply((numerator, denominator), (power_of_ten(scale)?, 1))?;
    divide_half_even(shown.0, shown.1)
}

fn power_of_ten(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(exponent))
}

fn multiply(left: (i128, i128), right: (i128, i128)) -> Option<(i128, i128)> {
    let (left_top, right_bottom) = reduce(left.0, right.1);
    let (right_top, left_bottom) = reduce(right.0, left.1);
    Some((left_top.checked_mul(right_top)?, left_bottom.checked_mul(right_bottom)?))
}

fn add(left: (i128, i128), right: (i128, i128)) -> Option<(i128, i128)> {
    let top = left.0.checked_mul(right.1)?.checked_add(right.0.checked_mul(left.1)?)?;
    Some(reduce(top, left.1.checked_mul(right.1)?))
}

fn reduce(top: i128, bottom: i128) -> (i128, i128) {
    let (mut a, mut b) = (top.unsigned_abs(), bottom.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    match i128::try_from(a) {
        Ok(divisor) if divisor > 1 => (top / divisor, bottom / divisor),
        _ => (top, bottom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(value: &str, from: &str, to: &str, scale: u8) -> Option<String> {
        let value = Decimal::parse(value).ok()?;
        convert(value, from, to, scale).map(|mantissa| Decimal::new(mantissa, scale).to_string())
    }

    #[test]
    fn conversions_are_exact() {
        let cases = [
            ("0.06", "mg/m3", "µg/m³", 1, "60.0"),
            ("35.25", "ug/m3", "µg/m³", 1, "35.2"),
            ("300.15", "K", "°C", 2, "27.00"),
            ("27", "°C", "K", 2, "300.15"),
            ("212", "degF", "°C", 1, "100.0"),
            ("-40", "°F", "°C", 1, "-40.0"),
            ("0", "K", "°F", 2, "-459.67"),
            ("60", "mph", "km/h", 4, "96.5606"),
            ("10", "m/s", "km/h", 0, "36"),
            ("1", "kn", "km/h", 3, "1.852"),
            ("0.125", "1", "%", 1, "12.5"),
            ("90", "min", "h", 1, "1.5"),
            ("1013.25", "mbar", "Pa", 0, "101325"),
            ("12", "xe", "vehicles", 0, "12"),
        ];
        for (value, from, to, scale, want) in cases {
            assert_eq!(told(value, from, to, scale).as_deref(), Some(want), "{value} {from} in {to}");
        }
    }

    #[test]
    fn what_does_not_convert_is_refused() {
        for (from, to) in [("°C", "%"), ("ppb", "µg/m³"), ("furlong", "m"), ("m", "furlong"), ("dB", "dBA")]
        {
            assert_eq!(told("1", from, to, 0), None, "{from} in {to}");
        }
        assert_eq!(told("9999999999999999999999999999", "km", "mm", 28), None);
    }

    #[test]
    fn no_spelling_names_two_units() {
        let mut all: Vec<&str> =
            UNITS.iter().flat_map(|unit| unit.spellings.iter().copied().chain([unit.name])).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(
            mantissa in -1_000_000_i64..1_000_000,
            from in 0..UNITS.len(),
            to in 0..UNITS.len(),
        ) {
            let (from, to) = (&UNITS[from], &UNITS[to]);
            let value = Decimal::new(i128::from(mantissa), 2);
            if let Some(there) = convert(value, from.name, to.name, 18) {
                let back = convert(Decimal::new(there, 18), to.name, from.name, 2);
                prop_assert_eq!(back, Some(value.mantissa));
            }
        }
    }
}
