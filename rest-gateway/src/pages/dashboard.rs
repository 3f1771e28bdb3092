//! A customer's own page: what needs their decision, and how things stand.

use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::brands::{self, Brand};
use entity::connections::{ConnectionStatus, Platform};
use entity::content::{self, Counts, Filter, Piece};
use entity::customers::{Customer, SubscriptionState};
use entity::db::{Db, now};
use entity::events::{self, Event, TypeFilter};
use entity::ids::CustomerId;
use minijinja::{Value, context};
use platforms::Platforms;
use serde::Deserialize;
use web::config::PublicUrl;
use web::connect::{Connect, KEY_PLACEHOLDER};
use web::session::{SameOrigin, Visitor, see_other};
use web::{ApiError, timestamp};

use super::{Site, connections, words};
use crate::billing::Billing;

/// More than that are counted, not shown.
const PIECES: u64 = 10;
const EVENTS: u64 = 20;
const QUESTIONS: usize = 3;
/// How long the page waits to hear how the platforms stand.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends the person to the pages at Stripe where they manage their subscription.
pub async fn manage_billing(
    _: SameOrigin,
    visitor: Visitor,
    State(billing): State<Billing>,
) -> Result<Response, ApiError> {
    Ok(see_other(&billing.open_portal(&visitor.customer).await?))
}

/// What a person who comes back from Composio is told.
#[derive(Debug, Deserialize)]
pub struct DashboardQuery {
    platform: Option<String>,
    result: Option<ConnectionStatus>,
}

/// The dashboard.
pub async fn show(
    visitor: Visitor,
    Query(query): Query<DashboardQuery>,
    State(site): State<Site>,
    State(db): State<Db>,
    State(mcp_url): State<PublicUrl>,
    State(platforms): State<Platforms>,
) -> Result<Response, ApiError> {
    let Visitor { customer, key } = visitor;
    let now = now();
    let brand = brands::get(&db, &customer.id).await?;
    let counts = content::counts(&db, &customer.id, now).await?;
    let waiting = Filter { status: Some(content::ContentStatus::InReview), ..Filter::default() };
    let waiting = content::list(&db, &customer.id, &waiting, None, PIECES).await?.pieces;
    let waiting = content::with_words(&db, &customer.id, waiting).await?;
    let events = events::list(&db, &customer.id, &TypeFilter::Any, None, EVENTS).await?;
    let zone = brand.time_zone;
    let connect = Connect::new(&mcp_url, KEY_PLACEHOLDER);
    site.page(
        "dashboard.html",
        context! {
            brand_name => customer.brand_name.clone(),
            zone => zone.name(),
            account => account(&customer, now),
            key_last4 => key.last4,
            brand => completeness(&brand),
            counts => counted(counts),
            more_waiting => counts.in_review.saturating_sub(PIECES),
            waiting => waiting.iter().map(|piece| piece_values(piece, zone)).collect::<Vec<Value>>(),
            events => events.events.iter().map(|event| event_values(event, now, zone)).collect::<Vec<Value>>(),
            message => message(&query),
            connections => connected(&platforms, &customer.id, zone).await?,
            connect => context! {
                claude_desktop => connect.claude_desktop(),
                claude_code => connect.claude_code(),
                cursor => connect.cursor(),
                url => connect.url(),
                sse_url => connect.sse_url(),
            },
        },
    )
}

/// What the address says is only repeated in our own words.
fn message(query: &DashboardQuery) -> Option<String> {
    let platform: Platform = query.platform.as_deref()?.parse().ok()?;
    Some(connections::sentence(platform, query.result?))
}

/// How the platforms stand, as Composio says it, or as we last knew when it takes its time.
async fn connected(platforms: &Platforms, customer_id: &CustomerId, zone: Tz) -> Result<Value, ApiError> {
    if !platforms.is_configured() {
        return Ok(context! { is_configured => false, is_stale => false, platforms => Vec::<Value>::new() });
    }
    let (standings, is_stale) = match tokio::time::timeout(PATIENCE, platforms.overview(customer_id)).await {
        Ok(overview) => overview.map(|overview| (overview.platforms, overview.stale))?,
        Err(_elapsed) => (platforms.last_known(customer_id).await?, true),
    };
    let platforms: Vec<Value> = standings.iter().map(|standing| connections::values(standing, zone)).collect();
    Ok(context! { is_configured => true, is_stale, platforms })
}

fn account(customer: &Customer, now: DateTime<Utc>) -> Value {
    context! {
        id => customer.id.as_str(),
        email => customer.email.as_str(),
        plan => customer.plan.as_str(),
        status => words::status(customer.status(now)),
        is_past_due => customer.subscription == SubscriptionState::PastDue,
        // For accounts made by an operator there is nothing at Stripe.
        is_billed => customer.stripe_customer_id.is_some(),
    }
}

fn completeness(brand: &Brand) -> Value {
    let found = marketing::brand::completeness(&brand.profile, brand.name.as_deref());
    let missing: Vec<Value> = found.missing.iter().map(|question| Value::from(words::field(question.field))).collect();
    let questions: Vec<Value> =
        found.missing.iter().take(QUESTIONS).map(|question| Value::from(question.question)).collect();
    context! { percent => found.percent, missing, questions }
}

fn counted(counts: Counts) -> Value {
    context! {
        in_review => counts.in_review,
        changes_requested => counts.changes_requested,
        drafts => counts.drafts,
        scheduled_unapproved => counts.scheduled_unapproved,
    }
}

fn piece_values(piece: &Piece, zone: Tz) -> Value {
    let Piece { content, current } = piece;
    let draft = &current.draft;
    let findings: Vec<Value> = current
        .findings
        .0
        .iter()
        .map(|finding| context! { message => finding.message.as_str(), fix => finding.fix.as_str() })
        .collect();
    let media: Vec<Value> =
        draft.media.iter().map(|media| context! { url => media.url.as_str(), alt => media.alt.clone() }).collect();
    context! {
        id => content.id.as_str(),
        kind => words::kind(content.kind),
        label => content.label.as_str(),
        revision => content.revision,
        due => content.scheduled_at.map(|at| words::time(at, zone)),
        due_timestamp => content.scheduled_at.map(timestamp),
        is_overdue => content.scheduled_at.is_some_and(|at| at < now()),
        title => draft.title.clone(),
        subject => draft.subject.clone(),
        preheader => draft.preheader.clone(),
        description => draft.description.clone(),
        link => draft.link.clone(),
        body => draft.body.as_str(),
        findings,
        media,
    }
}

fn event_values(event: &Event, now: DateTime<Utc>, zone: Tz) -> Value {
    context! {
        sentence => words::sentence(event, zone),
        when => words::time_or_ago(event.created_at, now, zone),
        exact => words::time(event.created_at, zone),
        timestamp => timestamp(event.created_at),
    }
}
