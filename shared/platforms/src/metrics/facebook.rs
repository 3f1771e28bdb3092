//! Facebook: the first page that the person manages.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Asked, PostNumbers, Reading, Source, beginning, number, numbers, time, total};
use crate::Result;
use crate::reply::{field, list, text};

const FIELDS: &str = "id,message,created_time,permalink_url,shares,reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0)";

pub(super) struct Facebook;

#[async_trait]
impl Source for Facebook {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        let pages = asked.access.read("FACEBOOK_LIST_MANAGED_PAGES", json!({})).await?;
        let page = list(&pages, &["pages", "data"]).first().ok_or_else(|| asked.unexpected("no page"))?;
        let id = text(page, "id").ok_or_else(|| asked.unexpected("a page without an id"))?;
        let details = asked.access.read("FACEBOOK_GET_PAGE_DETAILS", json!({ "page_id": id })).await?;
        let after = asked.period.last().succ_opt().unwrap_or(asked.period.last());
        let arguments = json!({
            "page_id": id,
            "fields": FIELDS,
            "since": asked.period.first().to_string(),
            "until": after.to_string(),
            "limit": 100,
        });
        let posts = asked.access.read("FACEBOOK_GET_PAGE_POSTS", arguments).await?;
        let posts = list(&posts, &["posts", "data"]).iter().filter_map(post).collect();
        let followers = field(&details, "followers_count").or_else(|| field(&details, "fan_count")).and_then(number);
        let series = followers.map(|followers| total("followers", Some(followers))).into_iter().collect();
        let name = text(page, "name").unwrap_or(id);
        let notes = vec!["The numbers of posts and the followers are as of now.".to_owned()];
        Ok(asked.of_posts(asked.provenance(name, notes), posts, series))
    }
}

fn post(post: &Value) -> Option<PostNumbers> {
    Some(PostNumbers {
        id: text(post, "id")?,
        url: text(post, "permalink_url"),
        text: beginning(&text(post, "message").unwrap_or_default()),
        published_at: time(text(post, "created_time")),
        numbers: numbers([
            ("reactions", post.pointer("/reactions/summary/total_count")),
            ("comments", post.pointer("/comments/summary/total_count")),
            ("shares", post.pointer("/shares/count")),
        ]),
    })
}
