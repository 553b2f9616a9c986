//! Sees an input that a decoder does not come back from: no other check can.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{hunt, say};

/// One input takes microseconds; after so long it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a hunter is at.
#[derive(Default)]
pub(crate) struct Current {
    pub(crate) dialect: &'static str,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) since: Option<Instant>,
}

#[derive(Default)]
pub(crate) struct Watch {
    hunters: Mutex<Vec<Arc<Mutex<Current>>>>,
    ended: Mutex<bool>,
    end: Condvar,
}

impl Watch {
    /// A place where a hunter says what it is at.
    pub(crate) fn join(&self) -> Arc<Mutex<Current>> {
        let current = Arc::default();
        self.hunters.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&current));
        current
    }

    /// Looks until the end; an input that hangs is written down and ends the program.
    pub(crate) fn look(&self) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended {
            ended = self.end.wait_timeout(ended, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
            for hunter in self.hunters.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let at = hunter.lock().unwrap_or_else(PoisonError::into_inner);
                if at.since.is_some_and(|since| since.elapsed() > HANGS_AFTER) {
                    let path = hunt::write_down(at.dialect, &at.topic, &at.payload);
                    say(&format!("{}: hangs: {path}", at.dialect));
                    std::process::exit(1);
                }
            }
        }
    }

    /// Nobody hunts any more.
    pub(crate) fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.notify_all();
    }
}
