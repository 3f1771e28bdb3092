//! Content: drafted, found, read, revised.

use entity::brands::{self, Brand};
use entity::content::{
    self, Content, ContentKind, ContentStatus, Decision, Draft, Filter, Finding, Findings, Media, Piece, Version,
};
use entity::ids::ContentId;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arguments, given, page_size, short};
use crate::answer::{Answer, Refusal, no_such_piece};
use crate::caller::Caller;
use crate::render;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::{display, parse_day_or_time, passed, timestamp};

const DEFAULT_PAGE: u64 = 20;
const MAX_PAGE: u64 = 50;
const MAX_NOTE_CHARS: usize = 1_000;
const MAX_PILLAR_CHARS: usize = 300;
const MAX_SEARCH_CHARS: usize = 200;
/// Revisions and decisions shown with a piece.
const MAX_HISTORY: u64 = 20;

/// A piece as lists show it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContentOut {
    /// Give this to the other content tools.
    id: ContentId,
    kind: ContentKind,
    status: ContentStatus,
    /// Title, or how the text begins.
    label: String,
    /// Number of the current revision.
    revision: i64,
    /// The brand's theme that it serves.
    pillar: Option<String>,
    /// When it is to go out, in UTC.
    scheduled_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// A saved piece and what the rules say of it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SavedOut {
    content: ContentOut,
    /// What the rules found; blocking ones forbid an approval.
    findings: Vec<Finding>,
    /// False when the very same had been saved before, so that nothing was written.
    saved: bool,
}

/// A page of pieces.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListOut {
    /// Newest first.
    content: Vec<ContentOut>,
    /// Give this as `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// A piece with its words and history.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PieceOut {
    content: ContentOut,
    /// The words and media of the revision shown.
    draft: Draft,
    /// What the rules found in them.
    findings: Vec<Finding>,
    /// The revisions, newest first.
    revisions: Vec<RevisionOut>,
    /// The decisions, newest first.
    decisions: Vec<DecisionOut>,
}

/// A revision without its words.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RevisionOut {
    number: i64,
    /// What changed and why.
    note: Option<String>,
    created_at: String,
}

/// A decision.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DecisionOut {
    /// The revision that was decided on.
    revision: i64,
    decision: Decision,
    decided_by: String,
    reason: Option<String>,
    decided_at: String,
}

/// A new piece.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CreateContentIn {
    /// What it is; fixed from then on.
    kind: ContentKind,
    /// The text. Markdown for blog_post, newsletter, email and landing_page; plain text otherwise. x_thread: posts separated by lines with only ---. ad: descriptions, one a line.
    body: String,
    /// Headline, or a working title for posts. ad: headlines, one a line.
    title: Option<String>,
    /// Subject line of a newsletter or email.
    subject: Option<String>,
    /// Preview text of a newsletter or email.
    preheader: Option<String>,
    /// Meta description of a blog_post or landing_page.
    description: Option<String>,
    /// The page it leads to.
    link: Option<String>,
    /// Pictures and videos, in order.
    #[schemars(length(max = 25))]
    media: Option<Vec<Media>>,
    /// The brand's pillar that it serves.
    pillar: Option<String>,
    /// What this is for.
    #[schemars(length(max = 1000))]
    note: Option<String>,
}

/// A new revision. Fields left out stay as they are; empty text removes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct UpdateContentIn {
    /// Id of the piece.
    content_id: ContentId,
    /// The whole new text.
    body: Option<String>,
    /// The revision this builds on; refused when it is no longer the current one.
    #[schemars(range(min = 1))]
    revision: Option<i64>,
    /// Headline, or a working title for posts. ad: headlines, one a line.
    title: Option<String>,
    /// Subject line of a newsletter or email.
    subject: Option<String>,
    /// Preview text of a newsletter or email.
    preheader: Option<String>,
    /// Meta description of a blog_post or landing_page.
    description: Option<String>,
    /// The page it leads to.
    link: Option<String>,
    /// Pictures and videos, in order.
    #[schemars(length(max = 25))]
    media: Option<Vec<Media>>,
    /// The brand's pillar that it serves.
    pillar: Option<String>,
    /// What changed and why.
    #[schemars(length(max = 1000))]
    note: Option<String>,
}

