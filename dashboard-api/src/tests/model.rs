//! Any mix of updates, losses on the bus, cut connections and resumes: the screen's table ends equal to what
//! was published, without a gap, without a repetition, with every event once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use nhip_client::{Applied, Keep, Table};
use nhip_proto::Figure;
use proptest::prelude::*;
use serde_json::json;

use super::fixtures::{PROVINCE, figure, heard, profile, tick, update};
use crate::boards::Boards;
use crate::outbox::Outbox;
use crate::scope::Scope;
use crate::session::{Now, Pulse, Session};

const COMMUNES: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// Values of rows change; `told`: the update reaches the boards, else the bus loses it.
    Values { changes: Vec<(usize, Option<i128>, u32)>, told: bool },
    /// Some sources are heard, and a Tick passes.
    Heard { sources: Vec<usize>, told: bool },
    /// The bus told of a loss: the boards are seeded anew.
    Seed,
    /// Real time passes.
    Wait(u64),
    /// The screen reads up to so many frames.
    Read(usize),
    /// The connection is cut, all on the way is lost; the screen comes back after so many ms.
    Cut(u64),
    /// The screen comes back with the HTTP snapshot's position instead of its own.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0..COMMUNES + 3, proptest::option::of(0_i128..50), 0_u32..4);
    prop_oneof![
        6 => (proptest::collection::vec(change, 1..6), prop::bool::weighted(0.9))
            .prop_map(|(changes, told)| Step::Values { changes, told }),
        2 => (proptest::collection::vec(0..COMMUNES, 0..3), prop::bool::weighted(0.9))
            .prop_map(|(sources, told)| Step::Heard { sources, told }),
        1 => Just(Step::Seed),
        4 => (0_u64..400).prop_map(Step::Wait),
        5 => (0_usize..6).prop_map(Step::Read),
        2 => (0_u64..300).prop_map(Step::Cut),
        1 => Just(Step::Reload),
    ]
}

/// What was published, and the screen on the other side of a connection that may be cut.
struct World {
    offset: u64,
    seconds: i64,
    missed: bool,
    figures: BTreeMap<(String, String), Arc<Figure>>,
    sources: BTreeMap<usize, i64>,
    up: BTreeMap<String, bool>,
    boards: Boards,
    scope: Scope,
    connected: bool,
    now: Now,
    session: Session,
    wire: VecDeque<String>,
    table: Table,
    seen: BTreeMap<String, bool>,
    turns_wrong: u64,
}

impl World {
    /// Nobody looks yet.
    fn new(scope: Scope) -> Self {
        let now = Now { real_ms: 0, clock_ms: 0 };
        let mut boards = Boards::new("epoch-1", profile(COMMUNES));
        boards.seed(&update(10));
        Self {
            offset: 10,
            seconds: 0,
            missed: false,
            figures: BTreeMap::new(),
            sources: BTreeMap::new(),
            up: BTreeMap::new(),
            boards,
            scope,
            connected: false,
            now,
            session: Session::new(now, 5_000),
            wire: VecDeque::new(),
            table: Table::new(Keep::Rows),
            seen: BTreeMap::new(),
            turns_wrong: 0,
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Values { changes, told } => {
                self.offset += 1 + changes.len() as u64;
                let mut next = update(self.offset);
                for (row, tenths, k) in changes {
                    let (indicator, area) = key(*row);
                    let changed = figure(indicator, &area, *tenths, *k);
                    self.figures.insert((indicator.to_owned(), area), Arc::clone(&changed));
                    next.figures.push(changed);
                }
                self.publish(&next, *told);
            }
            Step::Heard { sources, told } => {
                self.offset += 1;
                self.seconds += 100;
                let mut next = update(self.offset);
                next.tick = tick(self.seconds);
                for source in sources {
                    self.sources.insert(*source, self.seconds);
                    next.sources.push(heard(&source_id(*source), self.seconds));
                }
                self.publish(&next, *told);
            }
            Step::Seed => self.seed(),
            _ if !self.connected => {}
            Step::Wait(ms) => self.pass(*ms),
            Step::Read(frames) => self.read(*frames),
            Step::Cut(ms) => {
                self.wire.clear();
                self.pass(*ms);
                self.wire.clear();
                self.connect();
            }
            Step::Reload => {
                self.wire.clear();
                self.table = Table::new(Keep::Rows);
                self.connect();
            }
        }
    }

    /// A lost update is followed by the bus saying so before anything else comes.
    fn publish(&mut self, next: &nhip_proto::Update, told: bool) {
        if !told {
            self.missed = true;
            return;
        }
        if self.missed {
            return self.seed();
        }
        self.boards.apply(next);
        self.judge_sources();
        self.advance();
    }

    fn seed(&mut self) {
        let board = self.board();
        self.boards.seed(&board);
        self.missed = false;
        self.judge_sources();
        self.advance();
    }

    fn board(&self) -> nhip_proto::Update {
        let mut board = update(self.offset);
        board.tick = (self.seconds > 0).then(|| tick(self.seconds)).flatten();
        board.figures = self.figures.values().cloned().collect();
        board.sources = self.sources.iter().map(|(source, at)| heard(&source_id(*source), *at)).collect();
        board
    }

    /// Lives: heard at most 180 s ago, the staleness of the stream.
    fn judge_sources(&mut self) {
        for (source, at) in &self.sources {
            self.up.insert(source_id(*source), self.seconds - at <= 180);
        }
    }

    fn pass(&mut self, ms: u64) {
        let until = self.now.real_ms + ms;
        while self.session.due_ms() <= until {
            self.now.real_ms = self.now.real_ms.max(self.session.due_ms());
            self.advance();
        }
        self.now.real_ms = until;
    }

