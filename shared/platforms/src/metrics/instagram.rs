//! Instagram: what the account reached, and its posts.

use async_trait::async_trait;
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{
    Asked, Period, Point, PostNumbers, Reading, Series, Source, Unit, beginning, number, numbers, time, total,
};
use crate::Result;
use crate::reply::{field, list, text};

/// Instagram counts what happened in at most so many days at once, and people cannot be added up.
const MAX_DAYS: i64 = 30;
/// Of so many posts the numbers that need a call each are read.
const MAX_POSTS: usize = 30;

pub(super) struct Instagram;

#[async_trait]
impl Source for Instagram {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        let user = asked.access.read("INSTAGRAM_GET_USER_INFO", json!({})).await?;
        let id = account(asked, &user)?;
        let name = text(&user, "username").map_or_else(|| id.clone(), |name| format!("@{name}"));
        let mut notes = vec!["Followers are as of now.".to_owned()];
        let mut series: Vec<Series> = Vec::new();
        if let Some(followers) = field(&user, "followers_count").and_then(number) {
            series.push(total("followers", Some(followers)));
        }
        if asked.period.days() <= MAX_DAYS {
            let (by_day, in_all) = futures::try_join!(reach(asked, &id, asked.period), totals(asked, &id))?;
            series.extend(by_day);
            series.extend(in_all);
        } else {
            notes.push(format!("Instagram tells reach and views of at most {MAX_DAYS} days, so they are left out."));
        }
        let media = asked.access.read("INSTAGRAM_GET_IG_USER_MEDIA", json!({ "ig_user_id": id, "limit": 100 })).await?;
        let posts: Vec<PostNumbers> = list(&media, &["data", "media"])
            .iter()
            .filter_map(post)
            .filter(|post| post.published_at.is_some_and(|at| asked.period.contains(at, asked.zone())))
            .collect();
        let posts = try_join_all(posts.into_iter().take(MAX_POSTS).map(|post| with_insights(asked, post))).await?;
        Ok(asked.of_posts(asked.provenance(name, notes), posts, series))
    }

    /// Whom something reached, asked for in as many days as Instagram takes at once.
    async fn daily(&self, asked: &Asked<'_>) -> Result<Vec<Series>> {
        let user = asked.access.read("INSTAGRAM_GET_USER_INFO", json!({})).await?;
        let id = account(asked, &user)?;
        let parts = asked.period.in_parts(MAX_DAYS);
        let read = try_join_all(parts.into_iter().map(|part| reach(asked, &id, part))).await?;
        let points: Vec<Point> = read.into_iter().flatten().flat_map(|series| series.points).collect();
        Ok(if points.is_empty() { Vec::new() } else { vec![Series { points, ..reached(None) }] })
    }
}

fn account(asked: &Asked<'_>, user: &Value) -> Result<String> {
    text(user, "id").or_else(|| text(user, "user_id")).ok_or_else(|| asked.unexpected("no id"))
}

/// From the first moment of the period to the first after it.
fn range(period: Period) -> (String, String) {
    let after = period.last().succ_opt().unwrap_or(period.last());
    (period.first().to_string(), after.to_string())
}

/// How many people saw something, by day.
async fn reach(asked: &Asked<'_>, id: &str, period: Period) -> Result<Option<Series>> {
    let (since, until) = range(period);
    let arguments = json!({ "ig_user_id": id, "metric": ["reach"], "period": "day", "since": since, "until": until });
    let answer = asked.access.read("INSTAGRAM_GET_USER_INSIGHTS", arguments).await?;
    let points: Vec<Point> = list(&answer, &["data"]).first().map_or_else(Vec::new, |entry| {
        list(entry, &["values"])
            .iter()
            .filter_map(|value| {
                // A value stands at the end of its day.
                let end = time(text(value, "end_time"))?;
                let date = (end - chrono::Duration::days(1)).date_naive();
                Some(Point { date, value: number(value.get("value")?)? })
            })
            .collect()
    });
    // The people of several days are not their sum.
    let total = match points.as_slice() {
        [] => return Ok(None),
        [only] if period.days() == 1 => Some(only.value),
        _ => None,
    };
    Ok(Some(Series { points, ..reached(total) }))
}

fn reached(total: Option<f64>) -> Series {
    Series { metric: "reach".to_owned(), unit: Unit::Count, part: None, total, as_of_now: false, points: Vec::new() }
}

/// What happened in the whole period.
async fn totals(asked: &Asked<'_>, id: &str) -> Result<Vec<Series>> {
    let (since, until) = range(asked.period);
    let arguments = json!({
        "ig_user_id": id,
        "metric": ["views", "accounts_engaged", "total_interactions"],
        "period": "day",
        "metric_type": "total_value",
        "since": since,
        "until": until,
    });
    let answer = asked.access.read("INSTAGRAM_GET_USER_INSIGHTS", arguments).await?;
    let series = list(&answer, &["data"]).iter().filter_map(|entry| {
        let value = number(entry.pointer("/total_value/value")?)?;
        Some(Series { as_of_now: false, ..total(&text(entry, "name")?, Some(value)) })
    });
    Ok(series.collect())
}

fn post(media: &Value) -> Option<PostNumbers> {
    Some(PostNumbers {
        id: text(media, "id")?,
        url: text(media, "permalink"),
        text: beginning(&text(media, "caption").unwrap_or_default()),
        published_at: time(text(media, "timestamp")),
        numbers: numbers([("likes", media.get("like_count")), ("comments", media.get("comments_count"))]),
    })
}

/// A post that Instagram has no insights on, such as one from before the account was a business's, keeps what it has.
async fn with_insights(asked: &Asked<'_>, mut post: PostNumbers) -> Result<PostNumbers> {
    let arguments = json!({ "ig_media_id": post.id, "metric": ["reach", "views", "saves", "shares"] });
    let answer = match asked.access.read("INSTAGRAM_GET_IG_MEDIA_INSIGHTS", arguments).await {
        Err(crate::Error::Refused(..)) => return Ok(post),
        answer => answer?,
    };
    for entry in list(&answer, &["data"]) {
        let name = match text(entry, "name").as_deref() {
            Some("reach") => "reach",
            Some("views") => "views",
            Some("saves" | "saved") => "saves",
            Some("shares") => "shares",
            _ => continue,
        };
        let value = entry.pointer("/values/0/value").or_else(|| entry.pointer("/total_value/value")).and_then(number);
        post.numbers.extend(value.map(|value| (name, value)));
    }
    Ok(post)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn what_is_not_told_of_a_post_is_absent() {
        let post = post(&json!({ "id": "1", "timestamp": "2026-01-02T03:04:05+0000", "like_count": 0 })).unwrap();
        assert_eq!(post.numbers.get("likes"), Some(&0.0));
        assert_eq!(post.numbers.get("comments"), None);
        assert_eq!(post.published_at, DateTime::from_timestamp(1_767_323_045, 0));
    }
}
