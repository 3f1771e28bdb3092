//! Publishing: a piece goes out once.
//!
//! A publication is claimed before anything is sent and settled after ([`entity::publications`]). Before each call that
//! makes something visible it is noted that one is under way; if its answer is lost, whether by a dead connection or by
//! a dead process, the note stays, and the next who comes looks on the platform before anything else. What cannot be
//! looked up is asked of a person. Nothing is sent again on a guess.

mod facebook;
mod instagram;
mod linkedin;
mod mailchimp;
mod posting;
mod x;

use chrono::Duration;
use entity::connections::Platform;
use entity::content;
use entity::db::now;
use entity::ids::{ContentId, CustomerId};
use entity::publications::{self, Claim, Claimed, Publication, PublicationStatus, Settlement};

use crate::access::Access;
use crate::table::platform_of;
use crate::{Error, Platforms, Result};
use posting::{Found, Posting, Stop};

/// A call that was cut off is over by then, wherever it was.
const SETTLED_AFTER: Duration = Duration::minutes(2);

/// How publishing a piece ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is out.
    Published {
        /// Where.
        publication: Publication,
        /// Whether by this call.
        is_new: bool,
    },
    /// Somebody else is at it.
    Busy(Publication),
    /// It is not out, or only in part.
    Failed {
        /// Why.
        publication: Publication,
        /// Whether the same may work a little later.
        again: bool,
    },
    /// It may be out or not: a person has to look.
    Unknown(Publication),
}

impl Platforms {
    /// Publishes an approved piece on the platform of its channel, unless it is there.
    ///
    /// Goes on to its end when the caller goes away.
    ///
    /// # Errors
    ///
    /// When the piece is not the customer's or not approved, nothing can be published on its channel
    /// (`not_publishable`), or its platform is not connected. Nothing was sent then.
    pub async fn publish(&self, customer_id: &CustomerId, content_id: &ContentId) -> Result<Outcome> {
        let (this, customer_id, content_id) = (self.clone(), customer_id.clone(), content_id.clone());
        let publishing = tokio::spawn(async move { this.publish_now(&customer_id, &content_id).await });
        match publishing.await {
            Ok(outcome) => outcome,
            // A panic; what was under way is looked up the next time.
            Err(error) => Err(entity::Error::conflict("interrupted", format!("It was interrupted: {error}")).into()),
        }
    }

    /// Takes a person's word on a piece of which nobody else knows whether it is out.
    ///
    /// # Errors
    ///
    /// When it is known (`not_unknown`), or there is no such piece.
    pub async fn resolve(&self, customer_id: &CustomerId, content_id: &ContentId, is_out: bool) -> Result<Publication> {
        let piece = content::get(&self.db, customer_id, content_id).await?;
        let platform = publishable_on(&piece.content)?;
        Ok(publications::resolve(&self.db, customer_id, content_id, platform, is_out).await?)
    }

    async fn publish_now(&self, customer_id: &CustomerId, content_id: &ContentId) -> Result<Outcome> {
        let piece = content::get(&self.db, customer_id, content_id).await?;
        let platform = publishable_on(&piece.content)?;
        // What is out is out, also when the platform was disconnected since.
        let known = publications::of_content(&self.db, customer_id, content_id).await?;
        if let Some(publication) = known.into_iter().find(|known| known.status == PublicationStatus::Published) {
            return Ok(Outcome::Published { publication, is_new: false });
        }
        let access = self.access(customer_id, platform).await?;
        let claim = publications::claim(&self.db, customer_id, content_id, platform, &access.account_id).await?;
        let (claimed, lost) = match claim {
            Claim::Published(publication) => {
                return Ok(Outcome::Published { publication: *publication, is_new: false });
            }
            Claim::Busy(publication) => return Ok(Outcome::Busy(*publication)),
            Claim::Yours(claimed) => (*claimed, None),
            Claim::Unknown(claimed) => (*claimed, Some("The answer to an earlier attempt was lost.".to_owned())),
        };
        self.send(access, claimed, lost).await
    }

    /// Sends what is not there yet. `lost` says why it is not known whether the last call was done, if so.
    async fn send(&self, mut access: Access<'_>, claimed: Claimed, mut lost: Option<String>) -> Result<Outcome> {
        // What began under one account is finished under it.
        access.account_id.clone_from(&claimed.publication.account_id);
        let mut posting = Posting::new(&self.db, access, claimed);
        loop {
            if let Some(why) = lost.take() {
                let is_over = posting.progress().calling_since.is_none_or(|since| now() - since > SETTLED_AFTER);
                match look(&posting).await {
                    Found::There(posted) => posting.found(posted).await?,
                    Found::NotThere if is_over => posting.not_found().await?,
                    Found::NotThere | Found::Unsure => return posting.settle(Settlement::Unknown(why)).await,
                }
            }
            match run(&mut posting).await {
                Ok(()) => return posting.settle(Settlement::Published).await,
                Err(Stop::Failed { why, again }) => {
                    let outcome = posting.settle(Settlement::Failed(why)).await?;
                    return Ok(match outcome {
                        Outcome::Failed { publication, .. } => Outcome::Failed { publication, again },
                        outcome => outcome,
                    });
                }
                Err(Stop::Unknown(why)) => lost = Some(why),
                Err(Stop::Store(error)) => return Err(error.into()),
            }
        }
    }
}

fn publishable_on(piece: &content::Content) -> Result<Platform> {
    platform_of(piece.channel).ok_or_else(|| {
        let message = "HeyCMO does not publish on this channel: put it there by hand.";
        Error::Store(entity::Error::conflict("not_publishable", message))
    })
}

async fn run(posting: &mut Posting<'_>) -> std::result::Result<(), Stop> {
    match posting.platform() {
        Platform::Linkedin => linkedin::publish(posting).await,
        Platform::X => x::publish(posting).await,
        Platform::Facebook => facebook::publish(posting).await,
        Platform::Instagram => instagram::publish(posting).await,
        Platform::Mailchimp => mailchimp::publish(posting).await,
        platform => Err(Stop::failed(format!("Nothing can be published on {platform}."))),
    }
}

/// Looks on the platform for the post whose answer was lost.
async fn look(posting: &Posting<'_>) -> Found {
    let looked = match posting.platform() {
        Platform::X => x::look(posting).await,
        Platform::Facebook => facebook::look(posting).await,
        Platform::Instagram => instagram::look(posting).await,
        Platform::Mailchimp => mailchimp::look(posting).await,
        // LinkedIn lets nobody read a person's posts.
        _ => Ok(Found::Unsure),
    };
    looked.unwrap_or(Found::Unsure)
}
