//! `heycmo-migrate`.

use harness::{Backend, TestDb};

use crate::support::Terminal;

async fn run(terminal: &Terminal, command: &str) -> String {
    let finished = terminal.launch("heycmo-migrate").args(command.split(' ')).finish().await;
    assert!(finished.status.success() && finished.log.is_empty(), "{finished:?}");
    finished.out
}

async fn goes_up_and_down(backend: Backend) {
    let test = TestDb::empty(backend).await;
    let terminal = Terminal::on(&test);
    assert!(run(&terminal, "status").await.starts_with("Still to be applied: m0001"));
    assert_eq!(run(&terminal, "up").await, "The schema is up to date.\n");
    assert_eq!(run(&terminal, "up").await, "The schema is up to date.\n");
    assert_eq!(run(&terminal, "status").await, "The schema is up to date.\n");
    assert!(test.tables().await.contains(&"customers".to_owned()));
    assert_eq!(run(&terminal, "down").await, "Took back 1 step(s).\n");
    assert!(run(&terminal, "status").await.starts_with("Still to be applied: m"));
    run(&terminal, "up").await;
    run(&terminal, "down 1000").await;
    assert_eq!(test.tables().await, [""; 0]);
}

#[tokio::test]
async fn goes_up_and_down_on_sqlite() {
    goes_up_and_down(Backend::Sqlite).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn goes_up_and_down_on_postgres() {
    goes_up_and_down(Backend::Postgres).await;
}

#[tokio::test]
async fn the_address_may_be_in_a_file() {
    let test = TestDb::empty(Backend::Sqlite).await;
    let terminal = Terminal::new();
    let path = terminal.data_dir().join("database_url");
    std::fs::write(&path, format!("{}\n", test.url_text())).unwrap();
    let terminal = terminal.set("DATABASE_URL_FILE", path.to_str().unwrap());
    assert_eq!(run(&terminal, "up").await, "The schema is up to date.\n");
    assert!(test.tables().await.contains(&"customers".to_owned()));
    std::fs::write(&path, "mysql://nothing").unwrap();
    let said = terminal.refusal("heycmo-migrate", "up").await;
    assert!(said.starts_with("DATABASE_URL must be postgres://"), "{said}");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let terminal = Terminal::new().set("DATABASE_URL", "postgres://heycmo:hunter2@127.0.0.1:1/heycmo");
    let said = terminal.refusal("heycmo-migrate", "up").await;
    assert!(said.starts_with("Postgres at 127.0.0.1:1/heycmo: ") && !said.contains("hunter2"), "{said}");
}
