//! The socket: questions of the node beside, a few at once, a short queue, and nothing that could end the worker.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use nhip_proto::{AnalystCode, AnalystQuestion, AnalystRefusal, AnalystReply};
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::query::Worker;
use crate::wire;

/// Seconds a connection may take to say its question.
const QUESTION_SECONDS_MAX: u64 = 10;
/// Seconds one part of an answer may wait for its reader.
const PART_SECONDS_MAX: u64 = 30;
/// Who may talk to the socket: its owner.
const SOCKET_MODE: u32 = 0o600;

/// How many questions at once.
#[derive(Args, Clone, Copy, Debug)]
pub struct Places {
    /// Questions computed at once.
    #[arg(long = "queries", value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub queries_max: u16,
    /// Questions that may wait for a place.
    #[arg(long = "queue", value_name = "COUNT", default_value_t = 4,
          value_parser = clap::value_parser!(u16).range(0..=1_000))]
    pub queue_max: u16,
    /// Seconds a question may wait.
    #[arg(long = "queue-seconds", value_name = "SECONDS", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub queue_seconds_max: u64,
}

/// Why the worker cannot listen.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Another one does.
    #[error("{0}: another worker listens there")]
    Taken(String),
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The socket.
        path: String,
        /// Its error.
        source: io::Error,
    },
}

/// A listening socket; call before other threads are started, as the mask of new files is the process's.
///
/// # Errors
/// [`ServeError`] if another worker listens there or the system refuses.
pub fn listen(path: &Path) -> Result<std::os::unix::net::UnixListener, ServeError> {
    let failed = |source| ServeError::Io { path: path.display().to_string(), source };
    match StdUnixStream::connect(path) {
        Ok(_) => return Err(ServeError::Taken(path.display().to_string())),
        // What a killed worker left.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)?;
        }
        Err(_) => {}
    }
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(!SOCKET_MODE & 0o777));
    let listener = std::os::unix::net::UnixListener::bind(path).map_err(failed);
    rustix::process::umask(before);
    let listener = listener?;
    fs::set_permissions(path, fs::Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// Answers questions until told to stop.
///
/// # Errors
/// If the listener cannot be used.
pub async fn serve(
    listener: std::os::unix::net::UnixListener,
    worker: Worker,
    places: Places,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    let desk = Arc::new(Desk {
        worker,
        waiting: Arc::new(Semaphore::new(usize::from(places.queries_max) + usize::from(places.queue_max))),
        running: Semaphore::new(usize::from(places.queries_max)),
        places,
    });
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let desk = Arc::clone(&desk);
                    // Its place, not its task, is what is bounded: whoever finds none is told so and let go.
                    tokio::spawn(async move { desk.attend(stream).await });
                }
                Err(error) => {
                    warn!(%error, "a connection was not taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop => info!("stopped"),
        () = accepting => {}
    }
    Ok(())
}

struct Desk {
    worker: Worker,
    /// Connections that hold a place, computed or waiting.
    waiting: Arc<Semaphore>,
    running: Semaphore,
    places: Places,
}

impl Desk {
    async fn attend(&self, stream: UnixStream) {
        let (mut from, mut to) = stream.into_split();
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let question = match timeout(Duration::from_secs(QUESTION_SECONDS_MAX), wire::read(&mut from)).await {
            Ok(Ok(frame)) => serde_json::from_slice::<AnalystQuestion>(&frame),
            Ok(Err(_)) | Err(_) => return,
        };
        let gone = gone(&mut from);
        let answered = async {
            match (question, place) {
                (Err(error), _) => {
                    let message = format!("not a question: {error}");
                    refuse(&mut to, AnalystRefusal { code: AnalystCode::Statement, message }).await
                }
                (_, Err(_)) => refuse(&mut to, busy("all places are taken: ask again")).await,
                (Ok(question), Ok(place)) => self.answer(&question, &mut to, place).await,
            }
        };
        tokio::select! {
            answered = answered => if let Err(error) = answered { info!(%error, "an answer was not taken") },
            // Dropping the question ends its process.
            () = gone => info!("whoever asked has gone: the question is given up"),
        }
    }

    async fn answer(
        &self,
        question: &AnalystQuestion,
        to: &mut OwnedWriteHalf,
        place: OwnedSemaphorePermit,
    ) -> io::Result<()> {
        let waited =
            timeout(Duration::from_secs(self.places.queue_seconds_max), self.running.acquire()).await;
        let Ok(Ok(running)) = waited else {
            return refuse(to, busy("all places were taken for too long: ask again")).await;
        };
        let mut answered = match self.worker.ask(question).await {
            Ok(answered) => answered,
            Err(refusal) => return refuse(to, refusal).await,
        };
        reply(to, &AnalystReply::Answer(answered.head.clone())).await?;
        loop {
            // Without the empty frame the other side knows that it broke off.
            let part = answered.part().await.map_err(|refusal| io::Error::other(refusal.message))?;
            let frame = part.as_deref().unwrap_or_default();
            let written = timeout(Duration::from_secs(PART_SECONDS_MAX), wire::write(to, frame)).await;
            written.map_err(io::Error::other)??;
            if part.is_none() {
                drop((running, place));
                return Ok(());
            }
        }
    }
}

/// Ends when the other side has closed: it says nothing after its question.
async fn gone(from: &mut OwnedReadHalf) {
    let mut byte = [0];
    drop(from.read(&mut byte).await);
}

fn busy(message: &str) -> AnalystRefusal {
    AnalystRefusal { code: AnalystCode::Busy, message: message.to_owned() }
}

async fn refuse(to: &mut OwnedWriteHalf, refusal: AnalystRefusal) -> io::Result<()> {
    reply(to, &AnalystReply::Refusal(refusal)).await
}

async fn reply(to: &mut OwnedWriteHalf, reply: &AnalystReply) -> io::Result<()> {
    wire::write(to, &serde_json::to_vec(reply)?).await
}
