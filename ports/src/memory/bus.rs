//! A bus of plain queues: one bounded queue for each reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use nhip_proto::Update;
use tokio::sync::Notify;

use crate::{Bus, Lagged, Subscription};

/// The in-memory bus; a reader that lags by more than the bound loses its queue and is told.
#[derive(Debug)]
pub struct MemoryBus {
    queue_updates_max: usize,
    readers: Mutex<Vec<Weak<Reader>>>,
}

#[derive(Debug, Default)]
struct Reader {
    queue: Mutex<Queue>,
    moved: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    updates: VecDeque<Arc<Update>>,
    lagged: bool,
    closed: bool,
}

struct MemorySubscription(Arc<Reader>);

impl MemoryBus {
    /// A bus whose readers may each lag by this many updates.
    #[must_use]
    pub fn new(queue_updates_max: usize) -> Self {
        Self { queue_updates_max, readers: Mutex::default() }
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Reader>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for MemoryBus {
    fn publish(&self, update: Arc<Update>) {
        let mut readers = self.readers();
        readers.retain(|reader| reader.strong_count() > 0);
        for reader in readers.iter().filter_map(Weak::upgrade) {
            let mut queue = reader.queue();
            if queue.updates.len() >= self.queue_updates_max {
                queue.updates.clear();
                queue.lagged = true;
            }
            queue.updates.push_back(Arc::clone(&update));
            drop(queue);
            reader.moved.notify_one();
        }
    }

    fn subscribe(&self) -> Box<dyn Subscription> {
        let reader = Arc::new(Reader::default());
        self.readers().push(Arc::downgrade(&reader));
        Box::new(MemorySubscription(reader))
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        for reader in self.readers().iter().filter_map(Weak::upgrade) {
            reader.queue().closed = true;
            reader.moved.notify_one();
        }
    }
}

impl Reader {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Option<Result<Arc<Update>, Lagged>>> {
        let mut queue = self.queue();
        if std::mem::take(&mut queue.lagged) {
            return Some(Some(Err(Lagged)));
        }
        match queue.updates.pop_front() {
            Some(update) => Some(Some(Ok(update))),
            None => queue.closed.then_some(None),
        }
    }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Option<Result<Arc<Update>, Lagged>> {
        loop {
            if let Some(taken) = self.0.take() {
                return taken;
            }
            self.0.moved.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::bus;

    #[tokio::test]
    async fn keeps_the_promises_of_a_bus() {
        bus::all(|queue_updates_max| Box::new(MemoryBus::new(queue_updates_max))).await;
    }
}
