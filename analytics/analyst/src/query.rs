//! One question: a process of its own, bounded, watched and, if need be, ended.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nhip_proto::{AnalystCode, AnalystHead, AnalystQuestion, AnalystRefusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{error, info};

use crate::child::CHILD_COMMAND;
use crate::files::{Catalogue, busy};
use crate::job::{Files, Job, Need, Outcome};
use crate::limits::Limits;
use crate::origin;

/// What a child may say before its answer, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// What is kept of a child's last words, in bytes.
const LAST_WORDS_BYTES_MAX: u64 = 16 << 10;
/// Seconds reading files for the first time may take; what was read stays known.
const VERIFY_SECONDS_MAX: u64 = 600;
/// Seconds an answer may take on its way to who asked.
const DELIVERY_SECONDS_MAX: u64 = 120;
/// Bytes of an answer handed on at a time.
const PART_BYTES_MAX: usize = 64 << 10;
/// How often a question is begun anew because a file was merged away.
const ATTEMPTS_MAX: usize = 3;
/// Words of a process that could not get memory, in its own words or those of what it called.
const NO_MEMORY: [&str; 5] = [
    "memory allocation of",
    "Cannot allocate memory",
    "os error 12",
    "failed to spawn thread",
    "capacity overflow",
];

/// Asks questions, one process each.
#[derive(Clone)]
pub struct Worker {
    catalogue: Catalogue,
    limits: Limits,
    program: PathBuf,
}

/// An answer whose bytes are still to come.
pub struct Answered {
    /// What is known of it.
    pub head: AnalystHead,
    body: BufReader<ChildStdout>,
    running: Running,
    until: Instant,
}

/// A question that was asked: its answer, or why there is none.
pub type Asked = Result<Answered, AnalystRefusal>;

struct Running {
    child: Child,
    words: JoinHandle<String>,
    limits: Limits,
}

impl Worker {
    /// Over the files of a data directory; `program` is this program, which every question starts again.
    #[must_use]
    pub fn new(catalogue: Catalogue, limits: Limits, program: PathBuf) -> Self {
        Self { catalogue, limits, program }
    }

