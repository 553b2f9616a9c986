//! A sink that keeps what it was told, fails as it is told to, and a position beside it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use nhip_proto::{FigureKey, Row};

use crate::{PositionError, SeriesSink, SinkError, SinkPosition, SinkPositions};

/// The newest row of every figure.
#[derive(Default)]
pub struct MemorySink(Mutex<Told>);

#[derive(Default)]
struct Told {
    stands: BTreeMap<FigureKey, Row>,
    batches: Vec<Vec<Row>>,
    failures: VecDeque<SinkError>,
    poison: Option<String>,
}

impl MemorySink {
    /// The next writes fail so, one each, after half of the batch has been taken.
    pub fn fail(&self, failures: impl IntoIterator<Item = SinkError>) {
        self.told().failures.extend(failures);
    }

    /// Batches with a row of this indicator are refused.
    pub fn refuse(&self, indicator: &str) {
        self.told().poison = Some(indicator.to_owned());
    }

    /// What stands, by figure.
    #[must_use]
    pub fn stands(&self) -> Vec<Row> {
        self.told().stands.values().cloned().collect()
    }

    /// Every attempt, taken or not.
    #[must_use]
    pub fn attempts(&self) -> Vec<Vec<Row>> {
        self.told().batches.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn take(&mut self, rows: &[Row]) {
        let mut newest: BTreeMap<&FigureKey, &Row> = BTreeMap::new();
        for row in rows {
            let known = newest.entry(&row.key).or_insert(row);
            if row.revision >= known.revision {
                *known = row;
            }
        }
        self.stands.extend(newest.into_iter().map(|(key, row)| (key.clone(), row.clone())));
    }
}

#[async_trait]
impl SeriesSink for MemorySink {
    async fn write(&self, rows: &[Row]) -> Result<(), SinkError> {
        let mut told = self.told();
        told.batches.push(rows.to_vec());
        if let Some(failure) = told.failures.pop_front() {
            told.take(rows.get(..rows.len() / 2).unwrap_or_default());
            return Err(failure);
        }
        let poison = told.poison.clone();
        if rows.iter().any(|row| poison.as_deref() == Some(row.key.indicator.as_str())) {
            return Err(SinkError::Refused("a row of this indicator".to_owned()));
        }
        told.take(rows);
        Ok(())
    }
}

/// A position that lives as long as the value.
#[derive(Default)]
pub struct MemoryPosition(Mutex<Option<SinkPosition>>);

#[async_trait]
impl SinkPositions for MemoryPosition {
    async fn save(&self, position: SinkPosition) -> Result<(), PositionError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
        Ok(())
    }

    async fn load(&self) -> Result<Option<SinkPosition>, PositionError> {
        Ok(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract::series_sink::{Point, all};

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        all(|| {
            let sink = Arc::new(MemorySink::default());
            let read = Arc::clone(&sink);
            (sink, Box::new(move || read.stands().iter().map(Point::of).collect()))
        })
        .await;
    }

    #[tokio::test]
    async fn keeps_the_promises_of_a_position() {
        crate::contract::series_sink::positions(|| Box::new(MemoryPosition::default())).await;
    }
}