/// What the author gave of a draft; what is absent stays as it is.
#[derive(Debug)]
struct Given {
    body: Option<String>,
    title: Option<String>,
    subject: Option<String>,
    preheader: Option<String>,
    description: Option<String>,
    link: Option<String>,
    media: Option<Vec<Media>>,
    pillar: Option<String>,
    note: Option<String>,
}

/// Which pieces to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ListContentIn {
    /// Only this kind.
    kind: Option<ContentKind>,
    /// Only this status.
    status: Option<ContentStatus>,
    /// Only pieces scheduled on this day or later: 2026-11-24, or a time.
    scheduled_from: Option<String>,
    /// Only pieces scheduled before this day or time.
    scheduled_before: Option<String>,
    /// Only pieces whose words contain this.
    #[schemars(length(max = 200))]
    text: Option<String>,
    /// Pieces a page.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<i64>,
    /// From nextCursor of the page before.
    cursor: Option<String>,
}

/// Which piece to show.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GetContentIn {
    /// Id of the piece.
    content_id: ContentId,
    /// An earlier revision instead of the current one.
    #[schemars(range(min = 1))]
    revision: Option<i64>,
}

#[tool_router(router = content_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Create content",
        description = "Saves a draft and checks it against the channel's rules and the brand's. Nothing is published: a person approves it first. Findings say what to change; blocking ones forbid an approval.",
        input_schema = schema::input::<CreateContentIn>(),
        output_schema = schema::output::<SavedOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = false, open_world_hint = false)
    )]
    async fn create_content(
        &self,
        caller: Caller,
        Arguments(input): Arguments<CreateContentIn>,
    ) -> Result<Answer<SavedOut>, Refusal> {
        let CreateContentIn { kind, body, title, subject, preheader, description, link, media, pillar, note } = input;
        let given = Given { body: Some(body), title, subject, preheader, description, link, media, pillar, note };
        let db = &self.app().db;
        let brand = brands::get(db, &caller.customer_id).await?;
        let version = version(kind, Draft::default(), None, given, &brand)?;
        let saved = content::create(db, &caller.customer_id, kind, version).await?;
        let what = if saved.is_new { "Saved" } else { "This very draft was saved a moment ago, as" };
        Ok(saved_answer(what, saved, &brand))
    }

    #[tool(
        title = "List content",
        description = "Lists pieces of content, newest first, by kind, status, scheduled date or words. Pages with cursor.",
        input_schema = schema::input::<ListContentIn>(),
        output_schema = schema::output::<ListOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn list_content(
        &self,
        caller: Caller,
        Arguments(input): Arguments<ListContentIn>,
    ) -> Result<Answer<ListOut>, Refusal> {
        let db = &self.app().db;
        let brand = brands::get(db, &caller.customer_id).await?;
        let day = |field, text: Option<String>| {
            given(text).map(|text| parse_day_or_time(field, &text, brand.time_zone)).transpose()
        };
        let filter = Filter {
            kind: input.kind,
            status: input.status,
            scheduled_from: day("scheduledFrom", input.scheduled_from)?,
            scheduled_before: day("scheduledBefore", input.scheduled_before)?,
            text: short("text", input.text, MAX_SEARCH_CHARS)?,
        };
        let limit = page_size(input.limit, DEFAULT_PAGE, MAX_PAGE)?;
        let cursor = given(input.cursor)
            .map(|cursor| {
                cursor
                    .parse::<ContentId>()
                    .map_err(|_| entity::Error::invalid("cursor", "is not a cursor that list_content gave you"))
            })
            .transpose()?;
        let page = content::list(db, &caller.customer_id, &filter, cursor.as_ref(), limit).await?;
        let text = list_in_words(&page.pieces, page.next.as_ref(), &brand);
        let data = ListOut {
            content: page.pieces.into_iter().map(ContentOut::from).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        };
        Ok(Answer { text, data })
    }

    #[tool(
        title = "Get content",
        description = "Reads one piece of content whole: words, findings, revisions and decisions.",
        input_schema = schema::input::<GetContentIn>(),
        output_schema = schema::output::<PieceOut>(),
        annotations(read_only_hint = true, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn get_content(
        &self,
        caller: Caller,
        Arguments(input): Arguments<GetContentIn>,
    ) -> Result<Answer<PieceOut>, Refusal> {
        let db = &self.app().db;
        let brand = brands::get(db, &caller.customer_id).await?;
        let piece = content::get(db, &caller.customer_id, &input.content_id).await.map_err(no_such_piece)?;
        let history = content::history(db, &caller.customer_id, &input.content_id, MAX_HISTORY).await?;
        let shown = match input.revision {
            None => piece.current,
            Some(number) => content::revision(db, &caller.customer_id, &input.content_id, number).await?,
        };
        let text = render::piece(&piece.content, &shown, &history.decisions, &brand);
        let data = PieceOut {
            content: piece.content.into(),
            draft: shown.draft,
            findings: shown.findings.0,
            revisions: history.revisions.into_iter().map(RevisionOut::from).collect(),
            decisions: history.decisions.into_iter().map(DecisionOut::from).collect(),
        };
        Ok(Answer { text, data })
    }

    #[tool(
        title = "Update content",
        description = "Saves a new revision of a piece and checks it again. Fields left out stay, earlier revisions are kept, and a piece that was decided on goes back to review.",
        input_schema = schema::input::<UpdateContentIn>(),
        output_schema = schema::output::<SavedOut>(),
        annotations(read_only_hint = false, destructive_hint = false, idempotent_hint = true, open_world_hint = false)
    )]
    async fn update_content(
        &self,
        caller: Caller,
        Arguments(input): Arguments<UpdateContentIn>,
    ) -> Result<Answer<SavedOut>, Refusal> {
        let UpdateContentIn {
            content_id,
            revision,
            body,
            title,
            subject,
            preheader,
            description,
            link,
            media,
            pillar,
            note,
        } = input;
        let given = Given { body, title, subject, preheader, description, link, media, pillar, note };
        let db = &self.app().db;
        let brand = brands::get(db, &caller.customer_id).await?;
        let Piece { content, current } =
            content::get(db, &caller.customer_id, &content_id).await.map_err(no_such_piece)?;
        let over = revision_number(revision)?.unwrap_or(content.revision);
        let version = version(content.kind, current.draft, content.pillar, given, &brand)?;
        let saved = content::revise(db, &caller.customer_id, &content_id, over, version).await?;
        let what = if saved.is_new { "Saved" } else { "Nothing changed in" };
        Ok(saved_answer(what, saved, &brand))
    }
}

