//! Plain words for what is stored as names: one sentence an event, one expression a status.

use chrono::{DateTime, Datelike, Duration, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use entity::content::{ContentKind, ContentStatus, Decision};
use entity::customers::CustomerStatus;
use entity::events::{Event, EventType};
use entity::scopes::{Scope, Scopes};
use entity::workflows::Workflow;
use marketing::written;
use serde_json::Value;

/// A sentence for the customer. What somebody wrote is set apart, whichever way their script runs.
pub fn sentence(event: &Event, zone: Tz) -> String {
    let mut sentence = told(event, zone);
    // What is quoted may end as a sentence does.
    if [".", "!", "?", "…"].iter().any(|end| sentence.ends_with(&format!("{end}\u{2069}”."))) {
        sentence.pop();
    }
    sentence
}

fn told(event: &Event, zone: Tz) -> String {
    let said = |field: &str| event.data.get(field).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let label = || quoted(said("label").unwrap_or("a piece"));
    let title = || quoted(said("title").unwrap_or("a change"));
    let who = || said("decidedBy").map_or_else(|| "Somebody".to_owned(), isolated);
    let why = || said("reason").map_or_else(|| ".".to_owned(), |reason| format!(": {}", isolated(reason)));
    let name = || quoted(said("clientName").unwrap_or("without a name"));
    let app = || format!("The app {}", name());
    let key = || format!("The key {} (ends in {})", label(), said("last4").unwrap_or("?"));
    match event.event_type {
        EventType::CustomerCreated => "Your account was made.".to_owned(),
        EventType::CustomerSuspended => "Your account was suspended; its keys stopped working.".to_owned(),
        EventType::CustomerResumed => "Your account works again, with the same keys.".to_owned(),
        EventType::SubscriptionUpdated => subscription(&event.data, zone),
        EventType::SubscriptionGraceEnded => {
            "The missing payment did not come; your keys stopped working until it does.".to_owned()
        }
        EventType::PaymentDisputed => "A payment of yours is disputed at the bank.".to_owned(),
        EventType::KeyCreated => format!("{} was made.", key()),
        EventType::KeyRevoked => format!("{} was revoked and opens nothing any more.", key()),
        EventType::KeyLeaked => format!("{} was found where everybody can read it: {}.", key(), found_at(&event.data)),
        EventType::SessionStarted => "Somebody logged in to these pages.".to_owned(),
        EventType::SessionEnded => "Somebody logged out of these pages.".to_owned(),
        EventType::GrantCreated => format!("{} was let in{}.", app(), permissions(&event.data)),
        EventType::GrantRevoked => format!("{} is not let in any more.", app()),
        EventType::GrantReused => {
            format!(
                "{} was shut out: somebody had a copy of what only it should have. Let it in again if you use it.",
                app()
            )
        }
        EventType::GrantLeaked => {
            format!("A token of the app {} was found where everybody can read it: {}.", name(), found_at(&event.data))
        }
        EventType::BrandUpdated => format!("The brand profile changed: {}.", changed_fields(&event.data)),
        EventType::ContentPlanned => format!("{} is to be written for {}.", label(), due(&event.data, zone)),
        EventType::ContentNotDrafted => format!("{} was not drafted{}", label(), reason(said("why"))),
        EventType::ContentCreated => format!("{} was drafted: {}.", said_kind(&event.data), label()),
        EventType::ContentUpdated => format!("{} was rewritten{}.", label(), revision(&event.data)),
        EventType::ContentApproved => format!("{} approved {}{}", who(), label(), why()),
        EventType::ContentRejected => format!("{} decided against {}{}", who(), label(), why()),
        EventType::ContentRevised => format!("{} asked for a change to {}{}", who(), label(), why()),
        EventType::ContentScheduled => format!("{} is due {}.", label(), due(&event.data, zone)),
        EventType::ContentUnscheduled => format!("{} has no date any more.", label()),
        EventType::ContentDue => format!("{}: its time has come.", label()),
        EventType::ContentPublished => format!("{} is out on {}.", label(), platform(&event.data)),
        EventType::ContentPublishFailed if said("status") == Some("unknown") => {
            format!("It is not known whether {} is out on {}{}", label(), platform(&event.data), reason(said("error")))
        }
        EventType::ContentPublishFailed => {
            format!("{} did not go out on {}{}", label(), platform(&event.data), reason(said("error")))
        }
        EventType::ConnectionLinkCreated => format!("A link to connect {} was made.", platform(&event.data)),
        EventType::ConnectionEstablished => format!("{} is connected.", platform(&event.data)),
        EventType::ConnectionLost => {
            format!("{} is not connected any more{}", platform(&event.data), reason(said("reason")))
        }
        EventType::OnboardingStarted => {
            "Getting started began: your assistant can interview you about your brand.".to_owned()
        }
        EventType::OnboardingReminded => {
            "The brand interview still waits for you; your assistant goes on where it stopped.".to_owned()
        }
        EventType::OnboardingCompleted => "Getting started is done: HeyCMO knows your brand.".to_owned(),
        EventType::WorkflowStarted => format!("{} began.", workflow(&event.data)),
        EventType::WorkflowCompleted => format!("{} is done.", workflow(&event.data)),
        EventType::WorkflowFailed => format!("{} failed{}", workflow(&event.data), reason(said("error"))),
        EventType::WorkflowCancelled => format!("{} was ended{}", workflow(&event.data), reason(said("error"))),
        EventType::ScanCompleted => scanned(&event.data),
        EventType::ScanRegressed => regressed(&event.data),
        EventType::PageWatched => format!("The page {} is scanned every week from now on.", address(&event.data)),
        EventType::PageUnwatched => format!("The page {} is not scanned every week any more.", address(&event.data)),
        EventType::SnapshotCaptured => format!(
            "The numbers from {} to {} were kept.",
            said("from").map_or_else(|| "one day".to_owned(), day_of),
            said("to").map_or_else(|| "another".to_owned(), day_of)
        ),
        EventType::ReportCompleted => format!(
            "The report on {} to {} is there: {}",
            said("from").map_or_else(|| "one day".to_owned(), day_of),
            said("to").map_or_else(|| "another".to_owned(), day_of),
            said("headline").map_or_else(|| "it can be read.".to_owned(), isolated)
        ),
        EventType::ProposalOpened => format!("A proposal waits for your decision: {}.", title()),
        EventType::ProposalApproved => format!("{} approved the proposal {}{}", who(), title(), why()),
        EventType::ProposalRejected => format!("{} decided against the proposal {}{}", who(), title(), why()),
        EventType::ProposalRolledBack => format!("{} took back the proposal {}{}", who(), title(), why()),
        EventType::LeadLogged => format!("A lead came in from {}.", isolated(said("source").unwrap_or("somewhere"))),
    }
}

/// What somebody may do by a permission: a name for it, and a sentence.
pub const fn permission(scope: Scope) -> (&'static str, &'static str) {
    match scope {
        Scope::Read => {
            ("See everything", "The brand profile, content, numbers, scans, reports, connections and the activity.")
        }
        Scope::Write => (
            "Change what stays inside",
            "Write drafts, change the brand profile, plan, scan pages, log leads, make links that connect platforms, and start work.",
        ),
        Scope::Publish => (
            "Let things go out",
            "Approve, schedule and publish, in your name, on the platforms that you have connected.",
        ),
    }
}

/// The same of several, as a list.
pub fn permissions_of(scopes: Scopes) -> String {
    if scopes == Scopes::ALL {
        return "everything".to_owned();
    }
    let names: Vec<String> = scopes.iter().map(|scope| permission(scope).0.to_lowercase()).collect();
    names.join(", ")
}

/// What an event says that an app may do.
fn permissions(data: &Value) -> String {
    let names = data.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let scopes: Scopes = names.filter_map(|name| name.parse::<Scope>().ok()).collect();
    if scopes.is_empty() { String::new() } else { format!(", and may: {}", permissions_of(scopes)) }
}

/// What changed about the subscription, by Stripe's word for how it stands.
fn subscription(data: &Value, zone: Tz) -> String {
    let text = |field: &str| data.get(field).and_then(Value::as_str);
    let at = |field: &str| text(field).and_then(|text| text.parse::<DateTime<Utc>>().ok()).map(|at| time(at, zone));
    let ends = data.get("cancelAtPeriodEnd").and_then(Value::as_bool).unwrap_or(false);
    match (text("status").unwrap_or_default(), at("graceEndsAt")) {
        ("active" | "trialing", _) if ends => match at("periodEndsAt") {
            Some(end) => format!("Your subscription was canceled and ends {end}."),
            None => "Your subscription was canceled and ends with the period that is paid.".to_owned(),
        },
        ("active" | "trialing", _) => "Your subscription is paid and active.".to_owned(),
        ("past_due", Some(end)) => format!("A payment failed. Your keys go on working until {end}."),
        ("past_due" | "unpaid", _) => "A payment failed and is overdue; your keys stopped working.".to_owned(),
        ("paused", _) => "Your subscription is paused; your keys stopped working.".to_owned(),
        _ => "Your subscription ended; your keys stopped working. Nothing was deleted.".to_owned(),
    }
}

fn reason(error: Option<&str>) -> String {
    error.map_or_else(|| ".".to_owned(), |error| format!(": {}", isolated(error)))
}

fn workflow(data: &Value) -> &'static str {
    let read = data.get("workflow").and_then(|workflow| serde_json::from_value(workflow.clone()).ok());
    read.map_or("A workflow", work)
}

