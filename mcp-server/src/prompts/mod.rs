//! The prompts: templates that carry the brand, the channel's rules and the tools to call, so that any assistant writes
//! like this customer's own.

use chrono::NaiveDate;
use entity::brands;
use entity::content::{self, ContentKind};
use entity::db::{Db, now};
use entity::ids::ContentId;
use marketing::brand::completeness;
use marketing::calendar::next_week;
use marketing::scanner::page_address;
use minijinja::{Environment, Value, context};
use rmcp::ErrorData;
use rmcp::model::{GetPromptRequestParams, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};

use crate::answer::{no_such_piece, protocol_error};
use crate::caller::Caller;
use crate::render;
use crate::resources::{calendar, playbook};

const BRAND_INTERVIEW: &str = "brand_interview";
pub const WRITE_CONTENT: &str = "write_content";
pub const REVIEW_DRAFT: &str = "review_draft";
const PLAN_WEEK: &str = "plan_week";
pub const FIX_PAGE: &str = "fix_page";
pub const PERFORMANCE_REVIEW: &str = "performance_review";
pub const COMPETITOR_TEARDOWN: &str = "competitor_teardown";
const LAUNCH_PLAN: &str = "launch_plan";
const TEMPLATES: [(&str, &str); 8] = [
    (BRAND_INTERVIEW, include_str!("../../templates/brand_interview.md")),
    (WRITE_CONTENT, include_str!("../../templates/write_content.md")),
    (REVIEW_DRAFT, include_str!("../../templates/review_draft.md")),
    (PLAN_WEEK, include_str!("../../templates/plan_week.md")),
    (FIX_PAGE, include_str!("../../templates/fix_page.md")),
    (PERFORMANCE_REVIEW, include_str!("../../templates/performance_review.md")),
    (COMPETITOR_TEARDOWN, include_str!("../../templates/competitor_teardown.md")),
    (LAUNCH_PLAN, include_str!("../../templates/launch_plan.md")),
];
/// The periods that numbers are read for.
pub const PERIODS: [&str; 2] = ["last_7_days", "last_30_days"];
const MAX_ARGUMENT_CHARS: usize = 4_000;

/// The compiled templates.
pub struct Prompts(Environment<'static>);

impl Prompts {
    /// Compiles the templates.
    #[expect(clippy::expect_used, reason = "the templates are constants, and a test renders each")]
    pub fn new() -> Self {
        let mut environment = Environment::new();
        // An unknown name is a mistake in a template, not an empty text.
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).expect("the template is well-formed");
        }
        Self(environment)
    }

    /// What there is.
    pub fn list() -> Vec<Prompt> {
        let required = |name, description| PromptArgument::new(name).with_description(description).with_required(true);
        vec![
            Prompt::new(BRAND_INTERVIEW, Some("Interviews the owner about the brand, a few questions at a time, and saves the answers."), None)
                .with_title("Brand interview"),
            Prompt::new(
                WRITE_CONTENT,
                Some("Writes a piece for a channel, in the brand's voice and within the channel's rules, and saves it as a draft."),
                Some(vec![
                    required("kind", "What to write, such as linkedin_post."),
                    required("topic", "What it is about: a topic, or a whole brief."),
                ]),
            )
            .with_title("Write content"),
            Prompt::new(
                REVIEW_DRAFT,
                Some("Goes through a draft with the owner, improves it, and records their decision."),
                Some(vec![required("contentId", "Id of the piece, such as cnt_….")]),
            )
            .with_title("Review a draft"),
            Prompt::new(PLAN_WEEK, Some("Plans next week with the owner: what goes out when, and why."), None)
                .with_title("Plan next week"),
            Prompt::new(
                FIX_PAGE,
                Some("Scans a page, names what to change first, and writes the texts to copy."),
                Some(vec![required("url", "Address of the page.")]),
            )
            .with_title("Mend a page"),
            Prompt::new(
                PERFORMANCE_REVIEW,
                Some("Goes through the numbers of a period with the owner: what changed, why, and what to do."),
                Some(vec![required("period", "last_7_days or last_30_days.")]),
            )
            .with_title("Performance review"),
            Prompt::new(
                COMPETITOR_TEARDOWN,
                Some("Takes a competitor's page apart: what it does well, what it leaves out, what to learn."),
                Some(vec![required("url", "Address of the competitor's page.")]),
            )
            .with_title("Competitor teardown"),
            Prompt::new(
                LAUNCH_PLAN,
                Some("Plans the launch of a product: message, pieces, times."),
                Some(vec![
                    required("product", "What is launched, and what is known of it."),
                    required("date", "The day, such as 2027-03-01."),
                ]),
            )
            .with_title("Launch plan"),
        ]
    }

    /// A prompt, filled in for the caller.
    ///
    /// # Errors
    ///
    /// When there is no such prompt, or an argument is missing or wrong.
    pub async fn get(
        &self,
        db: &Db,
        caller: &Caller,
        request: GetPromptRequestParams,
    ) -> Result<GetPromptResult, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let values = match request.name.as_str() {
            BRAND_INTERVIEW => brand_interview(db, caller).await,
            WRITE_CONTENT => write_content(db, caller, &arguments).await,
            REVIEW_DRAFT => review_draft(db, caller, &arguments).await,
            PLAN_WEEK => plan_week(db, caller).await,
            FIX_PAGE | COMPETITOR_TEARDOWN => about_page(db, caller, &arguments).await,
            PERFORMANCE_REVIEW => performance_review(db, caller, &arguments).await,
            LAUNCH_PLAN => launch_plan(db, caller, &arguments).await,
            _ => return Err(ErrorData::invalid_params("There is no such prompt; prompts/list names them all.", None)),
        };
        let values = values.map_err(|error| protocol_error(&error))?;
        let text =
            self.0.get_template(&request.name).and_then(|template| template.render(values)).map_err(|error| {
                tracing::error!(%error, prompt = request.name, "a prompt could not be rendered");
                ErrorData::internal_error("Something went wrong on our side.", None)
            })?;
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
    }
}

