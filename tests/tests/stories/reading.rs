//! A story's reading as the native JSON a device would send.

use std::path::Path;

use nhip_profile::story::{StoryMessage, StoryValue};
use nhip_profile::{Profile, Stream};
use nhip_proto::SECOND;

/// The profile of a directory.
pub(crate) fn profile(directory: &Path) -> Profile {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the profile's directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "toml" || end == "csv") {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.push((name, std::fs::read_to_string(&path).expect("text")));
        }
    }
    files.sort();
    nhip_profile::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// The payload; numbers digit by digit as the story has them.
pub(crate) fn json(message: &StoryMessage, stream: &Stream) -> String {
    let mut members = Vec::new();
    if let Some(time) = message.time {
        let time = jiff::Timestamp::from_nanosecond(i128::from(time.0)).expect("a time in range");
        members.push(format!("\"time\":\"{time}\""));
    }
    members.extend(message.id.iter().map(|id| format!("\"id\":\"{id}\"")));
    members.extend(message.sequence.iter().map(|sequence| format!("\"sequence\":{sequence}")));
    members.extend(message.boot.iter().map(|boot| format!("\"boot\":{boot}")));
    members.extend(message.period.iter().map(|period| format!("\"period_s\":{}", period / SECOND)));
    let is_state = |(name, value): &&(String, StoryValue)| match value {
        StoryValue::State(_) => true,
        // Codes of areas and numbers of cases may be digits alone.
        StoryValue::Missing | StoryValue::Number(..) => stream.has_words(name),
    };
    let (states, values): (Vec<_>, Vec<_>) = message.values.iter().partition(is_state);
    let shown = |listed: Vec<&(String, StoryValue)>| {
        let each = |(name, value): &(String, StoryValue)| match value {
            StoryValue::Number(number, unit) if stream.has_words(name) => {
                format!("\"{name}\":\"{number}{unit}\"")
            }
            value => format!("\"{name}\":{}", value_json(value, message.fault)),
        };
        listed.into_iter().map(each).collect::<Vec<_>>().join(",")
    };
    members.push(format!("\"values\":{{{}}}", shown(values)));
    members.push(format!("\"states\":{{{}}}", shown(states)));
    format!("{{{}}}", members.join(","))
}

fn value_json(value: &StoryValue, fault: bool) -> String {
    match value {
        StoryValue::Number(number, unit) if unit.is_empty() && !fault => number.to_string(),
        StoryValue::Number(number, unit) if unit.is_empty() => {
            format!("{{\"value\":{number},\"fault\":true}}")
        }
        StoryValue::Number(number, unit) => {
            format!("{{\"value\":{number},\"unit\":\"{unit}\",\"fault\":{fault}}}")
        }
        StoryValue::State(state) => format!("\"{state}\""),
        StoryValue::Missing => "null".to_owned(),
    }
}