/// What a workflow does.
pub const fn work(workflow: Workflow) -> &'static str {
    match workflow {
        Workflow::Onboarding => "Getting started",
        Workflow::PerformanceSnapshot => "Keeping the week's numbers",
        Workflow::AnalyticsReport => "The report on the numbers",
        Workflow::ContentPlan => "Planning the calendar",
        Workflow::PageWatch => "Scanning the watched pages",
        Workflow::WeeklyRound => "The weekly round",
        Workflow::PublishDue => "Publishing a piece at its time",
        Workflow::BillingReconcile => "The comparison with Stripe",
        Workflow::Housekeeping => "Housekeeping",
    }
}

/// A step of a workflow, whose name is one of ours such as `read google_analytics`.
pub fn step(name: &str) -> String {
    let source = name.strip_prefix("read ").and_then(|source| source.parse().ok());
    if let Some(platform) = source {
        return format!("Read {}", platforms::facts(platform).name);
    }
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn platform(data: &Value) -> &'static str {
    let read = data.get("platform").and_then(|platform| serde_json::from_value(platform.clone()).ok());
    read.map_or("A platform", |platform| platforms::facts(platform).name)
}

fn said_kind(data: &Value) -> &'static str {
    let read = data.get("kind").and_then(|kind| serde_json::from_value(kind.clone()).ok());
    read.map_or("A piece of content", with_article)
}

