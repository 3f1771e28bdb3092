//! Publishing approved content.

use std::time::Duration;

use entity::connections::Platform;
use entity::content;
use entity::ids::ContentId;
use entity::publications::{Publication, PublicationStatus};
use platforms::facts;
use platforms::publishing::Outcome;
use platforms::table::platform_of;
use rmcp::service::ElicitationError;
use rmcp::{Peer, RoleServer, elicit_safe, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Arguments;
use crate::answer::{Answer, Refusal, no_such_piece};
use crate::caller::Caller;
use crate::schema;
use crate::server::HeyCmo;
use crate::when::timestamp;

/// How long a person may think about it. Well within what a tool may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a person saw on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Seen {
    Published,
    NotPublished,
}

/// Which piece.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PublishContentIn {
    /// Id of the approved piece.
    content_id: ContentId,
    /// Only where an earlier call answered status unknown, and only with what a person really saw on the platform:
    /// published settles it; not_published publishes it now.
    person_saw: Option<Seen>,
}

/// How the publication of a piece stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PublicationOut {
    content_id: ContentId,
    platform: Platform,
    /// published: it is out. failed: it is not; error says why. unknown: it may be out, a person has to look. publishing: it is on its way.
    status: PublicationStatus,
    /// Whether it was out before this call.
    already_published: bool,
    /// Whether the same call may work in a few minutes.
    try_again: bool,
    /// The revision that went out.
    revision: i32,
    /// Where it is to be seen.
    url: Option<String>,
    error: Option<String>,
    published_at: Option<String>,
}

/// The question to the person.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Confirmation {
    /// Publish it now?
    publish: bool,
}
elicit_safe!(Confirmation);

#[tool_router(router = publishing_tools, vis = "pub(super)")]
impl HeyCmo {
    #[tool(
        title = "Publish content",
        description = "Publishes an approved piece now, on the connected platform of its channel: LinkedIn, X, Facebook, Instagram, or Mailchimp for newsletters and e-mails. It goes out once: calling again shows where it is. Call it when the person wants it out now; schedule_content publishes it at a time.",
        input_schema = schema::input::<PublishContentIn>(),
        output_schema = schema::output::<PublicationOut>(),
        annotations(read_only_hint = false, destructive_hint = true, idempotent_hint = true, open_world_hint = true)
    )]
    async fn publish_content(
        &self,
        caller: Caller,
        peer: Peer<RoleServer>,
        Arguments(PublishContentIn { content_id, person_saw }): Arguments<PublishContentIn>,
    ) -> Result<Answer<PublicationOut>, Refusal> {
        let app = self.app();
        let customer_id = &caller.customer_id;
        let piece = content::get(&app.db, customer_id, &content_id).await.map_err(no_such_piece)?.content;
        if let Some(seen) = person_saw {
            let settled = app.platforms.resolve(customer_id, &content_id, seen == Seen::Published).await?;
            if seen == Seen::Published {
                return Ok(answer(Outcome::Published { publication: settled, is_new: false }));
            }
        } else if piece.status == content::ContentStatus::Approved
            && let Some(platform) = platform_of(piece.channel)
        {
            let name = facts(platform).name;
            confirm(&peer, format!("Publish “{}” on {name} now? It cannot be taken back from here.", piece.label))
                .await?;
        }
        Ok(answer(app.platforms.publish(customer_id, &content_id).await?))
    }
}

/// Asks the person where their client can; the approval on record is what counts.
async fn confirm(peer: &Peer<RoleServer>, question: String) -> Result<(), Refusal> {
    let refused = || Refusal("The person did not confirm it. Nothing was published.".to_owned());
    match peer.elicit_with_timeout::<Confirmation>(question, Some(PATIENCE)).await {
        Ok(Some(Confirmation { publish: true })) => Ok(()),
        Ok(_) | Err(ElicitationError::UserDeclined | ElicitationError::UserCancelled) => Err(refused()),
        // A client that does not ask people, or an answer that is none: nobody said no.
        Err(ElicitationError::CapabilityNotSupported) => Ok(()),
        Err(error) if !asks_people(peer) => {
            tracing::debug!(%error, "the client cannot ask");
            Ok(())
        }
        Err(_) => Err(refused()),
    }
}

fn asks_people(peer: &Peer<RoleServer>) -> bool {
    peer.supported_elicitation_modes().contains(&rmcp::service::ElicitationMode::Form)
}

fn answer(outcome: Outcome) -> Answer<PublicationOut> {
    let (publication, already_published, try_again) = match outcome {
        Outcome::Published { publication, is_new } => (publication, !is_new, false),
        Outcome::Busy(publication) | Outcome::Unknown(publication) => (publication, false, false),
        Outcome::Failed { publication, again } => (publication, false, again),
    };
    let text = in_words(&publication, already_published, try_again);
    let data = PublicationOut {
        content_id: publication.content_id,
        platform: publication.platform,
        status: publication.status,
        already_published,
        try_again,
        revision: publication.revision,
        url: publication.url,
        error: publication.error,
        published_at: publication.published_at.map(timestamp),
    };
    Answer { text, data }
}

fn in_words(publication: &Publication, already: bool, try_again: bool) -> String {
    let name = facts(publication.platform).name;
    let id = &publication.content_id;
    let error = publication.error.as_deref().unwrap_or("No reason is known.");
    match publication.status {
        PublicationStatus::Published => {
            let place = publication
                .url
                .as_deref()
                .map_or_else(|| format!(" {name} does not say at which address."), |url| format!(" {url}"));
            if already {
                format!("{id} is already published on {name}, and was not published again.{place}")
            } else {
                format!("{id} is published on {name}.{place}")
            }
        }
        PublicationStatus::Publishing => {
            format!(
                "{id} is being published on {name} right now. Nothing was sent by this call; ask again in a few minutes."
            )
        }
        PublicationStatus::Failed if try_again => format!("{id} is not published: {error} Try again in a few minutes."),
        PublicationStatus::Failed => format!("{id} is not published: {error}"),
        PublicationStatus::Unknown => format!(
            "It is not known whether {id} is out on {name}: {error} It was not sent again. Ask the person to look there, \
             then call publish_content again with personSaw published or not_published."
        ),
    }
}
