//! Derived figures again, the slow and plain way: from the finals of the plain model, every window from nothing.
//! It shares no code with the engine and knows the definitions by heart instead of reading them.

use std::collections::BTreeMap;

use nhip_proto::{MINUTE, divide_half_even};

use crate::model::{Final, Key};
use crate::world::HOUR;

/// The definitions of this test, to stand behind those of the profile. Those named `g.` are not evaluated again.
pub(crate) const PROFILE: &str = r#"
[[indicator]]
id = "d.sum_10m"
name = { vi = "Tổng", en = "Sum" }
domain = "env"
unit = "µg/m³"
scale = 2
owner = "test"
basis = "test"
formula = "env.pm25_10m + env.pm25_10m[-1] * 2 - env.pm25_10m[-3] / 3"
window = "10m"
direction = "neutral"

[[indicator]]
id = "d.share_10m"
name = { vi = "Tỷ lệ", en = "Share" }
domain = "env"
unit = "%"
scale = 1
owner = "test"
basis = "test"
formula = "ratio(env.pm25_10m, limit(env.pm25_10m)) * 100[%]"
window = "10m"
direction = "neutral"

[[indicator]]
id = "d.choice_10m"
name = { vi = "Chọn", en = "Choice" }
domain = "env"
unit = "µg/m³"
scale = 3
owner = "test"
basis = "test"
formula = """if(env.pm25_10m > env.pm25_10m[-1] and not env.pm25_10m < 35[µg/m³], env.pm25_10m,
  coalesce(env.pm25_10m[-2] - env.pm25_10m, min(env.pm25_10m, 40[µg/m³])))"""
window = "10m"
direction = "neutral"

[[indicator]]
id = "d.away_10m"
name = { vi = "Lệch", en = "Away" }
domain = "traffic"
unit = "%"
scale = 2
owner = "test"
basis = "test"
formula = "abs(traffic.online_10m - 50[%])"
rollup_area = "max"
window = "10m"
direction = "neutral"

[[indicator]]
id = "d.areas_10m"
name = { vi = "Trung bình xã", en = "Mean of communes" }
domain = "env"
unit = "µg/m³"
scale = 2
owner = "test"
basis = "test"
formula = "env.pm25_10m * 2"
rollup_area = "mean"
window = "10m"
direction = "neutral"

[[indicator]]
id = "d.trucks_1h"
name = { vi = "Xe tải một giờ", en = "Lorries of an hour" }
domain = "traffic"
unit = "vehicles"
scale = 0
owner = "test"
basis = "test"
over_time = { of = "traffic.trucks_5m", by = "sum" }
window = "1h"
direction = "neutral"

[[indicator]]
id = "d.growth_1h"
name = { vi = "Tăng", en = "Growth" }
domain = "traffic"
unit = "vehicles"
scale = 0
owner = "test"
basis = "test"
formula = "max(d.trucks_1h - d.trucks_1h[-1], 0[vehicles])"
window = "1h"
direction = "neutral"

[[indicator]]
id = "d.pm25_1h"
name = { vi = "PM2.5 một giờ", en = "PM2.5 of an hour" }
domain = "env"
unit = "µg/m³"
scale = 4
owner = "test"
basis = "test"
over_time = { of = "env.pm25_10m", by = "mean" }
window = "1h"
direction = "neutral"

