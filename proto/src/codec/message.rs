//! The Message record and its sealed part in bytes.

use super::{CodecError, array, item, wire_record as wire};
use crate::{
    ArrivalTime, Dedication, Message, MessageBody, Rejection, RejectionReason, Sealed, Session, SessionKind,
    SourceId, StreamId,
};

pub(super) fn to_wire(message: &Message) -> wire::Message {
    let (items, rejection) = body_to_wire(&message.body);
    wire::Message {
        arrival_ns: message.arrival.0,
        source: message.source.as_str().to_owned(),
        stream: message.stream.as_str().to_owned(),
        topic: message.topic.clone(),
        dialect: message.dialect.clone(),
        profile_hash: bytes::Bytes::copy_from_slice(&message.profile_hash),
        principal: message.principal.clone(),
        epoch: message.epoch,
        qos: u32::from(message.dedication.qos),
        retain: message.dedication.retain,
        dup: message.dedication.dup,
        partition: u32::from(message.partition),
        items,
        rejection,
        session: message.session.as_ref().map(|session| wire::Session {
            kind: session.kind.code(),
            sequence: session.sequence.map(u32::from),
            birth: session.birth,
            node: session.node.clone(),
        }),
        sealed: message.sealed.as_ref().map(sealed_to_wire),
    }
}

pub(super) fn from_wire(message: wire::Message) -> Result<Message, CodecError> {
    Ok(Message {
        arrival: ArrivalTime(message.arrival_ns),
        source: SourceId::new(&message.source),
        stream: StreamId::new(&message.stream),
        topic: message.topic,
        dialect: message.dialect,
        profile_hash: array("message.profile_hash", &message.profile_hash)?,
        principal: message.principal,
        epoch: message.epoch,
        dedication: Dedication {
            qos: u8::try_from(message.qos).map_err(|_| CodecError::Unknown("message.qos"))?,
            retain: message.retain,
            dup: message.dup,
        },
        partition: u8::try_from(message.partition).map_err(|_| CodecError::Unknown("message.partition"))?,
        body: body_from_wire(message.items, message.rejection)?,
        session: message.session.map(session_from_wire).transpose()?,
        sealed: message.sealed.map(sealed_from_wire).transpose()?,
    })
}

pub(super) fn body_to_wire(body: &MessageBody) -> (Vec<wire::Item>, Option<wire::Rejection>) {
    match body {
        MessageBody::Items(items) => (items.iter().map(item::to_wire).collect(), None),
        MessageBody::Rejected(rejection) => (Vec::new(), Some(rejection_to_wire(rejection))),
    }
}

pub(super) fn body_from_wire(
    items: Vec<wire::Item>,
    rejection: Option<wire::Rejection>,
) -> Result<MessageBody, CodecError> {
    match rejection {
        Some(rejection) => Ok(MessageBody::Rejected(rejection_from_wire(rejection)?)),
        None => Ok(MessageBody::Items(items.into_iter().map(item::from_wire).collect::<Result<_, _>>()?)),
    }
}

pub(super) fn rejection_to_wire(rejection: &Rejection) -> wire::Rejection {
    wire::Rejection {
        reason: rejection.reason.code(),
        field: rejection.field.clone(),
        place: rejection.place,
    }
}

pub(super) fn rejection_from_wire(rejection: wire::Rejection) -> Result<Rejection, CodecError> {
    let reason =
        RejectionReason::from_code(rejection.reason).ok_or(CodecError::Unknown("rejection.reason"))?;
    Ok(Rejection { reason, field: rejection.field, place: rejection.place })
}

fn session_from_wire(session: wire::Session) -> Result<Session, CodecError> {
    let sequence = session.sequence.map(u8::try_from).transpose();
    Ok(Session {
        kind: SessionKind::from_code(session.kind).ok_or(CodecError::Unknown("session.kind"))?,
        sequence: sequence.map_err(|_| CodecError::Unknown("session.sequence"))?,
        birth: session.birth,
        node: session.node,
    })
}

pub(super) fn sealed_to_wire(sealed: &Sealed) -> wire::Sealed {
    wire::Sealed {
        key: sealed.key.clone(),
        nonce: bytes::Bytes::copy_from_slice(&sealed.nonce),
        ciphertext: sealed.ciphertext.clone(),
        payload_hash: bytes::Bytes::copy_from_slice(&sealed.payload_hash),
    }
}

pub(super) fn sealed_from_wire(sealed: wire::Sealed) -> Result<Sealed, CodecError> {
    Ok(Sealed {
        key: sealed.key,
        nonce: array("sealed.nonce", &sealed.nonce)?,
        ciphertext: sealed.ciphertext,
        payload_hash: array("sealed.payload_hash", &sealed.payload_hash)?,
    })
}
