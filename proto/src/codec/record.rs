//! Records in bytes.

use prost::Message as _;

use super::wire_record::{self as wire, record::Kind};
use super::{CodecError, array, item, message};
use crate::{
    ArrivalTime, Command, Entry, EventTime, Gap, GapCause, IndicatorId, MessageBody, Offset, ProfileText,
    Record, Redecode, Restate, SourceId, StreamId, Tick, ZoneRules,
};

/// Appends the record's bytes to `out`.
pub fn encode_record(record: &Record, out: &mut Vec<u8>) {
    let kind = match record {
        Record::Message(message) => Kind::Message(message::to_wire(message)),
        Record::Tick(tick) => Kind::Tick(wire::Tick { at_ns: tick.at.0 }),
        Record::Profile(profile) => Kind::Profile(profile_to_wire(profile)),
        Record::Command(command) => Kind::Command(command_to_wire(command)),
        Record::Gap(gap) => Kind::Gap(gap_to_wire(gap)),
        Record::Redecode(redecode) => Kind::Redecode(redecode_to_wire(redecode)),
        Record::Restate(restate) => Kind::Restate(restate_to_wire(restate)),
        Record::Entry(entry) => Kind::Entry(entry_to_wire(entry)),
    };
    wire::Record { kind: Some(kind) }.encode_raw(out);
}

/// Reads a record back.
///
/// # Errors
/// [`CodecError`] if the bytes are no record of this version.
pub fn decode_record(bytes: bytes::Bytes) -> Result<Record, CodecError> {
    let kind = wire::Record::decode(bytes)?.kind.ok_or(CodecError::Missing("record.kind"))?;
    Ok(match kind {
        Kind::Message(message) => Record::Message(Box::new(message::from_wire(message)?)),
        Kind::Tick(tick) => Record::Tick(Tick { at: ArrivalTime(tick.at_ns) }),
        Kind::Profile(profile) => Record::Profile(Box::new(profile_from_wire(profile)?)),
        Kind::Command(command) => Record::Command(Box::new(command_from_wire(command)?)),
        Kind::Gap(gap) => Record::Gap(gap_from_wire(gap)?),
        Kind::Redecode(redecode) => Record::Redecode(Box::new(redecode_from_wire(redecode)?)),
        Kind::Restate(restate) => Record::Restate(Box::new(restate_from_wire(restate)?)),
        Kind::Entry(entry) => Record::Entry(Box::new(entry_from_wire(entry)?)),
    })
}

fn profile_to_wire(profile: &ProfileText) -> wire::Profile {
    wire::Profile {
        at_ns: profile.at.0,
        hash: bytes::Bytes::copy_from_slice(&profile.hash),
        semantics: profile.semantics,
        files: profile
            .files
            .iter()
            .map(|(path, text)| wire::ProfileFile { path: path.clone(), text: text.clone() })
            .collect(),
        zones: profile
            .zones
            .iter()
            .map(|zone| wire::ZoneRules { name: zone.name.clone(), tzif: zone.tzif.clone().into() })
            .collect(),
    }
}

fn profile_from_wire(profile: wire::Profile) -> Result<ProfileText, CodecError> {
    let zone = |zone: wire::ZoneRules| ZoneRules { name: zone.name, tzif: zone.tzif.to_vec() };
    Ok(ProfileText {
        at: ArrivalTime(profile.at_ns),
        hash: array("profile.hash", &profile.hash)?,
        semantics: profile.semantics,
        files: profile.files.into_iter().map(|file| (file.path, file.text)).collect(),
        zones: profile.zones.into_iter().map(zone).collect(),
    })
}

fn command_to_wire(command: &Command) -> wire::Command {
    wire::Command {
        at_ns: command.at.0,
        id: command.id.clone(),
        author: command.author.clone(),
        verb: command.verb.clone(),
        subject: command.subject.clone(),
        sealed: command.sealed.as_ref().map(message::sealed_to_wire),
    }
}

