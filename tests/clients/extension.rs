//! The extension for Claude Desktop: packed, looked at by its own validator, unpacked and started as the app does it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::printed::For;
use crate::typescript;

/// The unpacked extension, for as long as the tests run.
static UNPACKED: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let (file, unpacked) = (directory.path().join("heycmo.mcpb"), directory.path().join("unpacked"));
    let pack = root().join("mcp-server/extension/pack");
    succeeds(Command::new(pack).arg(&file).env("MCPB", packer()).env("PATH", path()));
    succeeds(Command::new(packer()).arg("unpack").args([&file, &unpacked]).env("PATH", path()));
    directory
});

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn programs() -> PathBuf {
    root().join("tests/clients/node/node_modules/.bin")
}

fn packer() -> PathBuf {
    programs().join("mcpb")
}

/// With the pinned Node.js in front.
fn path() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(programs()).chain(std::env::split_paths(&path))).unwrap()
}

fn succeeds(command: &mut Command) {
    let output = command.output().expect("it is not installed: run tests/setup");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
}

fn manifest() -> Value {
    let text = std::fs::read_to_string(UNPACKED.path().join("unpacked/manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The program that the app starts for somebody who gave this address and key.
pub fn configured(url: &str, key: &str) -> Value {
    let directory = UNPACKED.path().join("unpacked");
    let config = manifest()["server"]["mcp_config"].to_string();
    let config = config.replace("${__dirname}", directory.to_str().unwrap());
    let config = config.replace("${user_config.url}", url).replace("${user_config.api_key}", key);
    assert!(!config.contains("${user_config") && !config.contains("${__dirname}"), "{config}");
    serde_json::from_str(&config).unwrap()
}

#[tokio::test]
async fn the_extension_does_the_whole_job() {
    typescript("sdk-v1.mjs", ["mcp-remote"], For::Extension).await;
}

#[test]
fn the_extension_asks_for_address_and_key_and_keeps_the_key_secret() {
    let manifest = manifest();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let asked = &manifest["user_config"];
    assert_eq!(asked.as_object().unwrap().keys().collect::<Vec<_>>(), ["api_key", "url"]);
    for (field, is_secret) in [("url", Value::Null), ("api_key", json!(true))] {
        assert_eq!((&asked[field]["required"], &asked[field]["sensitive"]), (&json!(true), &is_secret), "{field}");
    }
    let entry = UNPACKED.path().join("unpacked").join(manifest["server"]["entry_point"].as_str().unwrap());
    assert!(entry.exists(), "{}", entry.display());
    // Whose code is passed on is passed on with its licence.
    assert!(entry.parent().unwrap().parent().unwrap().join("LICENSE").exists());
}
