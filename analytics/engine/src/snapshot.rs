//! The whole state in canonical bytes: magic, format, semantics, body, BLAKE3 of all before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nhip_profile::Profile;
use nhip_proto::{
    ArrivalTime, Badge, IndicatorId, ItemFlags, ItemReason, LedgerCounts, Level, Offset, ProfileText,
    RejectionReason, RowState, Share, SourceId, StreamId, ZoneRules, partition_of,
};

use crate::admit::Refused;
use crate::adopt::{Edition, RetiredDefinition};
use crate::badge::{Glance, Group};
use crate::cell::{Cell, Extra, Written};
use crate::engine::OtherRecords;
use crate::lane::Lane;
use crate::pack::{Input, Pack, pack_fields};
use crate::plan::SeriesKey;
use crate::pulse::{Counts, Pulse};
use crate::reports::Reports;
use crate::seen::Seen;
use crate::series::{Sample, Series};
use crate::session::{Meaning, Node, Nodes};
use crate::source::Source;
use crate::table::Words;
use crate::{Engine, EngineSettings, SEMANTICS, SnapshotError};

const MAGIC: &[u8; 8] = b"NHIPSNAP";
/// The format of the bytes; a reader of version N will read N−1 where both have the same semantics.
const FORMAT: u32 = 3;
const CHECKSUM: usize = 32;

impl Engine {
    /// The whole state in canonical bytes, with the applied offset inside and a checksum at the end.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT.to_be_bytes());
        out.extend_from_slice(&SEMANTICS.to_be_bytes());
        self.pack(&mut out);
        let checksum = blake3::hash(&out);
        out.extend_from_slice(checksum.as_bytes());
        out
    }

    /// BLAKE3 of the snapshot: equal states have equal digests.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.snapshot()).as_bytes()
    }

    /// The engine a snapshot describes.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are damaged, of another version, or hold a profile this version refuses.
    pub fn restore(bytes: &[u8], settings: EngineSettings) -> Result<Self, SnapshotError> {
        Self::restore_with(bytes, Self::new(settings))
    }

    /// As [`Self::restore`], reading profiles in another way.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn restore_with_loader(
        bytes: &[u8],
        settings: EngineSettings,
        loader: impl Fn(&ProfileText) -> Option<Profile> + Send + Sync + 'static,
    ) -> Result<Self, SnapshotError> {
        Self::restore_with(bytes, Self::with(settings, Arc::new(loader)))
    }

    fn restore_with(bytes: &[u8], mut engine: Self) -> Result<Self, SnapshotError> {
        let body = checked(bytes)?;
        engine.unpack(&mut Input::new(body))?;
        Ok(engine)
    }

    fn pack(&self, out: &mut Vec<u8>) {
        self.applied.0.pack(out);
        self.rows_chain.pack(out);
        self.tick.map(|(offset, at)| (offset.0, at)).pack(out);
        self.gap.pack(out);
        self.others.pack(out);
        self.profile_offset.0.pack(out);
        let texts: Vec<Edited> =
            self.editions.iter().map(|edition| Edited(edition.text.as_ref().clone())).collect();
        texts.pack(out);
        self.from.pack(out);
        self.retired.pack(out);
        self.words.pack(out);
        self.areas.pack(out);
        (self.homes.len() as u64).pack(out);
        self.all_sources().for_each(|source| source.pack(out));
        self.nodes.pack(out);
        (self.board.lanes.len() as u64).pack(out);
        for lanes in &self.board.lanes {
            let used: Vec<(u32, &Lane)> = (0..).zip(lanes).filter(|(_, lane)| lane.is_used()).collect();
            (used.len() as u64).pack(out);
            for (area, lane) in used {
                area.pack(out);
                lane.pack(out);
            }
        }
        self.glance.pack(out);
        self.refused.pack(out);
        self.amends.pack(out);
    }

    fn unpack(&mut self, input: &mut Input<'_>) -> Result<(), SnapshotError> {
        self.applied = Offset(Pack::unpack(input)?);
        self.rows_chain = Pack::unpack(input)?;
        self.tick = Option::<(u64, i64)>::unpack(input)?.map(|(offset, at)| (Offset(offset), at));
        self.gap = Pack::unpack(input)?;
        self.others = Pack::unpack(input)?;
        self.profile_offset = Offset(Pack::unpack(input)?);
        for Edited(text) in Vec::<Edited>::unpack(input)? {
            let profile = (self.loader)(&text).ok_or(SnapshotError::Profile)?;
            self.editions.push(Edition { text: Arc::new(text), profile: Arc::new(profile) });
        }
        self.from = Pack::unpack(input)?;
        self.retired = Pack::unpack(input)?;
        self.words = Pack::unpack(input)?;
        self.areas = Pack::unpack(input)?;
        let sources = u64::unpack(input)?;
        for number in 0..sources {
            let source = Source { number: number as u32, ..Pack::unpack(input)? };
            if source.typed {
                self.typed.insert(source.number);
            }
            self.put_source(partition_of(&source.id), source);
        }
        self.nodes = Pack::unpack(input)?;
        self.unpack_lanes(input)?;
        self.glance = Pack::unpack(input)?;
        self.refused = Pack::unpack(input)?;
        self.amends = Pack::unpack(input)?;
        if !input.is_empty() {
            return Err(SnapshotError::Damaged);
        }
        self.compile();
        self.find_owners();
        Ok(())
    }

    fn unpack_lanes(&mut self, input: &mut Input<'_>) -> Result<(), SnapshotError> {
        for _ in 0..u64::unpack(input)? {
            let mut lanes = Vec::new();
            for _ in 0..u64::unpack(input)? {
                let area = u32::unpack(input)? as usize;
                if area >= self.areas.texts().len() || area < lanes.len() {
                    return Err(SnapshotError::Damaged);
                }
                lanes.resize_with(area, Lane::default);
                lanes.push(Lane::unpack(input)?);
            }
            self.board.lanes.push(lanes);
        }
        Ok(())
    }
}