fn revision(data: &Value) -> String {
    let number = data.get("revision").and_then(Value::as_i64);
    number.map(|number| format!(" (version {number})")).unwrap_or_default()
}

fn day_of(text: &str) -> String {
    text.parse().map_or_else(|_| isolated(text), day)
}

fn due(data: &Value, zone: Tz) -> String {
    let at = data.get("scheduledAt").and_then(Value::as_str).and_then(|text| text.parse::<DateTime<Utc>>().ok());
    at.map_or_else(|| "at a new time".to_owned(), |at| time(at, zone))
}

fn scanned(data: &Value) -> String {
    let score = |field: &str| data.get(field).and_then(Value::as_i64).unwrap_or_default();
    let url = data
        .get("url")
        .and_then(Value::as_str)
        .map_or_else(|| "A page".to_owned(), |url| format!("The page {}", isolated(url)));
    format!("{url} was scanned: SEO {}, GEO {}.", score("seo"), score("geo"))
}

/// What got worse about a page.
fn regressed(data: &Value) -> String {
    let url = address(data);
    if let Some(problem) = data.get("problem").and_then(Value::as_str) {
        return format!("The page {url} cannot be read any more: {problem}");
    }
    let score = |name: &str, when: &str| data.pointer(&format!("/worse/{name}/{when}")).and_then(Value::as_i64);
    let fall = |label: &str, name: &str| {
        let (before, now) = (score(name, "before")?, score(name, "now")?);
        (now < before).then(|| format!("{label} {now} after {before}"))
    };
    let falls: Vec<String> = [fall("SEO", "seo"), fall("GEO", "geo")].into_iter().flatten().collect();
    let findings = data.pointer("/worse/findings").and_then(Value::as_array).map_or(0, Vec::len);
    let findings = match findings {
        0 => String::new(),
        1 => "one finding is new".to_owned(),
        several => format!("{several} findings are new"),
    };
    let parts: Vec<String> = falls.into_iter().chain([findings]).filter(|part| !part.is_empty()).collect();
    format!("The page {url} got worse: {}.", parts.join(", "))
}

