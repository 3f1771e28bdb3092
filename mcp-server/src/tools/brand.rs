//! The brand profile.

use entity::brands::{self, Brand, Cadence, Competitor, FormatWeight, Pillar, PostingTime, Profile, QuietHours};
use marketing::brand::{Question, completeness, is_complete, require_valid};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, NoArguments};
use crate::answer::{Answer, Refusal};
use crate::caller::Caller;
use crate::render;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::timestamp;

/// How many of the open questions the text asks at once: an interview, not a form.
const QUESTIONS_AT_ONCE: usize = 3;

/// The brand as tools show it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BrandOut {
    /// Name of the brand.
    name: Option<String>,
    /// IANA time zone in which times are read and shown.
    time_zone: String,
    /// The fields that update_brand takes.
    #[serde(flatten)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    profile: Profile,
    /// How much is known, 0 to 100.
    completeness: i64,
    /// What to ask next, in the order of the interview.
    next_questions: Vec<Question>,
    /// When the profile was last changed.
    updated_at: String,
}

/// What a change led to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UpdatedOut {
    /// Names of the fields that changed.
    changed: Vec<String>,
    /// How much is known now, 0 to 100.
    completeness: i64,
    /// What to ask next, in the order of the interview.
    next_questions: Vec<Question>,
}

/// What to change. Fields left out stay as they are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UpdateBrandIn {
    /// Name of the brand; empty text removes it.
    #[schemars(length(max = 120))]
    name: Option<String>,
    /// IANA time zone, such as Europe/Berlin.
    time_zone: Option<String>,
    /// The website's address; empty text removes it.
    #[schemars(length(max = 2048))]
    website: Option<String>,
    /// What the brand sells and what it is good for, in a few sentences.
    #[schemars(length(max = 2000))]
    offering: Option<String>,
    /// Who the content is for: roles, situations, problems.
    #[schemars(length(max = 2000))]
    audience: Option<String>,
    /// How the brand sounds; lists left out stay as they are.
    voice: Option<VoiceIn>,
    /// The themes the brand keeps coming back to; replaces the whole list.
    #[schemars(length(max = 20))]
    pillars: Option<Vec<Pillar>>,
    /// Who else the audience considers; replaces the whole list.
    #[schemars(length(max = 20))]
    competitors: Option<Vec<Competitor>>,
    /// What marketing is to achieve; replaces the whole list.
    #[schemars(length(max = 20))]
    goals: Option<Vec<String>>,
    /// Words or claims that must never appear in content; replaces the whole list.
    #[schemars(length(max = 20))]
    forbidden_claims: Option<Vec<String>>,
    /// How often to publish on each channel; replaces the whole list.
    #[schemars(length(max = 20))]
    cadence: Option<Vec<Cadence>>,
    /// Shares of kinds where a channel has several; replaces the whole list.
    #[schemars(length(max = 20))]
    format_weights: Option<Vec<FormatWeight>>,
    /// Times at which to publish before all others; replaces the whole list.
    #[schemars(length(max = 100))]
    posting_times: Option<Vec<PostingTime>>,
    /// When nothing is published; two empty texts: from 21:00 to 07:00 again.
    quiet_hours: Option<QuietHours>,
    /// ISO 3166 code of the country whose public holidays stay free; empty text: that of the time zone.
    country: Option<String>,
}

/// How the brand sounds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct VoiceIn {
    /// Three to five adjectives.
    #[schemars(length(max = 20))]
    adjectives: Option<Vec<String>>,
    /// What to do when writing.
    #[serde(rename = "do")]
    #[schemars(length(max = 20))]
    dos: Option<Vec<String>>,
    /// What to avoid when writing.
    #[serde(rename = "dont")]
    #[schemars(length(max = 20))]
    donts: Option<Vec<String>>,
}

