//! The room with a deliberate fault, for the harness that must notice it; without the fault, nothing of this acts.

use nhip_engine::{Effects, Engine, EngineError};
use nhip_proto::{ArrivalTime, Logged, Offset, Record, Tick};

use crate::service::Fault;

/// [`Fault::AppliedOffsetOutside`]: offset and state are saved at different moments, so that after a crash the
/// offset belongs to a newer state than the one beside it (etcd 3.5.0 to 3.5.2).
#[derive(Debug)]
pub(crate) struct Mutant {
    older: Option<Vec<u8>>,
}

impl Mutant {
    /// Begins with the state the room began with, unless that knows no profile yet and so nothing to forget.
    pub(crate) fn new(fault: Option<Fault>, engine: &Engine) -> Self {
        Self { older: fault.and(engine.profile_hash()).map(|_| engine.snapshot()) }
    }

    /// The state to save beside the newest offset: the newest one, or with the fault the one before it.
    pub(crate) fn exchange(&mut self, fault: Option<Fault>, bytes: Vec<u8>) -> Vec<u8> {
        match fault {
            Some(Fault::AppliedOffsetOutside) => self.older.replace(bytes.clone()).unwrap_or(bytes),
            None => bytes,
        }
    }

    /// Believes the offset beside the state: everything up to it counts as applied.
    pub(crate) fn skip(engine: &mut Engine, to: Offset) -> Result<(), EngineError> {
        let at = engine.last_tick().unwrap_or(ArrivalTime(0));
        while engine.applied() < to {
            let nothing = Logged { offset: engine.applied(), record: Record::Tick(Tick { at }) };
            engine.apply(&[nothing], &mut Effects::default())?;
        }
        Ok(())
    }
}