    /// Asks a question.
    ///
    /// # Errors
    /// A refusal in words for the person who asked.
    pub async fn ask(&self, question: &AnalystQuestion) -> Asked {
        let began = Instant::now();
        let mut asked = Err(busy());
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(question).await? {
                Some(answered) => {
                    asked = Ok(answered);
                    break;
                }
                None => info!("a file was merged away: the question is begun anew"),
            }
        }
        let rows = asked.as_ref().map(|answered| answered.head.rows).ok();
        info!(rows, seconds = began.elapsed().as_secs_f64(), "a question was answered");
        asked
    }

    /// None: a file is not there any more.
    async fn attempt(&self, question: &AnalystQuestion) -> Result<Option<Answered>, AnalystRefusal> {
        let origin = origin::of(self.catalogue.data()).map_err(|error| failed(&error.to_string()))?;
        let (mut running, mut input, output) = self.start()?;
        let mut output = BufReader::new(output);
        let job = Job { question: question.clone(), limits: self.limits, origin: origin.as_str().to_owned() };
        let need = match running.asks(&mut input, &job, &mut output).await? {
            Need::Refusal(refusal) => return Err(refusal),
            Need::Tables(tables) => tables,
        };
        let files = self.catalogue.files(&need, question, &self.limits);
        let files: Files =
            timeout(Duration::from_secs(VERIFY_SECONDS_MAX), files).await.map_err(|_| {
                let message =
                    "files are being read for the first time and compared with their checksums: ask again";
                AnalystRefusal { code: AnalystCode::Busy, message: message.to_owned() }
            })??;
        let outcome = running.asks(&mut input, &files, &mut output).await?;
        drop(input);
        let until = Instant::now() + Duration::from_secs(DELIVERY_SECONDS_MAX);
        match outcome {
            Outcome::Answer(head) => Ok(Some(Answered { head, body: output, running, until })),
            Outcome::Refusal(refusal) if without_memory(&refusal.message) => Err(over_memory(&self.limits)),
            Outcome::Refusal(refusal) => Err(refusal),
            Outcome::Changed(file) => {
                info!(file, "not the file that was verified");
                Ok(None)
            }
        }
    }

    fn start(&self) -> Result<(Running, ChildStdin, ChildStdout), AnalystRefusal> {
        let threads = self.limits.threads_max.to_string();
        let mut command = Command::new(&self.program);
        command.arg(CHILD_COMMAND).env_clear().envs(environment(OsStr::new(&threads)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = (input, output, errors) else {
            return Err(failed("a process without its three streams"));
        };
        let words = tokio::spawn(last_words(errors));
        Ok((Running { child, words, limits: self.limits }, input, output))
    }
}

/// All a child knows of the world outside.
fn environment(threads: &OsStr) -> [(&'static str, &OsStr); 5] {
    [
        ("POLARS_MAX_THREADS", threads),
        ("RAYON_NUM_THREADS", threads),
        // Each arena of the allocator reserves addresses and keeps what was freed.
        ("MALLOC_ARENA_MAX", OsStr::new("2")),
        ("RUST_BACKTRACE", OsStr::new("0")),
        ("LANG", OsStr::new("C.UTF-8")),
    ]
}

impl Running {
    /// Says something and hears what the child says to it, both within the time of a question.
    async fn asks<T: DeserializeOwned>(
        &mut self,
        input: &mut ChildStdin,
        what: &impl Serialize,
        output: &mut BufReader<ChildStdout>,
    ) -> Result<T, AnalystRefusal> {
        let mut text = serde_json::to_vec(what).map_err(|error| failed(&error.to_string()))?;
        text.push(b'\n');
        let exchange = async {
            let said = input.write_all(&text).await.is_ok() && input.flush().await.is_ok();
            let mut line = Vec::new();
            let heard = (&mut *output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
            (said && heard.is_ok()).then_some(line).filter(|line| line.ends_with(b"\n"))
        };
        let Ok(line) = timeout(Duration::from_secs(self.limits.seconds_max), exchange).await else {
            drop(self.child.kill().await);
            return Err(over_time(&self.limits));
        };
        match line {
            Some(line) => serde_json::from_slice(&line).map_err(|error| failed(&error.to_string())),
            None => Err(self.why_it_ended().await),
        }
    }

    async fn why_it_ended(&mut self) -> AnalystRefusal {
        let status = self.child.wait().await;
        let words = (&mut self.words).await.unwrap_or_default();
        match status {
            Ok(status) => ended(status, &words, &self.limits),
            Err(error) => failed(&error.to_string()),
        }
    }
}

impl Answered {
    /// The next bytes; none: the answer is whole.
    ///
    /// # Errors
    /// It broke off: what came is no answer.
    pub async fn part(&mut self) -> Result<Option<Vec<u8>>, AnalystRefusal> {
        let mut part = vec![0; PART_BYTES_MAX];
        let read = timeout_at(self.until, self.body.read(&mut part)).await;
        let count = match read {
            Ok(Ok(count)) => count,
            Ok(Err(error)) => return Err(failed(&error.to_string())),
            Err(_) => return Err(failed("the answer was not taken in time")),
        };
        part.truncate(count);
        if count > 0 {
            return Ok(Some(part));
        }
        match timeout_at(self.until, self.running.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(None),
            _ => Err(self.running.why_it_ended().await),
        }
    }
}

async fn last_words(mut errors: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    drop((&mut errors).take(LAST_WORDS_BYTES_MAX).read_to_end(&mut kept).await);
    // The rest is let go, so that the child never waits for a reader.
    drop(tokio::io::copy(&mut errors, &mut tokio::io::sink()).await);
    String::from_utf8_lossy(&kept).into_owned()
}

/// What became of a process that gave no answer.
fn ended(status: ExitStatus, words: &str, limits: &Limits) -> AnalystRefusal {
    use rustix::process::Signal;
    let signal = |signals: &[Signal]| signals.iter().any(|signal| status.signal() == Some(signal.as_raw()));
    if words.contains("has overflowed its stack") {
        let message = "the statement is nested too deeply".to_owned();
        return AnalystRefusal { code: AnalystCode::Statement, message };
    }
    if signal(&[Signal::XCPU]) {
        return over_time(limits);
    }
    // A write to a file is refused by a signal too: polars puts aside what finds no room in memory.
    let killed = signal(&[Signal::ABORT, Signal::KILL, Signal::SEGV, Signal::BUS, Signal::XFSZ]);
    if killed || without_memory(words) {
        info!(%status, words, "a question went beyond its memory");
        return over_memory(limits);
    }
    error!(%status, words, "a question broke off");
    let message =
        "the computation broke off: write the statement another way; the worker's log says where".to_owned();
    AnalystRefusal { code: AnalystCode::Failed, message }
}

fn without_memory(words: &str) -> bool {
    NO_MEMORY.iter().any(|sign| words.contains(sign))
}

fn over_memory(limits: &Limits) -> AnalystRefusal {
    let message = format!(
        "the question went beyond the memory limit of {} MiB: group more coarsely, or bring from and to closer \
         together",
        limits.memory_mib_max
    );
    AnalystRefusal { code: AnalystCode::Limit, message }
}

fn over_time(limits: &Limits) -> AnalystRefusal {
    let message = format!(
        "the question went beyond the time limit of {} s: group or filter earlier, or bring from and to closer \
         together",
        limits.seconds_max
    );
    AnalystRefusal { code: AnalystCode::Limit, message }
}

fn failed(what: &str) -> AnalystRefusal {
    error!(what, "a question could not be asked");
    AnalystRefusal {
        code: AnalystCode::Failed,
        message: "the question could not be asked: see the worker's log".to_owned(),
    }
}
