//! A real Mosquitto for tests: its own directory, a free port, killed when dropped.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::wire::PATIENCE;

const BINARIES: [&str; 3] =
    ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"];

pub(crate) struct Mosquitto {
    directory: TempDir,
    child: Option<Child>,
    pub(crate) port: u16,
}

impl Mosquitto {
    /// Starts one; none (and a line that says so) if it is not installed.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub(crate) fn start(test: &str, settings: &str) -> Option<Self> {
        if binary().is_none() {
            println!("SKIPPED {test}: mosquitto not installed");
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let mut mosquitto = Self { directory, child: None, port: 0 };
        mosquitto.configure(settings);
        mosquitto.launch();
        Some(mosquitto)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the configuration, on a port that is free now. `{dir}` stands for the broker's directory.
    fn configure(&mut self, settings: &str) {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        self.port = free.local_addr().expect("bound").port();
        let directory = self.directory.path().display().to_string();
        let mut text = String::new();
        // Debian starts it as root and it would give up its rights to the directory.
        writeln!(text, "user root\nlistener {} 127.0.0.1", self.port).expect("a string");
        writeln!(text, "max_queued_messages 0\nmax_inflight_messages 1000\nset_tcp_nodelay true")
            .expect("a string");
        if !settings.contains("allow_anonymous") {
            text.push_str("allow_anonymous true\n");
        }
        text.push_str(&settings.replace("{dir}", &directory));
        std::fs::write(self.path("mosquitto.conf"), text).expect("writes its configuration");
    }

    /// Starts it (again) on its port and waits until it takes connections.
    #[expect(clippy::disallowed_methods, reason = "waits for a condition with a deadline")]
    pub(crate) fn launch(&mut self) {
        let log = std::fs::File::create(self.path("mosquitto.log")).expect("a log file");
        let mut child = Command::new(binary().expect("installed"))
            .arg("-c")
            .arg(self.path("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::from(log))
            .spawn()
            .expect("starts");
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(self.addr()).is_err() {
            if let Some(status) = child.try_wait().expect("waits") {
                let log = std::fs::read_to_string(self.path("mosquitto.log")).unwrap_or_default();
                panic!("mosquitto ended with {status}: {log}");
            }
            assert!(Instant::now() < deadline, "mosquitto takes no connection");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child = Some(child);
    }

    /// Ends it in good order: it saves what it keeps.
    pub(crate) fn terminate(&mut self) {
        self.signal(Signal::TERM);
        if let Some(mut child) = self.child.take() {
            child.wait().expect("ends");
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            let id = Pid::from_child(child);
            kill_process(id, signal).expect("our own child");
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn binary() -> Option<&'static Path> {
    BINARIES.iter().map(Path::new).find(|path| path.exists())
}
