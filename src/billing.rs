//! What an operator does about Stripe.

use entity::billing::{self, StripeEvent};
use entity::db::now;
use rest_gateway::billing::Billing;
use web::config::{Environment, Secrets};
use web::timestamp;

use crate::operator::{open, sentence};
use crate::print::say;
use crate::sandbox;

pub async fn events(environment: &Environment, open_only: bool, limit: u16) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let events = billing::list(&db, open_only, limit.into()).await.map_err(sentence)?;
    say!("{:<30}  {:<40}  {:<24}  {:>8}  state", "id", "type", "received", "attempts");
    for event in events {
        let received = timestamp(event.received_at);
        say!("{:<30}  {:<40}  {received}  {:>8}  {}", event.id, event.event_type, event.attempts, state(&event));
    }
    Ok(())
}

fn state(event: &StripeEvent) -> String {
    let error = event.error.as_deref().unwrap_or("no error noted");
    match (event.processed_at, event.next_attempt_at) {
        (Some(at), _) => format!("done {}", timestamp(at)),
        (None, Some(_)) if event.attempts == 0 => "waiting".to_owned(),
        (None, Some(next)) if next <= now() => format!("due; last time: {error}"),
        (None, Some(next)) => format!("again at {}; last time: {error}", timestamp(next)),
        (None, None) => format!("given up: {error}"),
    }
}

pub async fn replay(environment: &Environment, id: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    billing::replay(&db, id).await.map_err(|error| match error {
        entity::Error::NotFound(_) => format!("there is no event `{id}`; `heycmo billing events` shows the ids"),
        other => sentence(other),
    })?;
    say!("{id} is due again; a running gateway handles it within half a minute.");
    Ok(())
}

pub async fn reconcile(environment: &Environment) -> Result<(), String> {
    let (config, db) = open(environment).await?;
    let secrets = Secrets::load(environment, config.mode, &config.data_dir).map_err(|error| error.to_string())?;
    let public_url = config.origins.gateway(config.gateway_addr.port());
    let stripe = match config.stripe.clone() {
        None if sandbox::is_stripe_wanted(&config) => Some(sandbox::account(&secrets.encryption, config.sandbox_addr)?),
        account => account,
    };
    let result = Billing::new(db, stripe, config.grace, public_url)?.reconcile().await?;
    say!(
        "Compared {} subscriptions with Stripe and corrected {}; found {} paid checkouts that were not known; {} grace \
         periods were over.",
        result.compared,
        result.corrected,
        result.found,
        result.grace_ended
    );
    for (id, problem) in &result.failed {
        say!("  {id}: {problem}");
    }
    if result.failed.is_empty() { Ok(()) } else { Err(format!("{} could not be compared", result.failed.len())) }
}
