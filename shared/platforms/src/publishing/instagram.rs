//! Posts on Instagram: a container is made of the media, and published when Instagram has fetched them.
//!
//! A container can be published once and says whether it was, so a lost answer can be looked up.

use std::time::Duration;

use entity::content::{Media, MediaType};
use entity::publications::Posted;
use serde_json::{Value, json};

use super::posting::{Found, Posting, Stop};
use crate::Result;
use crate::arguments::Field;
use crate::reply::{list, text};

const MAX_MEDIA: usize = 10;
/// Instagram fetches a picture in seconds, a video in a minute.
const LOOKS: u32 = 30;
const PAUSE: Duration = Duration::from_secs(3);

pub(super) async fn publish(posting: &mut Posting<'_>) -> std::result::Result<(), Stop> {
    if !posting.progress().posted.is_empty() {
        return Ok(());
    }
    let user =
        user(posting).await?.ok_or_else(|| Stop::failed("Instagram does not say whose account is connected."))?;
    let container = match posting.progress().prepared.clone() {
        Some(container) if state(posting, &container).await? == State::Ready => container,
        _ => {
            let container = container(posting, &user).await?;
            posting.prepared(container.clone()).await?;
            container
        }
    };
    wait_until_ready(posting, &container).await?;
    let fields = vec![("ig_user_id", json!(user)), ("creation_id", json!(container))];
    posting.post("INSTAGRAM_CREATE_POST", fields, posted).await?;
    Ok(())
}

async fn user(posting: &Posting<'_>) -> Result<Option<String>> {
    let user = posting.read("INSTAGRAM_GET_USER_INFO", Vec::new()).await?;
    Ok(text(&user, "id").or_else(|| text(&user, "user_id")))
}

async fn container(posting: &Posting<'_>, user: &str) -> std::result::Result<String, Stop> {
    let caption = json!(posting.draft().body.trim());
    match posting.draft().media.as_slice() {
        [] => Err(Stop::failed("Instagram takes no post without a picture or video. Add one to the piece.")),
        [one] => {
            let mut fields = vec![("ig_user_id", json!(user)), ("caption", caption)];
            fields.extend(of_media(one, false));
            make(posting, fields).await
        }
        several if several.len() <= MAX_MEDIA => {
            let mut children = Vec::new();
            for media in several {
                let mut fields = vec![("ig_user_id", json!(user)), ("is_carousel_item", json!(true))];
                fields.extend(of_media(media, true));
                let child = make(posting, fields).await?;
                wait_until_ready(posting, &child).await?;
                children.push(child);
            }
            let fields = vec![
                ("ig_user_id", json!(user)),
                ("media_type", json!("CAROUSEL")),
                ("children", json!(children)),
                ("caption", caption),
            ];
            make(posting, fields).await
        }
        _ => Err(Stop::failed(format!("Instagram takes at most {MAX_MEDIA} pictures and videos in a post."))),
    }
}

fn of_media(media: &Media, is_one_of_several: bool) -> Vec<Field<'static>> {
    match media.media_type {
        MediaType::Image => vec![("image_url", json!(media.url))],
        MediaType::Video => {
            let kind = if is_one_of_several { "VIDEO" } else { "REELS" };
            vec![("video_url", json!(media.url)), ("media_type", json!(kind))]
        }
    }
}

async fn make(posting: &Posting<'_>, fields: Vec<Field<'_>>) -> std::result::Result<String, Stop> {
    let made = posting.prepare("INSTAGRAM_CREATE_MEDIA_CONTAINER", fields).await?;
    text(&made, "id")
        .or_else(|| text(&made, "creation_id"))
        .ok_or_else(|| Stop::failed("Instagram took the media and gave nothing back."))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Published,
    Fetching,
    Useless,
}

async fn state(posting: &Posting<'_>, container: &str) -> Result<State> {
    let status = posting.read("INSTAGRAM_GET_POST_STATUS", vec![("creation_id", json!(container))]).await?;
    Ok(match text(&status, "status_code").or_else(|| text(&status, "status")).as_deref() {
        Some("FINISHED") => State::Ready,
        Some("PUBLISHED") => State::Published,
        Some("IN_PROGRESS") => State::Fetching,
        _ => State::Useless,
    })
}

async fn wait_until_ready(posting: &Posting<'_>, container: &str) -> std::result::Result<(), Stop> {
    for _ in 0..LOOKS {
        match state(posting, container).await? {
            State::Ready => return Ok(()),
            State::Fetching => tokio::time::sleep(PAUSE).await,
            State::Published | State::Useless => {
                return Err(Stop::failed(
                    "Instagram could not use the media: are they at a public address, and of a size that it takes?",
                ));
            }
        }
    }
    Err(Stop::Failed { why: "Instagram has not fetched the media yet.".to_owned(), again: true })
}

fn posted(answer: &Value) -> Option<Posted> {
    Some(Posted { id: text(answer, "id")?, url: text(answer, "permalink") })
}

pub(super) async fn look(posting: &Posting<'_>) -> Result<Found> {
    let Some(container) = posting.progress().prepared.as_deref() else { return Ok(Found::Unsure) };
    match state(posting, container).await? {
        State::Published => Ok(Found::There(newest_with_caption(posting).await?)),
        State::Ready => Ok(Found::NotThere),
        State::Fetching | State::Useless => Ok(Found::Unsure),
    }
}

/// The post is there for certain; this only finds out where.
async fn newest_with_caption(posting: &Posting<'_>) -> Result<Posted> {
    let container = posting.progress().prepared.clone().unwrap_or_default();
    let unknown = Posted { id: container, url: None };
    let Some(user) = user(posting).await? else { return Ok(unknown) };
    let media = posting.read("INSTAGRAM_GET_IG_USER_MEDIA", vec![("ig_user_id", json!(user))]).await?;
    let caption = posting.draft().body.trim();
    let mut media = list(&media, &["media", "data"]).iter();
    let same = media.find(|media| text(media, "caption").is_some_and(|theirs| theirs.trim() == caption));
    Ok(same.and_then(posted).unwrap_or(unknown))
}
