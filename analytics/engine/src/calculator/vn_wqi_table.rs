//! What QĐ 1460/QĐ-TCMT of 12/11/2019 lays down in tables, for VN_WQI: breakpoints of each parameter, groups, classes.
//!
//! The text of the decision was not at hand. Tables and rules are those in which three independent public codings of it
//! agree; check them against the decision before publishing an index under its name.

use jiff::civil::{Date, date};

/// The first day of the decision.
pub(super) const VALID_FROM: Date = date(2019, 11, 12);

/// Points of a sub-index at the levels 1 to 5 of the tables.
pub(super) const BEST: i128 = 100;
/// Points of what lies beyond the last level.
pub(super) const WORST: i128 = 10;

/// One of the five groups of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// I: pH.
    Acidity,
    /// II: pesticides.
    Pesticides,
    /// III: heavy metals.
    Metals,
    /// IV: organic matter and nutrients.
    Organics,
    /// V: microbes.
    Microbes,
}

/// How a value becomes points.
#[derive(Clone, Copy, Debug)]
pub(super) enum Curve {
    /// Straight lines through (value, points), values in units of 10⁻⁴; points of the first up to it, and beyond the
    /// last the worst.
    Falling(&'static [(i128, i128)]),
    /// The same, but below the first value the best: the level jumps there ("<" in the table).
    Jumping(&'static [(i128, i128)]),
    /// Straight lines; outside both ends the worst.
    Hill(&'static [(i128, i128)]),
    /// The best up to a value, beyond it the worst.
    Limit(i128),
}

/// A parameter: the input's name, its group and its curve. Dissolved oxygen is a share of saturation, in per cent.
pub(super) type Parameter = (&'static str, Group, Curve);

/// Digits behind the point of the values in the curves.
pub(super) const CURVE_SCALE: u8 = 4;

/// Dissolved oxygen, per cent of saturation (Bảng 3).
pub(super) const OXYGEN: Curve = Curve::Hill(&[
    (200_000, 25),
    (500_000, 50),
    (750_000, 75),
    (880_000, 100),
    (1_120_000, 100),
    (1_250_000, 75),
    (1_500_000, 50),
    (2_000_000, 25),
]);

/// All others, in the order of the groups. Pesticides in µg/L, pH in pH, microbes per 100 mL, the rest in mg/L.
pub(super) const PARAMETERS: [Parameter; 22] = [
    ("ph", Group::Acidity, Curve::Hill(&[(55_000, 50), (60_000, 100), (85_000, 100), (90_000, 50)])),
    ("aldrin", Group::Pesticides, Curve::Limit(1_000)),
    ("bhc", Group::Pesticides, Curve::Limit(200)),
    ("dieldrin", Group::Pesticides, Curve::Limit(1_000)),
    ("ddt", Group::Pesticides, Curve::Limit(10_000)),
    ("heptachlor", Group::Pesticides, Curve::Limit(2_000)),
    ("arsenic", Group::Metals, Curve::Falling(&[(100, 100), (200, 75), (500, 50), (1_000, 25)])),
    ("cadmium", Group::Metals, Curve::Jumping(&[(50, 75), (80, 50), (100, 25), (1_000, 10)])),
    ("lead", Group::Metals, Curve::Jumping(&[(200, 75), (400, 50), (500, 25), (5_000, 10)])),
    ("chromium6", Group::Metals, Curve::Falling(&[(100, 100), (200, 75), (400, 50), (500, 25), (1_000, 10)])),
    (
        "copper",
        Group::Metals,
        Curve::Falling(&[(1_000, 100), (2_000, 75), (5_000, 50), (10_000, 25), (20_000, 10)]),
    ),
    (
        "zinc",
        Group::Metals,
        Curve::Falling(&[(5_000, 100), (10_000, 75), (15_000, 50), (20_000, 25), (30_000, 10)]),
    ),
    ("mercury", Group::Metals, Curve::Jumping(&[(10, 75), (15, 50), (20, 25), (100, 10)])),
    ("bod5", Group::Organics, ORGANIC),
    (
        "cod",
        Group::Organics,
        Curve::Falling(&[(100_000, 100), (150_000, 75), (300_000, 50), (500_000, 25), (1_500_000, 10)]),
    ),
    ("toc", Group::Organics, ORGANIC),
    ("nh4", Group::Organics, Curve::Jumping(&[(3_000, 75), (6_000, 50), (9_000, 25), (50_000, 10)])),
    ("no3", Group::Organics, Curve::Falling(&[(20_000, 100), (50_000, 75), (100_000, 50), (150_000, 25)])),
    ("no2", Group::Organics, Curve::Limit(500)),
    (
        "po4",
        Group::Organics,
        Curve::Falling(&[(1_000, 100), (2_000, 75), (3_000, 50), (5_000, 25), (40_000, 10)]),
    ),
    (
        "coliform",
        Group::Microbes,
        Curve::Falling(&[(25_000_000, 100), (50_000_000, 75), (75_000_000, 50), (100_000_000, 25)]),
    ),
    (
        "e_coli",
        Group::Microbes,
        Curve::Falling(&[(200_000, 100), (500_000, 75), (1_000_000, 50), (2_000_000, 25)]),
    ),
];

/// BOD5 and TOC share their levels.
const ORGANIC: Curve =
    Curve::Falling(&[(40_000, 100), (60_000, 75), (150_000, 50), (250_000, 25), (500_000, 10)]);

/// Classes of the index, best first: the least index of each, with its code (rất tốt, tốt, trung bình, xấu, kém, ô
/// nhiễm rất nặng).
pub(super) const CLASSES: [(i128, &str); 6] =
    [(91, "very_good"), (76, "good"), (51, "moderate"), (26, "bad"), (10, "poor"), (0, "heavily_polluted")];
