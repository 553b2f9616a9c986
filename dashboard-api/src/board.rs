//! The board: the last value of every row of one view, and from which offset on it is news.
//!
//! Pure. A screen at any offset o of the epoch is brought up to date by the rows changed after o, so nothing
//! is queued for any screen. Frames are encoded once for each (from, to) and shared.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use nhip_profile::{Area, Profile, View};
use nhip_proto::{AreaCode, Figure, IndicatorId, Origin};

use crate::feeding::due_in;
use crate::shown::{Shown, append};

/// A frame is cut after this many bytes; the protocol allows 64 KiB. A socket's write buffer grows to the
/// largest frame it ever sent, and a screen may cost 16 KiB in all.
pub(crate) const FRAME_BYTES_TARGET: usize = 6 * 1024;
/// Encoded deltas kept for sharing; a screen at a rarer position gets its own.
const DELTAS_SHARED_MAX: usize = 64;

/// One (indicator, area) of a view.
#[derive(Clone, Debug)]
pub(crate) struct BoardRow {
    /// The indicator.
    pub(crate) indicator: IndicatorId,
    /// The area.
    pub(crate) area: AreaCode,
    /// What is seen of it.
    pub(crate) shown: Shown,
    /// The last window with enough sources, while the newest one has too few.
    pub(crate) kept: Option<Shown>,
    /// The least share of sources due for its value to mean something.
    completeness_min: f64,
    /// The figure behind it; none: never heard.
    pub(crate) figure: Option<Arc<Figure>>,
    /// The offset of the last visible change; 0: none in this epoch.
    pub(crate) changed: u64,
}

/// Frames that bring a screen from one offset to another.
#[derive(Clone, Debug)]
pub(crate) struct Delta {
    /// Where the screen stands after the last frame.
    pub(crate) to: u64,
    /// The frames; empty if nothing changed.
    pub(crate) frames: Arc<[Utf8Bytes]>,
}

/// The board of one view, or of a view limited to one area.
#[derive(Debug)]
pub(crate) struct Board {
    /// The areas a limited board has rows of; none: those of the whole view.
    limited: Option<BTreeSet<AreaCode>>,
    /// Whether it holds what was known before it was made.
    filled: bool,
    rows: Vec<BoardRow>,
    ids: BTreeMap<(IndicatorId, AreaCode), u32>,
    changes: BTreeSet<(u64, u32)>,
    last_change: u64,
    origin: Origin,
    shared: BTreeMap<u64, Delta>,
}

impl BoardRow {
    /// Whether enough of the sources due contributed.
    pub(crate) fn is_complete(&self, shown: &Shown) -> bool {
        shown.m == 0 || f64::from(shown.k) >= f64::from(shown.m) * self.completeness_min
    }
}

impl Board {
    /// The rows of a view, all of them never heard: each tile, page and the map's indicator for each province, the
    /// map's indicator for every other area.
    #[must_use]
    pub(crate) fn new(profile: &Profile, view: &View) -> Self {
        let mut board = Self::with_rows(profile, view, |area| area.parent.is_none(), |_| true);
        board.filled = true;
        board
    }

    /// The rows of a view limited to an area: each tile, page and the map's indicator for the area itself, the map's
    /// indicator for what lies inside. It shows nothing before [`Board::fill`].
    #[must_use]
    pub(crate) fn limited(profile: &Profile, view: &View, area: &AreaCode) -> Self {
        let inside = |inner: &Area| profile.ancestry(&inner.code).contains(area);
        let mut board = Self::with_rows(profile, view, |inner| &inner.code == area, inside);
        board.limited = Some(board.rows.iter().map(|row| row.area.clone()).collect());
        board
    }

    /// Rows of every indicator of the view for the areas it is `of`, of the map's for those `inside`.
    fn with_rows(
        profile: &Profile,
        view: &View,
        of: impl Fn(&Area) -> bool,
        inside: impl Fn(&Area) -> bool,
    ) -> Self {
        let mut keys: Vec<(IndicatorId, AreaCode)> = Vec::new();
        let pages = view.rotation.iter().flat_map(|page| &page.indicators);
        for indicator in view.tiles.iter().chain([&view.map]).chain(pages) {
            let areas = profile.areas.values().filter(|area| of(area));
            keys.extend(areas.map(|area| (indicator.clone(), area.code.clone())));
        }
        let others = profile.areas.values().filter(|area| area.parent.is_some() && inside(area));
        keys.extend(others.map(|area| (view.map.clone(), area.code.clone())));
        let mut board = Self {
            limited: None,
            filled: false,
            rows: Vec::new(),
            ids: BTreeMap::new(),
            changes: BTreeSet::new(),
            last_change: 0,
            origin: profile.origin,
            shared: BTreeMap::new(),
        };
        for key in keys {
            board.add_row(profile, key);
        }
        board
    }

