//! Calls, beside the floor's: in a closed loop, where each worker asks again once it has its answer, or in an open one,
//! where calls come at a fixed rate whether or not earlier ones are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use harness::mcp::{Caller, Session, Sse};
use hdrhistogram::Histogram;
use serde_json::json;

use crate::Options;
use crate::floor::Floor;
use crate::subject::{Customer, Subject};
use crate::usage::Usage;

const WARM_UP: Duration = Duration::from_millis(500);
/// Reads the newest 20 events, as the route does.
const TOOL: &str = "list_events";
/// Calls of a session that is opened for them.
const CALLS_A_FLOW: usize = 3;

/// What is called, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Events,
    Stateless,
    Session,
    Sse,
    Flow,
    Customer,
    Brand,
    Content,
    Page(&'static str),
}

/// Those that the floor does too.
const COMPARED: [(Kind, &str); 4] = [
    (Kind::Events, "GET /api/events/:id"),
    (Kind::Stateless, "list_events, 2026-07-28"),
    (Kind::Session, "list_events, Streamable HTTP"),
    (Kind::Sse, "list_events, HTTP+SSE"),
];
const OTHERS: [(Kind, &str); 3] = [
    (Kind::Customer, "GET /api/customer/:id"),
    (Kind::Brand, "get_brand, 2026-07-28"),
    (Kind::Flow, "whole session, 3 calls"),
];

/// How calls follow each other.
#[derive(Clone, Copy)]
pub struct Load {
    pub workers: usize,
    pub duration: Duration,
    /// Calls per second in all; as fast as they are answered when absent.
    pub rate: Option<f64>,
}

impl Load {
    pub fn of(options: &Options) -> Self {
        Self { workers: options.workers, duration: Duration::from_secs_f64(options.seconds), rate: options.rate }
    }
}

/// What calls cost.
pub struct Cost {
    /// Microseconds of every call.
    times: Histogram<u64>,
    per_second: f64,
    /// Processor seconds of the server for 10,000 calls.
    pub cpu: f64,
}

impl Cost {
    pub fn millis(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64 / 1_000.0
    }

    fn row(&self, name: &str, floor: Option<&Self>) -> String {
        let max = self.times.max() as f64 / 1_000.0;
        let times_floor = floor.map_or_else(String::new, |floor| format!("{:.2}", self.cpu / floor.cpu));
        format!(
            "{name:<30} {:>8.0} {:>8.2} {:>8.2} {:>8.2} {:>14.2} {times_floor:>8}",
            self.per_second,
            self.millis(0.5),
            self.millis(0.99),
            max,
            self.cpu,
        )
    }
}

pub async fn measure(subject: &Subject, floor: Option<&Floor>, options: &Options) {
    println!(
        "{:<30} {:>8} {:>8} {:>8} {:>8} {:>14} {:>8}",
        "call", "per s", "p50 ms", "p99 ms", "max ms", "CPU s / 10,000", "× floor"
    );
    let load = Load::of(options);
    for (kind, name) in COMPARED {
        let Some(floor) = floor else {
            println!("{}", cost(subject.usage(), &subject.customer, kind, load).await.row(name, None));
            continue;
        };
        // By turns, so that what else the machine does meets both.
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            theirs.push(cost(floor.usage(), &floor.customer, kind, load).await);
            ours.push(cost(subject.usage(), &subject.customer, kind, load).await);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{}", ours.row(name, Some(&theirs)));
        println!("{}", theirs.row("    the floor", None));
    }
    for (kind, name) in OTHERS {
        println!("{}", cost(subject.usage(), &subject.customer, kind, load).await.row(name, None));
    }
    println!();
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    costs.swap_remove(costs.len() / 2)
}

/// Calls for a while, after a little that does not count.
pub async fn cost(usage: Usage, customer: &Customer, kind: Kind, load: Load) -> Cost {
    run(customer, kind, Load { duration: WARM_UP, ..load }).await;
    let (begun, cpu) = (Instant::now(), usage.cpu());
    let times = run(customer, kind, load).await;
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), usage.cpu() - cpu);
    let calls = times.len() as f64;
    Cost { per_second: calls / elapsed, cpu: cpu / calls * 10_000.0, times }
}

