//! Calls in a closed loop: each worker asks again once it has its answer.

use std::time::{Duration, Instant};

use harness::mcp::{Caller, Session, Sse};
use hdrhistogram::Histogram;
use serde_json::json;

use crate::subject::{Customer, Subject};

const WARM_UP: Duration = Duration::from_millis(500);
const TOOL: &str = "get_brand";

#[derive(Clone, Copy)]
enum Kind {
    Sse,
    Session,
    Stateless,
    Customer,
    Events,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Sse, "get_brand, HTTP+SSE"),
    (Kind::Session, "get_brand, Streamable HTTP"),
    (Kind::Stateless, "get_brand, 2026-07-28"),
    (Kind::Customer, "GET /api/customer/:id"),
    (Kind::Events, "GET /api/events/:id"),
];

pub async fn measure(subject: &Subject, workers: usize, duration: Duration) {
    println!("{:<28} {:>9} {:>9} {:>9} {:>9} {:>14}", "call", "per s", "p50 ms", "p99 ms", "max ms", "CPU s / 10,000");
    for (kind, name) in KINDS {
        run(subject, kind, workers, WARM_UP).await;
        let (begun, cpu) = (Instant::now(), subject.cpu());
        let times = run(subject, kind, workers, duration).await;
        let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), subject.cpu() - cpu);
        let calls = times.len() as f64;
        let millis = |micros: u64| micros as f64 / 1_000.0;
        println!(
            "{name:<28} {:>9.0} {:>9.2} {:>9.2} {:>9.2} {:>14.2}",
            calls / elapsed,
            millis(times.value_at_quantile(0.5)),
            millis(times.value_at_quantile(0.99)),
            millis(times.max()),
            cpu / calls * 10_000.0,
        );
    }
    println!();
}

/// Microseconds of every call; one that is not answered as it should be ends it all.
async fn run(subject: &Subject, kind: Kind, workers: usize, duration: Duration) -> Histogram<u64> {
    let end = Instant::now() + duration;
    let workers: Vec<_> = (0..workers)
        .map(|_| {
            let customer = subject.customer.clone();
            tokio::spawn(async move { work(kind, customer, end).await.unwrap_or_else(|error| panic!("{error}")) })
        })
        .collect();
    let mut all = histogram();
    for worker in workers {
        all.add(worker.await.expect("every answer is right")).expect("the same bounds");
    }
    all
}

/// Up to a minute, in microseconds, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds that make sense")
}

async fn work(kind: Kind, customer: Customer, end: Instant) -> Result<Histogram<u64>, String> {
    let mut client = Client::connect(kind, customer).await?;
    let mut times = histogram();
    while Instant::now() < end {
        let asked = Instant::now();
        client.call().await?;
        times.record(asked.elapsed().as_micros() as u64).expect("less than a minute");
    }
    Ok(times)
}

enum Client {
    Sse(Sse),
    Session(Session),
    Stateless(Caller, u64),
    Rest(Caller, String, &'static str),
}

impl Client {
    async fn connect(kind: Kind, customer: Customer) -> Result<Self, String> {
        let Customer { id, mcp, gateway, .. } = customer;
        Ok(match kind {
            Kind::Sse => Self::Sse(mcp.connect_sse().await?),
            Kind::Session => Self::Session(mcp.connect().await?),
            Kind::Stateless => Self::Stateless(mcp, 0),
            Kind::Customer => Self::Rest(gateway, format!("/api/customer/{id}"), "mcpEndpoint"),
            Kind::Events => Self::Rest(gateway, format!("/api/events/{id}?limit=20"), "events"),
        })
    }

    /// One call, with its answer looked at.
    async fn call(&mut self) -> Result<(), String> {
        let (answer, field) = match self {
            Self::Sse(session) => (session.call(TOOL, json!({})).await?, "completeness"),
            Self::Session(session) => (session.call(TOOL, json!({})).await?, "completeness"),
            Self::Stateless(caller, id) => {
                *id += 1;
                (caller.call(*id, TOOL, json!({})).await?, "completeness")
            }
            Self::Rest(caller, path, field) => (caller.get(path).await?, *field),
        };
        if answer.get(field).is_some() { Ok(()) } else { Err(format!("no {field} in {answer}")) }
    }
}
