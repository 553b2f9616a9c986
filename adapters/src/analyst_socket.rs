//! The analysts' worker over its Unix socket: one connection a question ([`nhip_proto::AnalystReply`]).

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use nhip_ports::{ANALYST_PARTS_MAX, Analyst, AnalystAnswer, AnalystError};
use nhip_proto::{ANALYST_FRAME_BYTES_MAX, AnalystQuestion, AnalystReply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Seconds until the worker replies: it may wait for a place, read files for the first time, and compute.
const REPLY_SECONDS_MAX: u64 = 900;
/// Seconds between two parts of an answer.
const PART_SECONDS_MAX: u64 = 60;

/// A worker that listens on a socket.
pub struct AnalystSocket(PathBuf);

impl AnalystSocket {
    /// Nothing is connected before the first question: the worker may start later, end and come back.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

#[async_trait]
impl Analyst for AnalystSocket {
    async fn ask(&self, question: AnalystQuestion) -> Result<AnalystAnswer, AnalystError> {
        let absent = |error: io::Error| AnalystError::Absent(format!("{}: {error}", self.0.display()));
        let mut stream = UnixStream::connect(&self.0).await.map_err(absent)?;
        let question =
            serde_json::to_vec(&question).map_err(|error| AnalystError::Broken(error.to_string()))?;
        let asked = async {
            write(&mut stream, &question).await?;
            read(&mut stream).await
        };
        let reply = timeout(Duration::from_secs(REPLY_SECONDS_MAX), asked).await;
        let reply =
            reply.map_err(|_| AnalystError::Broken("no reply in time".to_owned()))?.map_err(broken)?;
        match serde_json::from_slice(&reply) {
            Ok(AnalystReply::Answer(head)) => {
                let (sender, parts) = mpsc::channel(ANALYST_PARTS_MAX);
                // It ends with the answer, with its reader or with the worker.
                tokio::spawn(hand_on(stream, sender));
                Ok(AnalystAnswer { head, parts })
            }
            Ok(AnalystReply::Refusal(refusal)) => Err(AnalystError::Refused(refusal)),
            Err(error) => Err(AnalystError::Broken(error.to_string())),
        }
    }
}

async fn hand_on(mut stream: UnixStream, sender: mpsc::Sender<Result<Bytes, AnalystError>>) {
    loop {
        let frame = tokio::select! {
            frame = timeout(Duration::from_secs(PART_SECONDS_MAX), read(&mut stream)) => frame,
            // Closing the socket tells the worker.
            () = sender.closed() => return,
        };
        let part = match frame {
            Ok(Ok(frame)) if frame.is_empty() => return,
            Ok(Ok(frame)) => Ok(Bytes::from(frame)),
            Ok(Err(error)) => Err(broken(error)),
            Err(_) => Err(AnalystError::Broken("the answer stands still".to_owned())),
        };
        let last = part.is_err();
        if sender.send(part).await.is_err() || last {
            return;
        }
    }
}

fn broken(error: io::Error) -> AnalystError {
    AnalystError::Broken(error.to_string())
}

async fn read(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if length > ANALYST_FRAME_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame longer than allowed"));
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn write(stream: &mut UnixStream, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(frame).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nhip_ports::contract::analyst::{Said, all};
    use nhip_proto::AnalystHead;
    use tokio::net::UnixListener;

    use super::*;

    /// Says one thing per connection; then nobody listens any more.
    async fn worker(listener: UnixListener, says: Vec<Said>) {
        for said in says {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let question = read(&mut stream).await.expect("a question");
            serde_json::from_slice::<AnalystQuestion>(&question).expect("a question as it was asked");
            let (reply, bytes, whole) = match said {
                Said::Nothing => continue,
                Said::Refusal(refusal) => (AnalystReply::Refusal(refusal), Vec::new(), false),
                Said::Answer { head, bytes, whole } => (AnalystReply::Answer(head), bytes, whole),
            };
            write(&mut stream, &serde_json::to_vec(&reply).expect("JSON")).await.expect("taken");
            for piece in bytes {
                write(&mut stream, &piece).await.expect("taken");
            }
            if whole {
                write(&mut stream, b"").await.expect("taken");
            }
        }
    }

    #[tokio::test]
    async fn keeps_the_promises_of_the_port() {
        let directory = tempfile::tempdir().expect("a directory");
        let count = std::sync::atomic::AtomicUsize::new(0);
        all(async |says: Vec<Said>| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let path = directory.path().join(format!("socket-{number}"));
            if !says.is_empty() {
                let listener = UnixListener::bind(&path).expect("a socket");
                tokio::spawn(worker(listener, says));
            }
            Arc::new(AnalystSocket::new(&path)) as Arc<dyn Analyst>
        })
        .await;
    }

    #[tokio::test]
    async fn the_worker_notices_that_its_reader_has_gone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a socket");
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            read(&mut stream).await.expect("a question");
            let head = AnalystHead { origin: "machine".to_owned(), rows: 1, rows_scanned: 1 };
            let reply = serde_json::to_vec(&AnalystReply::Answer(head)).expect("JSON");
            write(&mut stream, &reply).await.expect("taken");
            // Nothing more is said: the end comes from the other side.
            stream.read_u8().await.map_err(|error| error.kind())
        });
        let question =
            AnalystQuestion { sql: String::new(), from_ns: None, to_ns: None, format: Default::default() };
        let answer = AnalystSocket::new(&path).ask(question).await.expect("an answer");
        drop(answer);
        assert_eq!(serving.await.expect("served"), Err(io::ErrorKind::UnexpectedEof));
    }
}
