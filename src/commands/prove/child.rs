//! A node as a child process that can be killed at any moment.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::commands::Failure;

/// A running node.
pub(crate) struct ChildNode {
    child: Child,
    /// Pages and API.
    pub(crate) http: SocketAddr,
    /// The embedded endpoint.
    pub(crate) mqtt: SocketAddr,
}

impl ChildNode {
    /// Starts this very program and waits for its ready line.
    pub(crate) async fn start(words: &[String], stderr: &Path) -> Result<Self, Failure> {
        let (words, stderr) = (words.to_vec(), stderr.to_path_buf());
        let started = tokio::task::spawn_blocking(move || spawn(&words, &stderr));
        started.await.map_err(Failure::other)?
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(Failure::other)
    }

    /// SIGTERM, and waits for the end.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").arg(&pid).status().map_err(Failure::other)?;
        if !status.success() {
            return Err(Failure::other("the node was gone before it was told to stop"));
        }
        let ended = tokio::task::spawn_blocking(move || self.child.wait());
        let status = ended.await.map_err(Failure::other)?.map_err(Failure::other)?;
        if status.success() { Ok(()) } else { Err(Failure::other(format!("the node ended with {status}"))) }
    }
}

fn spawn(words: &[String], stderr: &Path) -> Result<ChildNode, Failure> {
    let program = std::env::current_exe().map_err(Failure::other)?;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(stderr).map_err(Failure::other)?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(Failure::other)?;
    let output = child.stdout.take().ok_or_else(|| Failure::other("no stdout"))?;
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if let (Some(http), Some(mqtt)) = (address(&line, "http=http://"), address(&line, "mqtt=")) {
            return Ok(ChildNode { child, http, mqtt });
        }
    }
    drop(child.kill());
    let status = child.wait().map_err(Failure::other)?;
    let said = std::fs::read_to_string(stderr).unwrap_or_default();
    let last = said.lines().last().unwrap_or_default();
    Err(Failure::other(format!("the node did not become ready ({status}): {last}; see {}", stderr.display())))
}

fn address(line: &str, before: &str) -> Option<SocketAddr> {
    line.strip_prefix("ready ")?.split(before).nth(1)?.split_whitespace().next()?.parse().ok()
}
