//! A view as it was at a moment of the past: as known then, as known now, or what differs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use nhip_ports::{PastBoard, PastError, PastMoment as Asked};
use nhip_profile::Profile;
use nhip_proto::{ArrivalTime, Figure, FigureKey, MILLISECOND, Offset, ProfileText, Update};

use super::Node;
use super::problem::Problem;
use super::times::{Zone, parse};
use crate::boards::Boards;
use crate::hub::Encoded;
use crate::scope::Scope;
use crate::shown::Shown;
use crate::snapshot::{PastMoment, Server, encode, gzip};

/// Numbers rows of the past: they compare with nothing.
const EPOCH: &str = "past";

/// Whose knowledge a snapshot of the past shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What was known then.
    Known,
    /// What is known today of the windows shown then.
    Corrected,
    /// What was known then, and beside it what today is another value.
    Difference,
}

impl Mode {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("known") => Ok(Self::Known),
            Some("corrected") => Ok(Self::Corrected),
            Some("difference") => Ok(Self::Difference),
            Some(_) => Err(Problem::unprocessable("mode is known, corrected or difference")),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Corrected => "corrected",
            Self::Difference => "difference",
        }
    }
}

/// The snapshot of a view at a moment.
pub(crate) async fn snapshot(
    node: &Node,
    scope: &Scope,
    as_of: &str,
    mode: Mode,
    patience: Duration,
) -> Result<Encoded, Problem> {
    let moment = moment(as_of)?;
    if let Asked::Time(at) = moment
        && at > node.parts.clock.now()
    {
        return Err(Problem::of_past(&PastError::TooLate));
    }
    let past = node.parts.analysis.past(moment, patience).await;
    let past = past.map_err(|error| Problem::of_past(&error))?;
    let profile = profile(node, &past.profile)?;
    if !scope.is_of(&profile) {
        return Err(Problem::not_found("the profile of that moment has no such view or area"));
    }
    let at = match moment {
        Asked::Time(at) => at,
        Asked::Offset(_) => past.board.tick.unwrap_or(ArrivalTime(0)),
    };
    let mut boards = seeded(&profile, scope, &past.board);
    let today =
        if mode == Mode::Known { BTreeMap::new() } else { today(node, &mut boards, scope, &past).await? };
    if mode == Mode::Corrected {
        boards = seeded(&profile, scope, &corrected(&past.board, &today));
    }
    let as_of = Zone::of(&profile.zone).arrival(at);
    let today =
        if mode == Mode::Difference { differing(&mut boards, scope, &today) } else { BTreeMap::new() };
    let said = PastMoment { as_of, mode: mode.word(), today };
    let server = Server {
        clock_ms: at.0.div_euclid(MILLISECOND),
        rate: 0.0,
        build: &node.parts.build,
        links: "[]",
        past: Some(&said),
    };
    let unknown = Problem::not_found("the profile has no such view");
    let text = encode(&mut boards, scope, &server).ok_or(unknown)?;
    metrics::counter!("nhip_dashboard_past_snapshots_total", "mode" => mode.word()).increment(1);
    Ok(Encoded { gzip: gzip(text.as_bytes()), plain: text.into() })
}

fn moment(as_of: &str) -> Result<Asked, Problem> {
    let wrong =
        Problem::unprocessable("as_of is a time of RFC 3339 with its offset, or offset: and a number");
    match as_of.strip_prefix("offset:") {
        Some(offset) => offset.parse().map(|offset| Asked::Offset(Offset(offset))).map_err(|_| wrong),
        None => parse(as_of).map(|at| Asked::Time(ArrivalTime(at.0))).ok_or(wrong),
    }
}

/// The profile then in force.
fn profile(node: &Node, text: &ProfileText) -> Result<Arc<Profile>, Problem> {
    let now = node.profile();
    if now.hash == text.hash {
        return Ok(now);
    }
    let mut last = node.past_profile.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = last.as_ref().filter(|last| last.hash == text.hash) {
        return Ok(Arc::clone(last));
    }
    let unreadable = Problem::unavailable("the profile of that moment cannot be read by this version");
    let profile = Arc::new(nhip_profile::load(&text.files).map_err(|_| unreadable)?);
    *last = Some(Arc::clone(&profile));
    Ok(profile)
}

fn seeded(profile: &Arc<Profile>, scope: &Scope, board: &Update) -> Boards {
    let mut boards = Boards::new(EPOCH, Arc::clone(profile));
    boards.seed(board);
    if boards.open(scope) {
        boards.fill(scope, board);
    }
    boards
}

/// What is known today of the windows a view showed.
async fn today(
    node: &Node,
    boards: &mut Boards,
    scope: &Scope,
    past: &PastBoard,
) -> Result<BTreeMap<FigureKey, Arc<Figure>>, Problem> {
    let rows = boards.view(scope).map(|board| board.rows()).unwrap_or_default();
    let keys: Vec<FigureKey> =
        rows.iter().filter_map(|row| row.figure.as_ref()).map(|figure| figure.row.key.clone()).collect();
    let known = node.parts.analysis.windows(keys.clone(), past.board.offset).await;
    let known = known.map_err(|error| Problem::of_analysis(&error))?;
    Ok(keys.into_iter().zip(known).filter_map(|(key, figure)| Some((key, figure?))).collect())
}

/// The board with today's figures in the place of those it knew.
fn corrected(board: &Update, today: &BTreeMap<FigureKey, Arc<Figure>>) -> Update {
    let figure = |figure: &Arc<Figure>| Arc::clone(today.get(&figure.row.key).unwrap_or(figure));
    Update { figures: board.figures.iter().map(figure).collect(), ..board.clone() }
}

/// The rows whose value is another one today.
fn differing(
    boards: &mut Boards,
    scope: &Scope,
    today: &BTreeMap<FigureKey, Arc<Figure>>,
) -> BTreeMap<u32, Shown> {
    let origin = boards.profile().origin;
    let rows = boards.view(scope).map(|board| board.rows()).unwrap_or_default();
    let differs = |(id, row): (u32, &crate::board::BoardRow)| {
        let shown = Shown::of(today.get(&row.figure.as_ref()?.row.key)?, origin);
        (shown.value != row.shown.value).then_some((id, shown))
    };
    (0..).zip(rows).filter_map(differs).collect()
}