fn checked(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let end = bytes.len().checked_sub(CHECKSUM).ok_or(SnapshotError::Damaged)?;
    let (body, checksum) = bytes.split_at_checked(end).ok_or(SnapshotError::Damaged)?;
    let rest = body.strip_prefix(MAGIC.as_slice()).ok_or(SnapshotError::Damaged)?;
    if blake3::hash(body).as_bytes() != checksum {
        return Err(SnapshotError::Checksum);
    }
    let (format, rest) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Damaged)?;
    let (semantics, rest) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Damaged)?;
    for (found, known) in [(u32::from_be_bytes(*format), FORMAT), (u32::from_be_bytes(*semantics), SEMANTICS)]
    {
        if found != known {
            return Err(SnapshotError::Version(found));
        }
    }
    Ok(rest)
}

/// A profile text in a snapshot.
struct Edited(ProfileText);

impl Pack for Edited {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.at.0.pack(out);
        self.0.hash.pack(out);
        self.0.semantics.pack(out);
        self.0.files.pack(out);
        (self.0.zones.len() as u64).pack(out);
        for zone in &self.0.zones {
            zone.name.pack(out);
            (zone.tzif.len() as u64).pack(out);
            out.extend_from_slice(&zone.tzif);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let (at, hash, semantics) = (Pack::unpack(input)?, Pack::unpack(input)?, Pack::unpack(input)?);
        let files = Pack::unpack(input)?;
        let mut zones = Vec::new();
        for _ in 0..u64::unpack(input)? {
            let name = String::unpack(input)?;
            let length = usize::try_from(u64::unpack(input)?).map_err(|_| SnapshotError::Damaged)?;
            zones.push(ZoneRules { name, tzif: input.take(length)?.to_vec() });
        }
        Ok(Self(ProfileText { at: ArrivalTime(at), hash, semantics, files, zones }))
    }
}

impl Pack for Words {
    fn pack(&self, out: &mut Vec<u8>) {
        let texts: Vec<String> = self.texts().map(str::to_owned).collect();
        texts.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let mut words = Self::default();
        for text in Vec::<String>::unpack(input)? {
            words.intern(&text);
        }
        Ok(words)
    }
}

