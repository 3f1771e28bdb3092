//! The programs under `tests/clients`, which `tests/setup` makes ready.

use std::path::{Path, PathBuf};

use tokio::process::Command;

/// A script under `node` with the pinned Node.js.
///
/// # Panics
///
/// When what it needs is not installed.
pub fn node(script: &str) -> Command {
    let directory = here().join("node");
    let installed = directory.join("node_modules");
    require_installed(&directory.join("package-lock.json"), &installed.join(".installed"));
    let programs = installed.join(".bin");
    let mut command = Command::new(programs.join("node"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).expect("a PATH");
    command.current_dir(directory).arg(script).env("PATH", path);
    command
}

/// A program of one of the environments under `python`.
///
/// # Panics
///
/// When what it needs is not installed.
pub fn python(environment: &str, program: &str) -> Command {
    let directory = here().join("python");
    let environment_directory = directory.join(environment);
    require_installed(&directory.join(format!("{environment}.txt")), &environment_directory.join(".installed"));
    let mut command = Command::new(environment_directory.join("bin").join(program));
    command.current_dir(directory);
    command
}

/// The browser.
///
/// # Panics
///
/// When there is none.
pub fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let programs = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .find_map(|directory| programs.iter().map(|program| directory.join(program)).find(|program| program.is_file()));
    found.expect("there is no Chromium: run tests/setup")
}

/// Where the scripts that drive the browser are.
///
/// # Panics
///
/// When what they need is not installed.
pub fn browser_scripts() -> PathBuf {
    let directory = here().join("../browser/node");
    require_installed(&directory.join("package-lock.json"), &directory.join("node_modules/.installed"));
    directory
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients")
}

/// Setup leaves a copy of the list that it installed.
fn require_installed(wanted: &Path, installed: &Path) {
    let wanted = std::fs::read(wanted).expect("the list of packages");
    let is_installed = std::fs::read(installed).is_ok_and(|installed| installed == wanted);
    assert!(is_installed, "the clients are not installed, or not in the right versions: run tests/setup");
}
