//! Memory of idle sessions, and whether it comes back when clients go without a goodbye.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use harness::mcp::{Events, Session, Sse};
use serde_json::json;

use crate::Options;
use crate::subject::{Customer, Subject};
use crate::usage::Usage;

/// Fewer than one customer may have.
pub const PER_CUSTOMER: usize = 90;
const POLL: Duration = Duration::from_millis(200);
/// An allocator that gives memory back does so after a while, many after ten seconds. Opening leaves some of it, too.
const LAG: Duration = Duration::from_secs(12);
/// How long nobody says anything while what that costs is measured.
const REST: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
enum Kind {
    Sse,
    Session,
    Listening,
}

/// A session that says nothing; what it holds is only held.
enum Idle {
    Sse { _session: Sse },
    Session { _session: Session, _stream: Option<Events> },
}

const KINDS: [(Kind, &str); 3] =
    [(Kind::Sse, "HTTP+SSE"), (Kind::Session, "Streamable HTTP"), (Kind::Listening, "Streamable HTTP with a stream")];

pub async fn measure(options: &Options, sessions: usize, patience: Duration) {
    println!(
        "{:<34} {:>10} {:>10} {:>8} {:>9} {:>13} {:>10}",
        format!("{sessions} idle sessions, storm"),
        "before KiB",
        "with KiB",
        "each KiB",
        "CPU s / s",
        "abandoned KiB",
        "still open"
    );
    for (kind, name) in KINDS {
        // A process for each, or else one would use the memory that the one before gave back to the allocator.
        let subject = Subject::first_start(options).await;
        let mut customers = Vec::new();
        for _ in 0..sessions.div_ceil(PER_CUSTOMER) {
            customers.push(subject.another_customer().await);
        }
        // So that what the first session of all needs is not counted with the others.
        drop(open(kind, &customers, 1).await);
        settle(&customers, patience).await;

        let usage = subject.usage();
        let before = usage.resident();
        for storm in 1..=options.storms {
            let idle = open(kind, &customers, sessions).await;
            let with = given_back(usage).await;
            let cpu = at_rest(usage).await;
            drop(idle);
            let still_open = settle(&customers, patience).await;
            let abandoned = if still_open == 0 { given_back(usage).await } else { usage.resident() };
            let each = with.saturating_sub(before) as f64 / sessions as f64;
            let name = format!("{name}, {storm}");
            println!("{name:<34} {before:>10} {with:>10} {each:>8.1} {cpu:>9.3} {abandoned:>13} {still_open:>10}");
            // What is still there would be counted with what comes.
            if still_open > 0 {
                break;
            }
        }
    }
    println!();
}

/// Sessions of the older transport for one customer.
pub async fn open_sse(customer: &Customer, sessions: usize) -> Vec<Sse> {
    let opened = (0..sessions).map(|_| async {
        let mut session = customer.mcp.connect_sse().await?;
        session.call("get_brand", json!({})).await?;
        Ok::<_, String>(session)
    });
    try_join_all(opened).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Processor time of a second in which no session says anything.
async fn at_rest(usage: Usage) -> f64 {
    // What the opening left to be done is over then.
    tokio::time::sleep(REST).await;
    let (cpu, begun) = (usage.cpu(), Instant::now());
    tokio::time::sleep(REST).await;
    (usage.cpu() - cpu) / begun.elapsed().as_secs_f64()
}

/// Every session initialized, with one call made.
async fn open(kind: Kind, customers: &[Customer], sessions: usize) -> Vec<Idle> {
    let mut idle = Vec::new();
    let mut left = sessions;
    for customer in customers {
        let here = left.min(PER_CUSTOMER);
        left -= here;
        for batch in (0..here).collect::<Vec<_>>().chunks(10) {
            let opened = try_join_all(batch.iter().map(|_| open_one(kind, customer)));
            idle.extend(opened.await.unwrap_or_else(|error| panic!("{error}")));
        }
    }
    idle
}

async fn open_one(kind: Kind, customer: &Customer) -> Result<Idle, String> {
    if let Kind::Sse = kind {
        let mut session = customer.mcp.connect_sse().await?;
        session.call("get_brand", json!({})).await?;
        return Ok(Idle::Sse { _session: session });
    }
    let mut session = customer.mcp.connect().await?;
    session.call("get_brand", json!({})).await?;
    let stream = if let Kind::Listening = kind { Some(session.listen().await?) } else { None };
    Ok(Idle::Session { _session: session, _stream: stream })
}

/// How many sessions are left once there is none, or once patience is over.
async fn settle(customers: &[Customer], patience: Duration) -> usize {
    let end = Instant::now() + patience;
    loop {
        let mut open = 0;
        for customer in customers {
            let account = customer.mcp.call(1, "get_account", json!({})).await.expect("an answer");
            open += account["sessions"]["open"].as_u64().expect("a number") as usize;
        }
        if open == 0 || Instant::now() >= end {
            return open;
        }
        tokio::time::sleep(REST).await;
    }
}

/// Memory in use once it falls no more.
async fn given_back(usage: Usage) -> u64 {
    let (mut least, mut since) = (usage.resident(), Instant::now());
    while since.elapsed() < LAG {
        tokio::time::sleep(POLL).await;
        let now = usage.resident();
        if now + 100 < least {
            (least, since) = (now, Instant::now());
        }
    }
    least
}
