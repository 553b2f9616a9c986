//! The independent oracle: Python and polars, sharing no code with the program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The oracle's interpreter.
#[derive(Debug)]
pub struct Oracle {
    python: PathBuf,
    folder: PathBuf,
}

impl Oracle {
    /// The interpreter `cargo xtask test` made; none if the test was started without it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "cargo xtask test names the interpreter it made")]
    pub fn find() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
        if let Ok(python) = std::env::var("NHIP_ORACLE_PYTHON") {
            return Some(Self { python: PathBuf::from(python), folder });
        }
        let own = std::env::current_exe().ok()?;
        let target = own.parent()?.parent()?.parent()?;
        let python = target.join("oracle-venv/bin/python");
        python.exists().then_some(Self { python, folder })
    }

    /// Runs one of its scripts; its whole output is the error if it fails.
    ///
    /// # Errors
    /// What the script printed.
    pub fn run(&self, script: &str, arguments: &[&Path]) -> Result<String, String> {
        let output = Command::new(&self.python)
            .arg(self.folder.join(script))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(said) } else { Err(format!("{script}: {said}\n{complained}")) }
    }
}

/// The recordings beside the checkout; none where they are absent.
#[must_use]
pub fn shared_data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?.join("shared/data");
    data.is_dir().then_some(data)
}