fn address(data: &Value) -> String {
    data.get("url").and_then(Value::as_str).map_or_else(|| "of yours".to_owned(), isolated)
}

fn found_at(data: &Value) -> String {
    data.get("url").and_then(Value::as_str).map_or_else(|| "the place was not told".to_owned(), isolated)
}

fn changed_fields(data: &Value) -> String {
    let names = data.get("changed").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = names.map(field).collect();
    if words.is_empty() { "a detail".to_owned() } else { words.join(", ") }
}

/// A field of the brand profile in words.
pub fn field(name: &str) -> &str {
    match name {
        "timeZone" => "time zone",
        "offering" => "what you sell",
        "voice.adjectives" => "how the brand sounds",
        "voice.do" => "what every text does",
        "voice.dont" => "what no text does",
        "pillars" => "topics",
        "forbiddenClaims" => "words never to use",
        "cadence" => "how often to publish",
        "formatWeights" => "shares of kinds",
        "postingTimes" => "times to publish",
        "quietHours" => "quiet hours",
        "country" => "country of holidays",
        other => other,
    }
}

/// A status in words, for an account that can be looked at.
pub const fn status(status: CustomerStatus) -> &'static str {
    match status {
        CustomerStatus::Onboarding => "Active; the first steps are still open",
        CustomerStatus::Active => "Active",
        CustomerStatus::PastDue => "A payment failed",
        CustomerStatus::Paused => "Paused",
        CustomerStatus::Canceled => "Canceled",
        CustomerStatus::Suspended => "Suspended",
    }
}

/// What a piece is, as a label.
pub const fn kind(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::BlogPost => "Blog post",
        ContentKind::LinkedinPost => "LinkedIn post",
        ContentKind::XPost => "Post on X",
        ContentKind::XThread => "Thread on X",
        ContentKind::InstagramPost => "Instagram post",
        ContentKind::FacebookPost => "Facebook post",
        ContentKind::Newsletter => "Newsletter",
        ContentKind::Email => "E-mail",
        ContentKind::LandingPage => "Landing page",
        ContentKind::Ad => "Search ad",
    }
}

/// Where a piece stands.
pub const fn content_status(status: ContentStatus) -> &'static str {
    match status {
        ContentStatus::Planned => "To be written",
        ContentStatus::Draft => "Breaks a rule",
        ContentStatus::InReview => "Waits for your decision",
        ContentStatus::ChangesRequested => "To be changed",
        ContentStatus::Approved => "Approved",
        ContentStatus::Rejected => "Rejected",
        ContentStatus::Published => "Published",
    }
}