    /// Takes changed figures, known since `offset`, and the last complete windows of those that lack sources; says
    /// whether a row of this view looks different now.
    pub(crate) fn apply(&mut self, offset: u64, figures: &[Arc<Figure>], complete: &[Arc<Figure>]) -> bool {
        let before = self.last_change;
        for figure in figures {
            self.apply_figure(offset, figure);
        }
        for figure in complete {
            self.keep(figure);
        }
        let changed = self.last_change > before;
        if changed {
            self.shared.clear();
        }
        changed
    }

    /// Takes what was known before the board was made, as of `offset`; rows that heard something since keep it.
    pub(crate) fn fill(&mut self, offset: u64, figures: &[Arc<Figure>], complete: &[Arc<Figure>]) {
        self.filled = true;
        let unheard = |board: &Self, figure: &Figure| {
            let key = (figure.row.key.indicator.clone(), figure.row.key.area.clone());
            let row = board.ids.get(&key).and_then(|id| board.rows.get(*id as usize));
            row.is_some_and(|row| row.figure.is_none())
        };
        let missed: Vec<&Arc<Figure>> = complete.iter().filter(|figure| unheard(self, figure)).collect();
        for figure in figures {
            if unheard(self, figure) {
                self.apply_figure(offset, figure);
            }
        }
        for figure in missed {
            self.keep(figure);
        }
        self.shared.clear();
    }

    /// Whether it holds what was known before it was made.
    #[must_use]
    pub(crate) fn filled(&self) -> bool {
        self.filled
    }

    /// The offset of the last visible change.
    #[must_use]
    pub(crate) fn last_change(&self) -> u64 {
        self.last_change
    }

    /// The rows by id.
    #[must_use]
    pub(crate) fn rows(&self) -> &[BoardRow] {
        &self.rows
    }

    /// What a screen at `from` must learn. All screens at the same offset share the same bytes.
    pub(crate) fn delta(&mut self, from: u64) -> Delta {
        if from >= self.last_change {
            return Delta { to: from, frames: Arc::from([]) };
        }
        if let Some(delta) = self.shared.get(&from) {
            metrics::counter!("nhip_dashboard_deltas_total", "bytes" => "shared").increment(1);
            return delta.clone();
        }
        metrics::counter!("nhip_dashboard_deltas_total", "bytes" => "encoded").increment(1);
        let delta = Delta { to: self.last_change, frames: self.encode(from).into() };
        if self.shared.len() < DELTAS_SHARED_MAX {
            self.shared.insert(from, delta.clone());
        }
        delta
    }

    fn add_row(&mut self, profile: &Profile, key: (IndicatorId, AreaCode)) {
        let Ok(id) = u32::try_from(self.rows.len()) else { return };
        if self.ids.contains_key(&key) {
            return;
        }
        let shown = Shown::never_heard(due_in(profile, &key.0, &key.1));
        let (indicator, area) = key.clone();
        let completeness_min = profile.indicators.get(&indicator).map_or(0.0, |known| known.completeness_min);
        self.rows.push(BoardRow {
            indicator,
            area,
            shown,
            kept: None,
            completeness_min,
            figure: None,
            changed: 0,
        });
        self.ids.insert(key, id);
    }

    fn apply_figure(&mut self, offset: u64, figure: &Arc<Figure>) {
        let key = &figure.row.key;
        if !key.group.is_empty() || self.limited.as_ref().is_some_and(|areas| !areas.contains(&key.area)) {
            return;
        }
        let Some(&id) = self.ids.get(&(key.indicator.clone(), key.area.clone())) else { return };
        let Some(row) = self.rows.get_mut(id as usize) else { return };
        let shown = Shown::of(figure, self.origin);
        row.figure = Some(Arc::clone(figure));
        row.kept = None;
        if row.shown == shown {
            return;
        }
        row.shown = shown;
        self.changes.remove(&(row.changed, id));
        row.changed = offset;
        self.changes.insert((offset, id));
        self.last_change = self.last_change.max(offset);
    }

    fn keep(&mut self, figure: &Figure) {
        let key = (figure.row.key.indicator.clone(), figure.row.key.area.clone());
        let row = self.ids.get(&key).and_then(|id| self.rows.get_mut(*id as usize));
        if let Some(row) = row {
            row.kept = Some(Shown::of(figure, self.origin));
        }
    }

    fn encode(&self, from: u64) -> Vec<Utf8Bytes> {
        let newer = (Bound::Excluded((from, u32::MAX)), Bound::Unbounded);
        let rows: Vec<(u32, &Shown)> = self
            .changes
            .range(newer)
            .filter_map(|(_, id)| Some((*id, &self.rows.get(*id as usize)?.shown)))
            .collect();
        let base_ms = rows.iter().filter_map(|(_, shown)| shown.event_ms).max().unwrap_or(0);
        let mut frames = Vec::new();
        let mut changes = String::new();
        for (id, shown) in rows {
            if changes.len() > FRAME_BYTES_TARGET {
                frames.push(delta_frame(from, from, base_ms, &changes));
                changes.clear();
            }
            if !changes.is_empty() {
                changes.push(',');
            }
            shown.write_change(&mut changes, id, base_ms);
        }
        frames.push(delta_frame(from, self.last_change, base_ms, &changes));
        frames
    }
}

