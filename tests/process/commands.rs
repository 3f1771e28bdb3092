//! What an operator does with `heycmo`.

use std::collections::BTreeSet;
use std::path::Path;

use harness::mcp::Caller;
use harness::model::{Answer, ScriptedModel};
use harness::process::{HeyCmo, Launch};
use harness::{TestDb, on_each_database};
use serde_json::json;

use crate::support::{Terminal, key_in, status, word_after};

on_each_database!(customers_are_made_and_given_keys, customers_are_stopped_and_resumed, the_doctor_finds_all_well);

async fn customers_are_made_and_given_keys(test: TestDb) {
    let terminal = Terminal::on(&test);
    let made = terminal.heycmo("provision anna@example.com --brand-name Acme --website https://acme.example").await;
    let (id, first) = (word_after(&made, "Made customer"), key_in(&made));
    let made = terminal.heycmo("key create anna@example.com --label laptop --expires-in-days 90").await;
    let (key_id, second) = (word_after(&made, "Made key"), key_in(&made));

    let server = HeyCmo::launch(terminal.launch("heycmo")).await;
    assert_eq!(server.key, "", "there is a customer already");
    let callers = [first, second].map(|key| Caller::new(&server.mcp, &key));
    for caller in &callers {
        let account = caller.call(1, "get_account", json!({})).await.unwrap();
        assert_eq!((&account["customerId"], &account["brandName"]), (&json!(id), &json!("Acme")));
    }

    let listed = terminal.heycmo(&format!("key list {id}")).await;
    let line = listed.lines().find(|line| line.starts_with(&key_id)).unwrap();
    assert!(line.contains("laptop") && line.contains("usable until"), "{listed}");
    assert!(!listed.contains("hcmo_live_"));
    terminal.heycmo(&format!("key revoke ANNA@example.com {key_id}")).await;
    assert!(terminal.heycmo("key list anna@example.com").await.contains("revoked 2"));
    assert!(callers[0].call(1, "get_account", json!({})).await.is_ok());
    assert_eq!(status(&callers[1], "/mcp/sse").await, 401);
}

async fn customers_are_stopped_and_resumed(test: TestDb) {
    let terminal = Terminal::on(&test);
    terminal.heycmo("provision anna@example.com").await;
    assert!(terminal.heycmo("customer suspend anna@example.com").await.contains("is suspended"));
    assert!(terminal.heycmo("customer resume anna@example.com").await.contains("is onboarding"));
}

async fn the_doctor_finds_all_well(test: TestDb) {
    let terminal = Terminal::on(&test);
    assert!(terminal.heycmo("doctor").await.contains("has no customer yet"));
    terminal.heycmo("provision anna@example.com").await;
    let report = terminal.heycmo("doctor").await;
    assert!(report.contains("has customers") && report.lines().all(|line| line.starts_with("ok ")), "{report}");
}

#[tokio::test]
async fn the_doctor_says_what_to_do() {
    let terminal = Terminal::new().set("DATABASE_URL", "postgres://heycmo:hunter2@127.0.0.1:1/heycmo");
    let finished = terminal.launch("heycmo").arg("doctor").finish().await;
    assert_eq!(finished.status.code(), Some(1));
    assert!(finished.out.contains("FIX  database: cannot open the Postgres at 127.0.0.1:1/heycmo"), "{finished:?}");
    assert!(finished.log.contains("1 thing has to be put right first"), "{finished:?}");
    assert!(!(finished.out + &finished.log).contains("hunter2"));
}

