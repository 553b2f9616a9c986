//! Who is connected: one connection per user and client id, and which commands it wants to hear.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nhip_ports::OutgoingCommand;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::access::matches;

/// A user and a client id: client ids of different users never meet.
pub(super) type ClientKey = (String, String);

/// A command on its way to one connection.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    pub(super) command: OutgoingCommand,
    pub(super) qos: u8,
}

/// A connection's place in the registry. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place<'a> {
    registry: &'a Registry,
    key: ClientKey,
    epoch: u64,
    /// Set when a newer connection of the same client has come.
    pub(super) taken: CancellationToken,
    closed: CancellationToken,
}

#[derive(Debug)]
struct Entry {
    epoch: u64,
    taken: CancellationToken,
    closed: CancellationToken,
    filters: Vec<(String, u8)>,
    commands: mpsc::Sender<Queued>,
}

/// The connected clients.
#[derive(Debug, Default)]
pub(super) struct Registry {
    clients: Mutex<BTreeMap<ClientKey, Entry>>,
}

impl Registry {
    /// Takes the client's place. The older connection, if any, is told to close; the token says when it has.
    pub(super) fn enter(
        &self,
        key: ClientKey,
        epoch: u64,
        commands: mpsc::Sender<Queued>,
    ) -> (Place<'_>, Option<CancellationToken>) {
        let (taken, closed) = (CancellationToken::new(), CancellationToken::new());
        let entry =
            Entry { epoch, taken: taken.clone(), closed: closed.clone(), filters: Vec::new(), commands };
        let older = self.lock().insert(key.clone(), entry).map(|older| {
            older.taken.cancel();
            older.closed
        });
        (Place { registry: self, key, epoch, taken, closed }, older)
    }

    /// Hands a command to every connection that subscribed to its topic: how many took it, how many were
    /// full.
    pub(super) fn send(&self, command: &OutgoingCommand) -> (usize, usize) {
        let (mut taken, mut full) = (0, 0);
        for entry in self.lock().values() {
            let qos = entry
                .filters
                .iter()
                .filter(|(filter, _)| matches(filter, &command.topic))
                .map(|(_, qos)| *qos)
                .max();
            let Some(qos) = qos else { continue };
            match entry.commands.try_send(Queued { command: command.clone(), qos }) {
                Ok(()) => taken += 1,
                Err(_) => full += 1,
            }
        }
        (taken, full)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ClientKey, Entry>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Adds or changes a subscription; false if there are too many.
    pub(super) fn subscribe(&self, filter: &str, qos: u8, subscriptions_max: usize) -> bool {
        let mut clients = self.registry.lock();
        let Some(entry) = clients.get_mut(&self.key).filter(|entry| entry.epoch == self.epoch) else {
            return false;
        };
        if let Some(known) = entry.filters.iter_mut().find(|(known, _)| known == filter) {
            known.1 = qos;
        } else if entry.filters.len() >= subscriptions_max {
            return false;
        } else {
            entry.filters.push((filter.to_owned(), qos));
        }
        true
    }

    /// Ends a subscription; false if there was none.
    pub(super) fn unsubscribe(&self, filter: &str) -> bool {
        let mut clients = self.registry.lock();
        let Some(entry) = clients.get_mut(&self.key).filter(|entry| entry.epoch == self.epoch) else {
            return false;
        };
        let before = entry.filters.len();
        entry.filters.retain(|(known, _)| known != filter);
        entry.filters.len() < before
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut clients = self.registry.lock();
        if clients.get(&self.key).is_some_and(|entry| entry.epoch == self.epoch) {
            clients.remove(&self.key);
        }
        self.closed.cancel();
    }
}
