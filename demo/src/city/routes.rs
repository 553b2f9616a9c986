//! Which Sparkplug topic a source must use so that the profile's route makes its id of it.

/// Group, edge node and device of a source behind a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeName {
    pub(crate) group: String,
    pub(crate) node: String,
    /// Empty: the node itself.
    pub(crate) device: String,
}

impl NodeName {
    /// The node, for grouping.
    pub(crate) fn node_path(&self) -> String {
        format!("{}/{}", self.group, self.node)
    }
}

/// Levels of `spBv1.0/{group}/{type}/{node}/{device}`.
const GROUP: usize = 1;
const NODE: usize = 3;
const DEVICE: usize = 4;

/// The name under which a source publishes; none if the route cannot make its id. Where the route leaves the
/// node open, it is the one of `nodes` that the place among the sources falls to.
pub(crate) fn node_name(
    (filter, template): (&str, &str),
    source: &str,
    group: &str,
    nodes: &[String],
    (place, places): (usize, usize),
) -> Option<NodeName> {
    let found = matches(template, source)?;
    let fixed: Vec<&str> = filter.split('/').collect();
    let level = |number: usize| {
        let literal = fixed.get(number).filter(|level| !matches!(**level, "+" | "#"));
        let named = found.iter().find(|(at, _)| *at == number).map(|(_, text)| text.as_str());
        literal.copied().or(named).map(str::to_owned)
    };
    let open = fixed.last() == Some(&"#") || fixed.len() > DEVICE;
    let turn = place * nodes.len() / places.max(1);
    let usual = || nodes.get(turn).cloned().unwrap_or_else(|| "gateway".to_owned());
    (fixed.first() == Some(&"spBv1.0")).then(|| NodeName {
        group: level(GROUP).unwrap_or_else(|| group.to_owned()),
        node: level(NODE).unwrap_or_else(usual),
        device: if open { level(DEVICE).unwrap_or_else(|| source.to_owned()) } else { String::new() },
    })
}

/// The texts that stand for the placeholders, each as short as can be but the last; any split that gives the
/// id again will do.
fn matches(template: &str, source: &str) -> Option<Vec<(usize, String)>> {
    let Some(open) = template.find('{') else {
        return (template == source).then(Vec::new);
    };
    let rest = source.strip_prefix(template.get(..open)?)?;
    let (number, after) = template.get(open + 1..)?.split_once('}')?;
    let number: usize = number.parse().ok()?;
    let literal = after.split('{').next().unwrap_or("");
    let ends: Vec<usize> = if after.is_empty() {
        vec![rest.len()]
    } else {
        rest.match_indices(literal).map(|(at, _)| at).collect()
    };
    for end in ends.into_iter().filter(|end| *end > 0) {
        let (text, tail) = rest.split_at_checked(end)?;
        if let Some(mut found) = matches(after, tail) {
            found.insert(0, (number, text.to_owned()));
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(filter: &str, template: &str, source: &str) -> Option<(String, String, String)> {
        let nodes = ["gw-1".to_owned(), "gw-2".to_owned()];
        node_name((filter, template), source, "tay-ninh", &nodes, (5, 8))
            .map(|name| (name.group, name.node, name.device))
    }

    #[test]
    fn the_route_makes_the_id_again() {
        let own = |group: &str, node: &str, device: &str| Some((group.into(), node.into(), device.into()));
        assert_eq!(name("spBv1.0/+/+/+/+", "{3}-{4}", "gw-01-mast-7"), own("tay-ninh", "gw", "01-mast-7"));
        assert_eq!(name("spBv1.0/iot/+/+/+", "{4}", "mast-7"), own("iot", "gw-2", "mast-7"));
        assert_eq!(name("spBv1.0/iot/+/+", "{3}", "gw-9"), own("iot", "gw-9", ""));
        assert_eq!(name("spBv1.0/iot/#", "dev-{3}.{4}", "dev-a.b"), own("iot", "a", "b"));
        assert_eq!(name("spBv1.0/iot/#", "dev-{4}", "cam-1"), None);
        assert_eq!(name("other/+/+", "{2}", "cam-1"), None);
    }
}
