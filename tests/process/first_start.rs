//! The first minutes with `heycmo`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use serde_json::{Value, json};

use crate::support::{again, mcp};

/// The JSON that follows a line.
fn json_after(text: &str, line: &str) -> Value {
    let rest = text.split(line).nth(1).unwrap_or_else(|| panic!("no {line:?} in:\n{text}"));
    let start = rest.find('{').unwrap();
    serde_json::Deserializer::from_str(&rest[start..]).into_iter().next().unwrap().unwrap()
}

#[tokio::test]
async fn the_first_start_shows_how_to_connect() {
    let server = HeyCmo::start().await;
    let out = server.process.out();
    let (key, url) = (&server.key, format!("{}/mcp", server.mcp));
    assert!(key.strip_prefix("hcmo_live_").is_some_and(|hex| hex.len() == 64), "{key}");
    assert!(out.contains(&format!("{url}/sse?token={key}")), "{out}");
    assert!(
        out.contains(&format!("claude mcp add --transport http heycmo {url} --header \"Authorization: Bearer {key}\""))
    );

    let desktop = &json_after(&out, "claude_desktop_config.json")["mcpServers"]["heycmo"];
    assert_eq!(desktop["command"], "npx");
    assert!(desktop["args"].as_array().unwrap().contains(&json!(url)), "{desktop}");
    assert_eq!(desktop["env"]["AUTHORIZATION"], format!("Bearer {key}"));

    let cursor = json!({"url": url, "headers": {"Authorization": format!("Bearer {key}")}});
    assert_eq!(json_after(&out, "~/.cursor/mcp.json")["mcpServers"]["heycmo"], cursor);
    let link: url::Url = out.lines().find(|line| line.contains("cursor://")).unwrap().trim().parse().unwrap();
    let config = link.query_pairs().find(|(name, _)| name == "config").unwrap().1;
    assert_eq!(serde_json::from_slice::<Value>(&STANDARD.decode(&*config).unwrap()).unwrap(), cursor);
}

#[tokio::test]
async fn the_key_is_shown_once_and_goes_on_working() {
    let first = HeyCmo::start().await;
    let (launch, caller) = (again(&first), mcp(&first));
    let account = caller.call(1, "get_account", json!({})).await.unwrap();
    first.process.stop().await;

    let second = HeyCmo::launch(launch).await;
    assert_eq!(caller.call(1, "get_account", json!({})).await.unwrap(), account);
    let stopped = second.process.stop().await;
    assert!(!(stopped.out + &stopped.log).contains("hcmo_live_"));
}

#[tokio::test]
async fn the_gateway_and_the_server_take_the_same_key() {
    let server = HeyCmo::start().await;
    let id = mcp(&server).call(1, "get_account", json!({})).await.unwrap()["customerId"].take();
    let path = format!("/api/customer/{}", id.as_str().unwrap());
    let account = Caller::new(&server.gateway, &server.key).get(&path).await.unwrap();
    assert_eq!(account["mcpEndpoint"], format!("{}/mcp/sse?token={}", server.mcp, server.key));
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let launch = Launch::new("heycmo");
    let server = HeyCmo::launch(launch.env("HEYCMO_DATA_DIR", "kept/here")).await;
    let home = server.process.data_dir();
    let data = home.path().join("kept/here");
    assert_eq!((mode(&data), mode(&home.path().join("kept"))), (0o700, 0o700));
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    for name in ["admin_secret", "encryption_secret", "heycmo.db", "heycmo.db-wal", "heycmo.db-shm"] {
        assert!(files.contains(&data.join(name)), "{name} is not in {files:?}");
    }
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    // What was there is as whoever made it wanted it.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&data, open).unwrap();
    server.process.stop().await;
    let launch = Launch::on("heycmo", home).env("HEYCMO_DATA_DIR", &data);
    let _server = HeyCmo::launch(launch).await;
    assert_eq!(mode(&data), 0o755);
}

/// Of what was freed, also where nothing happens any more.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thread_gives_memory_back() {
    let server = HeyCmo::start().await;
    let tasks = format!("/proc/{}/task", server.process.pid());
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    let names: Vec<String> = std::fs::read_dir(tasks).unwrap().map(|task| name(task.unwrap())).collect();
    assert!(names.iter().any(|name| name.starts_with("jemalloc_bg")), "{names:?}");
}
