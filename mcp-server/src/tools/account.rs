//! The account: plan, status, and what needs attention now.

use entity::connections::{ConnectionStatus, Platform};
use entity::content::{self, Counts};
use entity::customers::CustomerStatus;
use entity::db::now;
use entity::events::{Event, EventType};
use entity::ids::CustomerId;
use entity::{brands, customers, keys, proposals};
use platforms::connections::Standing;
use platforms::facts;
use platforms::table::Facts;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Arguments, NoArguments};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::rate::Left;
use crate::schema;
use crate::server::HeyCmo;

/// The account as tools show it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AccountOut {
    /// Id of the account.
    customer_id: CustomerId,
    /// Where the owner is reached.
    email: String,
    /// The plan.
    plan: String,
    /// Whether everything works: `active`, or `onboarding` while the first steps are open.
    status: CustomerStatus,
    /// Name of the brand, once known.
    brand_name: Option<String>,
    /// IANA time zone in which times are read and shown.
    time_zone: String,
    /// How much of the brand profile is known, 0 to 100.
    brand_completeness: i64,
    /// Open connections of assistants to this server.
    sessions: SessionsOut,
    /// Messages to this server in a minute; null without a limit.
    requests: Option<RequestsOut>,
    /// Platforms that are connected.
    connections: Vec<Platform>,
    /// What waits for the owner, most urgent first.
    needs_attention: Vec<String>,
}

/// Sessions used and left.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SessionsOut {
    /// Open now.
    open: i64,
    /// How many more may be opened.
    left: i64,
}

/// Messages allowed and left. They come back evenly over the minute.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RequestsOut {
    /// How many a minute are taken, from all sessions together.
    per_minute: i64,
    /// How many more would be taken right now.
    left: i64,
}

#[tool_router(router = account_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Get account",
        description = "Shows the account: plan, status, limits left, connected platforms, and what needs the owner's attention now. A good first call.",
        input_schema = schema::input::<NoArguments>(),
        output_schema = schema::output::<AccountOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_account(
        &self,
        caller: Caller,
        Left(left_now): Left,
        _: Arguments<NoArguments>,
    ) -> Result<Answer<AccountOut>, Refusal> {
        let app = self.app();
        let customer = customers::get(&app.db, &caller.customer_id).await?;
        let brand = brands::get(&app.db, &caller.customer_id).await?;
        let counts = content::counts(&app.db, &caller.customer_id, now()).await?;
        let proposals = proposals::count_open(&app.db, &caller.customer_id).await?;
        let completeness = marketing::brand::completeness(&brand.profile, brand.name.as_deref());
        let leaks = keys::leaked_lately(&app.db, &caller.customer_id).await?;
        let platforms = app.platforms.last_known(&caller.customer_id).await?;
        let (open, left) = app.sessions.places(&caller.customer_id);
        let account = AccountOut {
            status: customer.status(now()),
            time_zone: brand.time_zone.name().to_owned(),
            brand_completeness: completeness.percent,
            sessions: SessionsOut { open: count(open), left: count(left) },
            requests: left_now
                .map(|allowance| RequestsOut { per_minute: allowance.per_minute.into(), left: allowance.left.into() }),
            needs_attention: needs_attention(&leaks, counts, proposals, completeness.percent, &platforms),
            connections: connected(&platforms),
            customer_id: customer.id,
            email: customer.email,
            plan: customer.plan,
            brand_name: customer.brand_name,
        };
        Ok(Answer { text: in_words(&account), data: account })
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn connected(platforms: &[Standing]) -> Vec<Platform> {
    let connected = platforms.iter().filter(|standing| standing.status == ConnectionStatus::Connected);
    connected.map(|standing| standing.facts.platform).collect()
}

fn needs_attention(
    leaks: &[Event],
    counts: Counts,
    proposals: u64,
    completeness: i64,
    platforms: &[Standing],
) -> Vec<String> {
    let mut needs: Vec<String> = leaks.iter().map(leaked).collect();
    for standing in platforms.iter().filter(|standing| standing.status == ConnectionStatus::NeedsReconnect) {
        let Facts { name, platform, .. } = standing.facts;
        needs.push(format!("The connection to {name} no longer works (connect_platform with platform {platform})."));
    }
    if counts.scheduled_unapproved > 0 {
        needs.push(format!(
            "{} with a time set but no approval (list_content with scheduledFrom today).",
            pieces(counts.scheduled_unapproved)
        ));
    }
    if counts.missed > 0 {
        needs.push(format!(
            "{} whose time passed without an approval (list_content with scheduledBefore the present time, then schedule_content).",
            pieces(counts.missed)
        ));
    }
    if counts.in_review > 0 {
        needs.push(format!(
            "{} to decide on (list_content with status in_review, then review_content).",
            pieces(counts.in_review)
        ));
    }
    if counts.changes_requested > 0 {
        needs.push(format!(
            "{} to change as asked (list_content with status changes_requested, then update_content).",
            pieces(counts.changes_requested)
        ));
    }
    if counts.drafts > 0 {
        needs.push(format!(
            "{} to mend before a decision, a rule is broken (list_content with status draft).",
            pieces(counts.drafts)
        ));
    }
    if proposals > 0 {
        let proposals = if proposals == 1 { "1 proposal".to_owned() } else { format!("{proposals} proposals") };
        needs.push(format!("{proposals} from your own results to decide on (list_proposals, then review_proposal)."));
    }
    if completeness < 100 {
        needs.push(format!("The brand profile is {completeness} % complete (get_brand lists the open questions, update_brand saves the answers)."));
    }
    needs
}

fn leaked(leak: &Event) -> String {
    let said = |field: &str| leak.data.get(field).and_then(Value::as_str).unwrap_or("?");
    let place = leak.data.get("url").and_then(Value::as_str).map(|url| format!(" at {url}")).unwrap_or_default();
    let (what, then) = match leak.event_type {
        EventType::GrantLeaked => (
            format!("A token of the app “{}” was public{place}, and the app is shut out", said("clientName")),
            "the owner lets the app in again if they use it",
        ),
        _ => (
            format!(
                "The API key that ends in {} was public{place} and is revoked, with the keys that were made with it and \
                 the apps that it let in",
                said("last4")
            ),
            "a new key is made under Keys & billing",
        ),
    };
    format!("{what}. Look whether everything since is the owner's own (list_events); {then}.")
}

fn pieces(number: u64) -> String {
    if number == 1 { "1 piece of content".to_owned() } else { format!("{number} pieces of content") }
}

fn in_words(account: &AccountOut) -> String {
    let brand = account.brand_name.as_deref().unwrap_or("The brand has no name yet");
    let names: Vec<&str> = account.connections.iter().map(|platform| facts(*platform).name).collect();
    let platforms = if names.is_empty() {
        "No platform is connected".to_owned()
    } else {
        format!("Connected: {}", names.join(", "))
    };
    let mut text = format!(
        "{brand} · plan {} · {} · {} · times in {}\nSessions: {} open, {} left. {platforms}.\n",
        account.plan, account.status, account.email, account.time_zone, account.sessions.open, account.sessions.left
    );
    if let Some(RequestsOut { per_minute, left }) = account.requests {
        text.push_str(&format!("Requests: {per_minute} a minute, {left} left now.\n"));
    }
    if account.needs_attention.is_empty() {
        text.push_str("Nothing needs attention now.");
    } else {
        text.push_str("Needs attention:\n");
        for need in &account.needs_attention {
            text.push_str(&format!("- {need}\n"));
        }
    }
    text
}
