//! What an operator does by hand.

use chrono::Duration;
use entity::billing;
use entity::customers::{self, Customer, NewCustomer};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::keys::{self, ApiKey, By, NewKey};
use entity::oauth;
use entity::scopes::Scopes;
use platforms::Platforms;
use web::config::{Config, Environment, Secrets};
use web::process::open_database;
use web::telemetry::Telemetry;
use web::timestamp;

use crate::cli::{CreateKey, Provision};
use crate::print::say;
use crate::welcome;

/// How long the servers may take to end what a customer's keys opened.
const SESSIONS_END_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

pub async fn provision(environment: &Environment, arguments: Provision) -> Result<(), String> {
    let (config, db) = open(environment).await?;
    let Provision { email, plan, brand_name, website } = arguments;
    let (customer, key) =
        customers::provision(&db, NewCustomer { email, plan, brand_name, website }).await.map_err(sentence)?;
    say!("Made customer {} for {}.\n", customer.id, customer.email);
    say!("{}", welcome::connect(&config.origins.mcp(config.mcp_addr.port()), &key));
    Ok(())
}

pub async fn create_key(environment: &Environment, arguments: CreateKey) -> Result<(), String> {
    let (config, db) = open(environment).await?;
    let customer = find(&db, &arguments.customer).await?;
    let expires_at = arguments.expires_in_days.map(|days| now() + Duration::days(days.into()));
    let scopes = (!arguments.scopes.is_empty()).then(|| arguments.scopes.into_iter().collect());
    let new = NewKey { by: By::Operator, label: arguments.label, expires_at, scopes, made_by: None };
    let (key, plain) = keys::create(&db, &customer.id, new).await.map_err(sentence)?;
    say!("Made key {} ({}) for {}; it may {}.\n", key.id, key.label, customer.email, list(key.scopes));
    say!("{}", welcome::connect(&config.origins.mcp(config.mcp_addr.port()), &plain));
    Ok(())
}

pub async fn list_keys(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    let keys = keys::list(&db, &customer.id).await.map_err(sentence)?;
    say!(
        "{:<30}  {:<6}  {:<20}  {:<20}  {:<24}  {:<24}  state",
        "id",
        "last 4",
        "label",
        "may",
        "created",
        "last used"
    );
    for key in keys {
        let last_used = key.last_used_at.map_or_else(|| "never".to_owned(), timestamp);
        say!(
            "{:<30}  {:<6}  {:<20}  {:<20}  {:<24}  {last_used:<24}  {}",
            key.id.as_str(),
            key.last4,
            key.label,
            list(key.scopes),
            timestamp(key.created_at),
            state(&key)
        );
    }
    Ok(())
}

fn list(scopes: Scopes) -> String {
    scopes.to_string().replace(' ', ", ")
}

fn state(key: &ApiKey) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", timestamp(at)),
        (None, Some(at)) if at <= now() => format!("expired {}", timestamp(at)),
        (None, Some(at)) => format!("usable until {}", timestamp(at)),
        (None, None) => "usable".to_owned(),
    }
}

pub async fn revoke_key(environment: &Environment, customer: &str, key: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    let key =
        key.parse().map_err(|error| format!("`{key}` {error}; `heycmo key list {}` shows the ids", customer.email))?;
    let key = keys::revoke(&db, &customer.id, &key).await.map_err(sentence)?;
    say!("Key {} (…{}) is revoked; what it opened ends within seconds.", key.id, key.last4);
    Ok(())
}

pub async fn suspend(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    customers::suspend(&db, &customer.id).await.map_err(sentence)?;
    say!(
        "{} is suspended; open sessions end within seconds. `heycmo customer resume {0}` takes it back.",
        customer.email
    );
    Ok(())
}

pub async fn resume(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    let customer = customers::resume(&db, &customer.id).await.map_err(sentence)?;
    say!("{} is {}; the same keys work again.", customer.email, customer.status(now()));
    Ok(())
}

pub async fn list_customers(environment: &Environment) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customers = customers::list(&db).await.map_err(sentence)?;
    say!("{:<31}  {:<10}  {:<8}  {:<24}  e-mail", "id", "status", "plan", "since");
    for customer in customers {
        let status = customer.status(now());
        let since = timestamp(customer.created_at);
        say!(
            "{:<31}  {:<10}  {:<8}  {since:<24}  {}",
            customer.id.as_str(),
            status.as_str(),
            customer.plan,
            customer.email
        );
    }
    Ok(())
}

