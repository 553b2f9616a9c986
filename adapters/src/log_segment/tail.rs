//! The newest groups in memory, bounded, so that a reader at the tail never touches the disk.

use std::collections::VecDeque;
use std::sync::Arc;

use nhip_ports::{LogBatch, ReadLimit};
use nhip_proto::Logged;

/// Groups at least this long are handed out as they are; shorter ones are put together.
const WHOLE_GROUP_RECORDS: usize = 256;

struct Kept {
    first: u64,
    records: LogBatch,
    /// Encoded bytes of each record.
    sizes: Vec<u32>,
    bytes: usize,
}

pub(super) struct Tail {
    groups: VecDeque<Kept>,
    records: usize,
    bytes: usize,
    records_max: usize,
    bytes_max: usize,
}

impl Tail {
    pub(super) fn new(records_max: usize, bytes_max: usize) -> Self {
        Self { groups: VecDeque::new(), records: 0, bytes: 0, records_max, bytes_max }
    }

    pub(super) fn push(&mut self, records: Vec<Logged>, sizes: Vec<u32>) {
        let Some(first) = records.first().map(|logged| logged.offset.0) else { return };
        let bytes = sizes.iter().map(|size| *size as usize).sum();
        self.records += records.len();
        self.bytes += bytes;
        self.groups.push_back(Kept { first, records: Arc::from(records), sizes, bytes });
        // The newest group stays whatever its size: its readers are already waiting.
        while self.groups.len() > 1 && (self.records > self.records_max || self.bytes > self.bytes_max) {
            if let Some(dropped) = self.groups.pop_front() {
                self.records -= dropped.records.len();
                self.bytes -= dropped.bytes;
            }
        }
    }

    /// None: no longer, or not yet, in memory.
    pub(super) fn read(&self, from: u64, limit: ReadLimit) -> Option<LogBatch> {
        let behind = self.groups.partition_point(|kept| kept.first <= from);
        let kept = self.groups.get(behind.checked_sub(1)?)?;
        let skip = usize::try_from(from - kept.first).ok().filter(|skip| *skip < kept.records.len())?;
        let fits = kept.records.len() <= limit.records_max && kept.bytes <= limit.bytes_max;
        let alone = kept.records.len() >= WHOLE_GROUP_RECORDS || behind == self.groups.len();
        if skip == 0 && fits && alone {
            return Some(Arc::clone(&kept.records));
        }
        let (mut gathered, mut bytes) = (Vec::new(), 0_usize);
        let later = self.groups.range(behind - 1..).flat_map(|kept| kept.records.iter().zip(&kept.sizes));
        for (logged, size) in later.skip(skip) {
            bytes = bytes.saturating_add(*size as usize);
            if !gathered.is_empty() && (gathered.len() >= limit.records_max || bytes > limit.bytes_max) {
                break;
            }
            gathered.push(logged.clone());
        }
        Some(Arc::from(gathered))
    }
}
