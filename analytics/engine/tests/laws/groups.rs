//! Groups beyond the most with a name of their own share one: the parts still add up to the whole.

use nhip_proto::{AreaCode, IndicatorId, MINUTE, SECOND};

use crate::line::Line;
use crate::world::{self, START, number};

/// Four sources more than groups may have names.
const EACH: usize = 4_100;

const SPLIT: &str = r#"
[[indicator]]
id = "env.said"
name = { vi = "Số lần gửi", en = "Readings" }
domain = "env"
unit = "events"
scale = 0
owner = "test"
basis = "test"
stream = "air"
count = "pm25"
window = "10m"
group = "source"
direction = "neutral"
"#;

#[test]
fn sources_beyond_the_most_share_a_group_and_nothing_is_lost() {
    let mut line = Line::of(world::profile_text(EACH, START, |profile| format!("{profile}\n{SPLIT}")));
    line.tick(SECOND);
    // By the order of their ids air-996 to air-999 are the last four.
    for (source, times) in [("air-0", 1), ("air-995", 2), ("air-996", 4), ("air-999", 8)] {
        for _ in 0..times {
            line.tick(SECOND);
            line.say(source, "air", vec![number("pm25", 300, 1)]);
        }
    }
    line.tick(2 * MINUTE);
    let of = |group: &str, area: &str| {
        let (indicator, area) = (IndicatorId::new("env.said"), AreaCode::new(area));
        let figures = line.engine.figures(Some(&indicator), Some(&area), Some(group), None);
        figures.first().map(|figure| figure.row.numerator)
    };
    assert_eq!(of("air-0", "P"), Some(1));
    assert_eq!(of("air-995", "P"), Some(2), "the last with a name of its own");
    assert_eq!((of("air-996", "P"), of("air-999", "P")), (None, None));
    assert_eq!(of("other", "P"), Some(12));
    assert_eq!(of("other", "A"), Some(12), "both stand in area A");
    assert_eq!(of("", "P"), Some(15), "the parts are the whole");
}
