//! Durable rows in a map.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{Offset, Row};

use crate::{Landing, RowStore, RowStoreError, TickRows};

/// Rows that live as long as the value.
#[derive(Default)]
pub struct MemoryRows(Mutex<State>);

#[derive(Default)]
struct State {
    ticks: BTreeMap<Offset, Vec<Row>>,
    last: Option<Offset>,
    closed: Offset,
}

impl MemoryRows {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All rows, in the order they were known.
    pub(super) fn all(&self) -> Vec<Row> {
        self.state().ticks.values().flatten().cloned().collect()
    }
}

#[async_trait]
impl RowStore for MemoryRows {
    async fn write(&self, tick: Offset, rows: &[Row]) -> Result<(), RowStoreError> {
        let mut state = self.state();
        if state.last.is_none_or(|last| tick > last) {
            let mut rows = rows.to_vec();
            rows.sort_by(|left, right| (&left.key, left.revision).cmp(&(&right.key, right.revision)));
            state.ticks.insert(tick, rows);
            state.last = Some(tick);
        }
        Ok(())
    }

    async fn ticks(&self, from: Offset, to: Offset, rows_max: usize) -> Result<Vec<TickRows>, RowStoreError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let (state, mut found) = (self.state(), 0);
        let with_rows = state.ticks.range(from..to).filter(|(_, rows)| !rows.is_empty());
        let taken = with_rows.take_while(|(_, rows)| {
            let more = found == 0 || found < rows_max;
            found += rows.len();
            more
        });
        Ok(taken.map(|(tick, rows)| (*tick, rows.clone())).collect())
    }

    fn last(&self) -> Option<Offset> {
        self.state().last
    }
}

#[async_trait]
impl Landing for MemoryRows {
    fn closed(&self) -> Offset {
        self.state().closed
    }

    async fn close(&self) -> Result<(), RowStoreError> {
        let mut state = self.state();
        state.closed = state.last.map_or(Offset(0), Offset::next);
        Ok(())
    }

    async fn forget(&self, before: Offset) -> Result<(), RowStoreError> {
        let mut state = self.state();
        let before = before.min(state.closed);
        state.ticks = state.ticks.split_off(&before);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        crate::contract::row_store::all(|| Box::new(MemoryRows::default())).await;
        crate::contract::row_store::landing(|| Box::new(MemoryRows::default())).await;
    }
}