async fn brand_interview(db: &Db, caller: &Caller) -> entity::Result<Value> {
    let brand = brands::get(db, &caller.customer_id).await?;
    let completeness = completeness(&brand.profile, brand.name.as_deref());
    let questions = completeness.missing.iter().map(|open| context! { field => open.field, question => open.question });
    let questions: Vec<Value> = questions.collect();
    Ok(context! {
        profile => render::brand(&brand),
        percent => completeness.percent,
        questions => questions,
    })
}

async fn write_content(db: &Db, caller: &Caller, arguments: &JsonObject) -> entity::Result<Value> {
    let kind = argument(arguments, "kind")?;
    let kind = parse_kind(&kind).ok_or_else(|| {
        entity::Error::invalid("kind", format!("must be one of {}", kinds().collect::<Vec<_>>().join(", ")))
    })?;
    let topic = argument(arguments, "topic")?;
    let brand = brands::get(db, &caller.customer_id).await?;
    Ok(context! {
        kind => kind_name(kind),
        label => marketing::kind_label(kind),
        topic => topic,
        playbook => playbook(marketing::guide(kind.channel()), &brand),
    })
}

async fn review_draft(db: &Db, caller: &Caller, arguments: &JsonObject) -> entity::Result<Value> {
    let id: ContentId = argument(arguments, "contentId")?
        .parse()
        .map_err(|error| entity::Error::invalid("contentId", format!("{error}")))?;
    let brand = brands::get(db, &caller.customer_id).await?;
    let piece = content::get(db, &caller.customer_id, &id).await.map_err(no_such_piece)?;
    let history = content::history(db, &caller.customer_id, &id, 5).await?;
    Ok(context! {
        id => id.as_str(),
        revision => piece.content.revision,
        piece => render::piece(&piece.content, &piece.current, &history.decisions, &brand),
        playbook => playbook(marketing::guide(piece.content.channel), &brand),
    })
}

async fn plan_week(db: &Db, caller: &Caller) -> entity::Result<Value> {
    let brand = brands::get(db, &caller.customer_id).await?;
    let week = next_week(&brand, now());
    Ok(context! { profile => render::brand(&brand), calendar => calendar(db, caller, &brand, week).await? })
}

async fn about_page(db: &Db, caller: &Caller, arguments: &JsonObject) -> entity::Result<Value> {
    let url = page_address(&argument(arguments, "url")?);
    let url = url.map_err(|error| entity::Error::invalid("url", error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(entity::Error::invalid(
            "url",
            "must be the address of a page, such as https://acme.example/pricing",
        ));
    }
    let brand = brands::get(db, &caller.customer_id).await?;
    Ok(context! { url => url.as_str(), profile => render::brand(&brand) })
}

async fn performance_review(db: &Db, caller: &Caller, arguments: &JsonObject) -> entity::Result<Value> {
    let period = argument(arguments, "period")?;
    let words = match period.as_str() {
        "last_7_days" => "the last seven days",
        "last_30_days" => "the last thirty days",
        _ => return Err(entity::Error::invalid("period", format!("must be {}", PERIODS.join(" or ")))),
    };
    let brand = brands::get(db, &caller.customer_id).await?;
    Ok(context! { period => words, api_period => period, profile => render::brand(&brand) })
}

async fn launch_plan(db: &Db, caller: &Caller, arguments: &JsonObject) -> entity::Result<Value> {
    let product = argument(arguments, "product")?;
    let day = argument(arguments, "date")?.parse::<NaiveDate>();
    let day = day.map_err(|_| entity::Error::invalid("date", "must be a day such as 2027-03-01"))?;
    let brand = brands::get(db, &caller.customer_id).await?;
    let days = (day - now().with_timezone(&brand.time_zone).date_naive()).num_days();
    if days < 0 {
        return Err(entity::Error::invalid("date", "must not be over"));
    }
    Ok(context! { product => product, date => day.to_string(), days => days, profile => render::brand(&brand) })
}

fn argument(arguments: &JsonObject, name: &str) -> entity::Result<String> {
    let text = match arguments.get(name) {
        None | Some(serde_json::Value::Null) => "",
        Some(serde_json::Value::String(text)) => text.trim(),
        Some(_) => return Err(entity::Error::invalid(name, "must be a text")),
    };
    if text.is_empty() {
        return Err(entity::Error::invalid(name, "must be given"));
    }
    if text.chars().count() > MAX_ARGUMENT_CHARS {
        return Err(entity::Error::invalid(name, format!("must be at most {MAX_ARGUMENT_CHARS} characters")));
    }
    Ok(text.to_owned())
}

/// The names of all kinds of content.
pub fn kinds() -> impl Iterator<Item = String> {
    <ContentKind as sea_orm::Iterable>::iter().map(kind_name)
}

fn kind_name(kind: ContentKind) -> String {
    sea_orm::ActiveEnum::to_value(&kind)
}

fn parse_kind(name: &str) -> Option<ContentKind> {
    sea_orm::ActiveEnum::try_from_value(&name.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_has_a_template_and_the_other_way_round() {
        let listed: Vec<String> = Prompts::list().into_iter().map(|prompt| prompt.name).collect();
        assert_eq!(listed, TEMPLATES.map(|(name, _)| name));
        let prompts = Prompts::new();
        assert!(listed.iter().all(|name| prompts.0.get_template(name).is_ok()));
    }
}