/// A `d` frame that covers `(from, to]`.
#[must_use]
pub(crate) fn delta_frame(from: u64, to: u64, base_ms: i64, changes: &str) -> Utf8Bytes {
    let mut out = String::with_capacity(changes.len() + 96);
    append(
        &mut out,
        format_args!("{{\"t\":\"d\",\"o\":{to},\"p\":{from},\"b\":{base_ms},\"u\":[{changes}]}}"),
    );
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixtures::{figure, profile};

    /// Position and row ids of a frame, read by the reference client.
    fn cover(frame: &str) -> (u64, u64) {
        let number = |name: &str| {
            let rest = frame.split_once(name).map_or("", |(_, rest)| rest);
            rest.split(',').next().unwrap_or("").parse().unwrap_or(u64::MAX)
        };
        (number("\"p\":"), number("\"o\":"))
    }

    #[test]
    fn a_long_delta_is_cut_and_only_its_last_frame_moves_the_position() {
        let profile = profile(400);
        let view = profile.views.get("main").expect("the view");
        let mut board = Board::new(&profile, view);
        let all: Vec<_> =
            (1..=400).map(|area| figure("env.pm25", &format!("c{area:03}"), Some(area), 3)).collect();
        assert!(board.apply(9, &all, &[]));
        let delta = board.delta(5);
        assert_eq!(delta.to, 9);
        assert!(delta.frames.len() > 3, "{} frames", delta.frames.len());
        let (last, before) = delta.frames.split_last().expect("frames");
        for frame in before {
            assert_eq!(cover(frame), (5, 5), "cut off here, a screen must get the rest again");
            assert!(frame.len() < FRAME_BYTES_TARGET + 512, "{} bytes", frame.len());
        }
        assert_eq!(cover(last), (5, 9));
        let rows: usize = delta.frames.iter().map(|frame| frame.matches(",[null,").count()).sum();
        assert_eq!(rows, 400);
        assert!(board.delta(9).frames.is_empty());
    }

    #[test]
    fn a_complete_window_is_kept_while_the_next_one_is_not() {
        let profile = profile(1);
        let view = profile.views.get("main").expect("the view");
        let mut board = Board::new(&profile, view);
        board.rows.iter_mut().for_each(|row| row.completeness_min = 0.5);
        let said = |hour: i64, value: i128, k: u32| {
            let mut said = (*figure("env.pm25", "c001", Some(value), 3)).clone();
            let start = said.row.key.window_start.0 + hour * 3_600_000_000_000;
            said.row.key.window_start = nhip_proto::EventTime(start);
            (said.row.k, said.row.m) = (k, 4);
            Arc::new(said)
        };
        let row = |board: &Board| {
            let at = board.rows.iter().position(|row| row.area.as_str() == "c001").expect("a row");
            (board.rows[at].kept.as_ref().and_then(|kept| kept.value).map(|value| value.mantissa), at)
        };
        board.apply(1, &[said(0, 350, 2)], &[]);
        assert_eq!(row(&board).0, None, "it is on screen itself");
        board.apply(2, &[said(1, 900, 1)], &[said(0, 350, 2)]);
        assert_eq!(row(&board).0, Some(350), "half of the sources is enough, a quarter is not");
        let frames = board.delta(2).frames.len();
        board.apply(3, &[said(1, 900, 1)], &[said(0, 360, 3)]);
        assert_eq!(row(&board).0, Some(360), "a late reading corrects it there, too");
        assert_eq!(board.delta(2).frames.len(), frames, "a page learns of it with its next snapshot");
        board.apply(4, &[said(1, 400, 3)], &[]);
        let (kept, at) = row(&board);
        assert_eq!(kept, None, "complete itself");
        assert!(board.rows[at].is_complete(&board.rows[at].shown));
    }

    #[test]
    fn screens_at_one_offset_share_their_bytes_until_something_changes() {
        let profile = profile(3);
        let view = profile.views.get("main").expect("the view");
        let mut board = Board::new(&profile, view);
        board.apply(9, &[figure("env.pm25", "c001", Some(1), 3)], &[]);
        let (left, right) = (board.delta(5), board.delta(5));
        assert!(Arc::ptr_eq(&left.frames, &right.frames));
        assert!(!board.apply(12, &[figure("env.pm25", "c001", Some(1), 3)], &[]), "nothing to see");
        assert!(Arc::ptr_eq(&board.delta(5).frames, &left.frames));
        assert!(board.apply(14, &[figure("env.pm25", "c001", Some(2), 3)], &[]));
        let later = board.delta(5);
        assert_eq!(later.to, 14);
        assert!(later.frames.iter().all(|frame| frame.contains(",0.2,")), "the newest value only");
    }
}
