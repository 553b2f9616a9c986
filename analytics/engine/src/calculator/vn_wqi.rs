//! VN_WQI, the index of surface water, by QĐ 1460/QĐ-TCMT of 12/11/2019 (tables and their grade: `vn_wqi_table.rs`).
//!
//! Each parameter has a sub-index, a point on straight lines, rounded once to a millionth of a point. Then
//! `(I ÷ 100) · (∏II)^(1/n) ÷ 100 · (∏III)^(1/m) ÷ 100 · core`. The core stands in two readings, with weights and
//! without: `³√(IV² · V)` and `√(IV · V)` with IV and V the means of their groups; each is a calculator of its own. A
//! group nobody measured leaves its factor out; without microbes the reading without weights takes IV alone and the one
//! with weights has no value. Roots come of `libm`, the same bits on every machine; the index is rounded to a millionth
//! first, so that a root of 62.5³ is 62.5 and a half goes up.

use super::vn_wqi_table::{BEST, CLASSES, CURVE_SCALE, Curve, Group, OXYGEN, PARAMETERS, VALID_FROM, WORST};
use super::{Exact, Outcome, Request, half_up};

/// Digits of a sub-index behind the point.
const POINTS_SCALE: u8 = 6;
/// Units of a sub-index to a point.
const MILLION: f64 = 1_000_000.0;
/// So many of the five groups must be there, the organic one among them, unless the definition says otherwise.
const GROUPS_MIN: i128 = 3;
/// So many parameters of the organic group, likewise.
const ORGANICS_MIN: i128 = 3;

/// How the means of the groups IV and V become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// With weights: the cube root of IV² · V.
    CubeRoot,
    /// Without: the square root of IV · V.
    SquareRoot,
}

/// Sub-indices of one group in millionths of a point.
type Points = Vec<i128>;

/// The index, 0 to 100, and its class as the code.
pub(super) fn index(reading: Reading, request: &Request<'_>) -> Option<Outcome> {
    if request.date < VALID_FROM {
        return None;
    }
    let points = |group| points_of(request, group);
    let (acidity, organics, microbes) =
        (points(Group::Acidity)?, points(Group::Organics)?, points(Group::Microbes)?);
    let (pesticides, metals) = (points(Group::Pesticides)?, points(Group::Metals)?);
    let groups = [&acidity, &pesticides, &metals, &organics, &microbes];
    let there = groups.iter().filter(|group| !group.is_empty()).count();
    let least =
        |name, usual| if request.parameter(name).is_some() { request.whole(name) } else { Some(usual) };
    if organics.is_empty()
        || (there as i128) < least("groups_min", GROUPS_MIN)?
        || (organics.len() as i128) < least("organics_min", ORGANICS_MIN)?
    {
        return None;
    }
    let organic = mean(&organics);
    let core = match (reading, microbes.is_empty()) {
        (Reading::SquareRoot, true) => organic,
        (Reading::SquareRoot, false) => libm::sqrt(organic * mean(&microbes)),
        (Reading::CubeRoot, false) => libm::cbrt(organic * organic * mean(&microbes)),
        (Reading::CubeRoot, true) => return None,
    };
    let factors = [&acidity, &pesticides, &metals].map(|group| geometric(group) / BEST as f64);
    let [first, second, third] = factors;
    let found = Exact {
        numerator: libm::round(first * second * third * core * MILLION) as i128,
        denominator: 1_000_000,
    };
    let value = half_up(found, request.scale)?;
    Some(Outcome { value, code: class_at(half_up(found, 0)?).map(|(_, code)| code) })
}

/// The class of an index: 1 (very good) … 6 (heavily polluted), with its code.
pub(super) fn class(request: &Request<'_>) -> Option<Outcome> {
    let index = half_up(request.own("wqi")?, 0)?;
    let (number, code) = class_at(index)?;
    Some(Outcome {
        value: number.checked_mul(10_i128.checked_pow(u32::from(request.scale))?)?,
        code: Some(code),
    })
}