/// The class of what stands so: colour is never all that tells it.
pub const fn mark(status: ContentStatus) -> &'static str {
    match status {
        ContentStatus::Planned => "planned",
        ContentStatus::Draft => "bad",
        ContentStatus::InReview | ContentStatus::ChangesRequested => "warn",
        ContentStatus::Approved | ContentStatus::Published => "good",
        ContentStatus::Rejected => "off",
    }
}

/// What was decided on a piece.
pub const fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved it",
        Decision::Rejected => "decided against it",
        Decision::Revised => "asked for a change",
    }
}

const fn with_article(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::BlogPost => "A blog post",
        ContentKind::LinkedinPost => "A LinkedIn post",
        ContentKind::XPost => "A post on X",
        ContentKind::XThread => "A thread on X",
        ContentKind::InstagramPost => "An Instagram post",
        ContentKind::FacebookPost => "A Facebook post",
        ContentKind::Newsletter => "A newsletter",
        ContentKind::Email => "An e-mail",
        ContentKind::LandingPage => "A landing page",
        ContentKind::Ad => "A search ad",
    }
}

/// A time such as "Tue 24 Nov, 09:00"; the year only where it is not this one. The page names the zone once.
pub fn time(time: DateTime<Utc>, zone: Tz) -> String {
    let local = time.with_timezone(&zone);
    let this_year = zone.from_utc_datetime(&entity::db::now().naive_utc()).year();
    let format = if local.year() == this_year { "%a %-d %b, %H:%M" } else { "%a %-d %b %Y, %H:%M" };
    local.format(format).to_string()
}

/// A day such as "Tue 24 Nov"; the year only where it is not this one.
pub fn day(day: NaiveDate) -> String {
    let format = if day.year() == entity::db::now().year() { "%a %-d %b" } else { "%a %-d %b %Y" };
    day.format(format).to_string()
}

/// A number with as many places as say something, and its thousands apart.
pub fn number(value: f64) -> String {
    written(value, if value.fract() == 0.0 { 0 } else { 1 })
}

/// How long ago, within the last day; the time itself before that.
pub fn time_or_ago(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let plural = |count: i64, what: &str| format!("{count} {what}{} ago", if count == 1 { "" } else { "s" });
    match now - at {
        age if age < Duration::minutes(1) => "just now".to_owned(),
        age if age < Duration::hours(1) => plural(age.num_minutes(), "minute"),
        age if age < Duration::days(1) => plural(age.num_hours(), "hour"),
        _ => time(at, zone),
    }
}

fn quoted(text: &str) -> String {
    format!("“{}”", isolated(text))
}

/// Between marks that keep its direction to itself.
fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

#[cfg(test)]
mod tests {
    use entity::ids::{CustomerId, EventId};
    use serde_json::json;

    use super::*;

    fn event(event_type: EventType, data: Value) -> Event {
        let created_at = entity::db::now();
        Event { id: EventId::new(), customer_id: CustomerId::new(), event_type, data, created_at }
    }

    #[test]
    fn every_event_is_a_sentence_whatever_its_data() {
        for event_type in EventType::ALL {
            for data in
                [json!({}), json!(null), json!({"label": 5, "changed": [7], "kind": "song", "scheduledAt": "?"})]
            {
                let sentence = sentence(&event(*event_type, data), Tz::UTC);
                assert!(sentence.ends_with('.') && !sentence.contains(event_type.as_str()), "{sentence}");
                assert!(sentence.starts_with(|first: char| first.is_uppercase() || first == '“'), "{sentence}");
            }
        }
    }

