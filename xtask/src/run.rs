//! Runs other programs in the repository's root and says what it runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task failed, in words.
pub(crate) type Outcome = Result<(), String>;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// One line on stdout.
#[expect(clippy::print_stdout, reason = "xtask talks to the person who started it")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// A program with arguments, in the root.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs it with its output shown; a failure names the whole command line.
pub(crate) fn run(mut command: Command) -> Outcome {
    let line = shown(&command);
    say(&format!("$ {line}"));
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{line}: {status}")),
        Err(error) => Err(format!("{line}: {error}")),
    }
}

/// Whether it runs and succeeds, with nothing shown.
pub(crate) fn quiet(program: &str, arguments: &[&str]) -> bool {
    command(program, arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command line for people.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    command(
        &std::env::var_os("CARGO").map_or_else(|| "cargo".into(), |path| path.to_string_lossy().into_owned()),
        arguments,
    )
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}
