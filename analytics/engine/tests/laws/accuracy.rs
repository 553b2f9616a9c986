//! đúng: a figure that is checked against another lends its share to its sources, its domain, its unit and the whole.

use nhip_proto::{Badge, MINUTE, SECOND, SourceId};

use crate::line::Line;
use crate::world::number;

/// Greatest and least of ten minutes; they agree where the window's values lie near each other.
const CHECKED: &str = r#"
[[indicator]]
id = "env.checked"
name = { vi = "Đối soát", en = "Checked" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "test"
basis = "test"
stream = "air"
max = "pm25"
window = "10m"
direction = "worse"
reconcile = { with = "env.other", tolerance = 5 }

[[indicator]]
id = "env.other"
name = { vi = "Nguồn kia", en = "Other" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "test"
basis = "test"
stream = "air"
min = "pm25"
window = "10m"
direction = "worse"
"#;

fn words(line: &Line, key: &str) -> Badge {
    line.engine.board().badges.iter().find(|(known, _)| known == key).expect("a badge").1
}

#[test]
fn a_reconciled_figure_speaks_for_its_source_its_domain_and_the_whole() {
    let mut line = Line::new(|profile| format!("{profile}\n{CHECKED}"));
    line.tick(SECOND);
    assert_eq!(words(&line, "env").dung, None, "nothing compared yet: chưa đối soát, never 100 %");
    // Each window holds a low and a high value: 3 µg/m³ apart in the even ones (the tolerance is 5), 30 in the odd.
    for window in 0..6 {
        for value in [300, if window % 2 == 0 { 330 } else { 600 }] {
            line.tick(5 * MINUTE);
            line.say("air-0", "air", vec![number("pm25", value, 1)]);
        }
    }
    line.tick(60 * MINUTE);
    let share = words(&line, "env").dung.expect("a share");
    assert!(share.denominator >= 5 && share.numerator * 2 >= share.denominator - 1, "{share:?}");
    assert!(share.numerator < share.denominator, "{share:?}: not all windows agree");
    assert_eq!(words(&line, "").dung, Some(share));
    assert_eq!(words(&line, "traffic").dung, None, "no figure of that domain is checked");
    let sources = line.engine.sources();
    let of =
        |id: &str| sources.iter().find(|line| line.source == SourceId::new(id)).expect("a source").badge.dung;
    assert_eq!(of("air-0"), Some(share));
    assert_eq!(of("traffic-0"), None);
}