pub async fn show(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    say!("{}  {}", customer.id, customer.email);
    say!("  status       {}", customer.status(now()));
    say!("  plan         {}", customer.plan);
    say!("  brand        {}", customer.brand_name.as_deref().unwrap_or("not named yet"));
    say!("  since        {}", timestamp(customer.created_at));
    if let Some(ends_at) = customer.grace_ends_at {
        say!("  grace ends   {}", timestamp(ends_at));
    }
    if let Some(id) = &customer.stripe_customer_id {
        say!("  at Stripe    {id}");
    }
    for subscription in billing::of_customer(&db, &customer.id).await.map_err(sentence)? {
        let until = subscription.period_ends_at.map_or_else(|| "no end known".to_owned(), timestamp);
        let ending = if subscription.cancel_at_period_end { ", then over" } else { "" };
        say!("  subscription {} {} until {until}{ending}", subscription.id, subscription.status.as_str());
    }
    for key in keys::list(&db, &customer.id).await.map_err(sentence)? {
        let maker = key.made_by.as_ref().map_or_else(String::new, |id| format!(", made with {id}"));
        let may = list(key.scopes);
        say!("  key          {} …{} {} {} ({may}){maker}", key.id, key.last4, key.label, state(&key));
    }
    for app in oauth::apps(&db, &customer.id).await.map_err(sentence)? {
        let (since, may, newest) = (timestamp(app.since), list(app.scopes), app.newest);
        let by = newest.key_id.as_ref().map_or_else(String::new, |id| format!(", let in with {id}"));
        say!("  app          {} {} since {since} ({may}){by}", newest.client_id, newest.client_name);
    }
    Ok(())
}

pub async fn delete(environment: &Environment, customer: &str, yes: bool) -> Result<(), String> {
    let (config, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    if !yes {
        return Err(format!(
            "this would delete {} with all keys, content, leads and events, for good. Say it again with --yes.",
            customer.email
        ));
    }
    customers::may_be_deleted(&db, &customer.id).await.map_err(sentence)?;
    // A command has no log, but this goes where logs are collected: the customer's own goes with them.
    let _telemetry = Telemetry::start("heycmo", config.log_format, config.log_filter.as_deref(), None)?;
    // Ends the open sessions: the suspension is in the log, which the servers follow, and the deletion takes the log away.
    customers::suspend(&db, &customer.id).await.map_err(sentence)?;
    tokio::time::sleep(SESSIONS_END_WITHIN).await;
    if let Err(problem) = disconnect(environment, &config, &db, &customer).await {
        return Err(format!("{} is suspended but not deleted. {problem}", customer.email));
    }
    if let Err(error) = customers::delete(&db, &customer.id).await {
        return Err(format!("{} is suspended but not deleted. {error}", customer.email));
    }
    say!("{} and everything of theirs is deleted.", customer.email);
    Ok(())
}

pub async fn list_deletions(environment: &Environment) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    say!("{:<31}  {:<24}  by", "id", "deleted");
    for deletion in customers::deletions(&db).await.map_err(sentence)? {
        let at = timestamp(deletion.deleted_at);
        say!("{:<31}  {at:<24}  {}", deletion.id.as_str(), deletion.deleted_by.as_str());
    }
    Ok(())
}

/// Has Composio forget the tokens of a customer's platforms.
async fn disconnect(environment: &Environment, config: &Config, db: &Db, customer: &Customer) -> Result<(), String> {
    if config.composio.is_none() {
        return Ok(());
    }
    let secrets = Secrets::load(environment, config.mode, &config.data_dir).map_err(|error| error.to_string())?;
    let public_url = config.origins.gateway(config.gateway_addr.port());
    let platforms = Platforms::new(db.clone(), config.composio.clone(), public_url, &secrets)?;
    platforms.disconnect_all(&customer.id).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        format!("The connected platforms could not be disconnected: {cause}. Try again")
    })
}

pub async fn open(environment: &Environment) -> Result<(Config, Db), String> {
    let config = Config::from_environment(environment).map_err(|error| error.to_string())?;
    let db = open_database(&config.database).await?;
    migrations::up(&db).await.map_err(|error| format!("cannot bring the schema up to date: {error}"))?;
    Ok((config, db))
}

pub async fn find(db: &Db, customer: &str) -> Result<Customer, String> {
    let found = match customer.parse::<CustomerId>() {
        Ok(id) => customers::get(db, &id).await,
        Err(_) => customers::get_by_email(db, customer).await,
    };
    found.map_err(|error| match error {
        entity::Error::NotFound(_) => format!("there is no customer `{customer}`; give the e-mail address or the id"),
        other => other.to_string(),
    })
}

pub fn sentence(error: entity::Error) -> String {
    error.to_string()
}
