//! All boards of one epoch, fed by updates: pure, a function of the updates up to the offset it stands at.

use std::collections::BTreeMap;
use std::sync::Arc;

use nhip_profile::Profile;
use nhip_proto::{AreaCode, ArrivalTime, Badge, SourceId, Update};

use crate::board::Board;
use crate::events::{Event, EventRing};
use crate::scope::Scope;
use crate::shown::{append, milliseconds, shown_badge, write_badge, write_integer, write_share};
use crate::sources::{ListedSources, Turn};

/// Units a heartbeat and a snapshot tell the words of: the worst. All are in `GET /api/v1/units`.
const UNITS_SHOWN_MAX: usize = 8;

/// The boards of every view of a profile, and of the views limited to one area that were asked for.
#[derive(Debug)]
pub(crate) struct Boards {
    epoch: Arc<str>,
    profile: Arc<Profile>,
    offset: u64,
    tick: Option<ArrivalTime>,
    seeded: bool,
    views: BTreeMap<Scope, Board>,
    sources: ListedSources,
    badges: BTreeMap<String, Badge>,
    units: BTreeMap<String, Badge>,
    events: EventRing,
}

impl Boards {
    /// Empty boards, not ready for screens before [`Boards::seed`].
    #[must_use]
    pub(crate) fn new(epoch: &str, profile: Arc<Profile>) -> Self {
        let whole = |(id, view): (&String, _)| (Scope::whole(id), Board::new(&profile, view));
        let views = profile.views.iter().map(whole).collect();
        Self {
            epoch: Arc::from(epoch),
            offset: 0,
            tick: None,
            seeded: false,
            views,
            sources: ListedSources::new(&profile),
            badges: BTreeMap::new(),
            units: BTreeMap::new(),
            events: EventRing::default(),
            profile,
        }
    }

    /// Takes the whole board at the start or after a loss. Says whether screens have something to learn.
    /// A board older than what is known already changes nothing.
    pub(crate) fn seed(&mut self, board: &Update) -> bool {
        if self.seeded {
            return self.take(board);
        }
        self.seeded = true;
        self.offset = board.offset.0;
        self.tick = board.tick;
        self.take_badges(board);
        // The state found at the start is no event.
        let _already_so: Vec<Turn> = self.sources.judge(&board.sources, board.tick);
        for view in self.views.values_mut() {
            view.apply(board.offset.0, &board.figures, &board.complete_before);
        }
        true
    }

    /// Takes one update; one that is not newer is ignored. Says whether screens have something to learn.
    pub(crate) fn apply(&mut self, update: &Update) -> bool {
        self.seeded && self.take(update)
    }

    /// The epoch.
    #[must_use]
    pub(crate) fn epoch(&self) -> &Arc<str> {
        &self.epoch
    }

    /// The profile the numbering stands on.
    #[must_use]
    pub(crate) fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// The offset the boards stand at; none before the first seed.
    #[must_use]
    pub(crate) fn offset(&self) -> Option<u64> {
        self.seeded.then_some(self.offset)
    }

    /// The last Tick.
    #[must_use]
    pub(crate) fn tick(&self) -> Option<ArrivalTime> {
        self.tick
    }

    /// The board of a view, while ready; of one limited to an area once it is open and filled.
    pub(crate) fn view(&mut self, scope: &Scope) -> Option<&mut Board> {
        if self.seeded { self.views.get_mut(scope).filter(|board| board.filled()) } else { None }
    }

    /// Makes a board for a scope that has none: from now on it hears every update. Says whether it must be filled
    /// with what was known before. There are at most as many as the profile has pairs of view and area.
    pub(crate) fn open(&mut self, scope: &Scope) -> bool {
        if !self.seeded || !scope.is_of(&self.profile) {
            return false;
        }
        let (view, area) = (self.profile.views.get(&scope.view), scope.area.as_ref());
        if let Some((view, area)) = view.zip(area)
            && !self.views.contains_key(scope)
        {
            self.views.insert(scope.clone(), Board::limited(&self.profile, view, area));
        }
        self.views.get(scope).is_some_and(|board| !board.filled())
    }

    /// Fills an open board with the whole board read after it was opened. Says whether screens have something to
    /// learn: a board newer than what is known moves all of them.
    pub(crate) fn fill(&mut self, scope: &Scope, board: &Update) -> bool {
        let news = self.seed(board);
        if let Some(limited) = self.views.get_mut(scope) {
            limited.fill(self.offset, &board.figures, &board.complete_before);
        }
        news
    }