    fn advance(&mut self) {
        if !self.connected {
            return;
        }
        let mut out = Outbox::default();
        self.session.advance(self.now, &mut self.boards, &pulse(), &mut out);
        self.take(out);
    }

    fn connect(&mut self) {
        self.session = Session::new(self.now, 5_000);
        self.connected = true;
        if self.boards.open(&self.scope) {
            let board = self.board();
            self.boards.fill(&self.scope, &board);
            self.missed = false;
            self.judge_sources();
        }
        let mut hello = json!({"t": "hello", "v": 1, "view": "main", "rate_ms": 40});
        if let Some(area) = &self.scope.area {
            hello["area"] = json!(area.as_str());
        }
        if let Some(resume) = self.table.resume() {
            hello["resume"] = match resume.event {
                Some(event) => json!({"e": resume.epoch, "o": resume.offset, "n": event}),
                None => json!({"e": resume.epoch, "o": resume.offset}),
            };
        }
        self.table.greet();
        if hello.get("resume").is_none() {
            // A screen without a position learns the present, not the turns before it.
            self.seen = self.boards_up();
            if self.scope.area.is_some() {
                self.seen.retain(|source, _| source == "s001");
            }
        }
        let mut out = Outbox::default();
        self.session.receive(self.now, &hello.to_string(), &mut self.boards, &pulse(), &mut out);
        self.take(out);
    }

    fn boards_up(&self) -> BTreeMap<String, bool> {
        self.up.clone()
    }

    fn take(&mut self, out: Outbox) {
        assert_eq!(out.close, None, "the server must not close on a well-behaved screen");
        self.wire.extend(out.frames.iter().map(ToString::to_string));
    }

    fn read(&mut self, frames: usize) {
        for _ in 0..frames {
            let Some(frame) = self.wire.pop_front() else { return };
            assert!(frame.len() <= 64 * 1024, "a frame of {} bytes", frame.len());
            let applied = self.table.apply(&frame).expect("frames of the server are frames");
            assert_ne!(applied, Applied::Void, "void after {frame}");
            if let Applied::Event { id, data, .. } = applied {
                let up = data["up"] == json!(true);
                // Turns alternate, so one left out or told twice shows.
                if self.seen.insert(id, up).unwrap_or(false) == up {
                    self.turns_wrong += 1;
                }
            }
        }
    }

    fn settle(&mut self) {
        if self.missed {
            self.seed();
        }
        self.pass(3_000);
        self.read(usize::MAX);
    }
}

fn key(row: usize) -> (&'static str, String) {
    match row {
        0 => ("env.pm25", PROVINCE.to_owned()),
        1 => ("env.pm10", PROVINCE.to_owned()),
        commune if commune < COMMUNES + 2 => ("env.pm25", format!("c{:03}", commune - 1)),
        _ => ("env.pm10", "c001".to_owned()),
    }
}

fn source_id(source: usize) -> String {
    format!("s{:03}", source + 1)
}

fn pulse() -> Pulse {
    Pulse { build: Arc::from("test"), rate: 1.0, tail: Arc::from("\"rate\":1}"), limited: Arc::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_ends_equal_to_what_was_published(steps in proptest::collection::vec(step(), 1..120)) {
        let rows = |indicator: &str, area: &str| indicator == "env.pm25" || area == PROVINCE;
        judge(Scope::whole("main"), &steps, rows, COMMUNES + 2)?;
    }

    #[test]
    fn a_screen_of_one_area_hears_of_that_area_alone(steps in proptest::collection::vec(step(), 1..120)) {
        judge(Scope::asked("main", Some("c001")), &steps, |_, area| area == "c001", 2)?;
    }
}

/// A third of the steps happens before the screen is switched on; then its table has `count` rows, the shown ones.
fn judge(
    scope: Scope,
    steps: &[Step],
    shown: impl Fn(&str, &str) -> bool,
    count: usize,
) -> Result<(), TestCaseError> {
    let whole = scope.area.is_none();
    let mut world = World::new(scope);
    let (before, after) = steps.split_at(steps.len() / 3);
    before.iter().for_each(|step| world.run(step));
    world.connect();
    after.iter().for_each(|step| world.run(step));
    world.settle();
    let counters = *world.table.counters();
    prop_assert_eq!((counters.gaps, counters.duplicates, counters.resets), (0, 0, 0));
    prop_assert_eq!(counters.events_repeated, 0);
    prop_assert_eq!(world.turns_wrong, 0);
    prop_assert_eq!(world.table.position(), world.offset);
    prop_assert!(whole || world.seen.keys().all(|source| source == "s001"), "{:?}", world.seen);
    for (source, up) in world.up.iter().filter(|(source, _)| whole || *source == "s001") {
        prop_assert_eq!(world.seen.get(source).copied().unwrap_or(false), *up, "{}", source);
    }
    let figures = world.figures.iter().filter(|((indicator, area), _)| shown(indicator, area));
    for ((indicator, area), published) in figures {
        let row = world.table.row(indicator, area).expect("every published row is on the screen");
        let value = published.row.value.map(|value| value.to_string());
        prop_assert_eq!(row.v.as_ref().map(ToString::to_string), value);
        prop_assert_eq!((row.k, row.m, row.rev), (published.row.k, 3, 1));
        prop_assert_eq!((row.q, row.l), (if published.row.value.is_some() { 0 } else { 130 }, 1));
        prop_assert_eq!(row.f, 2 | 4 | if published.row.k < 3 { 8 } else { 0 });
    }
    prop_assert_eq!(world.table.rows().len(), count);
    Ok(())
}
