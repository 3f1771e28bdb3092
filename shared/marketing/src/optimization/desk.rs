//! Proposals with what is kept of a customer.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use entity::Result;
use entity::brands::{self, Brand};
use entity::content::{self, Channel, Content};
use entity::db::{Db, now};
use entity::ids::{CustomerId, ProposalId};
use entity::proposals::{self, Decided, Renewed, Verdict as ProposalVerdict};
use entity::publications::{self, Publication};

use super::cadence::WEEKS;
use super::{Evidence, Needed, OwnPost, PublishedPiece, Verdict, Week, propose};
use crate::brand::{is_complete, require_valid};
use crate::calendar::{PostResult, instant, monday};
use crate::performance;

/// What is older says little of today.
const REMEMBERED: Duration = Duration::weeks(26);
/// More of one thing than this is not read.
const MOST: u64 = 2_000;

/// Looks at all that is known of the customer, and has exactly the proposals open that follow from it. Doing it again
/// changes nothing.
///
/// # Errors
///
/// When there is no such customer.
pub async fn renew_proposals(db: &Db, customer_id: &CustomerId) -> Result<Renewed> {
    let evidence = evidence(db, customer_id).await?;
    proposals::renew(db, customer_id, propose(&evidence).proposals).await
}

/// What is missing before more can be proposed.
///
/// # Errors
///
/// When there is no such customer.
pub async fn still_needed(db: &Db, customer_id: &CustomerId) -> Result<Vec<Needed>> {
    Ok(propose(&evidence(db, customer_id).await?).needed)
}

/// Approves a proposal: the profile is changed as if by hand.
///
/// # Errors
///
/// As [`proposals::approve`].
pub async fn approve(db: &Db, customer_id: &CustomerId, id: &ProposalId, verdict: ProposalVerdict) -> Result<Decided> {
    proposals::approve(db, customer_id, id, verdict, require_valid, is_complete).await
}

/// Takes an approved proposal back.
///
/// # Errors
///
/// As [`proposals::roll_back`].
pub async fn roll_back(
    db: &Db,
    customer_id: &CustomerId,
    id: &ProposalId,
    verdict: ProposalVerdict,
) -> Result<Decided> {
    proposals::roll_back(db, customer_id, id, verdict, require_valid, is_complete).await
}

async fn evidence(db: &Db, customer_id: &CustomerId) -> Result<Evidence> {
    let now = now();
    let since = now - REMEMBERED;
    let brand = brands::get(db, customer_id).await?;
    let results = performance::post_results(db, customer_id).await?;
    let results: Vec<PostResult> = results.into_iter().filter(|result| result.published_at >= since).collect();
    let out = publications::pieces_since(db, customer_id, since, MOST).await?;
    let verdicts = content::decisions_since(db, customer_id, since, MOST).await?;
    let checked = content::checked_since(db, customer_id, since, MOST).await?;
    let this_week = monday(now.with_timezone(&brand.time_zone).date_naive());
    let start = |day: NaiveDate| instant(brand.time_zone, day.and_time(NaiveTime::MIN));
    let span = (start(this_week - Days::new(7 * WEEKS)), start(this_week));
    let planned = content::scheduled_between(db, customer_id, span.0, span.1).await?;
    Ok(Evidence {
        weeks: weeks(&brand, span, &planned, &out, &results),
        posts: own_posts(results, &out),
        verdicts: verdicts
            .into_iter()
            .map(|made| Verdict { content_id: made.content_id, decision: made.decision, reason: made.reason })
            .collect(),
        checked,
        brand,
        now,
    })
}

/// Whose each of our posts on a platform is; nobody's for all but the first of a thread.
fn ours(out: &[(Publication, Content)]) -> HashMap<(Channel, &str), Option<&Content>> {
    let posts = out.iter().flat_map(|(publication, piece)| {
        let posted = publication.progress.posted.iter().enumerate();
        posted.map(move |(place, posted)| ((piece.channel, posted.id.as_str()), (place == 0).then_some(piece)))
    });
    posts.collect()
}

/// Posts with the pieces that they were published from. The later posts of a thread are no posts of their own.
fn own_posts(results: Vec<PostResult>, out: &[(Publication, Content)]) -> Vec<OwnPost> {
    let ours = ours(out);
    let own = |result: PostResult| {
        let piece = match ours.get(&(result.channel, result.id.as_str())) {
            None => None,
            Some(None) => return None,
            Some(Some(piece)) => {
                Some(PublishedPiece { id: piece.id.clone(), kind: piece.kind, pillar: piece.pillar.clone() })
            }
        };
        let PostResult { channel, published_at, engagement, is_rate, .. } = result;
        Some(OwnPost { channel, published_at, engagement, is_rate, piece })
    };
    results.into_iter().filter_map(own).collect()
}

/// What was planned for each week of each channel, and what went out in it, by us or by hand.
fn weeks(
    brand: &Brand,
    (from, before): (DateTime<Utc>, DateTime<Utc>),
    planned: &[Content],
    out: &[(Publication, Content)],
    results: &[PostResult],
) -> Vec<Week> {
    let mut weeks: BTreeMap<(Channel, NaiveDate), Week> = BTreeMap::new();
    let mut note = |channel, at: DateTime<Utc>, is_plan: bool| {
        if !(from..before).contains(&at) {
            return;
        }
        let monday = monday(at.with_timezone(&brand.time_zone).date_naive());
        let week = weeks.entry((channel, monday)).or_insert(Week { channel, monday, planned: 0, published: 0 });
        week.planned += usize::from(is_plan);
        week.published += usize::from(!is_plan);
    };
    for piece in planned {
        if let Some(at) = piece.scheduled_at {
            note(piece.channel, at, true);
        }
    }
    for (publication, piece) in out {
        if let Some(at) = publication.published_at {
            note(piece.channel, at, false);
        }
    }
    let ours = ours(out);
    for result in results.iter().filter(|result| !ours.contains_key(&(result.channel, result.id.as_str()))) {
        note(result.channel, result.published_at, false);
    }
    weeks.into_values().collect()
}
