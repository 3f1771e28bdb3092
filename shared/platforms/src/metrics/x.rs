//! X: the account's posts of the last week.

use async_trait::async_trait;
use entity::db::now;
use serde_json::{Value, json};

use super::{Asked, PostNumbers, Reading, Series, Source, beginning, number, numbers, time, total};
use crate::Result;
use crate::reply::{field, list, text};

/// X shows the posts of so many days.
const SHOWN_DAYS: i64 = 7;

pub(super) struct X;

#[async_trait]
impl Source for X {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        let fields = vec![("user.fields", json!(["public_metrics"]))];
        let me = asked.access.arguments("TWITTER_USER_LOOKUP_ME", fields).await?;
        let me = asked.access.read("TWITTER_USER_LOOKUP_ME", me).await?;
        let name = text(&me, "username").ok_or_else(|| asked.unexpected("no username"))?;
        let followers = field(&me, "public_metrics").and_then(|metrics| number(metrics.get("followers_count")?));
        let series: Vec<Series> = followers.map(|followers| total("followers", Some(followers))).into_iter().collect();
        let notes =
            vec!["X shows the posts of the last seven days; their numbers and the followers are as of now.".to_owned()];
        let provenance = asked.provenance(format!("@{name}"), notes);
        let told_since = (now() - chrono::Duration::days(SHOWN_DAYS)).with_timezone(&asked.zone()).date_naive();
        if asked.period.last() < told_since {
            // That there were none is not known.
            return Ok(Reading { provenance, period: asked.period, series, posts: Vec::new() });
        }
        let fields = vec![
            ("query", json!(format!("from:{name} -is:retweet"))),
            ("max_results", json!(100)),
            ("tweet.fields", json!(["created_at", "public_metrics"])),
        ];
        let arguments = asked.access.arguments("TWITTER_RECENT_SEARCH", fields).await?;
        let found = asked.access.read("TWITTER_RECENT_SEARCH", arguments).await?;
        let posts = list(&found, &["data"]).iter().filter_map(|post| self::post(&name, post)).collect();
        Ok(asked.of_posts(provenance, posts, series))
    }
}

fn post(name: &str, post: &Value) -> Option<PostNumbers> {
    let id = text(post, "id")?;
    let of = |metric: &str| post.get("public_metrics")?.get(metric);
    Some(PostNumbers {
        url: Some(format!("https://x.com/{name}/status/{id}")),
        id,
        text: beginning(&text(post, "text").unwrap_or_default()),
        published_at: time(text(post, "created_at")),
        numbers: numbers([
            ("impressions", of("impression_count")),
            ("likes", of("like_count")),
            ("replies", of("reply_count")),
            ("reposts", of("retweet_count")),
            ("quotes", of("quote_count")),
        ]),
    })
}