impl Pack for Source {
    fn pack(&self, out: &mut Vec<u8>) {
        self.id.as_str().to_owned().pack(out);
        self.stream.as_str().to_owned().pack(out);
        self.counts.pack(out);
        (self.greatest, self.arrival, self.admitted, self.since).pack(out);
        let seen: Vec<&(u32, Seen)> = self.seen.iter().filter(|(_, seen)| !seen.is_empty()).collect();
        (seen.len() as u64).pack(out);
        for (word, seen) in seen {
            word.pack(out);
            seen.timed.pack(out);
            seen.keyed.pack(out);
        }
        let series: Vec<_> = self.series.iter().filter(|(_, series)| !series.samples.is_empty()).collect();
        (series.len() as u64).pack(out);
        for (key, series) in series {
            key.pack(out);
            series.samples.pack(out);
        }
        self.pulse.pack(out);
        self.reports.pack(out);
        // Sources without cases and statistics keep the bytes they always had.
        let statistics = !self.statistics.is_empty();
        let more = [(self.cases.is_some(), 2), (statistics, 4), (self.typed, 8)];
        let flags =
            more.iter().filter(|(has, _)| *has).fold(u8::from(self.live), |flags, (_, bit)| flags | bit);
        flags.pack(out);
        self.cases.iter().for_each(|cases| cases.pack(out));
        if statistics {
            self.statistics.pack(out);
        }
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let (id, stream) = (String::unpack(input)?, String::unpack(input)?);
        let mut source = Self::new(0, SourceId::new(&id), StreamId::new(&stream), 0);
        source.counts = Pack::unpack(input)?;
        (source.greatest, source.arrival, source.admitted, source.since) = Pack::unpack(input)?;
        for _ in 0..u64::unpack(input)? {
            let word = u32::unpack(input)?;
            let timed = Vec::<(i64, u64)>::unpack(input)?;
            source.seen.push((word, Seen::recall(timed, BTreeMap::unpack(input)?)));
        }
        for _ in 0..u64::unpack(input)? {
            let key = Pack::unpack(input)?;
            source.series.push((key, Series { samples: Pack::unpack(input)? }));
        }
        source.pulse = Pack::unpack(input)?;
        source.reports = Pack::unpack(input)?;
        let flags = u8::unpack(input)?;
        if flags > 15 {
            return Err(SnapshotError::Damaged);
        }
        (source.live, source.typed) = (flags & 1 != 0, flags & 8 != 0);
        source.cases = (flags & 2 != 0).then(|| Pack::unpack(input)).transpose()?;
        if flags & 4 != 0 {
            source.statistics = Pack::unpack(input)?;
        }
        source.changed = false;
        Ok(source)
    }
}

impl Pack for Pulse {
    fn pack(&self, out: &mut Vec<u8>) {
        self.newest.pack(out);
        self.ring.iter().for_each(|counts| counts.pack(out));
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let mut pulse = Self { newest: Pack::unpack(input)?, ..Self::default() };
        for counts in &mut pulse.ring {
            *counts = Pack::unpack(input)?;
        }
        pulse.index();
        Ok(pulse)
    }
}

impl Pack for LedgerCounts {
    fn pack(&self, out: &mut Vec<u8>) {
        let parts = [self.received, self.decoded, self.rejected, self.items, self.applied, self.duplicate];
        let rest = [self.conflicting, self.late, self.item_rejected, self.superseded, self.best_effort];
        parts
            .iter()
            .chain(&rest)
            .chain(&self.message_reasons)
            .chain(&self.item_reasons)
            .for_each(|count| count.pack(out));
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let mut counts = Self {
            received: Pack::unpack(input)?,
            decoded: Pack::unpack(input)?,
            rejected: Pack::unpack(input)?,
            items: Pack::unpack(input)?,
            applied: Pack::unpack(input)?,
            duplicate: Pack::unpack(input)?,
            conflicting: Pack::unpack(input)?,
            late: Pack::unpack(input)?,
            item_rejected: Pack::unpack(input)?,
            superseded: Pack::unpack(input)?,
            best_effort: Pack::unpack(input)?,
            ..Self::default()
        };
        for count in counts.message_reasons.iter_mut().chain(&mut counts.item_reasons) {
            *count = Pack::unpack(input)?;
        }
        Ok(counts)
    }
}

