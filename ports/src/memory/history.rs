//! The past, found by looking at every row.

use std::collections::BTreeMap;

use async_trait::async_trait;
use nhip_proto::{FigureKey, IndicatorId, Row};

use super::MemoryRows;
use crate::{AsOf, History, HistoryError, Replaced, RestatementQuery, SeriesKey, SeriesQuery, known_order};

#[async_trait]
impl History for MemoryRows {
    async fn series(&self, query: SeriesQuery) -> Result<Vec<Row>, HistoryError> {
        let mut windows: BTreeMap<_, Row> = BTreeMap::new();
        for row in self.all() {
            let start = row.key.window_start;
            let asked = query.series.holds(&row.key) && start >= query.from && start < query.to;
            let newer = windows.get(&start).is_none_or(|known| known_order(known) < known_order(&row));
            if asked && newer && query.as_of.knows(row.known_offset, row.known_at) {
                windows.insert(start, row);
            }
        }
        Ok(windows.into_values().take(query.windows_max).collect())
    }

    async fn revisions(&self, key: FigureKey, as_of: AsOf) -> Result<Vec<Row>, HistoryError> {
        let mut rows = self.all();
        rows.retain(|row| row.key == key && as_of.knows(row.known_offset, row.known_at));
        rows.sort_by_key(known_order);
        Ok(rows)
    }

    async fn replaced(&self, query: RestatementQuery) -> Result<Vec<Replaced>, HistoryError> {
        let mut windows: BTreeMap<FigureKey, Vec<Row>> = BTreeMap::new();
        for row in self.all() {
            let key = &row.key;
            let asked = key.indicator == query.indicator
                && query.area.as_ref().is_none_or(|area| *area == key.area)
                && query.group.as_ref().is_none_or(|group| *group == key.group)
                && (query.from..query.to).contains(&key.window_start);
            if asked && query.as_of.knows(row.known_offset, row.known_at) {
                windows.entry(key.clone()).or_default().push(row);
            }
        }
        let mut replaced = Vec::new();
        for rows in windows.values_mut() {
            rows.sort_by_key(known_order);
            replaced.extend(Replaced::among(rows));
        }
        if replaced.len() > query.rows_max {
            return Err(HistoryError::Refused(format!("more than {} restatements", query.rows_max)));
        }
        replaced.sort_by(|left, right| {
            known_order(&right.new)
                .cmp(&known_order(&left.new))
                .then_with(|| left.new.key.cmp(&right.new.key))
        });
        Ok(replaced)
    }

    async fn series_of(&self, indicator: IndicatorId) -> Result<Vec<SeriesKey>, HistoryError> {
        let rows = self.all();
        let mut keys: Vec<_> = rows
            .iter()
            .filter(|row| row.key.indicator == indicator)
            .map(|row| SeriesKey::of(&row.key))
            .collect();
        keys.sort();
        keys.dedup();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        let make = || {
            let rows = Arc::new(MemoryRows::default());
            (Arc::clone(&rows) as Arc<dyn crate::RowStore>, rows as Arc<dyn History>)
        };
        crate::contract::history::all(make).await;
    }
}
