//! A Mosquitto on a free port, with the configuration we recommend.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::context::Outcome;

/// A broker process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Mosquitto {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Mosquitto {
    /// Starts one; none if it is not installed.
    pub(crate) async fn start(directory: &Path) -> Outcome<Option<Self>> {
        // The broker cannot tell a port it chose itself.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let configuration = directory.join("mosquitto.conf");
        let text = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
             max_queued_messages 0\nmax_inflight_messages 1000\nset_tcp_nodelay true\nuser root\n",
            address.port(),
            directory.display()
        );
        std::fs::write(&configuration, text)?;
        let mut command = Command::new("mosquitto");
        command
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let Ok(child) = command.spawn() else { return Ok(None) };
        let broker = Self { child, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if began.elapsed() > Duration::from_secs(10) {
                return Err("mosquitto does not listen".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Some(broker))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The node's configuration file that subscribes to it.
    pub(crate) fn subscriber(&self) -> String {
        format!(
            "[[subscriber]]\nname = \"mosquitto\"\nhost = \"127.0.0.1\"\nport = {}\nversion = 4\n\
             client_id = \"nhip-bench\"\nfilters = [\"nhip/v1/#\"]\n",
            self.address.port()
        )
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