[[indicator]]
id = "g.pm25_1h"
name = { vi = "PM2.5 từng trạm", en = "PM2.5 of each station" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "test"
basis = "test"
stream = "air"
mean = "pm25"
readings_min = 0.5
group = "source"
window = "1h"
direction = "worse"

[[indicator]]
id = "g.index_1h"
name = { vi = "Chỉ số", en = "Index" }
domain = "env"
unit = "1"
scale = 0
owner = "test"
basis = "test"
calculator = { name = "vn_aqi_hour", inputs = { pm25 = "g.pm25_1h" } }
rollup_area = "max"
reconcile = { with = "g.worst_1h", tolerance = 10 }
window = "1h"
direction = "worse"

[[indicator]]
id = "g.worst_1h"
name = { vi = "Cao nhất", en = "Worst" }
domain = "env"
unit = "1"
scale = 0
owner = "test"
basis = "test"
formula = "max(g.index_1h, coalesce(g.index_1h[-1], 0))"
window = "1h"
direction = "worse"

[[indicator]]
id = "g.online_1h"
name = { vi = "Trực tuyến một giờ", en = "Online in an hour" }
domain = "traffic"
unit = "%"
scale = 3
owner = "test"
basis = "test"
over_time = { of = "traffic.online_10m", by = "mean" }
window = "1h"
direction = "better"

[[indicator]]
id = "d.last_1h"
name = { vi = "Cuối", en = "Last" }
domain = "env"
unit = "µg/m³"
scale = 3
owner = "test"
basis = "test"
over_time = { of = "d.choice_10m", by = "last" }
window = "1h"
direction = "neutral"
"#;

/// An exact fraction; the numbers of the test stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fraction(i128, i128);

/// Area and window start → value; there but none: known to be missing.
type Column = BTreeMap<(String, i64), Option<Fraction>>;

impl Fraction {
    fn of(above: i128, below: i128) -> Self {
        let (mut a, mut b) = (above.abs(), below.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let sign = below.signum();
        Self(sign * above / a.max(1), below.abs() / a.max(1))
    }

    fn add(self, other: Self) -> Self {
        Self::of(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn times(self, above: i128, below: i128) -> Self {
        Self::of(self.0 * above, self.1 * below)
    }

    fn less(self, other: Self) -> bool {
        self.0 * other.1 < other.0 * self.1
    }

    fn shown(self, scale: u32) -> i128 {
        divide_half_even(self.0 * 10_i128.pow(scale), self.1).expect("not over zero")
    }
}

/// What every derived window amounts to, shown, from the finals of what was measured.
pub(crate) fn derived(finals: &BTreeMap<Key, Final>) -> BTreeMap<Key, Option<i128>> {
    let pm25 = column(finals, "env.pm25_10m", |above, below| Fraction::of(above, below * 10));
    let online = column(finals, "traffic.online_10m", |above, below| Fraction::of(above * 100, below));
    let trucks = column(finals, "traffic.trucks_5m", Fraction::of);
    let step = 10 * MINUTE;
    let back = |column: &Column, (area, start): &(String, i64), windows: i64, step: i64| {
        column.get(&(area.clone(), start - windows * step)).copied().flatten()
    };
    let sum = each(&pm25, |at, now| {
        let before = back(&pm25, at, 1, step)?.times(2, 1);
        Some(now.add(before).add(back(&pm25, at, 3, step)?.times(-1, 3)))
    });
    let share = each(&pm25, |_, now| Some(now.times(100, 50)));
    let choice = each(&pm25, |at, now| {
        // Unknown and false is false: below 35 the first part does not matter.
        let high = !now.less(Fraction(35, 1));
        let rises = back(&pm25, at, 1, step).map(|before| before.less(now));
        match (rises, high) {
            (Some(true), true) => Some(now),
            (Some(false), _) | (_, false) => match back(&pm25, at, 2, step) {
                Some(before) => Some(before.add(now.times(-1, 1))),
                None => Some(if now.less(Fraction(40, 1)) { now } else { Fraction(40, 1) }),
            },
            (None, true) => None,
        }
    });
    let away = each(&online, |_, now| {
        let apart = now.add(Fraction(-50, 1));
        Some(Fraction(apart.0.abs(), apart.1))
    });
    let greatest = |values: &[Fraction]| values.iter().copied().reduce(|a, b| if a.less(b) { b } else { a });
    let mean = |values: &[Fraction]| {
        let sum = values.iter().copied().reduce(Fraction::add)?;
        Some(sum.times(1, values.len() as i128))
    };
    let trucks_1h = inside(&trucks, HOUR, |values| values.iter().copied().reduce(Fraction::add));
    let growth = each(&trucks_1h, |at, now| {
        let grown = now.add(back(&trucks_1h, at, 1, HOUR)?.times(-1, 1));
        Some(if grown.less(Fraction(0, 1)) { Fraction(0, 1) } else { grown })
    });
    let last = inside(&choice, HOUR, |values| values.last().copied());
    let shown: [(&str, Column, u32); 9] = [
        ("d.sum_10m", sum, 2),
        ("d.share_10m", share, 1),
        ("d.choice_10m", choice, 3),
        ("d.away_10m", combined(&away, greatest), 2),
        ("d.areas_10m", combined(&each(&pm25, |_, now| Some(now.times(2, 1))), mean), 2),
        ("d.trucks_1h", trucks_1h, 0),
        ("d.growth_1h", growth, 0),
        ("d.pm25_1h", pooled(finals), 4),
        ("d.last_1h", last, 3),
    ];
    let mut all = BTreeMap::new();
    for (id, column, scale) in shown {
        for ((area, start), value) in column {
            all.insert((id.to_owned(), area, start), value.map(|value| value.shown(scale)));
        }
    }
    all
}

fn column(finals: &BTreeMap<Key, Final>, id: &str, of: impl Fn(i128, i128) -> Fraction) -> Column {
    let rows = finals.iter().filter(|(key, _)| key.0 == id);
    rows.map(|((_, area, start), row)| ((area.clone(), *start), (row.1 != 0).then(|| of(row.0, row.1))))
        .collect()
}

fn each(column: &Column, of: impl Fn(&(String, i64), Fraction) -> Option<Fraction>) -> Column {
    column.iter().map(|(at, now)| (at.clone(), now.and_then(|now| of(at, now)))).collect()
}

/// The province from its communes.
fn combined(column: &Column, by: impl Fn(&[Fraction]) -> Option<Fraction>) -> Column {
    let mut all: Column = column.clone();
    all.retain(|(area, _), _| area != "P");
    let mut values: BTreeMap<i64, Vec<Fraction>> = BTreeMap::new();
    for ((_, start), value) in &all {
        values.entry(*start).or_default().extend(*value);
    }
    all.extend(values.into_iter().map(|(start, values)| (("P".to_owned(), start), by(&values))));
    all
}

/// The windows inside longer ones.
fn inside(column: &Column, length: i64, by: impl Fn(&[Fraction]) -> Option<Fraction>) -> Column {
    let mut values: BTreeMap<(String, i64), Vec<Fraction>> = BTreeMap::new();
    for ((area, start), value) in column {
        values.entry((area.clone(), start.div_euclid(length) * length)).or_default().extend(*value);
    }
    values.into_iter().map(|(at, values)| (at, by(&values))).collect()
}

/// The mean of an hour from the sums and counts of its windows.
fn pooled(finals: &BTreeMap<Key, Final>) -> Column {
    let mut sums: BTreeMap<(String, i64), (i128, i128)> = BTreeMap::new();
    for ((_, area, start), row) in finals.iter().filter(|(key, _)| key.0 == "env.pm25_10m") {
        let sum = sums.entry((area.clone(), start.div_euclid(HOUR) * HOUR)).or_default();
        (sum.0, sum.1) = (sum.0 + row.0, sum.1 + row.1);
    }
    let mean = |(above, below): (i128, i128)| (below != 0).then(|| Fraction::of(above, below * 10));
    sums.into_iter().map(|(at, sum)| (at, mean(sum))).collect()
}
