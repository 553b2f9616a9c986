//! A node on the profile of `tests/profiles/air`: a copy that a test may change while the node runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use nhip_proto::{ArrivalTime, SECOND};
use serde_json::{Value, json};

use crate::http::post;
use crate::mqtt::MqttWire;
use crate::node::{NodeOptions, binary};
use crate::stepped::SteppedNode;

/// Its first moment: 2030-03-18T00:00:00+07:00.
pub const AIR_START: ArrivalTime = ArrivalTime(1_899_997_200 * SECOND);

/// Its text, as it stands in the tree.
pub const AIR_PROFILE: &str = include_str!("../profiles/air/profile.toml");
const AREAS: &str = include_str!("../profiles/air/areas.csv");
const SOURCES: &str = include_str!("../profiles/air/sources.csv");

/// A stepped node, its data and the copy of the profile it runs on.
#[derive(Debug)]
pub struct AirNode {
    /// The node; its clock begins at [`AIR_START`].
    pub stepped: SteppedNode,
    /// The folder of its profile.
    pub profile: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
}

impl AirNode {
    /// Starts one in a directory; `change` is made to the profile's text first, `more` are further files of it.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(directory: &Path, change: impl Fn(&str) -> String, more: &[(&str, &str)]) -> Self {
        let (profile, data) =
            (write_air_profile(directory, &change(AIR_PROFILE), more), directory.join("data"));
        let options = NodeOptions::run(&data).set("--profile", &profile.to_string_lossy());
        let stepped = SteppedNode::start(options, AIR_START).expect("a node");
        Self { stepped, profile, data }
    }

    /// Writes the profile's text anew, with another change to the one in the tree; it is not valid yet.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn edit(&self, change: impl Fn(&str) -> String) {
        std::fs::write(self.profile.join("profile.toml"), change(AIR_PROFILE)).expect("written");
    }

    /// A connection for the messages of the stations.
    ///
    /// # Panics
    /// If it is refused.
    #[must_use]
    pub fn connect(&self) -> MqttWire {
        let mqtt = self.stepped.node.mqtt.expect("an endpoint");
        MqttWire::connect(mqtt, "vendor").expect("connects")
    }

    /// Posts an order; JSON null: without a body. Status and answer.
    ///
    /// # Panics
    /// If there is no answer.
    #[must_use]
    pub fn order(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = post(self.stepped.node.http, path, "application/json", body.as_bytes());
        let (status, text) = answer.expect("an answer");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// The answer of an order that must be carried out.
    ///
    /// # Panics
    /// With the answer, if it was not.
    #[track_caller]
    #[must_use]
    pub fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.order(path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

/// Writes a profile with this text into a folder of a directory; `more` are further files of it, or others instead of
/// its own. Returns the folder.
///
/// # Panics
/// If it cannot be written.
pub fn write_air_profile(directory: &Path, text: &str, more: &[(&str, &str)]) -> PathBuf {
    let profile = directory.join("profile");
    std::fs::create_dir_all(&profile).expect("a directory");
    let own = [("areas.csv", AREAS), ("sources.csv", SOURCES), ("profile.toml", text)];
    for (name, text) in own.iter().chain(more) {
        std::fs::write(profile.join(name), text).expect("written");
    }
    profile
}

/// The topic of a station: `a` is the source `air-a`.
#[must_use]
pub fn air_topic(station: &str) -> String {
    format!("vendor/{station}/measures")
}

/// What a station sends: fine dust in whole units of the stream, measured at a moment.
#[must_use]
pub fn air_reading(at: ArrivalTime, value: i64) -> String {
    json!({ "at": air_time(at), "values": { "pm25": value } }).to_string()
}

/// A moment as the API and the stations write it.
///
/// # Panics
/// Outside the calendar.
#[must_use]
pub fn air_time(at: ArrivalTime) -> String {
    jiff::Timestamp::from_second(at.0.div_euclid(SECOND)).expect("a time").to_string()
}

/// What `nhip WORDS` said on stdout; it must succeed.
///
/// # Panics
/// With all it said, if it did not.
pub fn nhip(words: &[&str]) -> String {
    let output = Command::new(binary()).args(words).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
