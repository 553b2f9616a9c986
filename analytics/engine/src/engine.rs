//! The engine: records in, rows and screen updates out.

use std::sync::Arc;

use nhip_profile::Profile;
use nhip_proto::{
    ArrivalTime, AreaCode, EventTime, Figure, IndicatorId, LedgerRow, Logged, Offset, Update,
};

use crate::{
    Effects, EngineError, EngineSettings, Explained, RejectionLine, SnapshotError, SourceLine,
};

/// One installation's figures up to one log offset.
pub struct Engine {
    #[expect(dead_code, reason = "threads come with the partitions")]
    settings: EngineSettings,
    applied: Offset,
}

impl Engine {
    /// An engine before the first record.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        Self { settings, applied: Offset(0) }
    }

    /// The engine a snapshot describes.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are damaged, of another version, or hold a profile this version refuses.
    pub fn restore(_bytes: &[u8], _settings: EngineSettings) -> Result<Self, SnapshotError> {
        Err(SnapshotError::Damaged)
    }

    /// The whole state in canonical bytes, with the applied offset inside and a checksum at the end.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// BLAKE3 of the snapshot: equal states have equal digests.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.snapshot()).as_bytes()
    }

    /// The offset after the last applied record.
    #[must_use]
    pub fn applied(&self) -> Offset {
        self.applied
    }

    /// The time of the last Tick.
    #[must_use]
    pub fn last_tick(&self) -> Option<ArrivalTime> {
        None
    }

    /// The hash of the profile now valid.
    #[must_use]
    pub fn profile_hash(&self) -> Option<[u8; 16]> {
        None
    }

    /// The profile now valid.
    #[must_use]
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        None
    }

    /// Applies records that continue the log; appends what follows from them to `effects`.
    ///
    /// # Errors
    /// [`EngineError::Offset`] if the batch does not continue; then nothing was applied.
    pub fn apply(&mut self, batch: &[Logged], _effects: &mut Effects) -> Result<(), EngineError> {
        if let Some(last) = batch.last() {
            self.applied = last.offset.next();
        }
        Ok(())
    }

    /// What screens must learn since the last call.
    pub fn update(&mut self) -> Update {
        self.board()
    }

    /// Everything, for a new screen.
    #[must_use]
    pub fn board(&self) -> Update {
        Update {
            offset: self.applied,
            tick: None,
            profile_changed: false,
            figures: Vec::new(),
            sources: Vec::new(),
            badges: Vec::new(),
        }
    }

    /// The newest figures of an indicator, area or domain, in key order.
    #[must_use]
    pub fn figures(
        &self,
        _indicator: Option<&IndicatorId>,
        _area: Option<&AreaCode>,
        _domain: Option<&str>,
    ) -> Vec<Arc<Figure>> {
        Vec::new()
    }

    /// Why a figure is what it is; `window` none: its newest window.
    #[must_use]
    pub fn explain(
        &self,
        _indicator: &IndicatorId,
        _area: &AreaCode,
        _window: Option<EventTime>,
    ) -> Option<Explained> {
        None
    }

    /// The ledger, in source order.
    #[must_use]
    pub fn ledger(&self) -> Vec<LedgerRow> {
        Vec::new()
    }

    /// The sources, in id order.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceLine> {
        Vec::new()
    }

    /// The newest rejections first.
    #[must_use]
    pub fn rejections(&self, _rows_max: usize) -> Vec<RejectionLine> {
        Vec::new()
    }
}