    #[test]
    fn sentences_say_what_the_data_says() {
        let told = |event_type, data| {
            let plain = |character: &char| !matches!(character, '\u{2068}' | '\u{2069}');
            sentence(&event(event_type, data), Tz::Europe__Berlin).chars().filter(plain).collect::<String>()
        };
        let next_year = entity::db::now().year() + 1;
        for (event_type, data, expected) in [
            (
                EventType::KeyRevoked,
                json!({"label": "laptop", "last4": "beef"}),
                "The key “laptop” (ends in beef) was revoked and opens nothing any more.".to_owned(),
            ),
            (
                EventType::GrantCreated,
                json!({"clientName": "Claude", "scopes": ["read", "publish"]}),
                "The app “Claude” was let in, and may: see everything, let things go out.".to_owned(),
            ),
            (
                EventType::BrandUpdated,
                json!({"changed": ["name", "forbiddenClaims"]}),
                "The brand profile changed: name, words never to use.".to_owned(),
            ),
            (
                EventType::ContentCreated,
                json!({"kind": "x_thread", "label": "Tea"}),
                "A thread on X was drafted: “Tea”.".to_owned(),
            ),
            (
                EventType::ContentApproved,
                json!({"decidedBy": "Anna", "label": "Tea", "reason": null}),
                "Anna approved “Tea”.".to_owned(),
            ),
            (
                EventType::ContentRevised,
                json!({"decidedBy": "Anna", "label": "Tea", "reason": "too long"}),
                "Anna asked for a change to “Tea”: too long".to_owned(),
            ),
            (
                EventType::ContentScheduled,
                json!({"label": "Tea", "scheduledAt": format!("{next_year}-07-01T07:00:00Z")}),
                format!(
                    "“Tea” is due {}, 09:00.",
                    DateTime::parse_from_rfc3339(&format!("{next_year}-07-01T09:00:00+02:00"))
                        .unwrap()
                        .format("%a %-d %b %Y")
                ),
            ),
            (
                EventType::ScanCompleted,
                json!({"url": "https://acme.example/", "seo": 81, "geo": 64}),
                "The page https://acme.example/ was scanned: SEO 81, GEO 64.".to_owned(),
            ),
            (
                EventType::ScanRegressed,
                json!({"url": "https://acme.example/", "worse": {
                    "seo": {"before": 81, "now": 70}, "geo": {"before": 60, "now": 60}, "findings": ["seo.title: None."],
                }}),
                "The page https://acme.example/ got worse: SEO 70 after 81, one finding is new.".to_owned(),
            ),
            (
                EventType::ScanRegressed,
                json!({"url": "https://acme.example/", "problem": "it answered 404"}),
                "The page https://acme.example/ cannot be read any more: it answered 404".to_owned(),
            ),
            (
                EventType::ProposalRolledBack,
                json!({"decidedBy": "Anna", "title": "More threads", "reason": null}),
                "Anna took back the proposal “More threads”.".to_owned(),
            ),
            (
                EventType::ContentPublished,
                json!({"label": "Drink tea!", "platform": "x"}),
                "“Drink tea!” is out on X.".to_owned(),
            ),
            (
                EventType::ContentCreated,
                json!({"kind": "x_post", "label": "Drink tea!"}),
                "A post on X was drafted: “Drink tea!”".to_owned(),
            ),
            (EventType::LeadLogged, json!({"source": "webinar"}), "A lead came in from webinar.".to_owned()),
            (
                EventType::SnapshotCaptured,
                json!({"from": "2024-11-04", "to": "2024-11-10"}),
                "The numbers from Mon 4 Nov 2024 to Sun 10 Nov 2024 were kept.".to_owned(),
            ),
        ] {
            assert_eq!(told(event_type, data), expected);
        }
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        for (value, expected) in
            [(0.0, "0"), (-0.0, "0"), (999.0, "999"), (1_234_567.0, "1,234,567"), (36.5, "36.5"), (-1_100.0, "-1,100")]
        {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn times_are_relative_for_a_day() {
        let now = entity::db::now();
        for (age, expected) in [
            (Duration::seconds(59), "just now"),
            (Duration::minutes(1), "1 minute ago"),
            (Duration::minutes(59), "59 minutes ago"),
            (Duration::hours(1), "1 hour ago"),
            (Duration::hours(23), "23 hours ago"),
        ] {
            assert_eq!(time_or_ago(now - age, now, Tz::UTC), expected);
        }
        assert!(time_or_ago(now - Duration::days(1), now, Tz::UTC).contains(':'));
    }
}
