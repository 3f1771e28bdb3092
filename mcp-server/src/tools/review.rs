//! Deciding on content and giving it its time.

use entity::brands;
use entity::connections::ConnectionStatus;
use entity::content::{self, Decision, Piece, Review, Schedule, Scheduled};
use entity::ids::ContentId;
use platforms::facts;
use platforms::table::platform_of;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{ContentOut, revision_number};
use super::{Arguments, given, short};
use crate::answer::{Answer, Refusal, no_such_piece};
use crate::caller::Caller;
use crate::schema;
use crate::server::{App, HeyCmo};
use crate::when::{display, parse_time, passed};

const MAX_NAME_CHARS: usize = 120;
const MAX_REASON_CHARS: usize = 2_000;

/// A piece after a decision or a change of its time.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DecidedOut {
    content: ContentOut,
}

/// A person's decision.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ReviewContentIn {
    /// Id of the piece.
    content_id: ContentId,
    /// `approved`: may go out as it is. `rejected`: shall not go out. `revised`: needs a change first.
    decision: Decision,
    /// Who decided: the person's name, not the assistant's.
    #[schemars(length(min = 1, max = 120))]
    decided_by: String,
    /// Why, in the person's words; needed unless approved.
    #[schemars(length(max = 2000))]
    reason: Option<String>,
    /// The revision the person looked at; refused when it is no longer the current one.
    #[schemars(range(min = 1))]
    revision: Option<i64>,
}

/// A time for a piece.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ScheduleContentIn {
    /// Id of the piece.
    content_id: ContentId,
    /// When: 2026-11-24T09:00 in the brand's time zone, or with an offset. Leave out to take the time away.
    at: Option<String>,
}

#[tool_router(router = review_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Review content",
        description = "Records a person's decision on a piece: approved, rejected, or revised (a change is wanted), with who and why. Only call it with a decision the person really made.",
        input_schema = schema::input::<ReviewContentIn>(),
        output_schema = schema::output::<DecidedOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn review_content(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ReviewContentIn>,
    ) -> Result<Answer<DecidedOut>, Refusal> {
        let app = self.app();
        let db = &app.db;
        let decided_by = short("decidedBy", Some(input.decided_by), MAX_NAME_CHARS)?
            .ok_or_else(|| entity::Error::invalid("decidedBy", "must name the person who decided"))?;
        let reason = short("reason", input.reason, MAX_REASON_CHARS)?;
        if reason.is_none() && input.decision != Decision::Approved {
            return Err(
                entity::Error::invalid("reason", "must say why, so that the next revision can be better").into()
            );
        }
        let brand = brands::get(db, &caller.customer_id).await?;
        let Piece { content, current } =
            content::get(db, &caller.customer_id, &input.content_id).await.map_err(no_such_piece)?;
        // The brand may have forbidden something since the piece was saved.
        let findings = marketing::check(content.kind, &current.draft, &brand.profile);
        let revision = revision_number(input.revision)?.unwrap_or(content.revision);
        let review = Review { revision, decision: input.decision, decided_by, reason, findings };
        let reviewed = content::review(db, &caller.customer_id, &input.content_id, review).await?;

        let content = reviewed.piece.content;
        let next = match (input.decision, content.scheduled_at) {
            (Decision::Approved, Some(at)) => match passed(at, brand.time_zone) {
                Some(passed) => passed,
                None => format!("It is due at {}. {}", display(at, brand.time_zone), goes_out(app, &content).await?),
            },
            (Decision::Approved, None) => {
                "Give it a time with schedule_content, or publish it now with publish_content.".to_owned()
            }
            (Decision::Rejected, _) => "It will not go out.".to_owned(),
            (Decision::Revised, _) => {
                "Make the change with update_content; it then waits for a decision again.".to_owned()
            }
        };
        let text = format!(
            "Recorded: {} on revision {} of {} by {}. {next}",
            in_words(input.decision),
            reviewed.record.revision,
            content.id,
            reviewed.record.decided_by
        );
        Ok(Answer { text, data: DecidedOut { content: content.into() } })
    }

    #[tool(
        title = "Schedule content",
        description = "Sets the time at which a piece goes out, or takes it away. Times are in the brand's time zone, must be in the future, and keep a distance to other pieces on the same channel.",
        input_schema = schema::input::<ScheduleContentIn>(),
        output_schema = schema::output::<DecidedOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn schedule_content(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ScheduleContentIn>,
    ) -> Result<Answer<DecidedOut>, Refusal> {
        let app = self.app();
        let db = &app.db;
        let brand = brands::get(db, &caller.customer_id).await?;
        let Piece { content, .. } =
            content::get(db, &caller.customer_id, &input.content_id).await.map_err(no_such_piece)?;
        let guide = marketing::guide(content.channel);
        let at = given(input.at).map(|text| parse_time("at", &text, brand.time_zone)).transpose()?;
        let wanted = at.map(|at| Schedule { at, spacing: guide.min_spacing });
        match content::schedule(db, &caller.customer_id, &input.content_id, wanted).await? {
            Scheduled::Done(piece) => {
                let content = piece.content;
                let text = match content.scheduled_at {
                    None => format!("{} has no time any more.", content.id),
                    Some(at) if content.status == content::ContentStatus::Approved => {
                        format!(
                            "{} is due at {}. {}",
                            content.id,
                            display(at, brand.time_zone),
                            goes_out(app, &content).await?
                        )
                    }
                    Some(at) => format!(
                        "{} is due at {}, and needs an approval before (review_content).",
                        content.id,
                        display(at, brand.time_zone)
                    ),
                };
                Ok(Answer { text, data: DecidedOut { content: content.into() } })
            }
            Scheduled::TooClose { neighbour, next_free } => {
                let hours = guide.min_spacing.map_or(0, |spacing| spacing.num_hours());
                let taken = neighbour
                    .scheduled_at
                    .map_or_else(String::new, |at| format!(" at {}", display(at, brand.time_zone)));
                Err(Refusal(format!(
                    "`at`: must be at least {hours} h from other pieces on {}; {} ({}) is there{taken}. The next free time is {}: schedule it then, or move the other piece first.",
                    guide.name,
                    neighbour.id,
                    neighbour.label,
                    display(next_free, brand.time_zone)
                )))
            }
        }
    }
}

/// What happens when its time comes. Nothing is promised that does not happen.
async fn goes_out(app: &App, content: &content::Content) -> Result<String, Refusal> {
    let Some(platform) = platform_of(content.channel) else {
        return Ok("HeyCMO does not publish there: remind the person to put it there by hand then.".to_owned());
    };
    let name = facts(platform).name;
    let known = app.platforms.last_known(&content.customer_id).await?;
    let is_connected = known
        .iter()
        .any(|standing| standing.facts.platform == platform && standing.status == ConnectionStatus::Connected);
    Ok(if is_connected {
        format!("HeyCMO publishes it on {name} then.")
    } else {
        format!("{name} is not connected: have it connected before then (connect_platform), or it will not go out.")
    })
}

const fn in_words(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Rejected => "rejected",
        Decision::Revised => "a change is wanted",
    }
}