/// A revision as the assistant named it.
pub(super) fn revision_number(number: Option<i64>) -> entity::Result<Option<i32>> {
    let number = number.map(|number| {
        i32::try_from(number)
            .ok()
            .filter(|number| *number >= 1)
            .ok_or_else(|| entity::Error::invalid("revision", "must be a revision number, from 1"))
    });
    number.transpose()
}

/// Puts the given fields over `base` and asks the rules.
fn version(
    kind: ContentKind,
    base: Draft,
    pillar: Option<String>,
    new: Given,
    brand: &Brand,
) -> entity::Result<Version> {
    let Given { body, title, subject, preheader, description, link, media, pillar: new_pillar, note } = new;
    let over = |new: Option<String>, old: Option<String>| new.map_or(old, |text| given(Some(text)));
    let draft = Draft {
        title: over(title, base.title),
        body: body.unwrap_or(base.body),
        subject: over(subject, base.subject),
        preheader: over(preheader, base.preheader),
        description: over(description, base.description),
        link: over(link, base.link),
        media: media.unwrap_or(base.media),
    };
    marketing::require_none(marketing::validate_draft(kind, &draft))?;
    let pillar = match new_pillar {
        Some(name) => known_pillar(short("pillar", Some(name), MAX_PILLAR_CHARS)?, brand)?,
        // Kept as it is, even if the brand has given it up since.
        None => pillar,
    };
    let findings = marketing::check(kind, &draft, &brand.profile);
    Ok(Version { draft, findings, pillar, note: short("note", note, MAX_NOTE_CHARS)? })
}

