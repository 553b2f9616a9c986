//! Figures of the past for other programs: CSV, XLSX, Parquet, GeoJSON, written piece by piece.

mod csv;
mod geojson;
mod table;
mod xlsx;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use nhip_ports::{AsOf, History, HistoryError, SeriesKey, SeriesQuery};
use nhip_profile::{Indicator, Profile};
use nhip_proto::{AreaCode, EventTime, IndicatorId, Row};
use thiserror::Error;
use tokio::sync::mpsc;

use crate::past::{PastError, Point, Step, Stretch, step_of};
use table::Line;
use xlsx::Sheet;

/// Pieces on their way to whoever reads them; more wait.
pub const PIECES_QUEUED_MAX: usize = 4;
/// Points read at a time.
const POINTS_READ_MAX: usize = 2_000;
/// Series of one export.
const SERIES_MAX: usize = 2_000;
/// Windows of all series of one export.
const WINDOWS_MAX: i64 = 5_000_000;
/// Rows of one Parquet file, which is made in memory.
const PARQUET_ROWS_MAX: usize = 100_000;

/// Names and values that say what a file is.
pub type About = Vec<(String, String)>;
/// Makes a Parquet file of rows, with what it is in its metadata.
pub type ParquetOf = Arc<dyn Fn(Vec<Row>, About) -> io::Result<Vec<u8>> + Send + Sync>;

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with lines that say what it is before the header.
    Csv,
    /// The same lines as one sheet.
    Xlsx,
    /// Whole rows, as the store keeps them.
    Parquet,
    /// Areas with their points.
    GeoJson,
}

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct ExportOrder {
    /// The indicator.
    pub indicator: IndicatorId,
    /// Only this area; none: every area that has figures.
    pub area: Option<AreaCode>,
    /// The group; empty: areas as a whole.
    pub group: String,
    /// Windows that start here or later …
    pub from: EventTime,
    /// … and before.
    pub to: EventTime,
    /// `window`, `hour`, `day` or `month`.
    pub step: String,
    /// Whose knowledge.
    pub as_of: AsOf,
    /// The file.
    pub format: Format,
    /// Windows that end later are not due yet.
    pub now: EventTime,
}

/// Why there is no file, or no more of it.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The order is beyond a bound or has no answer.
    #[error("{0}")]
    Refused(&'static str),
    /// The store has none.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The file cannot be made.
    #[error("export: {0}")]
    Io(#[from] io::Error),
    /// Nobody reads it any more.
    #[error("nobody reads the export any more")]
    Gone,
}

impl From<PastError> for ExportError {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Refused(detail) => Self::Refused(detail),
            PastError::History(error) => Self::History(error),
        }
    }
}

impl Format {
    /// `csv`, `xlsx`, `parquet` or `geojson`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            "parquet" => Some(Self::Parquet),
            "geojson" => Some(Self::GeoJson),
            _ => None,
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::GeoJson => "application/geo+json",
        }
    }
}

/// An order that was checked and counted: what the first lines say.
#[derive(Debug)]
pub struct Export {
    order: ExportOrder,
    series: Vec<SeriesKey>,
    counts: Counts,
}

/// How complete the points are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    points: u64,
    with_value: u64,
    k: u64,
    m: u64,
}

/// Where pieces go.
pub type Pieces = mpsc::Sender<io::Result<Bytes>>;

