//! Newsletters and e-mails as Mailchimp campaigns, to the first audience of the account.
//!
//! A campaign is a draft until it is sent, and says whether it was, so a lost answer can be looked up.

use entity::publications::Posted;
use pulldown_cmark::{Event, Options, Parser, html};
use serde_json::{Value, json};

use super::posting::{Found, Posting, Stop};
use crate::Result;
use crate::reply::{field, list, text};

pub(super) async fn publish(posting: &mut Posting<'_>) -> std::result::Result<(), Stop> {
    if !posting.progress().posted.is_empty() {
        return Ok(());
    }
    let campaign = match posting.progress().prepared.clone() {
        Some(campaign) => campaign,
        None => {
            let campaign = campaign(posting).await?;
            posting.prepared(campaign.clone()).await?;
            campaign
        }
    };
    let content = vec![("campaign_id", json!(campaign)), ("html", json!(page(posting)))];
    posting.prepare("MAILCHIMP_SET_CAMPAIGN_CONTENT", content).await?;
    let url = archive_url(posting, &campaign).await?;
    let sent = Posted { id: campaign.clone(), url };
    posting.post("MAILCHIMP_SEND_CAMPAIGN", vec![("campaign_id", json!(campaign))], |_| Some(sent)).await
}

async fn campaign(posting: &Posting<'_>) -> std::result::Result<String, Stop> {
    let lists = posting.read("MAILCHIMP_GET_LISTS_INFO", Vec::new()).await?;
    let audience = list(&lists, &["lists"]).first();
    let audience =
        audience.ok_or_else(|| Stop::failed("The Mailchimp account has no audience. Make one there first."))?;
    let defaults = field(audience, "campaign_defaults").unwrap_or(&Value::Null);
    let missing =
        |what: &str| Stop::failed(format!("The audience at Mailchimp has no default {what}. Set it there first."));
    let draft = posting.draft();
    let subject = draft.subject.as_deref().or(draft.title.as_deref()).map(str::trim).filter(|text| !text.is_empty());
    let mut fields = vec![
        ("type", json!("regular")),
        ("recipients.list_id", json!(text(audience, "id").ok_or_else(|| missing("id"))?)),
        ("settings.subject_line", json!(subject.unwrap_or(&posting.content().label))),
        ("settings.title", json!(format!("{} ({})", posting.content().label, posting.content().id))),
        ("settings.from_name", json!(text(defaults, "from_name").ok_or_else(|| missing("sender's name"))?)),
        ("settings.reply_to", json!(text(defaults, "from_email").ok_or_else(|| missing("sender's address"))?)),
    ];
    if let Some(preheader) = draft.preheader.as_deref().filter(|text| !text.trim().is_empty()) {
        fields.push(("settings.preview_text", json!(preheader)));
    }
    let made = posting.prepare("MAILCHIMP_ADD_CAMPAIGN", fields).await?;
    text(&made, "id").ok_or_else(|| Stop::failed("Mailchimp made a campaign and did not say which."))
}

/// The body as HTML. Markup in it is shown, not run; whoever gets it can unsubscribe, as the law and Mailchimp want.
fn page(posting: &Posting<'_>) -> String {
    let parser = Parser::new_ext(&posting.draft().body, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let events = parser.map(|event| match event {
        Event::Html(markup) | Event::InlineHtml(markup) => Event::Text(markup),
        event => event,
    });
    let mut body = String::new();
    html::push_html(&mut body, events);
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head><body>\n{body}<hr>\
         <p><small>*|LIST:ADDRESS|*<br><a href=\"*|UNSUB|*\">Unsubscribe</a></small></p>\n</body></html>"
    )
}

async fn archive_url(posting: &Posting<'_>, campaign: &str) -> Result<Option<String>> {
    let campaign = posting.read("MAILCHIMP_GET_CAMPAIGN_INFO", vec![("campaign_id", json!(campaign))]).await?;
    Ok(text(&campaign, "long_archive_url").or_else(|| text(&campaign, "archive_url")))
}

pub(super) async fn look(posting: &Posting<'_>) -> Result<Found> {
    let Some(id) = posting.progress().prepared.clone() else { return Ok(Found::Unsure) };
    let campaign = posting.read("MAILCHIMP_GET_CAMPAIGN_INFO", vec![("campaign_id", json!(id))]).await?;
    let url = text(&campaign, "long_archive_url").or_else(|| text(&campaign, "archive_url"));
    Ok(match text(&campaign, "status").as_deref() {
        Some("sent" | "sending" | "schedule") => Found::There(Posted { id, url }),
        Some("save" | "paused") => Found::NotThere,
        _ => Found::Unsure,
    })
}
