//! YouTube: the channel as it is now, and the videos of the period.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Asked, PostNumbers, Reading, Source, beginning, number, numbers, time, total};
use crate::Result;
use crate::reply::{list, text};

const MAX_VIDEOS: u32 = 50;

pub(super) struct Youtube;

#[async_trait]
impl Source for Youtube {
    async fn read(&self, asked: &Asked<'_>) -> Result<Reading> {
        let arguments = json!({ "mine": true, "part": "snippet,statistics" });
        let channels = asked.access.read("YOUTUBE_GET_CHANNEL_STATISTICS", arguments).await?;
        let channel = list(&channels, &["items"]).first().ok_or_else(|| asked.unexpected("no channel"))?;
        let id = text(channel, "id").ok_or_else(|| asked.unexpected("a channel without an id"))?;
        let arguments = json!({ "channelId": id, "maxResults": MAX_VIDEOS, "part": "snippet" });
        let videos = asked.access.read("YOUTUBE_LIST_CHANNEL_VIDEOS", arguments).await?;
        let ids: Vec<String> = list(&videos, &["items"])
            .iter()
            .filter(|video| {
                let at = time(video.pointer("/snippet/publishedAt").and_then(Value::as_str).map(str::to_owned));
                at.is_some_and(|at| asked.period.contains(at, asked.zone()))
            })
            .filter_map(|video| video.pointer("/id/videoId").or_else(|| video.get("id"))?.as_str().map(str::to_owned))
            .collect();
        let posts = if ids.is_empty() {
            Vec::new()
        } else {
            let arguments = json!({ "id": ids.join(","), "part": "snippet,statistics" });
            let details = asked.access.read("YOUTUBE_VIDEO_DETAILS", arguments).await?;
            list(&details, &["items"]).iter().filter_map(video).collect()
        };
        let of = |metric: &str| channel.get("statistics")?.get(metric).and_then(number);
        let now = [("subscribers", "subscriberCount"), ("channelViews", "viewCount"), ("channelVideos", "videoCount")];
        let series = now.into_iter().filter_map(|(name, metric)| Some(total(name, Some(of(metric)?)))).collect();
        let name = channel.pointer("/snippet/title").and_then(Value::as_str).unwrap_or(&id).to_owned();
        let notes = vec!["Subscribers, channel views and the numbers of videos are totals as of now.".to_owned()];
        Ok(asked.of_posts(asked.provenance(name, notes), posts, series))
    }
}

fn video(video: &Value) -> Option<PostNumbers> {
    let id = text(video, "id")?;
    let of = |metric: &str| video.get("statistics")?.get(metric);
    Some(PostNumbers {
        url: Some(format!("https://www.youtube.com/watch?v={id}")),
        id,
        text: beginning(video.pointer("/snippet/title").and_then(Value::as_str).unwrap_or_default()),
        published_at: time(video.pointer("/snippet/publishedAt").and_then(Value::as_str).map(str::to_owned)),
        numbers: numbers([("views", of("viewCount")), ("likes", of("likeCount")), ("comments", of("commentCount"))]),
    })
}
