//! Mistakes are met with one sentence that says what to do.

use harness::process::Launch;
use tokio::net::TcpListener;

use crate::support::{Terminal, sentence};

const SERVERS: [&str; 3] = ["heycmo", "heycmo-gateway", "heycmo-mcp"];

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (binary, variable) in [
        ("heycmo", "HEYCMO_GATEWAY_ADDR"),
        ("heycmo", "HEYCMO_MCP_ADDR"),
        ("heycmo", "HEYCMO_METRICS_ADDR"),
        ("heycmo-gateway", "HEYCMO_GATEWAY_ADDR"),
        ("heycmo-mcp", "HEYCMO_MCP_ADDR"),
    ] {
        let terminal = Terminal::new().set(variable, &address);
        let said = terminal.refusal(binary, "").await;
        assert!(said.starts_with(&format!("{address} is taken")) && said.contains(variable), "{binary}: {said}");
    }
}

#[tokio::test]
async fn a_taken_port_does_not_use_up_the_showing_of_the_key() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let terminal = Terminal::new();
    let address = taken.local_addr().unwrap().to_string();
    terminal.clone().set("HEYCMO_MCP_ADDR", &address).refusal("heycmo", "").await;
    let server = harness::process::HeyCmo::launch(terminal.launch("heycmo")).await;
    assert_ne!(server.key, "");
}

#[tokio::test]
async fn a_variable_that_is_wrong_is_named() {
    for (name, value) in [
        ("HEYCMO_ENV", "prod"),
        ("DATABASE_URL", "mysql://x/y"),
        ("HEYCMO_GATEWAY_ADDR", "8787"),
        ("HEYCMO_MCP_ADDR", "localhost"),
        ("HEYCMO_METRICS_ADDR", "203.0.113.7:9464"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"),
        ("PUBLIC_URL", "heycmo.example"),
        ("MCP_PUBLIC_URL", "ftp://heycmo.example"),
        ("ALLOWED_HOSTS", "https://heycmo.example"),
        ("ALLOWED_ORIGINS", "heycmo.example"),
        ("LLM_BASE_URL", "http://models.example/v1"),
        ("LLM_API_KEY", "two words"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "info,=="),
        ("ADMIN_SECRET", "short"),
        ("ENCRYPTION_SECRET", "short"),
        ("ENCRYPTION_SECRET_FILE", "/nowhere"),
    ] {
        for binary in SERVERS {
            let said = Terminal::new().set(name, value).refusal(binary, "").await;
            assert!(said.starts_with(name.trim_end_matches("_FILE")), "{binary}, {name}={value}: {said}");
        }
    }
}

#[tokio::test]
async fn production_starts_only_with_what_makes_it_safe() {
    let production = Terminal::new().set("HEYCMO_ENV", "production");
    let secret = "0123456789abcdef0123456789abcdef";
    let steps = [
        ("PUBLIC_URL", "http://heycmo.example", "PUBLIC_URL must be https in production"),
        ("PUBLIC_URL", "https://heycmo.example", "ADMIN_SECRET must be set in production"),
        ("ADMIN_SECRET", secret, "ENCRYPTION_SECRET must be set in production"),
    ];
    for binary in SERVERS {
        assert!(production.refusal(binary, "").await.starts_with("PUBLIC_URL must be set in production"));
        let mut terminal = production.clone();
        for (name, value, expected) in steps {
            terminal = terminal.set(name, value);
            let said = terminal.refusal(binary, "").await;
            assert!(said.starts_with(expected), "{binary}: {said}");
        }
    }
    let terminal = steps.iter().fold(production, |terminal, (name, value, _)| terminal.set(name, value));
    let mut server = terminal.set("ENCRYPTION_SECRET", secret).launch("heycmo").start();
    server.printed(|out| out.contains("https://heycmo.example/mcp").then_some(())).await;
    assert!(!server.out().contains("hcmo_live_"), "nobody is made in production");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let terminal = Terminal::new().set("DATABASE_URL", "postgres://heycmo:hunter2@127.0.0.1:1/heycmo");
    for (binary, command) in
        SERVERS.map(|server| (server, "")).into_iter().chain([("heycmo", "key list x@example.com")])
    {
        let said = terminal.refusal(binary, command).await;
        assert!(said.starts_with("cannot open the Postgres at 127.0.0.1:1/heycmo: "), "{binary}: {said}");
        assert!(said.contains("DATABASE_URL") && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_written_is_named() {
    for binary in SERVERS {
        let terminal = Terminal::new();
        // Below a file there can be no directory, whoever asks.
        let file = terminal.data_dir().join("file");
        std::fs::write(&file, "").unwrap();
        let below = file.join("data");
        let finished = Launch::new(binary).env("HEYCMO_DATA_DIR", &below).finish().await;
        let said = sentence(binary, &finished);
        assert!(said.contains(below.to_str().unwrap()), "{binary}: {said}");
        assert!(said.contains("HEYCMO_DATA_DIR"), "{binary}: {said}");
    }
}

#[tokio::test]
async fn commands_say_what_they_did_not_find() {
    let terminal = Terminal::new();
    terminal.heycmo("provision anna@example.com").await;
    for (command, expected) in [
        ("provision anna@example.com", "There is a customer with this e-mail address already"),
        ("provision nonsense", "email"),
        ("key list bert@example.com", "there is no customer `bert@example.com`"),
        ("key create cust_01M851E88BEZS4E1V4ZSCPXFGH", "there is no customer `cust_01M851E88BEZS4E1V4ZSCPXFGH`"),
        (
            "key revoke anna@example.com nonsense",
            "`nonsense` is not an id: ids look like key_01M851E88BEZS4E1V4ZSCPXFGH; `heycmo key list anna@example.com`",
        ),
        ("key revoke anna@example.com key_01M851E88BEZS4E1V4ZSCPXFGH", "key"),
        ("customer suspend bert@example.com", "there is no customer `bert@example.com`"),
    ] {
        let said = terminal.refusal("heycmo", command).await;
        assert!(said.contains(expected), "heycmo {command}: {said}");
    }
}
