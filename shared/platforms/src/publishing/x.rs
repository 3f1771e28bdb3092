//! Posts and threads on X. A thread that was cut off goes on after its last post.

use entity::content::ContentKind;
use entity::publications::Posted;
use serde_json::{Value, json};

use super::posting::{Found, Posting, Stop, are_same};
use crate::Result;
use crate::reply::{list, text, time};

pub(super) async fn publish(posting: &mut Posting<'_>) -> std::result::Result<(), Stop> {
    if !posting.draft().media.is_empty() {
        return Err(Stop::failed("HeyCMO cannot post pictures or videos on X yet. Take them out, or post it by hand."));
    }
    let texts = texts(posting);
    let total = texts.len();
    let there = posting.progress().posted.len();
    for (index, post) in texts.into_iter().enumerate().skip(there) {
        let mut fields = vec![("text", json!(post))];
        if let Some(before) = posting.progress().posted.last() {
            fields.push(("reply.in_reply_to_tweet_id", json!(before.id)));
        }
        posting
            .post("TWITTER_CREATION_OF_A_POST", fields, posted)
            .await
            .map_err(|stop| in_thread(stop, index, total))?;
    }
    Ok(())
}

/// The posts in their order.
fn texts(posting: &Posting<'_>) -> Vec<String> {
    let body = &posting.draft().body;
    match posting.content().kind {
        ContentKind::XThread => marketing::posts(body).into_iter().map(str::to_owned).collect(),
        _ => vec![body.trim().to_owned()],
    }
}

fn in_thread(stop: Stop, index: usize, total: usize) -> Stop {
    match stop {
        Stop::Failed { why, again } if total > 1 => Stop::Failed {
            why: format!(
                "{why} {index} of the {total} posts of the thread are out; publishing it again goes on there."
            ),
            again,
        },
        stop => stop,
    }
}

fn posted(answer: &Value) -> Option<Posted> {
    let id = text(answer, "id")?;
    let url = Some(format!("https://x.com/i/web/status/{id}"));
    Some(Posted { id, url })
}

/// The search of X is some seconds behind, so what it does not show may be there all the same.
pub(super) async fn look(posting: &Posting<'_>) -> Result<Found> {
    let Some(wanted) = texts(posting).into_iter().nth(posting.progress().posted.len()) else {
        return Ok(Found::Unsure);
    };
    let me = posting.read("TWITTER_USER_LOOKUP_ME", Vec::new()).await?;
    let Some(name) = text(&me, "username") else { return Ok(Found::Unsure) };
    let fields = vec![
        ("query", json!(format!("from:{name} -is:retweet"))),
        ("max_results", json!(100)),
        ("tweet.fields", json!(["created_at"])),
    ];
    let found = posting.read("TWITTER_RECENT_SEARCH", fields).await?;
    let same = list(&found, &["data"]).iter().find(|post| {
        posting.is_of_lost_call(time(text(post, "created_at")))
            && text(post, "text").is_some_and(|theirs| are_same(&wanted, &theirs))
    });
    Ok(same.and_then(posted).map_or(Found::Unsure, Found::There))
}
