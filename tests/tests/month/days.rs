//! Thirty days of forty stations, seeded: out of order, twice, and some too late; with sums of its own.

use std::collections::{BTreeMap, BTreeSet};

use nhip_proto::{
    ArrivalTime, Decimal, Dedication, EventTime, Item, ItemName, ItemValue, MINUTE, Message, MessageBody,
    ProfileText, Record, SECOND, SourceId, StreamId, Tick, partition_of,
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// 2030-03-01T00:00:00+07:00.
pub(crate) const START: i64 = 1_898_528_400 * SECOND;
const DAYS: i64 = 30;
/// Only in these something comes too late.
const LATE_DAYS: i64 = 8;
const STATIONS: usize = 40;
const AREAS: [&str; 5] = ["A", "B", "C", "D", "E"];
const CADENCE: i64 = 60 * MINUTE;
const LATENESS: i64 = 3 * HOUR;
const TICK: i64 = HOUR;

/// The month as a log, and what its generator knows of it.
pub(crate) struct Month {
    pub(crate) records: Vec<Record>,
    pub(crate) duplicates: usize,
    /// Σ and count of what came in time, by place and hour.
    pub(crate) sums: BTreeMap<(String, i64), (i128, i128)>,
    /// Place and hour of what came too late.
    late: BTreeSet<(String, i64)>,
}

struct Said {
    arrival: i64,
    station: usize,
    time: i64,
    value: i64,
}

impl Month {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let (mut said, mut duplicates) = (Vec::new(), 0);
        for station in 0..STATIONS {
            let mut time = START + dice.random_range(0..CADENCE);
            while time < START + DAYS * DAY {
                let delay = match dice.random_range(0..100) {
                    // In time, but behind younger ones; too late, in the first days only; at once.
                    0..4 => dice.random_range(HOUR..LATENESS - CADENCE - 2 * MINUTE),
                    4..7 if time < START + LATE_DAYS * DAY => {
                        dice.random_range(LATENESS + 2 * CADENCE..LATENESS + 6 * HOUR)
                    }
                    _ => dice.random_range(0..20 * SECOND),
                };
                let value = dice.random_range(20..900);
                said.push(Said { arrival: time + SECOND + delay, station, time, value });
                if dice.random_range(0..20) == 0 {
                    duplicates += 1;
                    let again = time + SECOND + delay + dice.random_range(0..30 * MINUTE);
                    said.push(Said { arrival: again, station, time, value });
                }
                time += CADENCE - 60 * SECOND + dice.random_range(0..120 * SECOND);
            }
        }
        said.sort_by_key(|said| (said.arrival, said.station, said.time));
        let mut month =
            Self { records: Vec::new(), duplicates, sums: BTreeMap::new(), late: BTreeSet::new() };
        month.records.push(profile(START, PROFILE));
        month.judge(&said);
        month.write(&said);
        month
    }

    /// Adds up what came in time: once, and no more than the lateness behind its station's newest.
    fn judge(&mut self, said: &[Said]) {
        let mut newest = [i64::MIN; STATIONS];
        let mut seen = BTreeSet::new();
        for said in said {
            let (area, hour) =
                (area(said.station).to_owned(), (said.time - START).div_euclid(HOUR) * HOUR + START);
            let Some(station) = newest.get_mut(said.station) else { continue };
            let late = said.time < station.saturating_sub(LATENESS);
            for place in [area, "P".to_owned()] {
                if late {
                    if !seen.contains(&(said.station, said.time)) {
                        self.late.insert((place, hour));
                    }
                } else if !seen.contains(&(said.station, said.time)) {
                    let sum = self.sums.entry((place, hour)).or_default();
                    *sum = (sum.0 + i128::from(said.value), sum.1 + 1);
                }
            }
            if !late {
                seen.insert((said.station, said.time));
                *station = (*station).max(said.time);
            }
        }
    }

    fn write(&mut self, said: &[Said]) {
        let mut next = START + TICK;
        for said in said {
            while next <= said.arrival {
                self.records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
                next += TICK;
            }
            self.records.push(message(said));
        }
        let end = next + 2 * DAY;
        while next <= end {
            self.records.push(Record::Tick(Tick { at: ArrivalTime(next) }));
            next += HOUR;
        }
    }

    /// Whether something that came too late can move a window: it lies up to `after` behind its hour, up to `before`
    /// in front of it.
    pub(crate) fn is_late(&self, place: &str, start: i64, (after, before): (i64, i64)) -> bool {
        let area = place.split('@').next().unwrap_or(place);
        self.late.iter().any(|(late, hour)| late == area && start > hour - before - 1 && start < hour + after)
    }

    pub(crate) fn late_count(&self) -> usize {
        self.late.len()
    }

    /// The same profile with a twin of each definition.
    pub(crate) fn profile_with_twins(&self, at: ArrivalTime) -> Record {
        let from = PROFILE.find("[[indicator]]").expect("indicators");
        let to = PROFILE.find("[[view]]").expect("a view");
        let twins = PROFILE[from..to].replace("\"env.", "\"re.");
        profile(at.0, &format!("{}{twins}{}", &PROFILE[..to], &PROFILE[to..]))
    }
}

