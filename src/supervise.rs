//! The foreman: every task has a name; the first that ends stops the rest; stopping has a bound.

use std::sync::Arc;
use std::time::Duration;

use nhip_ports::{RevisionError, Revisions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::commands::Failure;

/// How long all tasks together may take to stop.
const DRAIN_SECONDS_MAX: u64 = 10;

/// The named tasks of a node.
pub(crate) struct Tasks {
    set: JoinSet<(&'static str, Result<(), Failure>)>,
    stop: CancellationToken,
}

impl Tasks {
    /// Tasks that end when `stop` is cancelled.
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self { set: JoinSet::new(), stop }
    }

    /// Starts one.
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        self.set.spawn(async move { (name, task.await) });
    }

    /// Waits until somebody asks to stop or a task ends by itself, then stops the rest.
    pub(crate) async fn supervise(mut self) -> Result<(), Failure> {
        let mut result = tokio::select! {
            () = self.stop.cancelled() => Ok(()),
            Some(ended) = self.set.join_next() => told(ended),
        };
        self.stop.cancel();
        let drained = tokio::time::timeout(Duration::from_secs(DRAIN_SECONDS_MAX), async {
            while let Some(ended) = self.set.join_next().await {
                let ended = told(ended);
                if result.is_ok() {
                    result = ended;
                }
            }
        });
        if drained.await.is_err() {
            tracing::warn!(seconds = DRAIN_SECONDS_MAX, tasks = self.set.len(), "tasks did not stop in time");
        }
        result
    }
}

fn told(ended: Result<(&'static str, Result<(), Failure>), tokio::task::JoinError>) -> Result<(), Failure> {
    match ended {
        Ok((name, Ok(()))) => {
            tracing::debug!(task = name, "ended");
            Ok(())
        }
        Ok((name, Err(failure))) => {
            tracing::error!(task = name, %failure, "failed");
            Err(failure)
        }
        Err(error) => Err(Failure::other(format!("a task died: {error}"))),
    }
}

/// Cancels the token at SIGTERM or Ctrl-C.
pub(crate) fn stop_on_signals(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
    });
    Ok(())
}

/// SIGHUP: the profile directory is read again. What is wrong with it stands in the log; the old one stays valid.
pub(crate) async fn reload_on_signals(
    revisions: Arc<dyn Revisions>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup()).map_err(Failure::other)?;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            hangup = hangups.recv() => {
                if hangup.is_none() {
                    return Ok(());
                }
                if let Err(RevisionError::Profile(mistakes)) = revisions.apply_profile().await {
                    tracing::error!(mistakes = mistakes.join("\n"), "the profile stays as it was");
                }
            }
        }
    }
}