/// One of the brand's pillars, as the brand spells it; any, as long as the brand has none.
fn known_pillar(pillar: Option<String>, brand: &Brand) -> entity::Result<Option<String>> {
    let names: Vec<&str> = brand.profile.pillars.iter().map(|pillar| pillar.name.trim()).collect();
    let Some(wanted) = pillar.as_ref().filter(|_| !names.is_empty()).map(|name| name.to_lowercase()) else {
        return Ok(pillar);
    };
    if let Some(name) = names.iter().find(|name| name.to_lowercase() == wanted) {
        return Ok(Some((*name).to_owned()));
    }
    Err(entity::Error::invalid("pillar", format!("must be one of the brand's pillars: {}", names.join(", "))))
}

fn saved_answer(what: &str, saved: content::Saved, brand: &Brand) -> Answer<SavedOut> {
    let Piece { content, current } = saved.piece;
    let mut text = format!(
        "{what} {} {} (revision {}): {}\n",
        marketing::kind_label(content.kind),
        content.id,
        content.revision,
        content.label
    );
    text.push_str(&render::findings(&current.findings));
    text.push_str(&next_step(&content, &current.findings, brand));
    Answer { text, data: SavedOut { findings: current.findings.0, saved: saved.is_new, content: content.into() } }
}

fn next_step(content: &Content, findings: &Findings, brand: &Brand) -> String {
    let mut text = match content.status {
        ContentStatus::Draft => {
            let blocking = match findings.blocking().count() {
                1 => "blocking finding".to_owned(),
                count => format!("{count} blocking findings"),
            };
            format!("It cannot be approved yet: mend the {blocking} with update_content.")
        }
        ContentStatus::Planned => "Nothing is written yet: write it with update_content.".to_owned(),
        ContentStatus::Approved => "It is approved.".to_owned(),
        _ => "It waits for a decision: show it to the owner, then record what they say with review_content.".to_owned(),
    };
    if let Some(at) = content.scheduled_at.filter(|_| content.status != ContentStatus::Approved) {
        let due = || format!("It is due at {}, and needs an approval before.", display(at, brand.time_zone));
        text.push_str(&format!(" {}", passed(at, brand.time_zone).unwrap_or_else(due)));
    }
    text
}

fn list_in_words(pieces: &[Content], next: Option<&ContentId>, brand: &Brand) -> String {
    if pieces.is_empty() {
        return "No content matches. Widen the filter, or save a first draft with create_content.".to_owned();
    }
    let lines: Vec<String> = pieces.iter().map(|piece| render::line(piece, brand)).collect();
    let mut text = lines.join("\n");
    if pieces.iter().any(|piece| piece.scheduled_at.is_some()) {
        text.push_str(&format!("\nTimes are those of {}.", brand.time_zone));
    }
    if let Some(next) = next {
        text.push_str(&format!("\nThere is more: call again with cursor {next}."));
    }
    text
}

impl From<Content> for ContentOut {
    fn from(content: Content) -> Self {
        Self {
            id: content.id,
            kind: content.kind,
            status: content.status,
            label: content.label,
            revision: content.revision.into(),
            pillar: content.pillar,
            scheduled_at: content.scheduled_at.map(timestamp),
            created_at: timestamp(content.created_at),
            updated_at: timestamp(content.updated_at),
        }
    }
}

impl From<content::Revision> for RevisionOut {
    fn from(revision: content::Revision) -> Self {
        Self { number: revision.number.into(), note: revision.note, created_at: timestamp(revision.created_at) }
    }
}

impl From<content::DecisionRecord> for DecisionOut {
    fn from(record: content::DecisionRecord) -> Self {
        Self {
            revision: record.revision.into(),
            decision: record.decision,
            decided_by: record.decided_by,
            reason: record.reason,
            decided_at: timestamp(record.created_at),
        }
    }
}
