//! Leads.

use entity::customers::normalized_email;
use entity::ids::{ContentId, LeadId};
use entity::leads::{self, NewLead};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, given, short};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;

const MAX_NAME_CHARS: usize = 200;
const MAX_SOURCE_CHARS: usize = 60;
const MAX_NOTE_CHARS: usize = 2_000;

/// What is known of a lead.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LogLeadIn {
    /// Where they came from, always spelt the same, such as linkedin, newsletter, webinar or referral.
    #[schemars(length(min = 1, max = 60))]
    source: String,
    /// Name of the person. A name, an e-mail address or a company is needed.
    #[schemars(length(max = 200))]
    name: Option<String>,
    /// Their e-mail address.
    #[schemars(length(max = 320))]
    email: Option<String>,
    /// Their company.
    #[schemars(length(max = 200))]
    company: Option<String>,
    /// The piece of content that brought them.
    content_id: Option<ContentId>,
    /// What they want, and anything else worth keeping.
    #[schemars(length(max = 2000))]
    note: Option<String>,
}

/// A recorded lead.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LeadOut {
    id: LeadId,
    source: String,
    /// How many leads came from this source so far.
    from_source: i64,
    /// False when the very same had been recorded a moment before.
    saved: bool,
}

#[tool_router(router = lead_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Log lead",
        description = "Records somebody who showed interest, with where they came from and, if known, the piece of content that brought them.",
        input_schema = schema::input::<LogLeadIn>(),
        output_schema = schema::output::<LeadOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = false, open_world_hint = false)
    )]
    async fn log_lead(
        &self,
        caller: Caller,
        Arguments(input): Arguments<LogLeadIn>,
    ) -> Result<Answer<LeadOut>, Refusal> {
        let new = checked(input)?;
        let logged = leads::log(&self.app().db, &caller.customer_id, new).await?;
        let what = if logged.is_new { "Recorded lead" } else { "This lead was recorded a moment ago:" };
        let text =
            format!("{what} {} from {}; {} from there so far.", logged.lead.id, logged.lead.source, logged.from_source);
        let from_source = i64::try_from(logged.from_source).unwrap_or(i64::MAX);
        Ok(Answer {
            text,
            data: LeadOut { id: logged.lead.id, source: logged.lead.source, from_source, saved: logged.is_new },
        })
    }
}

fn checked(input: LogLeadIn) -> entity::Result<NewLead> {
    let LogLeadIn { source, name, email, company, content_id, note } = input;
    let source = short("source", Some(source.to_lowercase()), MAX_SOURCE_CHARS)?
        .ok_or_else(|| entity::Error::invalid("source", "must say where the lead came from"))?;
    let lead = NewLead {
        name: short("name", name, MAX_NAME_CHARS)?,
        email: given(email).map(|email| normalized_email(&email)).transpose()?,
        company: short("company", company, MAX_NAME_CHARS)?,
        source,
        content_id,
        note: short("note", note, MAX_NOTE_CHARS)?,
    };
    if lead.name.is_none() && lead.email.is_none() && lead.company.is_none() {
        return Err(entity::Error::invalid(
            "name",
            "must be given, or else email or company, so that the lead can be found again",
        ));
    }
    Ok(lead)
}
