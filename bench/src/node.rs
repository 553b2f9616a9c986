//! A node as its operator runs it: the program as it ships, ports 0.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::context::{Context, Outcome};

/// Whether the node seals its log into an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archive {
    /// Every whole segment but the newest, at once: so that there is something to do while a short point runs.
    Working,
    Off,
}

impl Archive {
    /// Its part of the configuration.
    pub(crate) fn config(self) -> &'static str {
        match self {
            Self::Working => "[archive]\nkeep_log_segments = 1\npause_seconds = 1\n",
            Self::Off => "[archive]\nenabled = false\n",
        }
    }

    /// How a row names it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Working => "",
            Self::Off => ", archive off",
        }
    }
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    /// Pages and API.
    pub(crate) http: String,
    /// The embedded endpoint.
    pub(crate) mqtt: SocketAddr,
    /// When it was started.
    pub(crate) began: Instant,
    /// From start to the ready line.
    pub(crate) ready_after: Duration,
}

impl Node {
    /// `nhip {command} --data DATA {flags}` until it is ready; its log goes beside the data.
    pub(crate) fn start(context: &Context, command: &str, data: &Path, flags: &[&str]) -> Outcome<Self> {
        let said = data.with_extension("stderr");
        let began = Instant::now();
        let mut child = Command::new(context.program())
            .current_dir(Context::root())
            .arg(command)
            .args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&said)?)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let line =
            BufReader::new(stdout).lines().map_while(Result::ok).find(|line| line.starts_with("ready "));
        let ready_after = began.elapsed();
        let found = line.as_deref().and_then(|line| {
            let http = word_after(line, "http=http://")?.to_owned();
            Some((http, word_after(line, "mqtt=")?.parse().ok()?))
        });
        let Some((http, mqtt)) = found else {
            drop(child.kill());
            drop(child.wait());
            return Err(
                format!("nhip {command}: {}", std::fs::read_to_string(&said).unwrap_or_default()).into()
            );
        };
        Ok(Self { child, http, mqtt, began, ready_after })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// One count of the whole ledger.
    pub(crate) async fn ledger(&self, count: &str) -> Outcome<u64> {
        let (_, body) = nhip_client::http_get_json(&self.http, "/api/v1/ledger?limit=1").await?;
        Ok(body
            .pointer(&format!("/total/{count}"))
            .and_then(Value::as_u64)
            .ok_or("a ledger without a total")?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn word_after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    line.split(mark).nth(1)?.split_whitespace().next()
}
