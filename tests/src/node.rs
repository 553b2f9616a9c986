//! A node as its operator runs it: the real program, ports 0, a data directory.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use crate::wait::{until, until_some};

/// How long a node may take to say that it is ready (a loaded test machine, an unoptimised build).
const READY_SECONDS_MAX: u64 = 60;

/// The program under test.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a mutant build is named by the environment")]
pub fn binary() -> PathBuf {
    if let Ok(path) = std::env::var("NHIP_BINARY") {
        return PathBuf::from(path);
    }
    let own = std::env::current_exe().expect("the path of this test");
    let folder = own.parent().and_then(Path::parent).expect("target/debug/deps/test");
    let binary = folder.join("nhip");
    assert!(binary.exists(), "{} is not built: cargo build --package nhip", binary.display());
    binary
}

/// The program built with the sink of a foreign database, set aside for the tests; none: it was not built.
#[must_use]
pub fn with_sink() -> Option<PathBuf> {
    let program = binary().with_file_name("nhip-influx");
    program.exists().then_some(program)
}

/// How to start a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The subcommand and its own flags.
    pub command: Vec<String>,
    /// The data directory.
    pub data: PathBuf,
    /// Further flags.
    pub flags: Vec<String>,
    /// Another program than the one under test (a mutant).
    pub program: Option<PathBuf>,
    /// A wrapper before the program (`strace …`).
    pub wrapper: Vec<String>,
    /// Where stderr goes; none: beside the data directory.
    pub stderr: Option<PathBuf>,
}

impl NodeOptions {
    /// `nhip run --data DIR` with ports 0.
    #[must_use]
    pub fn run(data: &Path) -> Self {
        Self {
            command: vec!["run".to_owned()],
            data: data.to_path_buf(),
            flags: Vec::new(),
            program: None,
            wrapper: Vec::new(),
            stderr: None,
        }
    }

    /// With one more flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// With a flag and its value.
    #[must_use]
    pub fn set(self, flag: &str, value: &str) -> Self {
        self.flag(flag).flag(value)
    }
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// Pages and API.
    pub http: SocketAddr,
    /// The embedded endpoint.
    pub mqtt: Option<SocketAddr>,
    /// From start to the ready line.
    pub ready_after: Duration,
    stderr: PathBuf,
}

impl Node {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// What it said on stderr, if it ended instead.
    pub fn start(options: &NodeOptions) -> Result<Self, String> {
        let began = Instant::now();
        let stderr = options.stderr.clone().unwrap_or_else(|| options.data.with_extension("stderr"));
        let mut child = spawn(options, &stderr)?;
        let lines = read_lines(&mut child);
        let deadline = Duration::from_secs(READY_SECONDS_MAX);
        loop {
            match lines.recv_timeout(deadline.saturating_sub(began.elapsed())) {
                Ok(line) if line.starts_with("ready ") => {
                    let http = address(&line, "http=http://").ok_or(format!("no http in: {line}"))?;
                    let mqtt = address(&line, "mqtt=");
                    return Ok(Self { child, http, mqtt, ready_after: began.elapsed(), stderr });
                }
                Ok(_) => {}
                Err(_) => {
                    drop(child.kill());
                    let status = child.wait().map_err(|error| error.to_string())?;
                    let said = std::fs::read_to_string(&stderr).unwrap_or_default();
                    return Err(format!("not ready ({status}):\n{said}"));
                }
            }
        }
    }

    /// `kill -9`: nothing is flushed.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// SIGTERM, then waits until it ended.
    #[must_use]
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        let mut status = None;
        until("the node stops after SIGTERM", Duration::from_secs(20), || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        status.expect("it just ended")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, signal).unwrap_or_default();
        }
    }

    /// Waits until it ends by itself.
    #[must_use]
    pub fn wait_for_end(&mut self, deadline: Duration) -> ExitStatus {
        until_some("the node ends by itself", deadline, || self.child.try_wait().ok().flatten())
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in KiB, from the kernel.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// What it said on stderr so far.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(options: &NodeOptions, stderr: &Path) -> Result<Child, String> {
    let program = options.program.clone().unwrap_or_else(binary);
    let mut words = options.wrapper.clone();
    words.push(program.to_string_lossy().into_owned());
    let mut command = Command::new(words.remove(0));
    let log = std::fs::File::create(stderr).map_err(|error| format!("{}: {error}", stderr.display()))?;
    // Profiles are named relative to the repository.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    command.current_dir(root).args(words).args(&options.command).arg("--data").arg(&options.data);
    let given = |name: &str| options.flags.iter().any(|flag| flag == name);
    for (name, value) in [("--http", "127.0.0.1:0"), ("--mqtt", "127.0.0.1:0")] {
        if !given(name) {
            command.args([name, value]);
        }
    }
    command.args(&options.flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.spawn().map_err(|error| format!("{command:?}: {error}"))
}

/// The lines of stdout, through a bounded queue; the reader ends with the process.
fn read_lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = sync_channel(1_000);
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

fn address(line: &str, before: &str) -> Option<SocketAddr> {
    line.split(before).nth(1)?.split_whitespace().next()?.parse().ok()
}
