//! What agents find, judged by programs of those who specified it, or who look after what others publish.

use std::path::Path;
use std::process::Output;

use harness::process::HeyCmo;

use crate::script::python;

async fn fetched(path: &str, to: &Path) {
    let server = HeyCmo::start().await;
    let http = web::http_client().no_proxy().build().unwrap();
    let answer = http.get(format!("{}{path}", server.gateway)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    std::fs::write(to, answer.bytes().await.unwrap()).unwrap();
}

#[track_caller]
fn is_content(output: &Output) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}

#[tokio::test]
async fn a2as_own_library_takes_the_agent_card() {
    let directory = tempfile::tempdir().unwrap();
    let card = directory.path().join("agent-card.json");
    fetched("/.well-known/agent-card.json", &card).await;
    is_content(&python("documents", "python").arg("documents.py").arg(&card).output().await.unwrap());
}

/// Skillsaw has the released schemas of the MCP registry, and the rules for names and versions that are in none.
#[tokio::test]
async fn the_registrys_schema_takes_server_json() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("server.json");
    fetched("/server.json", &file).await;
    let lint = || {
        let mut command = python("documents", "skillsaw");
        command.args(["lint", "."]).current_dir(directory.path());
        command
    };
    is_content(&lint().output().await.unwrap());
    let spoiled = std::fs::read_to_string(&file).unwrap().replace("localhost/heycmo", "heycmo");
    std::fs::write(&file, spoiled).unwrap();
    assert!(!lint().output().await.unwrap().status.success(), "it would take anything");
}