fn command_from_wire(command: wire::Command) -> Result<Command, CodecError> {
    Ok(Command {
        at: ArrivalTime(command.at_ns),
        id: command.id,
        author: command.author,
        verb: command.verb,
        subject: command.subject,
        sealed: command.sealed.map(message::sealed_from_wire).transpose()?,
    })
}

fn gap_to_wire(gap: &Gap) -> wire::Gap {
    wire::Gap {
        at_ns: gap.at.0,
        cause: gap.cause.code(),
        from_ns: gap.from.0,
        to_ns: gap.to.0,
        principal: gap.principal.clone(),
        lost: gap.lost,
    }
}

fn gap_from_wire(gap: wire::Gap) -> Result<Gap, CodecError> {
    Ok(Gap {
        at: ArrivalTime(gap.at_ns),
        cause: GapCause::from_code(gap.cause).ok_or(CodecError::Unknown("gap.cause"))?,
        from: ArrivalTime(gap.from_ns),
        to: ArrivalTime(gap.to_ns),
        principal: gap.principal,
        lost: gap.lost,
    })
}

fn redecode_to_wire(redecode: &Redecode) -> wire::Redecode {
    let (items, rejection) = match &redecode.body {
        Ok(items) => (items.iter().map(item::to_wire).collect(), None),
        Err(rejection) => (Vec::new(), Some(message::rejection_to_wire(rejection))),
    };
    wire::Redecode {
        at_ns: redecode.at.0,
        original: redecode.original.0,
        profile_hash: bytes::Bytes::copy_from_slice(&redecode.profile_hash),
        dialect: redecode.dialect.clone(),
        items,
        rejection,
        source: redecode.source.as_str().to_owned(),
        stream: redecode.stream.as_str().to_owned(),
    }
}

fn redecode_from_wire(redecode: wire::Redecode) -> Result<Redecode, CodecError> {
    Ok(Redecode {
        at: ArrivalTime(redecode.at_ns),
        original: Offset(redecode.original),
        profile_hash: array("redecode.profile_hash", &redecode.profile_hash)?,
        dialect: redecode.dialect,
        body: match message::body_from_wire(redecode.items, redecode.rejection)? {
            MessageBody::Items(items) => Ok(items),
            MessageBody::Rejected(rejection) => Err(rejection),
        },
        source: SourceId::new(&redecode.source),
        stream: StreamId::new(&redecode.stream),
    })
}

fn restate_to_wire(restate: &Restate) -> wire::Restate {
    wire::Restate {
        at_ns: restate.at.0,
        indicator: restate.indicator.as_str().to_owned(),
        from_ns: restate.from.0,
        to_ns: restate.to.0,
        reason: restate.reason.clone(),
        author: restate.author.clone(),
        computed_to: restate.computed_to.0,
        rows_digest: bytes::Bytes::copy_from_slice(&restate.rows_digest),
    }
}

fn restate_from_wire(restate: wire::Restate) -> Result<Restate, CodecError> {
    Ok(Restate {
        at: ArrivalTime(restate.at_ns),
        indicator: IndicatorId::new(&restate.indicator),
        from: EventTime(restate.from_ns),
        to: EventTime(restate.to_ns),
        reason: restate.reason,
        author: restate.author,
        computed_to: Offset(restate.computed_to),
        rows_digest: array("restate.rows_digest", &restate.rows_digest)?,
    })
}

fn entry_to_wire(entry: &Entry) -> wire::Entry {
    wire::Entry {
        at_ns: entry.at.0,
        author: entry.author.clone(),
        stream: entry.stream.clone(),
        subject: entry.subject.clone(),
        items: entry.items.iter().map(item::to_wire).collect(),
        sealed: entry.sealed.as_ref().map(message::sealed_to_wire),
    }
}

fn entry_from_wire(entry: wire::Entry) -> Result<Entry, CodecError> {
    Ok(Entry {
        at: ArrivalTime(entry.at_ns),
        author: entry.author,
        stream: entry.stream,
        subject: entry.subject,
        items: entry.items.into_iter().map(item::from_wire).collect::<Result<_, _>>()?,
        sealed: entry.sealed.map(message::sealed_from_wire).transpose()?,
    })
}
