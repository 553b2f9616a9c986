//! Where a run works: its directories, its length, the repository it measures.

use std::path::{Path, PathBuf};

/// What can go wrong is told to the person who started the bench.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The profile of the load with a stream of its own for the probe.
const PROBE: &str = r#"# What the probe of the bench sends: each message is a number, the figure is the newest.

[[stream]]
id = "probe"
name = { vi = "Đầu dò", en = "Probe" }
identity = "sequence"
cadence = "1s"
disorder = "2s"
lateness = "1h"
staleness = "5s"

[stream.quantities]
value = "vehicles"

[[indicator]]
id = "probe.number"
name = { vi = "Số của đầu dò", en = "Probe number" }
domain = "load"
unit = "vehicles"
scale = 0
owner = "Nhịp"
basis = "Số lớn nhất trong 5 giây"
stream = "probe"
max = "value"
window = "5s"
direction = "neutral"
completeness_min = 0.0
"#;

/// One run.
#[derive(Debug)]
pub(crate) struct Context {
    /// Seconds of a measured point.
    pub(crate) seconds: u64,
    work: PathBuf,
    results: PathBuf,
    program: PathBuf,
}

impl Context {
    /// Finds `nhip` beside this program and makes a directory to work in.
    pub(crate) fn new(seconds: u64, data: Option<&Path>) -> Outcome<Self> {
        let own = std::env::current_exe()?;
        let folder = own.parent().ok_or("this program lies nowhere")?;
        let program = folder.join("nhip");
        if !program.exists() {
            return Err(format!("{} is not built: use cargo xtask bench", program.display()).into());
        }
        let results = folder.parent().unwrap_or(folder).join("bench");
        let work = data.unwrap_or(&results).join(format!("work-{}", std::process::id()));
        std::fs::create_dir_all(&results)?;
        std::fs::create_dir_all(&work)?;
        Ok(Self { seconds: seconds.max(2), work, results, program })
    }

    /// The program as it ships.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Where JSON lines go.
    pub(crate) fn results(&self) -> &Path {
        &self.results
    }

    /// The repository: profiles are named relative to it.
    pub(crate) fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// A new, empty directory on the measured disk.
    pub(crate) fn directory(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.work.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// `profiles/proof` with the stream, source and indicator of the probe; path and texts.
    pub(crate) fn profile(&self) -> Outcome<(PathBuf, Vec<(String, String)>)> {
        let directory = self.directory("profile")?;
        let mut files = vec![("probe.toml".to_owned(), PROBE.to_owned())];
        for entry in std::fs::read_dir(Self::root().join("profiles/proof"))? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let mut text = std::fs::read_to_string(&path)?;
            match name.as_str() {
                "sources.csv" => {
                    text.push_str("probe-0000,probe,proof-a,Đầu dò (mô phỏng),Probe (simulated),Nhịp\n");
                }
                "views.toml" => text = text.replace("\"load.sum\"", "\"load.sum\", \"probe.number\""),
                _ => {}
            }
            files.push((name, text));
        }
        files.sort();
        for (name, text) in &files {
            std::fs::write(directory.join(name), text)?;
        }
        Ok((directory, files))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.work) {
            crate::report::complain(&format!("{}: {error}", self.work.display()));
        }
    }
}
