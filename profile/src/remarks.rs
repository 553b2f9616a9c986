//! What is no mistake in a profile, but seldom meant.

use nhip_proto::IndicatorId;

use crate::{Compute, Expression, GroupBy, Indicator, Profile, Severity};

/// The calculators that need the alarm levels of a point begin so.
const WATER_ALARM: &str = "water_alarm";

/// Everything in a checked profile that is seldom meant, one sentence each, in a fixed order.
#[must_use]
pub fn remarks(profile: &Profile) -> Vec<String> {
    let mut remarks = Vec::new();
    for quantity in profile.quantities.keys() {
        // Facts of cases are in every profile that has any.
        if !crate::is_case_fact(quantity)
            && !profile.streams.values().any(|stream| stream.quantities.contains_key(quantity))
        {
            remarks.push(format!("quantity {quantity}: no stream carries it"));
        }
    }
    for stream in profile.streams.values() {
        let sent = profile.sources.values().any(|source| source.stream == stream.id);
        if !sent && !stream.open {
            remarks.push(format!("stream {}: no source sends it, and it is not open", stream.id));
        }
    }
    for indicator in profile.indicators.values() {
        of_indicator(indicator, profile, &mut remarks);
    }
    remarks
}

fn of_indicator(indicator: &Indicator, profile: &Profile, remarks: &mut Vec<String>) {
    let id = &indicator.id;
    if indicator.tests.is_empty() {
        remarks.push(format!("indicator {id}: has no test"));
    }
    let Some(derived) = indicator.derived() else { return };
    match &derived.compute {
        Compute::Formula(expression) => {
            for read in unlimited(expression, profile) {
                remarks.push(format!(
                    "indicator {id}: {read} has no critical threshold, so its limit is missing"
                ));
            }
        }
        Compute::Calculator { name, inputs, parameters } if name.starts_with(WATER_ALARM) => {
            let given = parameters.len() + inputs.len() > 1;
            if !given && indicator.group.is_none() {
                remarks.push(format!("indicator {id}: alarm levels are of groups, but it has none"));
            } else if !given && derived.rollup.is_none() {
                remarks.push(format!("indicator {id}: without rollup_area its areas have no alarm level"));
            }
        }
        Compute::Calculator { .. } | Compute::OverTime { .. } => {}
    }
    if derived.rollup.is_some() && derived.inputs.len() > 1 && indicator.group.is_none() {
        let grouped = derived.inputs.iter().filter(|input| group_of(input, profile).is_some()).count();
        if grouped > 0 {
            let reason = "not all inputs are grouped alike, so it is evaluated per area, not per group";
            remarks.push(format!("indicator {id}: {reason}"));
        }
    }
}

/// Indicators whose limit is read though none was ever set.
fn unlimited<'a>(expression: &'a Expression, profile: &Profile) -> Vec<&'a IndicatorId> {
    let mut read = Vec::new();
    expression.visit(&mut |part| {
        if let Expression::Limit(indicator) = part
            && !read.contains(&indicator)
        {
            read.push(indicator);
        }
    });
    let limited = |id: &IndicatorId| {
        let of = |limit: &&crate::Threshold| &limit.indicator == id && limit.severity == Severity::Critical;
        profile.thresholds.iter().any(|limit| of(&limit))
    };
    read.retain(|id| !limited(id));
    read
}

fn group_of<'a>(id: &IndicatorId, profile: &'a Profile) -> Option<&'a GroupBy> {
    profile.indicators.get(id).and_then(|indicator| indicator.group.as_ref())
}
