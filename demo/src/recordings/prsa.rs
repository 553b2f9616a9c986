//! UCI PRSA: hourly air quality of Beijing stations, local time, `NA` where nothing was measured.

use std::path::Path;

use jiff::civil::DateTime;
use nhip_profile::Profile;
use nhip_proto::{MINUTE, SourceId, Span, StreamId};

use super::Attribution;
use super::plan::{Field, Recorded, Recording};
use super::table::{self, Line};
use crate::DemoError;

const COLUMNS: [(&str, &str); 11] = [
    ("PM2.5", "pm25"),
    ("PM10", "pm10"),
    ("SO2", "so2"),
    ("NO2", "no2"),
    ("CO", "co"),
    ("O3", "o3"),
    ("TEMP", "temperature"),
    ("PRES", "pressure"),
    ("DEWP", "dew_point"),
    ("RAIN", "rain"),
    ("WSPM", "wind_speed"),
];
const WIND: &str = "wind_direction";
const WINDS: [&str; 16] =
    ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"];
const HOUR: Span = 60 * MINUTE;
const ATTRIBUTION: Attribution = Attribution {
    source: "Beijing Multi-Site Air-Quality (Zhang et al. 2017, UCI, doi 10.24432/C5RK5G)",
    licence: "CC BY 4.0",
};

/// All stations as one recording; none if the profile lists none of them.
pub(super) fn read(directory: &Path, profile: &Profile) -> Result<Option<Recording>, DemoError> {
    let mut sources: Vec<SourceId> = Vec::new();
    let mut stream: Option<StreamId> = None;
    let mut readings = Vec::new();
    for path in table::find(directory, "prsa_") {
        let mut numbers = 0;
        table::lines(&path, |line| {
            let id = SourceId::new(&format!("prsa-{}", line.text("station").to_lowercase()));
            let Some(source) = profile.sources.get(&id) else { return Ok(()) };
            let Some(declared) = profile.streams.get(&source.stream) else { return Ok(()) };
            stream = Some(source.stream.clone());
            let at = sources.iter().position(|known| known == &id).unwrap_or_else(|| {
                sources.push(id);
                sources.len() - 1
            });
            let declares =
                |name: &str| declared.quantities.contains_key(name) || declared.states.contains_key(name);
            let fields = fields(line)?.into_iter().filter(|field| declares(field.name())).collect();
            let source = u16::try_from(at).map_err(|_| line.wrong("too many stations"))?;
            readings.push(Recorded { source, number: numbers, civil_s: civil_s(line)?, fields });
            numbers += 1;
            Ok(())
        })?;
    }
    readings.sort_by_key(|reading| (reading.civil_s, reading.source));
    Ok(stream.map(|stream| Recording {
        attribution: ATTRIBUTION,
        stream,
        sources,
        readings,
        period: HOUR,
        stamp_is_start: true,
        protobuf: false,
    }))
}

fn fields(line: &Line<'_>) -> Result<Vec<Field>, DemoError> {
    let mut fields = Vec::with_capacity(COLUMNS.len() + 1);
    for (column, name) in COLUMNS {
        let text = line.text(column);
        fields.push(match text {
            "NA" | "" => Field::Missing { name },
            text => Field::number(name, text).ok_or_else(|| line.wrong("a value is no number"))?,
        });
    }
    if let Some(state) = WINDS.into_iter().find(|wind| *wind == line.text("wd")) {
        fields.push(Field::State { name: WIND, state });
    }
    Ok(fields)
}

fn civil_s(line: &Line<'_>) -> Result<i64, DemoError> {
    let part = |column| {
        let whole = line.whole(column)?;
        i16::try_from(whole).map_err(|_| line.wrong("a date is out of range"))
    };
    let small = |column| i8::try_from(part(column)?).map_err(|_| line.wrong("a date is out of range"));
    let civil = DateTime::new(part("year")?, small("month")?, small("day")?, small("hour")?, 0, 0, 0);
    let civil = civil.map_err(|_| line.wrong("a date that is none"))?;
    let stamp = jiff::tz::TimeZone::UTC.to_timestamp(civil).map_err(|_| line.wrong("a date that is none"))?;
    Ok(stamp.as_second())
}
