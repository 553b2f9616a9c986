//! `nhip export`: figures of a stopped node's past as a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nhip_dashboard_api::export::{Export, ExportOrder, Format, PIECES_QUEUED_MAX, ParquetOf};
use nhip_ports::AsOf;
use nhip_profile::Profile;
use nhip_proto::{AreaCode, ArrivalTime, EventTime, IndicatorId, Offset};
use tokio::sync::mpsc;

use crate::cli::ExportFlags;
use crate::commands::Failure;
use crate::observe::note;
use crate::{compose, profile_dir};

/// Before the first word of progress, and between two.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Writes the file; what takes longer than two seconds says how far it is on stderr.
pub(crate) async fn export(flags: &ExportFlags) -> Result<(), Failure> {
    let (profile, _) = profile_dir::load(&flags.profile)?;
    let order = order(&profile, flags, compose::stands_at(&flags.data)?)?;
    let history = compose::open_history(&flags.data).await?;
    let told = Progress::default();
    let counting = |points| told.tell("counting", points);
    let export = Export::prepare(&profile, history.as_ref(), order, &counting).await.map_err(refused)?;
    export.fits().map_err(refused)?;
    let parquet: ParquetOf = std::sync::Arc::new(nhip_history::series::parquet_of);
    let (pieces, mut waiting) = mpsc::channel(PIECES_QUEUED_MAX);
    let writing = |points| told.tell("writing", points);
    let write = async {
        let written = export.write(&profile, history.as_ref(), &parquet, &pieces, &writing).await;
        drop(pieces);
        written.map_err(refused)
    };
    let unfinished = flags.out.as_deref().map(|path| path.with_extension("tmp"));
    let mut out = opened(unfinished.as_deref())?;
    let save = async {
        while let Some(piece) = waiting.recv().await {
            out.write_all(&piece.map_err(Failure::other)?).map_err(Failure::other)?;
        }
        out.flush().map_err(Failure::other)
    };
    let (written, saved) = tokio::join!(write, save);
    // A part never bears the name of the whole.
    written.and(saved)?;
    match (unfinished, &flags.out) {
        (Some(unfinished), Some(path)) => std::fs::rename(unfinished, path).map_err(Failure::other),
        _ => Ok(()),
    }
}

fn opened(path: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    match path {
        Some(path) => {
            let failed = |error: io::Error| Failure::other(format!("{}: {error}", path.display()));
            Ok(Box::new(File::create(path).map_err(failed)?))
        }
        None => Ok(Box::new(io::stdout().lock())),
    }
}

fn order(profile: &Profile, flags: &ExportFlags, now: ArrivalTime) -> Result<ExportOrder, Failure> {
    let time = |text: &str| {
        let time: Result<jiff::Timestamp, _> = text.parse();
        let nanoseconds = time.ok().and_then(|time| i64::try_from(time.as_nanosecond()).ok());
        nanoseconds
            .ok_or_else(|| Failure::configuration(format!("{text}: not a time (RFC 3339 with an offset)")))
    };
    let as_of = match flags.as_of.as_str() {
        "now" => AsOf::Now,
        text => match text.parse() {
            Ok(offset) => AsOf::Offset(Offset(offset)),
            Err(_) => AsOf::At(ArrivalTime(time(text)?)),
        },
    };
    let area = flags.area.as_deref().map(AreaCode::new);
    let known = |area: &AreaCode| profile.areas.contains_key(area) || *area == AreaCode::unassigned();
    if area.as_ref().is_some_and(|area| !known(area)) {
        return Err(Failure::configuration("--area: the profile has no such area"));
    }
    let format = Format::parse(&flags.format);
    Ok(ExportOrder {
        indicator: IndicatorId::new(&flags.indicator),
        area,
        group: flags.group.clone(),
        from: EventTime(time(&flags.from)?),
        to: EventTime(flags.to.as_deref().map_or(Ok(now.0), time)?),
        step: flags.step.clone(),
        as_of,
        format: format.ok_or_else(|| Failure::configuration("--format is csv, xlsx, parquet or geojson"))?,
        now: EventTime(now.0),
    })
}

fn refused(error: nhip_dashboard_api::export::ExportError) -> Failure {
    match error {
        nhip_dashboard_api::export::ExportError::Refused(what) => Failure::configuration(what),
        other => Failure::other(other),
    }
}

/// When something was last said.
struct Progress(Mutex<Instant>);

impl Default for Progress {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Progress {
    fn tell(&self, doing: &str, points: u64) {
        let Ok(mut last) = self.0.lock() else { return };
        if last.elapsed() >= PROGRESS_INTERVAL {
            *last = Instant::now();
            note(&format!("{doing}: {points} points"));
        }
    }
}