impl Export {
    /// Checks an order and counts what it comes to; `progress` is told how many points were looked at.
    ///
    /// # Errors
    /// [`ExportError`] if it is refused or the store has no answer.
    pub async fn prepare(
        profile: &Profile,
        history: &dyn History,
        order: ExportOrder,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Self, ExportError> {
        let indicator = indicator_of(profile, &order)?;
        let period = indicator.window.period();
        let mut series = history.series_of(order.indicator.clone()).await?;
        series.retain(|key| {
            key.period == period
                && key.group == order.group
                && order.area.as_ref().is_none_or(|area| *area == key.area)
        });
        let windows = order.to.since(order.from) / indicator.window.spacing();
        if series.len() > SERIES_MAX || windows.saturating_mul(series.len() as i64) > WINDOWS_MAX {
            return Err(ExportError::Refused(
                "an export has at most 2,000 series and 5,000,000 windows: narrow it",
            ));
        }
        if order.format == Format::Parquet && order.step != "window" {
            return Err(ExportError::Refused("Parquet holds the rows of windows: step is window"));
        }
        let mut export = Self { order, series: Vec::new(), counts: Counts::default() };
        // Also of no series: the range and the step are checked.
        let any = SeriesKey {
            indicator: indicator.id.clone(),
            area: AreaCode::unassigned(),
            group: String::new(),
            period,
        };
        export.stretch(profile, any)?;
        export.series = series;
        let mut counts = Counts::default();
        for key in &export.series {
            let stretch = export.stretch(profile, key.clone())?;
            let mut from = Some(stretch.from);
            while let Some(at) = from {
                let (points, next) = stretch.points(history, at, POINTS_READ_MAX).await?;
                points.iter().for_each(|point| counts.add(point));
                progress(counts.points);
                from = next;
            }
        }
        export.counts = counts;
        Ok(export)
    }

    /// Writes the file, piece by piece.
    ///
    /// # Errors
    /// [`ExportError`] if the store has no answer or nobody reads the pieces.
    pub async fn write(
        &self,
        profile: &Profile,
        history: &dyn History,
        parquet: &ParquetOf,
        out: &Pieces,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), ExportError> {
        let indicator = indicator_of(profile, &self.order)?;
        if self.order.format == Format::Parquet {
            let about = table::about(profile, indicator, &self.order, self.counts);
            let about = about.into_iter().map(|(name, value)| (format!("nhip.{name}"), value.into_owned()));
            return self.write_parquet(history, (parquet, about.collect()), out).await;
        }
        let mut file = TextFile::begin(self.order.format)?;
        send(out, file.head(profile, indicator, self)?).await?;
        let mut written = 0;
        for (number, key) in self.series.iter().enumerate() {
            let stretch = self.stretch(profile, key.clone())?;
            send(out, file.series_head(profile, key, number > 0)).await?;
            let (mut from, mut first) = (Some(stretch.from), true);
            while let Some(at) = from {
                let (points, next) = stretch.points(history, at, POINTS_READ_MAX).await?;
                send(out, file.points(profile, indicator, key, &points, first)?).await?;
                written += points.len() as u64;
                progress(written);
                (from, first) = (next, first && points.is_empty());
            }
            send(out, file.series_end()).await?;
        }
        send(out, file.end()?).await
    }

    async fn write_parquet(
        &self,
        history: &dyn History,
        (parquet, about): (&ParquetOf, About),
        out: &Pieces,
    ) -> Result<(), ExportError> {
        let mut rows = Vec::new();
        for series in &self.series {
            let windows_max = PARQUET_ROWS_MAX + 1 - rows.len();
            let ExportOrder { from, to, as_of, .. } = self.order;
            let query = SeriesQuery { series: series.clone(), from, to, as_of, windows_max };
            rows.extend(history.series(query).await?);
            if rows.len() > PARQUET_ROWS_MAX {
                return Err(ExportError::Refused("a Parquet export has at most 100,000 rows: narrow it"));
            }
        }
        let parquet = Arc::clone(parquet);
        let made =
            tokio::task::spawn_blocking(move || parquet(rows, about)).await.map_err(io::Error::other)??;
        out.send(Ok(Bytes::from(made))).await.map_err(|_| ExportError::Gone)
    }

    /// Whether the file holds it, as far as is known before it is made.
    ///
    /// # Errors
    /// [`ExportError::Refused`] if it does not.
    pub fn fits(&self) -> Result<(), ExportError> {
        match self.order.format {
            Format::Parquet if self.counts.points > PARQUET_ROWS_MAX as u64 => {
                Err(ExportError::Refused("a Parquet export has at most 100,000 rows: narrow it"))
            }
            Format::Xlsx if self.counts.points > xlsx::SHEET_POINTS_MAX => {
                Err(ExportError::Refused("a sheet has at most 1,000,000 points: narrow it, or take csv"))
            }
            _ => Ok(()),
        }
    }

    fn stretch<'a>(&self, profile: &'a Profile, series: SeriesKey) -> Result<Stretch<'a>, ExportError> {
        let ExportOrder { from, to, as_of, now, .. } = self.order;
        let indicator = indicator_of(profile, &self.order)?;
        let step: Step = step_of(&self.order.step)?;
        Ok(Stretch { profile, indicator, series, from, to, as_of, step, now }.checked()?)
    }
}

