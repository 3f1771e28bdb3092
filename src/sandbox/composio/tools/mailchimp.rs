//! Mailchimp: one audience, and campaigns to it.

use chrono::Utc;
use serde_json::{Value, json};

use super::super::numbers::{share, so_far};
use super::super::state::{Campaign, Post, State, new_id};
use super::{Outcome, required, text};

const LIST: &str = "abc123def4";
const MEMBERS: i64 = 1_840;

pub fn run(tool: &str, state: &mut State, user: &str, arguments: &Value) -> Outcome {
    match tool {
        "MAILCHIMP_GET_LISTS_INFO" => Ok(json!({ "lists": [{
            "id": LIST,
            "name": "Everybody",
            "campaign_defaults": {
                "from_name": "Sandbox", "from_email": "news@sandbox.example", "subject": "", "language": "en",
            },
            "stats": { "member_count": MEMBERS },
        }], "total_items": 1 })),
        "MAILCHIMP_ADD_CAMPAIGN" => add(state, user, arguments),
        "MAILCHIMP_SET_CAMPAIGN_CONTENT" => {
            let html = required(arguments, "html")?.to_owned();
            let campaign = find(state, user, arguments)?;
            if campaign.sent_at.is_some() {
                return Err("Cannot edit the content of a campaign that was sent.".to_owned());
            }
            campaign.html = Some(html.clone());
            Ok(json!({ "html": html, "archive_html": html }))
        }
        "MAILCHIMP_SEND_CAMPAIGN" => send(state, user, arguments),
        "MAILCHIMP_GET_CAMPAIGN_INFO" => Ok(value(find(state, user, arguments)?)),
        "MAILCHIMP_LIST_CAMPAIGN_REPORTS" => {
            let sent = state.campaigns.iter().filter(|it| it.user == user && it.sent_at.is_some());
            let reports: Vec<Value> = sent.map(report).collect();
            Ok(json!({ "reports": reports, "total_items": reports.len() }))
        }
        _ => Err(format!("{tool} is not in the sandbox.")),
    }
}

fn find<'a>(state: &'a mut State, user: &str, arguments: &Value) -> Result<&'a mut Campaign, String> {
    let id = required(arguments, "campaign_id")?;
    let campaign = state.campaigns.iter_mut().find(|it| it.id == id && it.user == user);
    campaign.ok_or_else(|| "Resource Not Found: the campaign does not exist.".to_owned())
}

fn add(state: &mut State, user: &str, arguments: &Value) -> Outcome {
    required(arguments, "type")?;
    if text(arguments, "recipients__list__id") != Some(LIST) {
        return Err("Invalid Resource: the list does not exist.".to_owned());
    }
    let campaign = Campaign {
        id: new_id("cmp"),
        user: user.to_owned(),
        subject: text(arguments, "settings__subject__line").unwrap_or_default().to_owned(),
        arguments: arguments.clone(),
        html: None,
        sent_at: None,
    };
    let value = value(&campaign);
    state.campaigns.push(campaign);
    Ok(value)
}

fn send(state: &mut State, user: &str, arguments: &Value) -> Outcome {
    let campaign = find(state, user, arguments)?;
    if campaign.sent_at.is_some() {
        return Err("Bad Request: the campaign was already sent.".to_owned());
    }
    let Some(html) = campaign.html.clone() else {
        return Err("Bad Request: your campaign is not ready to send, it has no content.".to_owned());
    };
    campaign.sent_at = Some(Utc::now());
    let campaign = campaign.clone();
    state.posts.push(Post {
        id: campaign.id.clone(),
        toolkit: "mailchimp".to_owned(),
        user: user.to_owned(),
        text: format!("{}\n\n{html}", campaign.subject),
        reply_to: None,
        url: archive_url(&campaign),
        arguments: campaign.arguments,
        created_at: Utc::now(),
    });
    Ok(json!({}))
}

fn archive_url(campaign: &Campaign) -> String {
    format!("https://mailchi.mp/sandbox/{}", campaign.id)
}

fn value(campaign: &Campaign) -> Value {
    json!({
        "id": campaign.id,
        "type": "regular",
        "status": if campaign.sent_at.is_some() { "sent" } else { "save" },
        "emails_sent": if campaign.sent_at.is_some() { MEMBERS } else { 0 },
        "send_time": campaign.sent_at.map(|at| at.to_rfc3339()),
        "long_archive_url": archive_url(campaign),
        "settings": { "subject_line": campaign.subject },
    })
}

fn report(campaign: &Campaign) -> Value {
    let hours = campaign.sent_at.map_or(0, |at| (Utc::now() - at).num_hours());
    let opens = so_far(&campaign.user, &campaign.id, "opens", 610.0, hours);
    let clicks = share(&campaign.user, "clicks", &campaign.id, opens, (0.06, 0.18));
    json!({
        "id": campaign.id,
        "subject_line": campaign.subject,
        "emails_sent": MEMBERS,
        "send_time": campaign.sent_at.map(|at| at.to_rfc3339()),
        "opens": { "unique_opens": opens },
        "clicks": { "unique_clicks": clicks },
    })
}