#[tool_router(router = brand_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Get brand",
        description = "Reads the brand profile (offering, audience, voice, pillars, competitors, goals, forbidden claims, cadence), how complete it is, and the next interview questions. Read it before writing anything.",
        input_schema = schema::input::<NoArguments>(),
        output_schema = schema::output::<BrandOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_brand(&self, caller: Caller, _: Arguments<NoArguments>) -> Result<Answer<BrandOut>, Refusal> {
        let brand = brands::get(&self.app().db, &caller.customer_id).await?;
        Ok(Answer { text: format!("{}\n{}", render::brand(&brand), interview(&brand)), data: brand_out(brand) })
    }

    #[tool(
        title = "Update brand",
        description = "Saves what the owner said about the brand. Fields left out stay as they are, lists are replaced whole. Answers with what is still missing and what to ask next.",
        input_schema = schema::input::<UpdateBrandIn>(),
        output_schema = schema::output::<UpdatedOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn update_brand(
        &self,
        caller: Caller,
        Arguments(input): Arguments<UpdateBrandIn>,
    ) -> Result<Answer<UpdatedOut>, Refusal> {
        let updated =
            brands::update(&self.app().db, &caller.customer_id, |brand| apply(input, brand), is_complete).await?;
        let saved = match updated.changed.as_slice() {
            [] => "Nothing changed: the profile says this already.".to_owned(),
            changed => format!("Saved: {}.", changed.join(", ")),
        };
        let completeness = completeness(&updated.brand.profile, updated.brand.name.as_deref());
        let data = UpdatedOut {
            changed: updated.changed,
            completeness: completeness.percent,
            next_questions: completeness.missing,
        };
        Ok(Answer { text: format!("{saved}\n{}", interview(&updated.brand)), data })
    }
}

fn brand_out(brand: Brand) -> BrandOut {
    let completeness = completeness(&brand.profile, brand.name.as_deref());
    BrandOut {
        name: brand.name,
        time_zone: brand.time_zone.name().to_owned(),
        profile: brand.profile,
        completeness: completeness.percent,
        next_questions: completeness.missing,
        updated_at: timestamp(brand.updated_at),
    }
}

fn interview(brand: &Brand) -> String {
    let completeness = completeness(&brand.profile, brand.name.as_deref());
    let mut text = format!("The profile is {} % complete.", completeness.percent);
    if completeness.missing.is_empty() {
        return text;
    }
    text.push_str(" Ask next:\n");
    for question in completeness.missing.iter().take(QUESTIONS_AT_ONCE) {
        text.push_str(&format!("- {} (`{}`)\n", question.question, question.field));
    }
    let more = completeness.missing.len().saturating_sub(QUESTIONS_AT_ONCE);
    if more > 0 {
        text.push_str(&format!("Then {more} more."));
    }
    text
}

/// Puts the given fields in place and refuses a profile that breaks a limit.
fn apply(input: UpdateBrandIn, brand: &mut Brand) -> entity::Result<()> {
    let UpdateBrandIn {
        name,
        time_zone,
        website,
        offering,
        audience,
        voice,
        pillars,
        competitors,
        goals,
        forbidden_claims,
        cadence,
        format_weights,
        posting_times,
        quiet_hours,
        country,
    } = input;
    if let Some(name) = name {
        brand.name = entity::customers::valid_brand_name("name", Some(name))?;
    }
    if let Some(zone) = time_zone {
        brand.time_zone = brands::valid_time_zone("timeZone", &zone)?;
    }
    let profile = &mut brand.profile;
    if let Some(website) = website {
        let website = website.trim();
        profile.website = if website.is_empty() { None } else { Some(brands::valid_website("website", website)?) };
    }
    set_text(&mut profile.offering, offering);
    set_text(&mut profile.audience, audience);
    if let Some(VoiceIn { adjectives, dos, donts }) = voice {
        set(&mut profile.voice.adjectives, adjectives.map(tidy));
        set(&mut profile.voice.dos, dos.map(tidy));
        set(&mut profile.voice.donts, donts.map(tidy));
    }
    set(&mut profile.pillars, pillars);
    set(&mut profile.competitors, competitors);
    set(&mut profile.goals, goals.map(tidy));
    set(&mut profile.forbidden_claims, forbidden_claims.map(tidy));
    set(&mut profile.cadence, cadence);
    set(&mut profile.format_weights, format_weights);
    set(&mut profile.posting_times, posting_times);
    if let Some(hours) = quiet_hours {
        let is_empty = hours.from.trim().is_empty() && hours.to.trim().is_empty();
        profile.quiet_hours = (!is_empty).then_some(hours);
    }
    set_text(&mut profile.country, country.map(|country| country.to_uppercase()));
    require_valid(profile)
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn set_text(field: &mut Option<String>, value: Option<String>) {
    if let Some(value) = value {
        let value = value.trim();
        *field = if value.is_empty() { None } else { Some(value.to_owned()) };
    }
}

/// Entries without blanks around them, and without empty ones.
fn tidy(list: Vec<String>) -> Vec<String> {
    list.into_iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
}
