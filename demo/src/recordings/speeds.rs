//! METR-LA: a column of speeds per loop detector, a line every five minutes from 2012-03-01 00:00 local time.

use std::path::Path;

use nhip_profile::Profile;
use nhip_proto::{MINUTE, SECOND, SourceId, Span, StreamId};

use super::Attribution;
use super::plan::{Field, Recorded, Recording};
use super::table;
use crate::DemoError;

/// 2012-03-01T00:00 as if it were UTC.
const START_S: i64 = 1_330_560_000;
const PERIOD: Span = 5 * MINUTE;
const NAME: &str = "link_speed";
const ATTRIBUTION: Attribution = Attribution {
    source: "METR-LA loop detectors (Jagadish et al. 2014), week of 2012-03-01, as published with T-GCN",
    licence: "CC BY 4.0 (Zenodo 5146275), MIT (T-GCN)",
};

/// The detectors the profile lists as one recording; none if it lists none.
pub(super) fn read(directory: &Path, profile: &Profile) -> Result<Option<Recording>, DemoError> {
    let mut sources: Vec<SourceId> = Vec::new();
    let mut stream: Option<StreamId> = None;
    let mut readings = Vec::new();
    for path in table::find(directory, "metr_la_speed_") {
        let mut row: u32 = 0;
        table::lines(&path, |line| {
            for (sensor, text) in line.entries() {
                let id = SourceId::new(&format!("metr-{sensor}"));
                let Some(listed) = profile.sources.get(&id) else { continue };
                stream = Some(listed.stream.clone());
                let at = sources.iter().position(|known| known == &id).unwrap_or_else(|| {
                    sources.push(id);
                    sources.len() - 1
                });
                let source = u16::try_from(at).map_err(|_| line.wrong("too many detectors"))?;
                let field = Field::number(NAME, text).ok_or_else(|| line.wrong("a speed is no number"))?;
                let civil_s = START_S + i64::from(row) * (PERIOD / SECOND);
                readings.push(Recorded { source, number: row, civil_s, fields: vec![field] });
            }
            row += 1;
            Ok(())
        })?;
    }
    Ok(stream.map(|stream| Recording {
        attribution: ATTRIBUTION,
        stream,
        sources,
        readings,
        period: PERIOD,
        stamp_is_start: true,
        protobuf: true,
    }))
}
