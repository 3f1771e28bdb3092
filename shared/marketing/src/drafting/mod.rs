//! Drafts by a model: planned pieces get their first words, which wait for a person's review.
//!
//! What the model answers is held against the same rules as everybody's text. It gets a second try that names what is
//! wrong; what still breaks a rule is not saved, and the piece stays a brief with a note that says why.

mod answer;
mod request;

use std::time::Duration;

use entity::Result;
use entity::brands;
use entity::content::{self, ContentStatus, Draft, Finding, Findings, Piece, Version};
use entity::db::Db;
use entity::ids::{ContentId, CustomerId, RunId};
use model::{Limits, Model};
use serde::{Deserialize, Serialize};

use crate::asking::ask;
use crate::check::check;
use crate::input::validate_draft;
use crate::text::{quoted, shortened};

pub use request::Assignment;

/// Earlier pieces on the same theme that the model is shown, so that it does not repeat them.
const RECENT: u64 = 5;
/// The longest piece is an article; a model that thinks needs as much again.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), tokens: 12_000, characters: 60_000 };
/// Only a person can give what these ask for: such a piece is saved all the same, as a draft that cannot be approved yet.
const FOR_PEOPLE: [&str; 2] = ["instagram.media", "ads.link"];
const MAX_WHY_CHARS: usize = 400;

/// What became of a piece that was to be drafted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has words.
    Drafted,
    /// It has none of the model's, and why.
    NotDrafted(String),
}

/// A draft that may be saved, and what the rules say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The words.
    pub draft: Draft,
    /// What the rules found.
    pub findings: Findings,
}

/// Drafts a piece that is still to be written. What somebody has written meanwhile stays as it is. A run that does this
/// again drafts nothing twice.
///
/// # Errors
///
/// When the customer has no such piece, or the database fails; a model that fails is an outcome.
pub async fn draft_piece(
    db: &Db,
    model: &Model,
    customer_id: &CustomerId,
    id: &ContentId,
    run_id: &RunId,
) -> Result<Outcome> {
    let note = format!("Drafted by the model {} in {run_id}.", model.name());
    let Piece { content, current } = content::get(db, customer_id, id).await?;
    if content.status != ContentStatus::Planned {
        let is_ours = current.note.as_ref() == Some(&note);
        return Ok(if is_ours { Outcome::Drafted } else { written_meanwhile() });
    }
    let brand = brands::get(db, customer_id).await?;
    let recent = content::written_on(db, customer_id, content.pillar.as_deref(), RECENT).await?;
    let recent: Vec<&Draft> = recent.iter().map(|piece| &piece.current.draft).collect();
    let brief = content.brief.as_deref().unwrap_or(&content.label);
    let pillar = content.pillar.as_deref();
    let assignment = Assignment { kind: content.kind, brief, pillar, brand: &brand, recent: &recent };
    match write(model, &assignment).await {
        Ok(Written { draft, findings }) => {
            let version = Version { draft, findings, pillar: content.pillar.clone(), note: Some(note) };
            let saved = content::write_planned(db, customer_id, id, version).await?;
            Ok(saved.map_or_else(written_meanwhile, |_| Outcome::Drafted))
        }
        Err(why) => {
            let note = format!("Not drafted: {why} Your assistant can write it, or the next planning tries again.");
            content::leave_planned(db, customer_id, id, &note).await?;
            Ok(Outcome::NotDrafted(why))
        }
    }
}

fn written_meanwhile() -> Outcome {
    Outcome::NotDrafted("Somebody has written it or decided on it meanwhile.".to_owned())
}

/// What the model makes of an assignment, after two tries at most.
///
/// # Errors
///
/// When it is nothing that may be saved; the sentence says why.
pub async fn write(model: &Model, assignment: &Assignment<'_>) -> std::result::Result<Written, String> {
    let problems = match attempt(model, assignment, None).await? {
        Attempt::Good(written) => return Ok(written),
        Attempt::Bad(answer, problems) => attempt(model, assignment, Some((&answer, &problems))).await?,
    };
    match problems {
        Attempt::Good(written) => Ok(written),
        Attempt::Bad(_, problems) => Err(shortened(
            &format!("The model’s text still broke a rule after a second try: {}", problems.join(" ")),
            MAX_WHY_CHARS,
        )),
    }
}

enum Attempt {
    Good(Written),
    /// The answer, and what is wrong with it.
    Bad(String, Vec<String>),
}

async fn attempt(
    model: &Model,
    assignment: &Assignment<'_>,
    before: Option<(&str, &[String])>,
) -> std::result::Result<Attempt, String> {
    let (instructions, request) = (assignment.instructions(), assignment.request(before));
    let answer = ask(model, &instructions, &request, LIMITS).await.map_err(|error| in_words(&error))?.text;
    Ok(match judge(assignment, &answer) {
        Ok(written) => Attempt::Good(written),
        Err(problems) => Attempt::Bad(answer, problems),
    })
}

/// Whether an answer may be saved. Pure.
///
/// # Errors
///
/// Everything that is in the way, a sentence each.
pub fn judge(assignment: &Assignment<'_>, answer: &str) -> std::result::Result<Written, Vec<String>> {
    let draft = answer::parse(assignment.kind, answer).map_err(|problem| vec![problem])?;
    let draft = Draft { link: assignment.link(), ..draft };
    let problems = validate_draft(assignment.kind, &draft);
    if !problems.is_empty() {
        return Err(problems.iter().map(ToString::to_string).collect());
    }
    let findings = check(assignment.kind, &draft, &assignment.brand.profile);
    let is_for_model = |finding: &&Finding| !FOR_PEOPLE.contains(&finding.rule.as_str());
    let in_words = |finding: &Finding| format!("{} {}", finding.message, finding.fix);
    let mut problems: Vec<String> = findings.blocking().filter(is_for_model).map(in_words).collect();
    let strange = assignment.strange_hosts(&draft);
    if !strange.is_empty() {
        let hosts = quoted(strange.iter().map(String::as_str));
        problems.push(format!("Addresses of sites that are not in the assignment: {hosts}. Leave them out."));
    }
    if problems.is_empty() { Ok(Written { draft, findings }) } else { Err(problems) }
}

/// For the customer, who cannot mend what is wrong with a server: the log has that.
fn in_words(error: &model::Error) -> String {
    match error {
        model::Error::Unavailable(_) => "The model could not be reached, or did not answer in time.",
        model::Error::Refused => "The model refused to write it.",
        model::Error::Overlong => "The model’s answer was too long and was cut off.",
        model::Error::Malformed(_) => "The model’s answer could not be read.",
    }
    .to_owned()
}