    /// The areas some open board is limited to.
    #[must_use]
    pub(crate) fn limited_areas(&self) -> Vec<AreaCode> {
        let mut areas: Vec<AreaCode> = self.views.keys().filter_map(|scope| scope.area.clone()).collect();
        areas.sort();
        areas.dedup();
        areas
    }

    /// Whether an event may be told on a screen.
    #[must_use]
    pub(crate) fn concerns(&self, scope: &Scope, event: &Event) -> bool {
        scope.area.is_none() || scope.concerns(&self.profile, &SourceId::new(&event.id))
    }

    /// The events of the epoch.
    #[must_use]
    pub(crate) fn events(&self) -> &EventRing {
        &self.events
    }

    /// `{"live":…,"due":…}` of all listed sources, or of those in an area.
    #[must_use]
    pub(crate) fn sources_json(&self, area: Option<&AreaCode>) -> String {
        let (live, due) = match area {
            Some(area) => self.sources.counts_in(area),
            None => (self.sources.live(), self.sources.due()),
        };
        format!("{{\"live\":{live},\"due\":{due}}}")
    }

    /// The four words by domain as JSON.
    #[must_use]
    pub(crate) fn badges_json(&self) -> String {
        let mut out = String::from("{");
        for (at, (domain, badge)) in self.badges.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            append(&mut out, format_args!("{comma}{}:", serde_json::Value::from(domain.as_str())));
            write_badge(&mut out, shown_badge(badge));
        }
        out.push('}');
        out
    }

    /// The four words by unit.
    #[must_use]
    pub(crate) fn unit_badges(&self) -> &BTreeMap<String, Badge> {
        &self.units
    }

    /// The units with the worst words, at most [`UNITS_SHOWN_MAX`], worst first, as `[[id,[b4]],…]`.
    #[must_use]
    pub(crate) fn units_json(&self) -> String {
        let mut judged: Vec<(u16, &String, &Badge)> = Vec::new();
        for (unit, badge) in &self.units {
            let worst = shown_badge(badge).into_iter().flatten().min();
            judged.extend(worst.map(|worst| (worst, unit, badge)));
        }
        judged.sort_by_key(|(worst, unit, _)| (*worst, *unit));
        let mut out = String::from("[");
        for (at, (_, unit, badge)) in judged.into_iter().take(UNITS_SHOWN_MAX).enumerate() {
            let comma = if at > 0 { "," } else { "" };
            append(&mut out, format_args!("{comma}[{},", serde_json::Value::from(unit.as_str())));
            write_badge(&mut out, shown_badge(badge));
            out.push(']');
        }
        out.push(']');
        out
    }

    /// The four words of the whole installation as `{"dung":…}`.
    #[must_use]
    pub(crate) fn quality_json(&self) -> String {
        let whole = self.badges.get("").copied().unwrap_or_default();
        let mut out = String::new();
        for (name, share) in ["dung", "du", "sach", "song"].into_iter().zip(shown_badge(&whole)) {
            let separator = if out.is_empty() { '{' } else { ',' };
            append(&mut out, format_args!("{separator}\"{name}\":"));
            write_share(&mut out, share);
        }
        out.push('}');
        out
    }

    fn take(&mut self, update: &Update) -> bool {
        let offset = update.offset.0;
        if offset <= self.offset {
            return false;
        }
        self.offset = offset;
        let ticked = update.tick > self.tick;
        self.tick = self.tick.max(update.tick);
        self.take_badges(update);
        let mut news = false;
        for view in self.views.values_mut() {
            news |= view.apply(offset, &update.figures, &update.complete_before);
        }
        if ticked || !update.sources.is_empty() {
            for turn in self.sources.judge(&update.sources, self.tick) {
                self.events.push(offset, "source", "put", turn.source.as_str(), &turn_json(&turn));
                news = true;
            }
        }
        news
    }

    fn take_badges(&mut self, update: &Update) {
        for (name, badge) in &update.badges {
            match name.strip_prefix("unit:") {
                Some(unit) => self.units.insert(unit.to_owned(), *badge),
                None => self.badges.insert(name.clone(), *badge),
            };
        }
    }
}

fn turn_json(turn: &Turn) -> String {
    let mut out = format!("{{\"up\":{},\"t\":", turn.up);
    write_integer(&mut out, turn.event_time.map(milliseconds));
    out.push('}');
    out
}