fn area(station: usize) -> &'static str {
    AREAS.get(station % AREAS.len()).copied().unwrap_or("A")
}

fn message(said: &Said) -> Record {
    let source = SourceId::new(&format!("air-{}", said.station));
    let name = ItemName::Text("pm25".to_owned());
    let mut item = Item::bare(name, ItemValue::Number(Decimal::new(i128::from(said.value), 1)));
    item.event_time = Some(EventTime(said.time));
    Record::Message(Box::new(Message {
        arrival: ArrivalTime(said.arrival),
        partition: partition_of(&source),
        source,
        stream: StreamId::new("air"),
        topic: String::new(),
        dialect: "native-json@1".to_owned(),
        profile_hash: [0; 16],
        principal: String::new(),
        epoch: 1,
        dedication: Dedication { qos: 1, retain: false, dup: false },
        body: MessageBody::Items(vec![item]),
        session: None,
        sealed: None,
    }))
}

fn profile(at: i64, text: &str) -> Record {
    let mut sources = "id,stream,area,name,name_en,owner\n".to_owned();
    for station in 0..STATIONS {
        sources.push_str(&format!("air-{station},air,{},S,S,test\n", area(station)));
    }
    let mut areas = "code,name,name_en,kind,parent,column,row\nP,Tỉnh,Province,province,,,\n".to_owned();
    for (column, code) in AREAS.iter().enumerate() {
        areas.push_str(&format!("{code},Xã {code},Commune {code},xa,P,{column},0\n"));
    }
    let files = vec![
        ("areas.csv".to_owned(), areas),
        ("profile.toml".to_owned(), text.to_owned()),
        ("sources.csv".to_owned(), sources),
    ];
    let profile = match nhip_profile::load(&files) {
        Ok(profile) => profile,
        Err(mistakes) => panic!("the month's profile is wrong: {mistakes:#?}"),
    };
    let zones = nhip_profile::zone_rules(&profile);
    let semantics = nhip_engine::SEMANTICS;
    Record::Profile(Box::new(ProfileText {
        at: ArrivalTime(at),
        hash: profile.hash,
        semantics,
        files,
        zones,
    }))
}

const PROFILE: &str = r#"
[profile]
id = "month"
name = { vi = "Tháng", en = "Month" }
zone = "Asia/Ho_Chi_Minh"

[[domain]]
id = "env"
name = { vi = "Môi trường", en = "Environment" }

[[quantity]]
name = "pm25"
label = { vi = "PM2.5", en = "PM2.5" }
unit = "µg/m³"
scale = 1
min = 0
max = 2000

[[stream]]
id = "air"
name = { vi = "Không khí", en = "Air" }
identity = "time"
cadence = "1h"
disorder = "5m"
lateness = "3h"
horizon = "12h"
quantities = { pm25 = "µg/m³" }

[[indicator]]
id = "env.pm25_1h"
name = { vi = "PM2.5 giờ", en = "PM2.5 of the hour" }
domain = "env"
unit = "µg/m³"
scale = 2
owner = "test"
basis = "test"
stream = "air"
mean = "pm25"
window = "1h"
direction = "worse"

[[indicator]]
id = "env.station_1h"
name = { vi = "PM2.5 từng trạm", en = "PM2.5 of each station" }
domain = "env"
unit = "µg/m³"
scale = 1
owner = "test"
basis = "test"
stream = "air"
mean = "pm25"
group = "source"
window = "1h"
direction = "worse"

[[indicator]]
id = "env.index_1h"
name = { vi = "Chỉ số", en = "Index" }
domain = "env"
unit = "1"
scale = 0
owner = "test"
basis = "test"
calculator = { name = "vn_aqi_hour", inputs = { pm25 = "env.station_1h" } }
rollup_area = "max"
window = "1h"
direction = "worse"

[[indicator]]
id = "env.worst_1d"
name = { vi = "Cao nhất ngày", en = "Worst of the day" }
domain = "env"
unit = "1"
scale = 0
owner = "test"
basis = "test"
over_time = { of = "env.index_1h", by = "max" }
window = "1d"
direction = "worse"

[[threshold]]
indicator = "env.pm25_1h"
limit = 50
dead_band = 5
valid_from = "2023-01-01"
document = "test"

[[view]]
id = "main"
title = { vi = "Chính", en = "Main" }
tiles = ["env.pm25_1h"]
map = "env.pm25_1h"
"#;
