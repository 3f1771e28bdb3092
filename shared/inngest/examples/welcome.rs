//! A small app: `npx inngest-cli@latest dev -u http://localhost:3000/api/inngest` and then
//! `INNGEST_DEV=1 cargo run -p inngest --example welcome`.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use inngest::{Condition, Config, Event, FunctionOptions, Inngest, Input, Step, WaitForEvent, create_function, serve};
use serde::{Deserialize, Serialize};

#[derive(Clone, Deserialize)]
struct SignedUp {
    email: String,
}

#[derive(Serialize)]
struct Welcomed {
    has_replied: bool,
}

async fn welcome(input: Input<SignedUp>, step: Step) -> inngest::Result<Welcomed> {
    let email = input.event.data.email;
    step.run("write", move || async move {
        tracing::info!(%email, "welcome");
        Ok(())
    })
    .await?;
    let wait = WaitForEvent {
        event: "user/replied".to_owned(),
        timeout: Duration::from_secs(3 * 24 * 3600),
        condition: Some(Condition::Match("data.email".to_owned())),
    };
    let reply: Option<Event> = step.wait_for_event("reply", wait).await?;
    Ok(Welcomed { has_replied: reply.is_some() })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Inngest::new("example", Config::from_env()?, reqwest::Client::new());
    let welcome = create_function(FunctionOptions::new("welcome").event("user/signed.up").retries(2), welcome);
    let router = Router::new().route("/api/inngest", serve(client, [welcome])?);
    // `localhost` has to reach it: that is what the dev server calls.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, router).await?;
    Ok(())
}
