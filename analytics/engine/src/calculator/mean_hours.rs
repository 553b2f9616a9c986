//! The mean of the last hours' means, each hour weighing the same: 8-hour ozone, 24-hour dust.
//! QĐ 1459/QĐ-TCMT of 12/11/2019, 2.2.2 a: "trung bình cộng các giá trị trung bình 1 giờ trong 8 giờ liên tiếp".
//!
//! The decision does not say how many of the hours must be there. Unless the definition says otherwise
//! (`hours_min`) three quarters of them must: 6 of 8, 18 of 24.

use super::{Exact, Outcome, Request};

/// The most hours a mean may look back at.
pub(super) const HOURS_MAX: usize = 24;

/// Parameters `hours` (1…24) and `hours_min`; input `of`. Rounded half to even, as means are.
pub(super) fn mean_hours(request: &Request<'_>) -> Option<Outcome> {
    let hours =
        usize::try_from(request.whole("hours")?).ok().filter(|hours| (1..=HOURS_MAX).contains(hours))?;
    let hours_min = match request.whole("hours_min") {
        Some(least) => usize::try_from(least).ok()?,
        None => (hours * 3).div_ceil(4),
    };
    let values: Vec<Exact> = request.windows("of").iter().take(hours).flatten().copied().collect();
    if values.is_empty() || values.len() < hours_min {
        return None;
    }
    let mut sum = Exact { numerator: 0, denominator: 1 };
    for value in &values {
        sum = sum.added(*value)?;
    }
    let count = i128::try_from(values.len()).ok()?;
    let mean = Exact { denominator: sum.denominator.checked_mul(count)?, ..sum };
    Some(Outcome { value: mean.at_scale(request.scale)?, code: None })
}
