//! The class of a river's water, A to D, by QCVN 08:2023/BTNMT, Bảng 2 (protection of aquatic life; in force since
//! 12/9/2023). Two cells were cut in the copy at hand and are marked.
//!
//! The class is the worst any measured parameter has. All inputs the definition names must be there, or as many as its
//! `measured_min` says: what nobody measured never makes water better. Floating waste, which alone tells D from C above
//! 100 mg/L of solids, is seen by nobody here: solids make no D.

use jiff::civil::{Date, date};

use super::{Exact, Outcome, Request};

const VALID_FROM: Date = date(2023, 9, 12);
/// Codes of the classes 1 to 4.
const CODES: [&str; 4] = ["a", "b", "c", "d"];

/// How the value of a parameter bounds its class; numbers in thousandths.
#[derive(Clone, Copy, Debug)]
enum Bound {
    /// At most this for A, B and C; beyond: D.
    Most([i128; 3]),
    /// At least this for A, B and C; below: D.
    Least([i128; 3]),
    /// Within these for A, B and C; outside: D.
    Within([(i128, i128); 3]),
    /// At most this for A and B; beyond: C.
    Solids([i128; 2]),
}

/// Inputs with their bounds: pH, microbes per 100 mL, the rest in mg/L.
const BOUNDS: [(&str, Bound); 10] = [
    ("ph", Bound::Within([(6_500, 8_500), (6_000, 8_500), (6_000, 8_500)])),
    ("bod5", Bound::Most([4_000, 6_000, 10_000])),
    ("cod", Bound::Most([10_000, 15_000, 20_000])),
    // 8 of class C was cut in the copy.
    ("toc", Bound::Most([4_000, 6_000, 8_000])),
    // 100 of class B was cut in the copy.
    ("tss", Bound::Solids([25_000, 100_000])),
    ("oxygen", Bound::Least([6_000, 5_000, 4_000])),
    ("phosphorus", Bound::Most([100, 300, 500])),
    ("nitrogen", Bound::Most([600, 1_500, 2_000])),
    ("coliform", Bound::Most([1_000_000, 5_000_000, 7_500_000])),
    ("faecal", Bound::Most([200_000, 1_000_000, 1_500_000])),
];

/// 1 (A) to 4 (D), with the class as the code.
pub(super) fn river(request: &Request<'_>) -> Option<Outcome> {
    if request.date < VALID_FROM {
        return None;
    }
    let mut classes = Vec::new();
    for (name, bound) in BOUNDS {
        if let Some(value) = request.own(name) {
            classes.push(class_of(bound, value)?);
        }
    }
    let least = match request.parameter("measured_min") {
        Some(_) => usize::try_from(request.whole("measured_min")?).ok()?,
        None => request.inputs.len(),
    };
    let worst = classes.iter().max().filter(|_| classes.len() >= least)?;
    let value = (*worst as i128 + 1).checked_mul(10_i128.checked_pow(u32::from(request.scale))?)?;
    Some(Outcome { value, code: CODES.get(*worst).copied() })
}

/// 0 (A) to 3 (D).
fn class_of(bound: Bound, value: Exact) -> Option<usize> {
    for at in 0..3 {
        if inside(bound, at, value)? {
            return Some(at);
        }
    }
    Some(3)
}

/// Whether a value is good enough for the class at a place.
fn inside(bound: Bound, at: usize, value: Exact) -> Option<bool> {
    let against = |limit: &i128| value.less(Exact::of(*limit, 3)?).map(|rest| rest.numerator.signum());
    Some(match bound {
        Bound::Most(most) => against(most.get(at)?)? <= 0,
        Bound::Least(least) => against(least.get(at)?)? >= 0,
        Bound::Within(ends) => {
            let (least, most) = ends.get(at)?;
            against(least)? >= 0 && against(most)? <= 0
        }
        Bound::Solids(most) => match most.get(at) {
            Some(most) => against(most)? <= 0,
            None => true,
        },
    })
}

#[cfg(test)]
mod tests;
