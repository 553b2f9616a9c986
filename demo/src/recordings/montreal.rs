//! City of Montreal: vehicle detectors a minute, UTC. No vehicle means no speed and no gap, although the city
//! writes 0.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use nhip_profile::Profile;
use nhip_proto::{MINUTE, SourceId, StreamId};

use super::Attribution;
use super::plan::{Field, Recorded, Recording};
use super::table::{self, Line};
use crate::DemoError;

const ZONE: &str = "America/Toronto";
const COUNT: &str = "vehicle_count";
const OF_VEHICLES: [&str; 2] = ["vehicle_speed", "vehicle_gap_time"];
const ATTRIBUTION: Attribution = Attribution {
    source: "City of Montreal, Notre-Dame corridor detectors, recorded from mqtt.cgmu.io on 2021-01-08/09",
    licence: "CC BY 4.0 (city open data)",
};

/// All detectors as one recording; none if the profile lists none of them.
pub(super) fn read(directory: &Path, profile: &Profile) -> Result<Option<Recording>, DemoError> {
    let zone = TimeZone::get(ZONE).map_err(|_| DemoError::Configuration(format!("no rules for {ZONE}")))?;
    let mut sources: Vec<(SourceId, u32)> = Vec::new();
    let mut stream: Option<StreamId> = None;
    let mut readings = Vec::new();
    for path in table::find(directory, "montreal_mqtt_detectors_") {
        table::lines(&path, |line| {
            let id = SourceId::new(&format!("mtl-{}", line.text("detector_id")));
            let Some(source) = profile.sources.get(&id) else { return Ok(()) };
            stream = Some(source.stream.clone());
            let at = sources.iter().position(|(known, _)| known == &id).unwrap_or_else(|| {
                sources.push((id, 0));
                sources.len() - 1
            });
            let number = sources.get_mut(at).map_or(0, |(_, numbers)| {
                *numbers += 1;
                *numbers - 1
            });
            let source = u16::try_from(at).map_err(|_| line.wrong("too many detectors"))?;
            let (civil_s, fields) = (civil_s(line, &zone)?, fields(line)?);
            readings.push(Recorded { source, number, civil_s, fields });
            Ok(())
        })?;
    }
    readings.sort_by_key(|reading| (reading.civil_s, reading.source));
    Ok(stream.map(|stream| Recording {
        attribution: ATTRIBUTION,
        stream,
        sources: sources.into_iter().map(|(id, _)| id).collect(),
        readings,
        period: MINUTE,
        stamp_is_start: false,
        protobuf: true,
    }))
}

fn fields(line: &Line<'_>) -> Result<Vec<Field>, DemoError> {
    let number =
        |name| Field::number(name, line.text(name)).ok_or_else(|| line.wrong("a value is no number"));
    let mut fields = vec![number(COUNT)?];
    if line.whole(COUNT)? > 0 {
        for name in OF_VEHICLES {
            fields.push(number(name)?);
        }
    }
    Ok(fields)
}

fn civil_s(line: &Line<'_>, zone: &TimeZone) -> Result<i64, DemoError> {
    let wrong = || line.wrong("a time that is none");
    let civil: DateTime = line.text("create_utc").parse().map_err(|_| wrong())?;
    let stamp = TimeZone::UTC.to_timestamp(civil).map_err(|_| wrong())?;
    Ok(stamp.as_second() + i64::from(zone.to_offset(stamp).seconds()))
}
