//! Levels: where a value stands against the warning and the limit of its day, across their dead bands.

use jiff::civil::Date;
use nhip_profile::{Curve, Severity, Target, Threshold, Validity};
use nhip_proto::{AreaCode, Level};

/// A dated limit.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    pub(crate) severity: Severity,
    /// Only for this area.
    pub(crate) area: Option<AreaCode>,
    /// Only for this group.
    pub(crate) group: Option<String>,
    pub(crate) limit: i128,
    pub(crate) below: bool,
    pub(crate) dead_band: i128,
    pub(crate) valid: Validity,
    /// Of what a plan expects: its course.
    pub(crate) curve: Option<Curve>,
}

/// The limits of one place on one day.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds<'a> {
    pub(crate) warning: Option<&'a Limit>,
    pub(crate) critical: Option<&'a Limit>,
}

impl From<&Threshold> for Limit {
    fn from(threshold: &Threshold) -> Self {
        Self {
            severity: threshold.severity,
            area: threshold.area.clone(),
            group: threshold.group.clone(),
            limit: threshold.limit,
            below: threshold.below,
            dead_band: threshold.dead_band,
            valid: threshold.valid.clone(),
            curve: None,
        }
    }
}

impl Limit {
    /// A target as what a formula reads: the whole, or what is expected month by month; none: it has no such course.
    pub(crate) fn of_target(target: &Target, expected: bool) -> Option<Self> {
        if expected && target.curve.is_none() {
            return None;
        }
        Some(Self {
            severity: Severity::Critical,
            area: Some(target.area.clone()),
            group: None,
            limit: target.value,
            below: false,
            dead_band: 0,
            valid: target.valid.clone(),
            curve: target.curve.clone().filter(|_| expected),
        })
    }
}

impl Limit {
    /// Whether a value is beyond it, or not yet back across the dead band if it was (`held`).
    fn exceeded(&self, value: i128, held: bool) -> bool {
        let (value, limit) = if self.below {
            (value.saturating_neg(), self.limit.saturating_neg())
        } else {
            (value, self.limit)
        };
        value > limit || (held && value > limit.saturating_sub(self.dead_band))
    }

    /// How closely it is meant for a place: a group before an area, both before either. None: not meant.
    fn fits(&self, area: &AreaCode, group: &str) -> Option<u8> {
        let fits = self.area.as_ref().is_none_or(|only| only == area)
            && self.group.as_ref().is_none_or(|only| only == group);
        fits.then(|| u8::from(self.area.is_some()) + 2 * u8::from(self.group.is_some()))
    }
}

/// The limit of a severity in force for a place on a day: the one most closely meant.
pub(crate) fn in_force<'a>(
    limits: &'a [Limit],
    severity: Severity,
    date: Date,
    (area, group): (&AreaCode, &str),
) -> Option<&'a Limit> {
    let meant = limits.iter().filter(|limit| limit.severity == severity && limit.valid.holds_on(date));
    let fitting = meant.filter_map(|limit| Some((limit.fits(area, group)?, limit)));
    fitting.max_by_key(|(fits, _)| *fits).map(|(_, limit)| limit)
}

impl Bounds<'_> {
    /// The level of a value; `before` is that of the window before. Without a value the level stays.
    pub(crate) fn level(&self, value: Option<i128>, before: Level) -> Level {
        if self.warning.is_none() && self.critical.is_none() {
            return Level::None;
        }
        let beyond = |limit: Option<&Limit>, held: bool| {
            limit.is_some_and(|limit| value.map_or(held, |value| limit.exceeded(value, held)))
        };
        if beyond(self.critical, before == Level::Exceeded) {
            Level::Exceeded
        } else if beyond(self.warning, matches!(before, Level::Warning | Level::Exceeded)) {
            Level::Warning
        } else {
            Level::Normal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(severity: Severity, limit: i128) -> Limit {
        let valid = Validity::default();
        Limit { severity, area: None, group: None, limit, below: false, dead_band: 50, valid, curve: None }
    }

    fn levels(bounds: Bounds<'_>, values: &[Option<i128>]) -> Vec<Level> {
        let mut state = Level::Normal;
        let level = |value: &Option<i128>| {
            state = bounds.level(*value, state);
            state
        };
        values.iter().map(level).collect()
    }

    #[test]
    fn a_level_falls_only_across_the_dead_band() {
        let critical = limit(Severity::Critical, 500);
        let bounds = Bounds { warning: None, critical: Some(&critical) };
        let seen = levels(bounds, &[Some(500), Some(501), Some(480), None, Some(451), Some(450), Some(480)]);
        let seen: Vec<bool> = seen.into_iter().map(|level| level == Level::Exceeded).collect();
        assert_eq!(seen, [false, true, true, true, true, false, false]);
        let below = Limit { below: true, ..critical };
        let bounds = Bounds { warning: None, critical: Some(&below) };
        assert_eq!(bounds.level(Some(499), Level::Normal), Level::Exceeded);
        assert_eq!(bounds.level(Some(549), Level::Exceeded), Level::Exceeded);
        assert_eq!(bounds.level(Some(550), Level::Exceeded), Level::Normal);
        assert_eq!(Bounds::default().level(Some(1), Level::Exceeded), Level::None);
    }

    #[test]
    fn a_warning_comes_before_the_limit_and_each_has_its_dead_band() {
        let (warning, critical) = (limit(Severity::Warning, 400), limit(Severity::Critical, 500));
        let bounds = Bounds { warning: Some(&warning), critical: Some(&critical) };
        let values = [Some(400), Some(401), Some(501), Some(451), Some(450), Some(351), None, Some(350)];
        let (n, w, e) = (Level::Normal, Level::Warning, Level::Exceeded);
        assert_eq!(levels(bounds, &values), [n, w, e, e, w, w, w, n]);
        let only = Bounds { warning: Some(&warning), critical: None };
        assert_eq!(only.level(Some(900), Level::Normal), Level::Warning);
        assert_eq!(
            only.level(None, Level::Exceeded),
            Level::Warning,
            "what was beyond the limit was beyond it"
        );
    }

    #[test]
    fn the_limit_most_closely_meant_is_in_force() {
        let (area, other) = (AreaCode::new("A"), AreaCode::new("B"));
        let scoped = |only: Option<&AreaCode>, group: Option<&str>, value| Limit {
            area: only.cloned(),
            group: group.map(str::to_owned),
            ..limit(Severity::Critical, value)
        };
        let limits = [
            scoped(None, None, 1),
            scoped(Some(&area), None, 2),
            scoped(None, Some("g"), 3),
            scoped(Some(&area), Some("g"), 4),
        ];
        let day = jiff::civil::date(2026, 11, 21);
        let found = |area: &AreaCode, group: &str| {
            in_force(&limits, Severity::Critical, day, (area, group)).map(|limit| limit.limit)
        };
        assert_eq!(found(&area, "g"), Some(4));
        assert_eq!(found(&area, ""), Some(2));
        assert_eq!(found(&other, "g"), Some(3));
        assert_eq!(found(&other, "h"), Some(1));
        assert!(in_force(&limits, Severity::Warning, day, (&area, "g")).is_none());
    }
}
