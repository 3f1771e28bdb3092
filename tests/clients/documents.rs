//! What agents find, judged by programs of those who specified it, or who look after what others publish.

use std::process::Output;

use harness::process::{HeyCmo, Launch};

use crate::script::python;

const SITE: &str = "https://heycmo.example";

/// A document, as if the server were a public site: nobody publishes one of their own machine.
async fn fetched(launch: Launch, path: &str) -> String {
    let server = HeyCmo::launch(launch).await;
    let http = web::http_client().no_proxy().build().unwrap();
    let answer = http.get(format!("{}{path}", server.gateway)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let text = answer.text().await.unwrap();
    let text = text.replace(&server.gateway, SITE).replace(&server.mcp, SITE);
    text.replace("localhost/heycmo", "example.heycmo/heycmo")
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
    // Where apps are let in by OAuth, the card has one more way in.
    for (oauth, ways) in [("off", "apiKey"), ("on", "apiKey oauth")] {
        let launch = Launch::new("heycmo").env("HEYCMO_OAUTH", oauth);
        std::fs::write(&card, fetched(launch, "/.well-known/agent-card.json").await).unwrap();
        is_content(&python("documents", "python").arg("documents.py").arg(&card).arg(ways).output().await.unwrap());
    }
}

/// Skillsaw has the released schemas of the MCP registry, and the rules for names and versions that are in none.
#[tokio::test]
async fn the_registrys_schema_takes_server_json() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("server.json");
    let entry = fetched(Launch::new("heycmo"), "/server.json").await;
    std::fs::write(&file, &entry).unwrap();
    let lint = || {
        let mut command = python("documents", "skillsaw");
        command.args(["lint", "."]).current_dir(directory.path());
        command
    };
    is_content(&lint().output().await.unwrap());
    std::fs::write(&file, entry.replace("example.heycmo/heycmo", "heycmo")).unwrap();
    assert!(!lint().output().await.unwrap().status.success(), "it would take anything");
}
