//! Sparkplug B through the whole engine: births, aliases, gaps, deaths; and what the ledger says of it.

use nhip_engine::{Effects, Engine};
use nhip_proto::{ItemName, ItemReason, Logged, MINUTE, Offset, Record, SECOND, Session, SessionKind, Tick};

use crate::world::{self, START, Said, message, state};

struct Line {
    engine: Engine,
    effects: Effects,
    next: u64,
    now: i64,
}

impl Line {
    fn new() -> Self {
        let mut line = Self {
            engine: Engine::new(world::settings(1)),
            effects: Effects::default(),
            next: 0,
            now: START,
        };
        line.put(Record::Profile(Box::new(world::profile_text(2, START, str::to_owned))));
        line
    }

    fn put(&mut self, record: Record) {
        let logged = Logged { offset: Offset(self.next), record };
        self.engine.apply(&[logged], &mut self.effects).expect("the next record");
        self.next += 1;
    }

    fn session(&mut self, source: &str, session: Session, items: Vec<nhip_proto::Item>) {
        self.now += SECOND;
        let said = Said { arrival: self.now, source: source.to_owned(), stream: "camera", body: Ok(items) };
        let Record::Message(mut record) = message(&said) else { return };
        record.session = Some(session);
        self.put(Record::Message(record));
    }

    fn tick(&mut self, span: i64) {
        self.now += span;
        self.put(Record::Tick(Tick { at: nhip_proto::ArrivalTime(self.now) }));
    }

    fn applied(&self, source: &str) -> (u64, u64) {
        let row = self.engine.ledger().into_iter().find(|row| row.source.as_str() == source);
        row.map_or((0, 0), |row| (row.counts.applied, row.counts.item_rejected))
    }
}

fn session(kind: SessionKind, sequence: Option<u8>, birth: Option<u64>) -> Session {
    Session { kind, sequence, birth, node: "g/n".to_owned() }
}

fn birth() -> Vec<nhip_proto::Item> {
    let mut item = state("status", "online");
    item.binds_alias = Some(7);
    vec![item]
}

fn data(alias: u64, to: &str) -> Vec<nhip_proto::Item> {
    let mut item = state("status", to);
    item.name = ItemName::Alias(alias);
    vec![item]
}

#[test]
fn an_alias_means_what_its_birth_bound() {
    let mut line = Line::new();
    line.session("camera-0", session(SessionKind::DeviceData, Some(3), None), data(7, "online"));
    assert_eq!(line.applied("camera-0"), (0, 1), "nobody bound it");
    assert_eq!(line.effects.rebirths.len(), 1);
    line.session("camera-1", session(SessionKind::NodeBirth, Some(0), Some(1)), Vec::new());
    line.session("camera-0", session(SessionKind::DeviceBirth, Some(1), None), birth());
    line.session("camera-0", session(SessionKind::DeviceData, Some(2), None), data(7, "degraded"));
    assert_eq!(line.applied("camera-0"), (2, 1));
    assert_eq!(line.effects.rebirths.len(), 1, "all is well");
    line.session("camera-0", session(SessionKind::DeviceData, Some(4), None), data(7, "online"));
    assert_eq!(line.applied("camera-0"), (3, 1), "a gap loses nothing that came");
    assert_eq!(line.effects.rebirths.len(), 2, "but the node is asked");
    let reasons = line.engine.rejections(10);
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].reason, Err(ItemReason::Undeclared));
}

#[test]
fn a_death_takes_its_sources_offline_unless_it_is_stale() {
    let share = |line: &Line| {
        let figures = line.engine.figures(None, None, None);
        let figure = figures.into_iter().find(|figure| {
            figure.row.key.indicator.as_str() == "traffic.online_10m" && figure.row.key.area.as_str() == "A"
        });
        figure.map(|figure| (figure.row.numerator, figure.row.denominator))
    };
    let live = |dies_with: u64| {
        let mut line = Line::new();
        line.session("camera-0", session(SessionKind::NodeBirth, Some(0), Some(5)), birth());
        line.session("camera-0", session(SessionKind::NodeDeath, None, Some(dies_with)), Vec::new());
        line.now += 15 * MINUTE;
        line.tick(MINUTE);
        line.tick(MINUTE);
        share(&line)
    };
    let second = i128::from(SECOND);
    assert_eq!(live(5), Some((second, second * 181)), "online for a second, then offline until stale");
    assert_eq!(live(4), Some((second * 180, second * 180)), "an old will changes nothing");
}
