//! Installs what a fresh Debian machine lacks, or names it exactly.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::run::{Outcome, command, quiet, root, run, target};

/// A tool and the Debian package that brings it.
struct Tool {
    /// How to see that it is there.
    probe: (&'static str, &'static [&'static str]),
    package: &'static str,
}

const WEB: &[Tool] = &[
    Tool { probe: ("node", &["--version"]), package: "nodejs" },
    Tool { probe: ("npm", &["--version"]), package: "npm" },
];

const TEST: &[Tool] = &[
    Tool { probe: ("mosquitto", &["-h"]), package: "mosquitto" },
    Tool { probe: ("mosquitto_pub", &["--help"]), package: "mosquitto-clients" },
    Tool { probe: ("curl", &["--version"]), package: "curl" },
    Tool { probe: ("chromium", &["--version"]), package: "chromium" },
    Tool { probe: ("strace", &["-V"]), package: "strace" },
    Tool { probe: ("mkfs.ext4", &["-V"]), package: "e2fsprogs" },
    Tool { probe: ("prometheus", &["--version"]), package: "prometheus" },
    Tool { probe: ("victoria-metrics", &["--version"]), package: "victoria-metrics" },
    Tool { probe: ("openssl", &["version"]), package: "openssl" },
    Tool { probe: ("systemd-analyze", &["--version"]), package: "systemd" },
    Tool { probe: ("python3", &["-c", "import ensurepip, venv"]), package: "python3-venv" },
    Tool { probe: ("python3", &["-c", "import yaml"]), package: "python3-yaml" },
];

/// What the pages need.
pub(crate) fn for_web() -> Outcome {
    install(WEB)
}

/// What the tests need beside it.
pub(crate) fn for_tests() -> Outcome {
    install(TEST)
}

/// A Python virtual environment with the oracle's libraries; returns its interpreter.
pub(crate) fn python() -> Result<PathBuf, String> {
    python_with("oracle-venv", &root().join("tests/oracle/requirements.txt"))
}

/// A Python virtual environment in the target directory with what a file of requirements names.
pub(crate) fn python_with(name: &str, wanted: &Path) -> Result<PathBuf, String> {
    let directory = target().join(name);
    let python = directory.join("bin/python");
    let stamp = directory.join("requirements.txt");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    if python.exists() && read(&stamp) == read(wanted) {
        return Ok(python);
    }
    run(command("python3", &["-m", "venv", "--clear", &directory.to_string_lossy()]))?;
    let requirements = wanted.to_string_lossy().into_owned();
    run(command(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet", "-r", &requirements]))?;
    std::fs::copy(wanted, &stamp).map_err(|error| error.to_string())?;
    Ok(python)
}

fn install(tools: &[Tool]) -> Outcome {
    let missing: Vec<&str> = tools.iter().filter(|tool| !present(tool)).map(|tool| tool.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let advice = format!("missing Debian packages: {names}\n  install them with: apt-get install {names}");
    if !quiet("id", &["-u"]) || !is_root() || !quiet("apt-get", &["--version"]) {
        return Err(advice);
    }
    run(command("apt-get", &["update", "-qq"]))?;
    let mut install = command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    run(install).map_err(|error| format!("{error}\n{advice}"))
}

/// Some tools exit non-zero when asked for their help; being found is enough.
fn present(tool: &Tool) -> bool {
    let (program, arguments) = tool.probe;
    if program == "python3" {
        return quiet(program, arguments);
    }
    command(program, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Whether packages can be installed and disks mounted.
pub(crate) fn is_root() -> bool {
    command("id", &["-u"]).output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
