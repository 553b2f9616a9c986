//! `[[indicator.test]]` and the lines an indicator stands in.

use super::Loading;
use crate::IndicatorTest;
use crate::access::named_zone;
use crate::read::Section;
use crate::story::parse_story;

pub(super) fn read_test(section: Section<'_>, loading: &Loading<'_>) -> Option<IndicatorTest> {
    let (name, story) = (section.text("name"), section.text("story"));
    let at = section.at_key("story");
    let quoted = at.file.text.get(at.offset..).unwrap_or_default();
    // A newline right behind the quotes is not part of the text.
    let below = ["'''\n", "\"\"\"\n", "'''\r\n", "\"\"\"\r\n"].iter().any(|open| quoted.starts_with(open));
    let line = at.line_column().0 + u32::from(below);
    let path = at.file.path;
    section.finish();
    if let (Some(story), Some(zone)) = (&story, named_zone(&loading.profile.zone)) {
        for mistake in parse_story(path, line, story, &zone).err().unwrap_or_default() {
            loading.found.add_known(mistake);
        }
    }
    Some(IndicatorTest { name: name?, story: story?, at: format!("{path}:{line}") })
}

/// The lines of the indicator as they stand in the file, without its tests.
pub(super) fn definition_text(section: &Section<'_>) -> String {
    let at = section.at();
    let text = at.file.text;
    let start = text.get(..at.offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let lines = text.get(start..).unwrap_or_default().lines();
    let own = lines.enumerate().take_while(|(at, line)| *at == 0 || !line.starts_with("[["));
    let mut kept: Vec<&str> = own.map(|(_, line)| line).collect();
    // What stands above the next table speaks of that one.
    while kept.last().is_some_and(|line| line.trim().is_empty() || line.starts_with('#')) {
        kept.pop();
    }
    kept.join("\n")
}