#[tokio::test]
async fn the_doctor_asks_the_model() {
    assert!(Terminal::new().heycmo("doctor").await.contains("ok   model: none, so briefs wait for an assistant"));
    let model = ScriptedModel::start().await;
    let terminal = Terminal::new()
        .set("LLM_BASE_URL", &model.base_url())
        .set("LLM_API_KEY", "sk-hunter2")
        .set("LLM_MODEL", "small");
    model.answers([Answer::Text("yes".to_owned())]);
    assert!(terminal.heycmo("doctor").await.contains("ok   model: small at 127.0.0.1 answers"));

    model.answers([Answer::error(401, "invalid_api_key", "Incorrect API key provided: sk-hunter2")]);
    let finished = terminal.launch("heycmo").arg("doctor").finish().await;
    assert_eq!(finished.status.code(), Some(1));
    let said =
        "FIX  model: the model is not available: its server answers HTTP 401 invalid_api_key. Check LLM_BASE_URL";
    assert!(finished.out.contains(said), "{finished:?}");
    assert!(!(finished.out + &finished.log).contains("hunter2"));
}

/// As behind `| head`.
#[tokio::test]
async fn who_reads_no_further_hears_no_complaint() {
    let terminal = Terminal::new();
    terminal.heycmo("provision anna@example.com").await;
    for (binary, command) in [
        ("heycmo", "customer list"),
        ("heycmo", "customer show anna@example.com"),
        ("heycmo", "key create anna@example.com"),
        ("heycmo", "billing events"),
        ("heycmo", "workflows list"),
        ("heycmo", "doctor"),
        ("heycmo", "serve"),
        ("heycmo", "--help"),
        ("heycmo-migrate", "status"),
    ] {
        let database = format!("sqlite://{}/heycmo.db", terminal.data_dir().display());
        let launch = terminal.launch(binary).args(command.split(' ')).env("DATABASE_URL", database);
        let finished = launch.env("RUST_LOG", "off").unread().finish().await;
        assert_eq!(finished.log, "", "{binary} {command}");
        assert!(matches!(finished.status.code(), Some(0 | 141)), "{binary} {command}: {finished:?}");
    }
}

#[tokio::test]
async fn every_command_has_help_with_an_example() {
    let commands = [
        "serve",
        "provision",
        "key create",
        "key list",
        "key revoke",
        "customer suspend",
        "customer resume",
        "customer delete",
        "customer deletions",
        "workflows list",
        "workflows show",
        "workflows run",
        "workflows cancel",
        "workflows retry",
        "doctor",
    ];
    for command in commands.into_iter().chain([""]) {
        let finished = Launch::new("heycmo").args(command.split_whitespace()).arg("--help").finish().await;
        assert!(finished.status.success());
        let example = finished.out.split("Example").nth(1).unwrap_or_else(|| panic!("{command}: {}", finished.out));
        assert!(example.contains("heycmo") && example.contains(command), "{command}: {}", finished.out);
    }
}

/// Each with `--help` behind it, which does nothing but has everything before it understood.
#[tokio::test]
async fn every_command_of_the_documents_is_understood() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![std::fs::read_to_string(root.join("README.md")).unwrap()];
    for folder in ["docs", "docs/operating", "docs/clients", "docs/security"] {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let pages = files.filter(|path| path.extension().is_some_and(|it| it == "md"));
        texts.extend(pages.map(|path| std::fs::read_to_string(path).unwrap()));
    }
    // A command ends with its line, or with the code that it is in.
    let mut commands: BTreeSet<&str> = BTreeSet::new();
    for text in &texts {
        let found =
            text.match_indices("heycmo").map(|(at, _)| text[at..].split(['`', '\n', '\'']).next().unwrap().trim());
        commands.extend(found.filter(|it| it.starts_with("heycmo ") || it.starts_with("heycmo-migrate ")));
    }
    let subcommands =
        ["provision", "key", "customer", "billing", "workflows", "scan", "doctor", "serve", "up", "down", "status"];
    commands.retain(|command| command.split(' ').nth(1).is_some_and(|word| subcommands.contains(&word)));
    assert!(commands.len() > 20, "{commands:?}");
    let terminal = Terminal::new();
    for command in commands {
        let (program, arguments) = command.split_once(' ').unwrap();
        let finished = terminal.launch(program).args(arguments.split(' ')).arg("--help").finish().await;
        assert!(finished.status.success() && finished.out.contains("Usage: "), "{command}: {finished:?}");
    }
}
