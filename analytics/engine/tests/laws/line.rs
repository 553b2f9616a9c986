//! A log fed record by record, for tests that speak of single moments.

use nhip_engine::{Effects, Engine};
use nhip_proto::{
    AreaCode, ArrivalTime, IndicatorId, Item, Logged, Offset, ProfileText, Record, Row, SECOND, Session, Tick,
};

use crate::world::{self, START, Said, message};

pub(crate) struct Line {
    pub(crate) engine: Engine,
    pub(crate) effects: Effects,
    next: u64,
    pub(crate) now: i64,
}

impl Line {
    /// With two sources of each stream; `change` edits the profile.
    pub(crate) fn new(change: impl Fn(&str) -> String) -> Self {
        Self::of(world::profile_text(2, START, change))
    }

    /// With a profile of its own.
    pub(crate) fn of(profile: ProfileText) -> Self {
        let engine = Engine::new(world::settings(1));
        let mut line = Self { engine, effects: Effects::default(), next: 0, now: START };
        line.put(Record::Profile(Box::new(profile)));
        line
    }

    pub(crate) fn put(&mut self, record: Record) {
        let logged = Logged { offset: Offset(self.next), record };
        self.engine.apply(&[logged], &mut self.effects).expect("the next record");
        self.next += 1;
    }

    pub(crate) fn session(&mut self, source: &str, session: Session, items: Vec<Item>) {
        self.now += SECOND;
        let stream = if source.starts_with("air") { "air" } else { "camera" };
        let said = Said { arrival: self.now, source: source.to_owned(), stream, body: Ok(items) };
        let Record::Message(mut record) = message(&said) else { return };
        record.session = Some(session);
        self.put(Record::Message(record));
    }

    /// Everything in memory is lost but the snapshot.
    pub(crate) fn restart(&mut self) {
        self.engine = Engine::restore(&self.engine.snapshot(), world::settings(1)).expect("its own snapshot");
    }

    /// A message that arrives now.
    pub(crate) fn say(&mut self, source: &str, stream: &'static str, items: Vec<Item>) {
        let said = Said { arrival: self.now, source: source.to_owned(), stream, body: Ok(items) };
        self.put(message(&said));
    }

    pub(crate) fn tick(&mut self, span: i64) {
        self.now += span;
        self.put(Record::Tick(Tick { at: ArrivalTime(self.now) }));
    }

    pub(crate) fn applied(&self, source: &str) -> (u64, u64) {
        let row = self.engine.ledger().into_iter().find(|row| row.source.as_str() == source);
        row.map_or((0, 0), |row| (row.counts.applied, row.counts.item_rejected))
    }

    /// The newest figure of an indicator and area.
    pub(crate) fn row(&self, indicator: &str, area: &str) -> Option<Row> {
        let (indicator, area) = (IndicatorId::new(indicator), AreaCode::new(area));
        self.engine
            .figures(Some(&indicator), Some(&area), Some(""), None)
            .first()
            .map(|figure| figure.row.clone())
    }

    /// Numerator, k and m of the newest figure.
    pub(crate) fn amounts(&self, indicator: &str, area: &str) -> Option<(i128, u32, u32)> {
        self.row(indicator, area).map(|row| (row.numerator, row.k, row.m))
    }

    /// All durable rows so far.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.effects.rows.iter().flat_map(|(_, rows)| rows)
    }
}