impl Pack for Lane {
    fn pack(&self, out: &mut Vec<u8>) {
        self.watermark.pack(out);
        self.carried.code().pack(out);
        self.cells.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let (watermark, carried) = (Pack::unpack(input)?, level(input)?);
        Ok(Self { watermark, carried, cells: Pack::unpack(input)?, ..Self::default() })
    }
}

impl Pack for Written {
    fn pack(&self, out: &mut Vec<u8>) {
        self.dirty.pack(out);
        self.revision.pack(out);
        self.state.map_or(0, RowState::code).pack(out);
        self.at.pack(out);
        self.level.code().pack(out);
        self.essence.pack(out);
        self.value.pack(out);
        self.cause.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(Self {
            dirty: Pack::unpack(input)?,
            revision: Pack::unpack(input)?,
            state: RowState::from_code(Pack::unpack(input)?),
            at: Pack::unpack(input)?,
            level: level(input)?,
            essence: Pack::unpack(input)?,
            value: Pack::unpack(input)?,
            cause: Pack::unpack(input)?,
        })
    }
}

fn level(input: &mut Input<'_>) -> Result<Level, SnapshotError> {
    Level::from_code(Pack::unpack(input)?).ok_or(SnapshotError::Damaged)
}

impl Pack for Refused {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.offset, self.place, self.arrival, self.source).pack(out);
        self.reason.is_ok().pack(out);
        self.reason.map_or_else(ItemReason::code, RejectionReason::code).pack(out);
        self.field.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let (offset, place, arrival, source) = Pack::unpack(input)?;
        let (whole, code) = (bool::unpack(input)?, u32::unpack(input)?);
        let message = || RejectionReason::from_code(code).map(Ok);
        let item = || ItemReason::from_code(code).map(Err);
        let reason = if whole { message() } else { item() }.ok_or(SnapshotError::Damaged)?;
        Ok(Self { offset, place, arrival, source, reason, field: Pack::unpack(input)? })
    }
}

impl Pack for Share {
    fn pack(&self, out: &mut Vec<u8>) {
        (self.numerator, self.denominator).pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        let (numerator, denominator) = Pack::unpack(input)?;
        Self::of(numerator, denominator).ok_or(SnapshotError::Damaged)
    }
}

impl Pack for ItemFlags {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(Self(Pack::unpack(input)?))
    }
}

impl Pack for IndicatorId {
    fn pack(&self, out: &mut Vec<u8>) {
        self.as_str().to_owned().pack(out);
    }

    fn unpack(input: &mut Input<'_>) -> Result<Self, SnapshotError> {
        Ok(Self::new(&String::unpack(input)?))
    }
}

pack_fields!(Badge { dung, du, sach, song });
pack_fields!(Cell {
    start,
    end,
    above,
    below,
    readings,
    sources,
    extra,
    first,
    last,
    samples,
    time,
    changed,
    written
});
pack_fields!(Counts { readings, judged, unclean });
pack_fields!(Extra { ones, ahead, waiting, histogram, distinct });
pack_fields!(Glance { groups, badges });
pack_fields!(Group {
    due,
    live,
    alive_due,
    heard,
    heard_due,
    rate,
    readings,
    expected,
    judged,
    unclean,
    watermark
});
pack_fields!(Meaning { word, width });
pack_fields!(Node { birth, online, sequence, aliases, widths, sources, asked });
pack_fields!(Nodes { nodes });
pack_fields!(OtherRecords { commands, redecodes, restates, entries, gaps, profiles_refused });
pack_fields!(Reports { newest, made, timely });
pack_fields!(RetiredDefinition { edition, indicator, from, to });
pack_fields!(Sample { time, sequence, value, until, instant, area, lane });
pack_fields!(Series { samples });
pack_fields!(SeriesKey { name, hash, group });
