//! Durable rows in a map.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{Offset, Row};

use crate::{RowStore, RowStoreError};

/// Rows that live as long as the value.
#[derive(Default)]
pub struct MemoryRows(Mutex<BTreeMap<Offset, Vec<Row>>>);

impl MemoryRows {
    fn ticks(&self) -> MutexGuard<'_, BTreeMap<Offset, Vec<Row>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RowStore for MemoryRows {
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError> {
        if self.last().is_none_or(|last| tick > last) {
            let mut rows = rows.to_vec();
            rows.sort_by(|left, right| (&left.key, left.revision).cmp(&(&right.key, right.revision)));
            self.ticks().insert(tick, rows);
        }
        Ok(())
    }

    async fn read(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<Row>, RowStoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let ticks = self.ticks();
        Ok(ticks.range(from..to).flat_map(|(_, rows)| rows).take(rows_max).cloned().collect())
    }

    fn last(&self) -> Option<Offset> {
        self.ticks().last_key_value().map(|(tick, _)| *tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        crate::contract::row_store::all(|| Box::new(MemoryRows::default())).await;
    }
}