fn class_at(index: i128) -> Option<(i128, &'static str)> {
    if index > BEST {
        return None;
    }
    let at = CLASSES.iter().position(|(least, _)| index >= *least)?;
    CLASSES.get(at).map(|(_, code)| (at as i128 + 1, *code))
}

/// The sub-indices a group has; none: a number too large.
fn points_of(request: &Request<'_>, group: Group) -> Option<Points> {
    let mut points = Points::new();
    for (name, _, curve) in PARAMETERS.iter().filter(|(_, its, _)| *its == group) {
        if let Some(value) = request.own(name) {
            points.push(on(*curve, value)?);
        }
    }
    if group == Group::Organics
        && let (Some(oxygen), Some(temperature)) = (request.own("oxygen"), request.own("temperature"))
    {
        points.push(on(OXYGEN, saturation_percent(oxygen, temperature)?)?);
    }
    Some(points)
}

/// Dissolved oxygen as per cent of what water of that temperature can hold:
/// `14.652 − 0.41022 T + 0.0079910 T² − 0.000077774 T³` mg/L. Temperatures are taken to a hundredth of a degree.
pub(super) fn saturation_percent(oxygen: Exact, temperature: Exact) -> Option<Exact> {
    let t = temperature.at_scale(2)?;
    // Over 10^15: coefficients have 9 digits behind the point, T³ six.
    let square = t.checked_mul(t)?;
    let full = 14_652_000_000_000_000_i128
        .checked_sub(t.checked_mul(4_102_200_000_000)?)?
        .checked_add(square.checked_mul(799_100_000)?)?
        .checked_sub(square.checked_mul(t)?.checked_mul(77_774)?)?;
    let oxygen = Exact { numerator: oxygen.at_scale(6)?.checked_mul(100)?, denominator: 1_000_000 };
    let share = oxygen.divided(Exact { numerator: full, denominator: 1_000_000_000_000_000 })?;
    // A billionth of a per cent is enough, and leaves room for what is worked out of it.
    Exact::of(share.at_scale(9)?, 9)
}

/// Points of a value in millionths, half up.
fn on(curve: Curve, value: Exact) -> Option<i128> {
    let (points, below, beyond) = match curve {
        Curve::Limit(limit) => {
            let inside = value.less(Exact::of(limit, CURVE_SCALE)?)?.numerator <= 0;
            return whole(if inside { BEST } else { WORST });
        }
        Curve::Falling(points) => (points, points.first()?.1, WORST),
        Curve::Jumping(points) => (points, BEST, WORST),
        Curve::Hill(points) => (points, WORST, WORST),
    };
    let past = |point: i128| value.less(Exact::of(point, CURVE_SCALE)?).map(|rest| rest.numerator.signum());
    if past(points.first()?.0)? < 0 {
        return whole(below);
    }
    for pair in points.windows(2) {
        let [(from, base), (to, top)] = pair else { return None };
        if past(*to)? <= 0 {
            let run = Exact::of(value.less(Exact::of(*from, CURVE_SCALE)?)?.at_scale(12)?, 12)?;
            let rise = Exact { numerator: run.numerator.checked_mul(top - base)?, ..run };
            let along = rise.divided(Exact::of(to - from, CURVE_SCALE)?)?;
            return half_up(along.added(Exact { numerator: *base, denominator: 1 })?, POINTS_SCALE);
        }
    }
    whole(beyond)
}

fn whole(points: i128) -> Option<i128> {
    points.checked_mul(10_i128.checked_pow(u32::from(POINTS_SCALE))?)
}

/// The mean of some points.
fn mean(points: &Points) -> f64 {
    points.iter().sum::<i128>() as f64 / points.len() as f64 / MILLION
}

/// The geometric mean; the best of none.
fn geometric(points: &Points) -> f64 {
    if points.is_empty() {
        return BEST as f64;
    }
    let product: f64 = points.iter().map(|points| *points as f64 / MILLION).product();
    libm::pow(product, 1.0 / points.len() as f64)
}

#[cfg(test)]
mod tests;
