//! Servers of series as their operators run them: VictoriaMetrics (it takes the InfluxDB 2 write call) and Prometheus,
//! from Debian's packages, on free ports, with their data in a directory of the test.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::broker::free_address;
use crate::http::get;
use crate::wait::until;

/// How long a server may take to answer (a loaded test machine).
const UP_MAX: Duration = Duration::from_secs(60);

/// A server process; killed when dropped.
#[derive(Debug)]
pub struct SeriesServer {
    child: Option<Child>,
    /// Where it listens.
    pub address: SocketAddr,
    program: &'static str,
    arguments: Vec<String>,
    health: &'static str,
}

/// One series as the server keeps it: name, labels, every sample.
#[derive(Clone, Debug)]
pub struct Series {
    /// The name.
    pub name: String,
    /// The labels, as JSON.
    pub labels: Value,
    /// Time in milliseconds and value, every sample that was ever written.
    pub samples: Vec<(i64, f64)>,
}

impl SeriesServer {
    /// A VictoriaMetrics that keeps everything; none if it is not installed.
    #[must_use]
    pub fn victoria_metrics(directory: &Path) -> Option<Self> {
        let address = free_address();
        let arguments = vec![
            format!("-httpListenAddr={address}"),
            format!("-storageDataPath={}", directory.join("series").display()),
            "-retentionPeriod=100y".to_owned(),
        ];
        Self { child: None, address, program: "victoria-metrics", arguments, health: "/health" }.installed()
    }

    /// A Prometheus with this configuration; none if it is not installed.
    #[must_use]
    pub fn prometheus(directory: &Path, configuration: &str) -> Option<Self> {
        let address = free_address();
        let file: PathBuf = directory.join("prometheus.yml");
        std::fs::write(&file, configuration).expect("the server's directory can be written");
        let arguments = vec![
            format!("--config.file={}", file.display()),
            format!("--web.listen-address={address}"),
            format!("--storage.tsdb.path={}", directory.join("metrics").display()),
        ];
        Self { child: None, address, program: "prometheus", arguments, health: "/-/ready" }.installed()
    }

    fn installed(mut self) -> Option<Self> {
        let probe =
            Command::new(self.program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        probe.ok()?;
        self.up();
        Some(self)
    }

    /// Starts it again on the same port and data.
    pub fn up(&mut self) {
        let child = Command::new(self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        self.child = Some(child);
        let (address, health) = (self.address, self.health);
        until("the server of series answers", UP_MAX, || {
            TcpStream::connect(address).is_ok() && get(address, health).is_ok_and(|(status, _)| status == 200)
        });
    }

    /// Stops it with SIGTERM; it writes what it has to its disk first.
    pub fn down(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap_or_default();
        }
        child.wait().expect("the server ends");
    }

    /// Every sample of every series a VictoriaMetrics holds.
    #[must_use]
    pub fn export(&self) -> Vec<Series> {
        let flushed = get(self.address, "/internal/force_flush").expect("an answer");
        assert_eq!(flushed.0, 200, "{}", flushed.1);
        let everything = "/api/v1/export?match%5B%5D=%7B__name__!%3D%22%22%7D";
        let (status, body) = get(self.address, everything).expect("an answer");
        assert_eq!(status, 200, "{body}");
        body.lines().map(series).collect()
    }
}

impl Drop for SeriesServer {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn series(line: &str) -> Series {
    let series: Value = serde_json::from_str(line).expect("a line of JSON");
    let mut labels = series["metric"].clone();
    let name = labels.as_object_mut().and_then(|labels| labels.remove("__name__"));
    let list = |key: &str| series[key].as_array().cloned().unwrap_or_default();
    let times = list("timestamps").into_iter().map(|time| time.as_i64().expect("milliseconds"));
    let values = list("values").into_iter().map(|value| value.as_f64().expect("a number"));
    Series {
        name: name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default(),
        labels,
        samples: times.zip(values).collect(),
    }
}
