//! đúng (accurate) of sources, domains, units and the whole: the worst of their figures that are reconciled.

use nhip_profile::DungFormula;
use nhip_proto::{Badge, Share};

use crate::badge::source_badge;
use crate::derive::Scene;
use crate::engine::Engine;
use crate::source::Source;

impl Engine {
    /// Puts đúng into the badges of the last Tick: of each domain, unit and the whole the worst of its figures of the
    /// province that are checked against another; without any it stays *chưa đối soát*.
    pub(crate) fn judge_accuracy(&mut self) {
        let found = self.reconciled();
        if found.is_empty() {
            return;
        }
        for (key, badge) in &mut self.glance.badges {
            let own = found.iter().filter(|(keys, _)| keys.contains(key)).map(|(_, share)| *share);
            badge.dung = own.reduce(Share::worse);
        }
    }

    /// The four words of a source at the last Tick.
    pub(crate) fn badge_of_source(&self, source: &Source, tick: Option<i64>) -> Badge {
        Badge { dung: self.accuracy_of(source), ..source_badge(source, &self.plan, tick) }
    }

    /// đúng of a source: the worst of the figures of its stream in its area that are reconciled.
    fn accuracy_of(&self, source: &Source) -> Option<Share> {
        let bound = source.bound?;
        let stream = self.plan.streams.get(bound.stream as usize)?;
        let moment = self.moment();
        let scene = Scene { engine: self, board: &self.board, moment: &moment };
        let share = |number: &u32| {
            let definition = self.plan.definition(*number).filter(|known| known.to.is_none())?;
            definition.agreement.as_ref()?;
            scene.agreement(definition, bound.area, self.board.lane(*number, bound.area)?)
        };
        // A class may leave đúng out.
        let judged = stream.rules.dung == DungFormula::Reconcile;
        stream.definitions.iter().filter(|_| judged).filter_map(share).reduce(Share::worse)
    }

    /// Each reconciled figure of the province: the badges it counts for, and its share.
    fn reconciled(&self) -> Vec<(Vec<String>, Share)> {
        let Some(profile) = self.profile() else { return Vec::new() };
        let province = profile.province().and_then(|area| self.areas.get(area.code.as_str()));
        let Some(province) = province else { return Vec::new() };
        let moment = self.moment();
        let scene = Scene { engine: self, board: &self.board, moment: &moment };
        let mut found = Vec::new();
        for (number, definition) in (0_u32..).zip(&self.plan.definitions) {
            if definition.agreement.is_none() || definition.to.is_some() {
                continue;
            }
            let lane = self.board.lane(number, province);
            let share = lane.and_then(|lane| scene.agreement(definition, province, lane));
            let Some(share) = share else { continue };
            let owner = profile.indicators.get(&definition.indicator).map_or("", |known| &known.owner);
            let units = self.watch.units.of(self.plan.answerable.number(owner));
            let mut keys = vec![String::new(), definition.domain.clone()];
            keys.extend(units.iter().filter_map(|unit| self.plan.answerable.key(*unit)).map(str::to_owned));
            found.push((keys, share));
        }
        found
    }
}
