//! Builds the pages: `npm ci` when the lock file changed, then esbuild into web/dist.

use std::fs;

use crate::run::{Outcome, command, root, run};
use crate::setup;

/// Builds web/dist.
pub(crate) fn build() -> Outcome {
    setup::for_web()?;
    install_packages()?;
    let mut build = command("npm", &["run", "--silent", "build"]);
    build.current_dir(root().join("web"));
    run(build)
}

/// The packages of the lock file, and only when it changed.
pub(crate) fn install_packages() -> Outcome {
    let web = root().join("web");
    let stamp = web.join("node_modules/.installed");
    let wanted = fs::read_to_string(web.join("package-lock.json")).map_err(|error| error.to_string())?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut install = command("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    install.current_dir(&web).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    run(install)?;
    fs::write(stamp, wanted).map_err(|error| error.to_string())
}
