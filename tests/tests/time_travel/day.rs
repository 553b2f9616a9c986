//! Fifteen hours of six stations in five-minute steps: silence, late and repeated readings, a kill, another profile, a
//! Restate. What is sent follows from the seed.

use std::collections::BTreeMap;

use nhip_proto::MINUTE;
use nhip_tests::{AIR_START, AirNode, MqttWire, air_reading, air_time, air_topic};
use rand::seq::SliceRandom as _;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Steps of the day, and minutes of one.
pub(crate) const STEPS: i64 = 180;
const STEP_MINUTES: i64 = 5;
/// The step in the middle of whose messages the node is killed.
pub(crate) const KILL_AT: i64 = 96;
/// The step after which the profile is another one, with another unit, limit and definition.
pub(crate) const RELOAD_AT: i64 = 126;
/// The step after which hours are computed again by it.
pub(crate) const RESTATE_AT: i64 = 144;
/// A reading of a minute that long ago is late: the lateness is three hours.
const LATE_MINUTES: i64 = 241;

/// Readings of the minutes before a silence that arrive in its midst, when the window is final and stands on the wall;
/// of the stations that are alone in their commune.
const STRAGGLERS: i64 = 4;

/// Who stands beside station a.
pub(crate) const AREAS: &str = "code,name,name_en,kind,parent,column,row,population,valid_from,valid_to\n\
    B,Hai,Two,xa,P,1,0,,2020-01-01,\nC,Ba,Three,xa,P,2,0,,2020-01-01,\nD,Bốn,Four,xa,P,3,0,,2020-01-01,\n";
pub(crate) const SOURCES: &str = "id,stream,area,name,name_en,owner,cadence\n\
    air-b,air,B,Trạm B,Station B,Nhịp,5m\nair-c,air,B,Trạm C,Station C,Nhịp,5m\n\
    air-d,air,C,Trạm D,Station D,Nhịp,5m\nair-e,air,D,Trạm E,Station E,Nhịp,5m\n\
    air-f,air,D,Trạm F,Station F,Nhịp,5m\n";
pub(crate) const MORE: &str = include_str!("more.toml");

/// Minutes without a message of a station; what it measured comes at once afterwards, in any order. Station d falls
/// silent before the Restate and for good: what is computed again then is what its commune shows.
const SILENT: [(char, i64, i64); 15] = [
    ('a', 60, 130),
    ('a', 150, 220),
    ('a', 260, 330),
    ('a', 400, 470),
    ('a', 500, 570),
    ('a', 700, 770),
    ('a', 800, 870),
    ('b', 300, 345),
    ('e', 300, 390),
    ('f', 330, 420),
    ('d', 100, 170),
    ('d', 240, 330),
    ('d', 400, 470),
    ('d', 500, 570),
    ('d', 628, 10_000),
];

/// The profile with the other indicators on its wall.
pub(crate) fn wall(text: &str) -> String {
    let tiles = "tiles = [\"env.pm25_1h\", \"env.pm25_20m\", \"env.readings_20m\", \"env.pm25_p85\", \
                 \"env.pm25_change\"]";
    text.replace("tiles = [\"env.pm25_1h\"]", tiles)
        .replace("map = \"env.pm25_1h\"", "map = \"env.pm25_20m\"")
}

/// Station, minute, value.
type Reading = (char, i64, i64);

/// What stations send.
pub(crate) struct Day {
    chance: ChaCha8Rng,
    /// By the step they are sent at.
    planned: BTreeMap<i64, Vec<Reading>>,
    due: Vec<Reading>,
    client: MqttWire,
}

impl Day {
    /// Plans the day.
    pub(crate) fn new(air: &AirNode, seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut planned: BTreeMap<i64, Vec<Reading>> = BTreeMap::new();
        for step in 1..=STEPS {
            for station in 'a'..='f' {
                let minute = step * STEP_MINUTES;
                let silent = SILENT
                    .iter()
                    .find(|(of, from, to)| *of == station && (*from..*to).contains(&minute))
                    .map(|(_, _, to)| to / STEP_MINUTES);
                let delay = if chance.random_bool(0.08) { chance.random_range(1..30) } else { 0 };
                let reading = (station, minute, chance.random_range(5..95));
                planned.entry(silent.unwrap_or(step + delay)).or_default().push(reading);
            }
        }
        for (station, from, _) in SILENT.iter().filter(|(station, ..)| "ad".contains(*station)) {
            for straggler in 1..=STRAGGLERS {
                let reading = (*station, from - STEP_MINUTES + straggler, chance.random_range(5..95));
                planned.entry(from / STEP_MINUTES + 8 + straggler).or_default().push(reading);
            }
        }
        Self { chance, planned, due: Vec::new(), client: air.connect() }
    }

    /// Moves the clock on to a step; what is sent then waits.
    pub(crate) fn step(&mut self, air: &mut AirNode, step: i64) {
        air.stepped.step_to(AIR_START.plus(step * STEP_MINUTES * MINUTE));
        self.due = self.planned.remove(&step).unwrap_or_default();
        self.due.shuffle(&mut self.chance);
    }

    /// Sends all but some of what is due, each reading by itself; some come twice, some with other content.
    pub(crate) fn send_all_but(&mut self, left: usize) {
        while self.due.len() > left {
            let Some((station, minute, value)) = self.due.pop() else { return };
            self.send(station, minute, value);
            if self.chance.random_bool(0.06) {
                let other = if self.chance.random_bool(0.4) { value + 1 } else { value };
                self.send(station, minute, other);
            }
        }
    }

    /// Another connection to a node that started again.
    pub(crate) fn reconnect(&mut self, air: &AirNode) {
        self.client = air.connect();
    }

    /// A late reading, then another profile.
    pub(crate) fn reload(&mut self, air: &AirNode) {
        self.send('a', RELOAD_AT * STEP_MINUTES - LATE_MINUTES, 90);
        air.edit(|text| wall(text).replace("pm25 = \"ug/m3\"", "pm25 = \"mg/m3\""));
        let more = MORE.replace("limit = 60", "limit = 50").replace("percent = 85", "percent = 90");
        std::fs::write(air.profile.join("more.toml"), more).expect("written");
        let applied = air.done("/api/v1/profile", &Value::Null);
        assert!(applied["offset"].is_u64(), "{applied}");
    }

    fn send(&mut self, station: char, minute: i64, value: i64) {
        let payload = air_reading(AIR_START.plus(minute * MINUTE), value);
        let topic = air_topic(&station.to_string());
        self.client.publish_all([(topic.as_str(), payload.as_bytes())]).expect("acknowledged");
    }
}

/// Computes hours again by the profile now valid.
pub(crate) fn restate(air: &AirNode) {
    for indicator in ["env.pm25_1h", "env.pm25_20m"] {
        let hour = |hour: i64| air_time(AIR_START.plus(hour * 60 * MINUTE));
        let order = json!({
            "indicator": indicator, "from": hour(6), "to": hour(11), "reason": "a unit", "author": "test",
        });
        let report = air.done("/api/v1/restatements", &order);
        assert!(report["changed"].as_u64() > Some(10), "{report}");
    }
}