impl Counts {
    fn add(&mut self, point: &Point) {
        self.points += 1;
        self.with_value += u64::from(point.value.is_some());
        self.k += u64::from(point.k);
        self.m += u64::from(point.m);
    }
}

fn indicator_of<'a>(profile: &'a Profile, order: &ExportOrder) -> Result<&'a Indicator, ExportError> {
    let indicator = profile.indicators.get(&order.indicator);
    indicator.ok_or(ExportError::Refused("the profile has no such indicator"))
}

/// A file of lines or areas being written.
enum TextFile {
    Csv,
    Xlsx(Box<Sheet>),
    GeoJson,
}

impl TextFile {
    fn begin(format: Format) -> io::Result<Self> {
        Ok(match format {
            Format::Xlsx => Self::Xlsx(Box::new(Sheet::begin()?)),
            Format::GeoJson => Self::GeoJson,
            Format::Csv | Format::Parquet => Self::Csv,
        })
    }

    fn head(&mut self, profile: &Profile, indicator: &Indicator, export: &Export) -> io::Result<Vec<u8>> {
        if let Self::GeoJson = self {
            return Ok(geojson::head(profile, indicator, &export.order).into_bytes());
        }
        self.lines(&table::head(profile, indicator, &export.order, export.counts))
    }

    fn series_head(&self, profile: &Profile, key: &SeriesKey, more: bool) -> Vec<u8> {
        match self {
            Self::GeoJson => geojson::feature_head(profile, key, more).into_bytes(),
            Self::Csv | Self::Xlsx(_) => Vec::new(),
        }
    }

    fn points(
        &mut self,
        profile: &Profile,
        indicator: &Indicator,
        key: &SeriesKey,
        points: &[Point],
        first: bool,
    ) -> io::Result<Vec<u8>> {
        if let Self::GeoJson = self {
            return Ok(geojson::points(profile, points, first).into_bytes());
        }
        let lines: Vec<Line<'_>> =
            points.iter().map(|point| table::line(profile, indicator, key, point)).collect();
        self.lines(&lines)
    }

    fn lines(&mut self, lines: &[Line<'_>]) -> io::Result<Vec<u8>> {
        if let Self::Xlsx(sheet) = self {
            lines.iter().try_for_each(|line| sheet.line(line))?;
            return Ok(sheet.taken());
        }
        let mut text = String::new();
        lines.iter().for_each(|line| csv::write(&mut text, line));
        Ok(text.into_bytes())
    }

    fn series_end(&self) -> Vec<u8> {
        if let Self::GeoJson = self { geojson::FEATURE_END.into() } else { Vec::new() }
    }

    fn end(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Csv => Ok(Vec::new()),
            Self::Xlsx(sheet) => sheet.end(),
            Self::GeoJson => Ok(geojson::END.into()),
        }
    }
}

async fn send(out: &Pieces, piece: Vec<u8>) -> Result<(), ExportError> {
    if piece.is_empty() {
        return Ok(());
    }
    out.send(Ok(Bytes::from(piece))).await.map_err(|_| ExportError::Gone)
}
