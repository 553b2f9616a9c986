//! VN_AQI, hourly and daily, of one station: QĐ 1459/QĐ-TCMT of 12/11/2019, section 2.
//!
//! An index is a point on straight lines between breakpoints (formulas 1 and 2), exact, rounded once half up to a
//! whole number; at level 8 and above it is 500 (the table says "≥"; the text extrapolates nothing). The index of a
//! station is the greatest of its pollutants, of which PM10 or PM2.5 must be one. The leading pollutant is the one
//! with the greatest rounded index; of equals the first in the order of [`LEADERS`].
//!
//! Hours carry the label of their end: the day's hours "01:00 … 00:00 of the next day" are the civil day.

use super::natural::Natural;
use super::ratio::Ratio;
use super::vn_aqi_table::{Column, Edition, edition};
use super::{Outcome, Request, nowcast};

/// The greatest index: level 8 of Bảng 2.
const INDEX_MAX: i128 = 500;
/// Ozone of eight hours above this is not used: 2.2.2 b.
const O3_EIGHT_HOURS_MAX: i128 = 400;
/// Inputs in the order in which equal indices lead.
pub(super) const LEADERS: [&str; 6] = ["pm25", "pm10", "o3", "no2", "so2", "co"];

/// AQI^h: gases by their mean of the hour, PM10 and PM2.5 by NowCast of twelve hours (2.2.1).
pub(super) fn hour(request: &Request<'_>) -> Option<Outcome> {
    let edition = edition(request.date)?;
    let own = |name: &str| request.own(name).and_then(Ratio::of);
    let dust = |name: &str| nowcast::nowcast(request.windows(name));
    greatest(request.scale, |pollutant| match pollutant {
        "pm25" => index(edition, Column::Pm25, &dust("pm25")?),
        "pm10" => index(edition, Column::Pm10, &dust("pm10")?),
        "o3" => index(edition, Column::O3Hour, &own("o3")?),
        gas => index(edition, column(gas)?, &own(gas)?),
    })
}

/// AQI^d: PM10 and PM2.5 by their mean of 24 hours, the others by their greatest hour; ozone by the greater index of
/// its greatest hour and its greatest eight hours, of which the latter is left out above 400 µg/m³ (2.2.2).
pub(super) fn day(request: &Request<'_>) -> Option<Outcome> {
    let edition = edition(request.date)?;
    let own = |name: &str| request.own(name).and_then(Ratio::of);
    greatest(request.scale, |pollutant| match pollutant {
        "o3" => {
            let of_hour = own("o3").and_then(|hour| index(edition, Column::O3Hour, &hour));
            of_hour.max(own("o3_8h").and_then(|hours| o3_eight_hours(edition, &hours)))
        }
        other => index(edition, column(other)?, &own(other)?),
    })
}

/// The index of one pollutant alone, hourly, for publishing all of them (Bảng 3); dust by NowCast.
pub(super) fn hour_of(pollutant: &str, request: &Request<'_>) -> Option<Outcome> {
    let column = column(pollutant)?;
    let value = match column {
        Column::Pm25 | Column::Pm10 => nowcast::nowcast(request.windows("of"))?,
        _ => Ratio::of(request.own("of")?)?,
    };
    let index = index(edition(request.date)?, column, &value)?;
    Some(Outcome { value: index.checked_mul(ten(request.scale)?)?, code: None })
}

/// The class of an index: 1 (good) … 6 (hazardous), with its code.
pub(super) fn class(request: &Request<'_>) -> Option<Outcome> {
    let edition = edition(request.date)?;
    let index = Ratio::of(request.own("aqi")?)?.half_up(0, INDEX_MAX)?;
    let index = u16::try_from(index).ok()?;
    let at = edition.classes.iter().position(|class| (class.from..=class.to).contains(&index))?;
    let code = edition.classes.get(at).map(|class| class.code);
    Some(Outcome { value: (at as i128 + 1).checked_mul(ten(request.scale)?)?, code })
}

/// The greatest index and who leads; none without PM10 and PM2.5 (2.1 b).
fn greatest(scale: u8, index_of: impl Fn(&str) -> Option<i128>) -> Option<Outcome> {
    let found: Vec<_> = LEADERS.into_iter().filter_map(|name| Some((index_of(name)?, name))).collect();
    if !found.iter().any(|(_, name)| matches!(*name, "pm25" | "pm10")) {
        return None;
    }
    let (value, leader) = found.into_iter().reduce(|best, one| if one.0 > best.0 { one } else { best })?;
    Some(Outcome { value: value.checked_mul(ten(scale)?)?, code: Some(leader) })
}

/// The rounded index of a concentration in µg/m³.
fn index(edition: &Edition, column: Column, value: &Ratio) -> Option<i128> {
    on_lines(edition, column, value, 0)
}

fn o3_eight_hours(edition: &Edition, value: &Ratio) -> Option<i128> {
    let most = Natural::of(O3_EIGHT_HOURS_MAX)?;
    if value.against(&most).is_gt() { None } else { index(edition, Column::O3EightHours, value) }
}

/// Formula 1, with digits behind the point.
fn on_lines(edition: &Edition, column: Column, value: &Ratio, scale: u8) -> Option<i128> {
    let points = edition.column(column);
    let levels: Vec<(Natural, Natural)> = points
        .iter()
        .zip(edition.index)
        .map(|(point, index)| Some((Natural::of(i128::from(*point))?, Natural::of(i128::from(index))?)))
        .collect::<Option<_>>()?;
    let most = INDEX_MAX.checked_mul(ten(scale)?)?;
    let Some(above) = levels.iter().position(|(point, _)| value.against(point).is_lt()) else {
        let last = edition.index.get(points.len().checked_sub(1)?)?;
        return i128::from(*last).checked_mul(ten(scale)?);
    };
    let ((from, base), (to, top)) = (levels.get(above.checked_sub(1)?)?, levels.get(above)?);
    value.along(from, &to.minus(from)?, base, &top.minus(base)?)?.half_up(scale, most)
}

fn column(pollutant: &str) -> Option<Column> {
    Some(match pollutant {
        "pm25" => Column::Pm25,
        "pm10" => Column::Pm10,
        "o3" => Column::O3Hour,
        "no2" => Column::No2,
        "so2" => Column::So2,
        "co" => Column::Co,
        _ => return None,
    })
}

fn ten(scale: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(scale))
}

#[cfg(test)]
mod tests;