/// Microseconds of every call; one that is not answered as it should be ends it all.
async fn run(customer: &Customer, kind: Kind, load: Load) -> Histogram<u64> {
    let begun = Instant::now();
    let number = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..load.workers)
        .map(|_| {
            let (customer, number) = (customer.clone(), Arc::clone(&number));
            tokio::spawn(async move {
                work(kind, customer, load, begun, &number).await.unwrap_or_else(|error| panic!("{error}"))
            })
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

async fn work(
    kind: Kind,
    customer: Customer,
    load: Load,
    begun: Instant,
    number: &AtomicU64,
) -> Result<Histogram<u64>, String> {
    let mut client = Client::connect(kind, customer).await?;
    let mut times = histogram();
    loop {
        let number = number.fetch_add(1, Ordering::Relaxed);
        // At a fixed rate, a call that has to wait for a free worker has waited: it counts from when it was due.
        let due = load.rate.map_or_else(Instant::now, |rate| begun + Duration::from_secs_f64(number as f64 / rate));
        if due >= begun + load.duration {
            return Ok(times);
        }
        tokio::time::sleep_until(due.into()).await;
        client.call(number).await?;
        times.record(due.elapsed().as_micros() as u64).expect("less than a minute");
    }
}

enum Client {
    Sse(Sse),
    Session(Session),
    Stateless(Caller, &'static str, &'static str),
    Flow(Caller),
    Rest(Caller, String, &'static str),
    Page(Caller, String),
}

impl Client {
    async fn connect(kind: Kind, customer: Customer) -> Result<Self, String> {
        let Customer { id, mcp, gateway, .. } = customer;
        Ok(match kind {
            Kind::Sse => Self::Sse(mcp.connect_sse().await?),
            Kind::Session => Self::Session(mcp.connect().await?),
            Kind::Stateless => Self::Stateless(mcp, TOOL, "events"),
            Kind::Brand => Self::Stateless(mcp, "get_brand", "completeness"),
            Kind::Content => Self::Stateless(mcp, "list_content", "content"),
            Kind::Flow => Self::Flow(mcp),
            Kind::Customer => Self::Rest(gateway, format!("/api/customer/{id}"), "mcpEndpoint"),
            Kind::Events => Self::Rest(gateway, format!("/api/events/{id}?limit=20"), "events"),
            Kind::Page(page) => Self::Page(gateway, format!("/api/dashboard/{id}{page}")),
        })
    }

    /// One call, with its answer looked at.
    async fn call(&mut self, number: u64) -> Result<(), String> {
        let (answer, field) = match self {
            Self::Sse(session) => (session.call(TOOL, json!({})).await?, "events"),
            Self::Session(session) => (session.call(TOOL, json!({})).await?, "events"),
            Self::Stateless(caller, tool, field) => (caller.call(number, tool, json!({})).await?, *field),
            Self::Rest(caller, path, field) => (caller.get(path).await?, *field),
            Self::Flow(caller) => return flow(caller).await,
            Self::Page(caller, path) => return page(caller, path).await,
        };
        if answer.get(field).is_some() { Ok(()) } else { Err(format!("no {field} in {:.200}", answer.to_string())) }
    }
}

/// What a client does from its start to its end. What those leave behind who never say goodbye is measured by storms.
async fn flow(caller: &Caller) -> Result<(), String> {
    let mut session = caller.connect().await?;
    for _ in 0..CALLS_A_FLOW {
        session.call(TOOL, json!({})).await?;
    }
    session.delete().await
}

async fn page(caller: &Caller, path: &str) -> Result<(), String> {
    let answer = caller.request(reqwest::Method::GET, path).send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let html = answer.text().await.map_err(|error| error.to_string())?;
    if status.is_success() && html.ends_with("</html>\n") || html.ends_with("</html>") {
        Ok(())
    } else {
        Err(format!("{status} and no whole page from {path}"))
    }
}
