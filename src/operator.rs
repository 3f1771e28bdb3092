//! What an operator does by hand.

use chrono::Duration;
use entity::customers::{self, Customer, NewCustomer};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::keys::{self, ApiKey, NewKey};
use web::config::{Config, Environment};
use web::process::open_database;
use web::timestamp;

use crate::cli::{CreateKey, Provision};
use crate::welcome;

pub async fn provision(environment: &Environment, arguments: Provision) -> Result<(), String> {
    let (config, db) = open(environment).await?;
    let Provision { email, plan, brand_name, website } = arguments;
    let (customer, key) =
        customers::provision(&db, NewCustomer { email, plan, brand_name, website }).await.map_err(sentence)?;
    println!("Made customer {} for {}.\n", customer.id, customer.email);
    println!("{}", welcome::connect(&config.origins.mcp(config.mcp_addr.port()), &key));
    Ok(())
}

pub async fn create_key(environment: &Environment, arguments: CreateKey) -> Result<(), String> {
    let (config, db) = open(environment).await?;
    let customer = find(&db, &arguments.customer).await?;
    let expires_at = arguments.expires_in_days.map(|days| now() + Duration::days(days.into()));
    let (key, plain) =
        keys::create(&db, &customer.id, NewKey { label: arguments.label, expires_at }).await.map_err(sentence)?;
    println!("Made key {} ({}) for {}.\n", key.id, key.label, customer.email);
    println!("{}", welcome::connect(&config.origins.mcp(config.mcp_addr.port()), &plain));
    Ok(())
}

pub async fn list_keys(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    let keys = keys::list(&db, &customer.id).await.map_err(sentence)?;
    println!("{:<30}  {:<6}  {:<20}  {:<24}  {:<24}  state", "id", "last 4", "label", "created", "last used");
    for key in keys {
        let last_used = key.last_used_at.map_or_else(|| "never".to_owned(), timestamp);
        println!(
            "{:<30}  {:<6}  {:<20}  {:<24}  {last_used:<24}  {}",
            key.id.as_str(),
            key.last4,
            key.label,
            timestamp(key.created_at),
            state(&key)
        );
    }
    Ok(())
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
    println!("Key {} (…{}) is revoked; what it opened ends within seconds.", key.id, key.last4);
    Ok(())
}

pub async fn suspend(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    customers::suspend(&db, &customer.id).await.map_err(sentence)?;
    println!(
        "{} is suspended; open sessions end within seconds. `heycmo customer resume {0}` takes it back.",
        customer.email
    );
    Ok(())
}

pub async fn resume(environment: &Environment, customer: &str) -> Result<(), String> {
    let (_, db) = open(environment).await?;
    let customer = find(&db, customer).await?;
    let customer = customers::resume(&db, &customer.id).await.map_err(sentence)?;
    println!("{} is {}; the same keys work again.", customer.email, customer.status(now()));
    Ok(())
}

async fn open(environment: &Environment) -> Result<(Config, Db), String> {
    let config = Config::from_environment(environment).map_err(|error| error.to_string())?;
    let db = open_database(&config.database).await?;
    migrations::up(&db).await.map_err(|error| format!("cannot bring the schema up to date: {error}"))?;
    Ok((config, db))
}

async fn find(db: &Db, customer: &str) -> Result<Customer, String> {
    let found = match customer.parse::<CustomerId>() {
        Ok(id) => customers::get(db, &id).await,
        Err(_) => customers::get_by_email(db, customer).await,
    };
    found.map_err(|error| match error {
        entity::Error::NotFound(_) => format!("there is no customer `{customer}`; give the e-mail address or the id"),
        other => other.to_string(),
    })
}

fn sentence(error: entity::Error) -> String {
    error.to_string()
}
