//! A real Mosquitto on a free port, with the configuration we recommend.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::wait::until;

/// A broker process; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    child: Option<Child>,
    /// Where it listens.
    pub address: SocketAddr,
    configuration: PathBuf,
}

impl Mosquitto {
    /// Starts one with its files in a directory; none if it is not installed.
    #[must_use]
    pub fn start(directory: &Path) -> Option<Self> {
        let address = free_address();
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
             autosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 1000\nset_tcp_nodelay true\n\
             message_size_limit 4194304\nuser root\n",
            address.port(),
            directory.display()
        );
        Self::start_with(directory, address, &text)
    }

    /// Starts one with a configuration that lets it listen there; none if it is not installed.
    #[must_use]
    pub fn start_with(directory: &Path, address: SocketAddr, text: &str) -> Option<Self> {
        let installed =
            Command::new("mosquitto").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status();
        installed.ok()?;
        let configuration = directory.join("mosquitto.conf");
        std::fs::write(&configuration, text).expect("the broker's directory can be written");
        let mut broker = Self { child: None, address, configuration };
        broker.up();
        Some(broker)
    }

    /// Starts it again on the same port.
    pub fn up(&mut self) {
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(&self.configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto starts");
        self.child = Some(child);
        let address = self.address;
        until("mosquitto listens", Duration::from_secs(10), || TcpStream::connect(address).is_ok());
    }

    /// Stops it; it saves its sessions first.
    pub fn down(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        if let Some(mut child) = self.child.take() {
            drop(child.wait());
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, signal).unwrap_or_default();
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

/// A port nobody listens on now; the broker cannot tell us one it chose itself.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
