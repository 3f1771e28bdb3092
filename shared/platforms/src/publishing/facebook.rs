//! Posts on the Facebook page that the customer manages.

use entity::content::MediaType;
use entity::publications::Posted;
use serde_json::{Value, json};

use super::posting::{Found, Posting, Stop, are_same, with_link};
use crate::Result;
use crate::reply::{list, text, time};

pub(super) async fn publish(posting: &mut Posting<'_>) -> std::result::Result<(), Stop> {
    if !posting.progress().posted.is_empty() {
        return Ok(());
    }
    let page = page(posting).await?.ok_or_else(|| Stop::failed("The connected person manages no Facebook page."))?;
    let draft = posting.draft();
    match draft.media.as_slice() {
        [] => {
            let mut fields = vec![("page_id", json!(page)), ("message", json!(draft.body.trim()))];
            if let Some(link) = draft.link.as_deref().filter(|link| !link.trim().is_empty()) {
                fields.push(("link", json!(link)));
            }
            posting.post("FACEBOOK_CREATE_POST", fields, posted).await
        }
        [picture] if picture.media_type == MediaType::Image => {
            let fields =
                vec![("page_id", json!(page)), ("message", json!(with_link(draft))), ("url", json!(picture.url))];
            posting.post("FACEBOOK_CREATE_PHOTO_POST", fields, posted).await
        }
        _ => Err(Stop::failed("HeyCMO posts text or one picture on Facebook. Take the rest out, or post it by hand.")),
    }
}

/// Id of the first page that the person manages.
async fn page(posting: &Posting<'_>) -> Result<Option<String>> {
    let pages = posting.read("FACEBOOK_LIST_MANAGED_PAGES", Vec::new()).await?;
    Ok(list(&pages, &["pages", "data"]).first().and_then(|page| text(page, "id")))
}

/// A picture has an id of its own beside that of its post.
fn posted(answer: &Value) -> Option<Posted> {
    let id = text(answer, "post_id").or_else(|| text(answer, "id"))?;
    let url = text(answer, "permalink_url").unwrap_or_else(|| format!("https://www.facebook.com/{id}"));
    Some(Posted { id, url: Some(url) })
}

pub(super) async fn look(posting: &Posting<'_>) -> Result<Found> {
    let Some(page) = page(posting).await? else { return Ok(Found::Unsure) };
    let fields = vec![("page_id", json!(page)), ("limit", json!(25))];
    let posts = posting.read("FACEBOOK_GET_PAGE_POSTS", fields).await?;
    let draft = posting.draft();
    let same = list(&posts, &["posts", "data"]).iter().find(|post| {
        posting.is_of_lost_call(time(text(post, "created_time")))
            && text(post, "message").is_some_and(|theirs| are_same(&draft.body, &theirs))
    });
    Ok(same.and_then(posted).map_or(Found::Unsure, Found::There))
}
