//! The server under load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::mcp::Caller;
use harness::process::{HeyCmo, Launch};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Options;
use crate::usage::{Usage, pin};

const ADMIN_SECRET: &str = "the load tool's own admin secret";

pub struct Subject {
    server: HeyCmo,
    /// A customer with a filled account.
    pub customer: Customer,
    /// From the start of the process to the first answered call.
    pub started_in: Duration,
}

/// A customer and how to reach both servers as one.
#[derive(Clone)]
pub struct Customer {
    pub id: String,
    pub mcp: Caller,
    pub gateway: Caller,
    pub key: String,
}

impl Subject {
    /// Starts on nothing, and then makes a customer with something to read.
    pub async fn first_start(options: &Options) -> Self {
        let begun = Instant::now();
        let data = Arc::new(tempfile::tempdir().expect("a directory"));
        let server = HeyCmo::launch(launch(data, options)).await;
        Caller::new(&origin(&server.mcp), &server.key).get("/health/ready").await.expect("it answers");
        let started_in = begun.elapsed();
        pin(server.process.pid(), 0);
        let customer = provision(&server).await;
        fill(&customer.mcp).await;
        Self { server, customer, started_in }
    }

    /// Stops it and starts it again on the same data.
    pub async fn restart(self, options: &Options) -> Self {
        let data = self.server.process.data_dir();
        self.server.process.stop().await;
        let begun = Instant::now();
        let server = HeyCmo::launch(launch(data, options)).await;
        let mcp = Caller::new(&origin(&server.mcp), &self.customer.key);
        mcp.call(1, "get_brand", json!({})).await.expect("it answers");
        let started_in = begun.elapsed();
        pin(server.process.pid(), 0);
        let gateway = Caller::new(&origin(&server.gateway), &self.customer.key);
        let customer = Customer { mcp, gateway, ..self.customer };
        Self { server, customer, started_in }
    }

    /// One more customer.
    pub async fn another_customer(&self) -> Customer {
        provision(&self.server).await
    }

    pub fn usage(&self) -> Usage {
        Usage::of(self.server.process.pid())
    }
}

fn launch(data: Arc<TempDir>, options: &Options) -> Launch {
    let launch = Launch::on("heycmo", data)
        .arg("serve")
        .env("ADMIN_SECRET", ADMIN_SECRET)
        .env("RUST_LOG", &options.log)
        // One address is all the callers, as behind an edge; nobody else may have so many connections.
        .env("TRUSTED_PROXIES", "127.0.0.1");
    match &options.database_url {
        Some(url) => launch.env("DATABASE_URL", url),
        None => launch,
    }
}

/// Without a name to look up.
fn origin(url: &str) -> String {
    url.replace("localhost", "127.0.0.1")
}

async fn provision(server: &HeyCmo) -> Customer {
    let operator = Caller::new(&origin(&server.gateway), ADMIN_SECRET);
    let body = json!({"email": harness::an_email(), "brandName": "Acme"});
    let request = operator.request(Method::POST, "/api/admin/provision").json(&body);
    let made: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    let text = |field: &str| made[field].as_str().unwrap_or_else(|| panic!("no {field} in {made}")).to_owned();
    let key = text("apiKey");
    Customer {
        id: text("customerId"),
        mcp: Caller::new(&origin(&server.mcp), &key),
        gateway: operator.with_key(&key),
        key,
    }
}

/// A brand that has answered its interview and an event log to read.
async fn fill(mcp: &Caller) {
    let brand = json!({
        "website": "https://acme.example",
        "offering": "Rockets for people who are in a hurry, with free delivery and a guarantee of ten years.",
        "audience": "Managers of small teams that have to be somewhere else tomorrow.",
        "voice": {"adjectives": ["warm", "plain", "quick"], "do": ["say what it does"], "dont": ["boast"]},
        "goals": ["A hundred orders a month"],
    });
    mcp.call(1, "update_brand", brand).await.expect("the brand is saved");
    for number in 2..32 {
        let piece = json!({"kind": "linkedin_post", "body": format!("Rocket number {number} has left the house.")});
        mcp.call(number, "create_content", piece).await.expect("the piece is saved");
    }
}
