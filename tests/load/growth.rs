//! How the cost of a call grows with what there is: events, pieces of content, open sessions.

use harness::mcp::Sse;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use crate::Options;
use crate::calls::{Kind, Load, cost};
use crate::sessions::{self, PER_CUSTOMER};
use crate::subject::{Customer, Subject};

/// Rows of one INSERT.
const BATCH: u64 = 500_000;

pub async fn measure(subject: &Subject, database_url: &str, options: &Options) {
    let db = Database::connect(database_url).await.expect("the database");
    events(&db, subject, options).await;
    content(&db, subject, options).await;
    open_sessions(subject, options).await;
}

async fn events(db: &DatabaseConnection, subject: &Subject, options: &Options) {
    heading("events", &["GET events", "list_events", "activity"]);
    let mut made = 0;
    for size in sizes(1_000, options.events) {
        while made < size {
            let upto = (made + BATCH).min(size);
            let id = &subject.customer.id;
            // Older than all there are, and not all alike.
            let sql = format!(
                "INSERT INTO events (id, customer_id, type, data, created_at) \
                 SELECT 'evt_00' || upper(lpad(to_hex(n), 24, '0')), '{id}', \
                 CASE n % 50 WHEN 0 THEN 'lead.logged' ELSE 'content.updated' END, \
                 jsonb_build_object('contentId', n, 'label', 'Rocket number ' || n), \
                 now() - interval '1 year' + n * interval '1 second' FROM generate_series({made} + 1, {upto}) n"
            );
            db.execute_unprepared(&sql).await.expect("events");
            made = upto;
        }
        settle(db, "events").await;
        row(subject, options, size, &[Kind::Events, Kind::Stateless, Kind::Page("/activity")]).await;
    }
    println!();
}

async fn content(db: &DatabaseConnection, subject: &Subject, options: &Options) {
    heading("pieces", &["list_content", "overview", "content page"]);
    let mut made = 0;
    for size in sizes(1_000, options.pieces) {
        let id = &subject.customer.id;
        for (table, key) in [("content", "id"), ("content_revisions", "content_id")] {
            let columns = columns(db, table).await;
            let value = |column: &String| match column.as_str() {
                "id" => "left(t.id, 4) || '00' || upper(lpad(to_hex(n), 24, '0'))".to_owned(),
                "content_id" => "left(t.content_id, 4) || '00' || upper(lpad(to_hex(n), 24, '0'))".to_owned(),
                other => format!("t.\"{other}\""),
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            // Copies of one piece that is there.
            let sql = format!(
                "INSERT INTO {table} (\"{}\") SELECT {} FROM generate_series({made} + 1, {size}) n, \
                 (SELECT * FROM {table} WHERE {key} = (SELECT max(id) FROM content WHERE customer_id = '{id}')) t",
                columns.join("\",\""),
                values.join(", ")
            );
            db.execute_unprepared(&sql).await.expect("pieces");
            settle(db, table).await;
        }
        made = size;
        row(subject, options, size, &[Kind::Content, Kind::Page(""), Kind::Page("/content")]).await;
    }
    println!();
}

/// Has Postgres do at once what it would do in the minutes after so many rows, while calls are measured.
async fn settle(db: &DatabaseConnection, table: &str) {
    db.execute_unprepared(&format!("VACUUM ANALYZE {table}")).await.expect("statistics");
    db.execute_unprepared("CHECKPOINT").await.expect("a superuser");
}

async fn columns(db: &DatabaseConnection, table: &str) -> Vec<String> {
    let sql = format!("SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'");
    let rows = db.query_all_raw(sea_orm::Statement::from_string(db.get_database_backend(), sql)).await;
    rows.expect("columns").iter().map(|row| row.try_get("", "column_name").expect("a name")).collect()
}

async fn open_sessions(subject: &Subject, options: &Options) {
    heading("open sessions, HTTP+SSE", &["GET events", "list_events", "on a stream"]);
    let mut customers: Vec<Customer> = Vec::new();
    let mut idle: Vec<Vec<Sse>> = Vec::new();
    let mut open = 0;
    for size in std::iter::once(1).chain(sizes(10, options.sessions as u64)) {
        while open < size as usize {
            let customer = subject.another_customer().await;
            let here = PER_CUSTOMER.min(size as usize - open);
            idle.push(sessions::open_sse(&customer, here).await);
            customers.push(customer);
            open += here;
        }
        row(subject, options, size, &[Kind::Events, Kind::Stateless, Kind::Sse]).await;
    }
    println!();
}

/// Ten times as many each time, up to so many.
fn sizes(first: u64, most: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(first), |size| size.checked_mul(10)).take_while(move |size| *size <= most)
}

fn heading(what: &str, calls: &[&str]) {
    print!("{what:<26}");
    for call in calls {
        print!(" {:>34}", format!("{call}: p50, p99 ms, CPU s"));
    }
    println!();
}

async fn row(subject: &Subject, options: &Options, size: u64, kinds: &[Kind]) {
    print!("{size:<26}");
    for kind in kinds {
        let cost = cost(subject.usage(), &subject.customer, *kind, Load::of(options)).await;
        let figures = format!("{:.2}, {:.2}, {:.2}", cost.millis(0.5), cost.millis(0.99), cost.cpu);
        print!(" {figures:>34}");
    }
    println!();
}
