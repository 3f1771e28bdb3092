//! Instagram, LinkedIn, X, Facebook and YouTube: an account each, with posts of the past and what is published now.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::numbers::{chance, daily, real, share, so_far, today};
use super::super::state::{Container, Post, State};
use super::{Outcome, required, text};

/// As X counts them; a link is longer here than there, which no test minds.
const MAX_TWEET: usize = 280;
/// The name of everybody's account on X.
const USERNAME: &str = "sandbox";
/// How far back posts of the past go.
const PAST_DAYS: u64 = 180;
const TEXTS: [&str; 6] = [
    "Five things we learned about planning this quarter",
    "A look behind the scenes of how we work",
    "The one question we ask before every campaign",
    "What our customers taught us this month",
    "A small change that saved us an hour a day",
    "Three numbers worth watching, and two that are not",
];

pub fn run(tool: &str, state: &mut State, user: &str, arguments: &Value) -> Outcome {
    match tool {
        "INSTAGRAM_GET_USER_INFO" => Ok(json!({
            "id": id(user, "instagram"),
            "username": "sandbox",
            "name": "Sandbox",
            "followers_count": followers(user, "instagram", 2_400.0),
            "media_count": posts(state, user, "instagram").len(),
        })),
        "INSTAGRAM_GET_USER_INSIGHTS" => {
            require_own(arguments, "ig_user_id", &id(user, "instagram"))?;
            insights(user, arguments)
        }
        "INSTAGRAM_GET_IG_USER_MEDIA" => {
            require_own(arguments, "ig_user_id", &id(user, "instagram"))?;
            let media = posts(state, user, "instagram").into_iter().map(|post| {
                json!({
                    "id": post.id,
                    "caption": post.text,
                    "media_type": "IMAGE",
                    "permalink": post.url,
                    "timestamp": graph_time(post.created_at),
                    "like_count": of_media(user, &post, "likes"),
                    "comments_count": of_media(user, &post, "comments"),
                })
            });
            Ok(json!({ "data": media.take(limit(arguments)).collect::<Vec<_>>() }))
        }
        "INSTAGRAM_GET_IG_MEDIA_INSIGHTS" => media_insights(state, user, arguments),
        "INSTAGRAM_CREATE_MEDIA_CONTAINER" => {
            require_own(arguments, "ig_user_id", &id(user, "instagram"))?;
            container(state, user, arguments)
        }
        "INSTAGRAM_GET_POST_STATUS" => {
            let container = find_container(state, user, arguments)?;
            container.looks += 1;
            let status = if container.published { "PUBLISHED" } else { "FINISHED" };
            Ok(json!({ "id": container.id, "status_code": status }))
        }
        "INSTAGRAM_CREATE_POST" => {
            require_own(arguments, "ig_user_id", &id(user, "instagram"))?;
            publish_container(state, user, arguments)
        }
        "LINKEDIN_GET_MY_INFO" => Ok(json!({
            "author_id": format!("urn:li:person:{}", id(user, "linkedin")),
            "id": id(user, "linkedin"),
            "name": "Sandbox Person",
        })),
        "LINKEDIN_GET_COMPANY_INFO" => Ok(json!({ "elements": [], "paging": { "count": 0, "start": 0 } })),
        "LINKEDIN_CREATE_LINKED_IN_POST" => {
            let text = required(arguments, "commentary")?.to_owned();
            require_own(arguments, "author", &format!("urn:li:person:{}", id(user, "linkedin")))?;
            let post = publish(state, user, "linkedin", &text, None, arguments);
            let urn = format!("urn:li:share:{}", post.id);
            Ok(json!({ "x_restli_id": urn, "id": urn }))
        }
        "LINKEDIN_DELETE_LINKED_IN_POST" => delete(state, user, "linkedin", required(arguments, "share_id")?),
        "TWITTER_USER_LOOKUP_ME" => Ok(json!({ "data": {
            "id": id(user, "twitter"),
            "username": USERNAME,
            "name": "Sandbox",
            "public_metrics": { "followers_count": followers(user, "twitter", 1_300.0), "tweet_count": posts(state, user, "twitter").len() },
        } })),
        "TWITTER_RECENT_SEARCH" => search(state, user, arguments),
        "TWITTER_POST_LOOKUP_BY_POST_ID" => {
            let wanted = required(arguments, "id")?;
            let found = posts(state, user, "twitter").into_iter().find(|post| post.id == wanted);
            found
                .map(|post| json!({ "data": tweet(user, &post) }))
                .ok_or_else(|| format!("Could not find tweet with id: [{wanted}]."))
        }
        "TWITTER_CREATION_OF_A_POST" => tweet_out(state, user, arguments),
        "TWITTER_POST_DELETE_BY_POST_ID" => delete(state, user, "twitter", required(arguments, "id")?),
        "FACEBOOK_LIST_MANAGED_PAGES" => Ok(json!({ "data": [page(user)] })),
        "FACEBOOK_GET_PAGE_DETAILS" => {
            require_own(arguments, "page_id", &id(user, "facebook"))?;
            Ok(page(user))
        }
        "FACEBOOK_GET_PAGE_POSTS" => {
            require_own(arguments, "page_id", &id(user, "facebook"))?;
            let (since, until) = (date(arguments, "since"), date(arguments, "until"));
            let is_asked = |post: &Post| {
                let day = post.created_at.date_naive();
                since.is_none_or(|since| since <= day) && until.is_none_or(|until| day < until)
            };
            let found = posts(state, user, "facebook").into_iter().filter(is_asked).map(|post| {
                let reactions = engagement(user, &post, "reactions", 38.0);
                let of_them = |what: &str| share(user, what, &post.id, reactions, (0.05, 0.25));
                json!({
                    "id": post.id,
                    "message": post.text,
                    "created_time": graph_time(post.created_at),
                    "permalink_url": post.url,
                    "reactions": { "summary": { "total_count": reactions } },
                    "comments": { "summary": { "total_count": of_them("comments") } },
                    "shares": { "count": of_them("shares") },
                })
            });
            Ok(json!({ "data": found.take(limit(arguments)).collect::<Vec<_>>() }))
        }
        "FACEBOOK_CREATE_POST" => {
            require_own(arguments, "page_id", &id(user, "facebook"))?;
            let text = required(arguments, "message")?.to_owned();
            let post = publish(state, user, "facebook", &text, None, arguments);
            Ok(json!({ "id": post.id }))
        }
        "FACEBOOK_CREATE_PHOTO_POST" => {
            require_own(arguments, "page_id", &id(user, "facebook"))?;
            required(arguments, "url")?;
            let text = text(arguments, "message").unwrap_or_default().to_owned();
            let post = publish(state, user, "facebook", &text, None, arguments);
            Ok(json!({ "id": format!("photo{}", post.id), "post_id": post.id }))
        }
        "YOUTUBE_GET_CHANNEL_STATISTICS" => Ok(json!({ "items": [{
            "id": "UCsandbox",
            "snippet": { "title": "Sandbox" },
            "statistics": {
                "viewCount": channel_views(state, user).to_string(),
                "subscriberCount": followers(user, "youtube", 910.0).to_string(),
                "videoCount": posts(state, user, "youtube").len().to_string(),
            },
        }] })),
        "YOUTUBE_LIST_CHANNEL_VIDEOS" => {
            let videos = posts(state, user, "youtube").into_iter().map(|post| json!({
                "id": { "kind": "youtube#video", "videoId": post.id },
                "snippet": { "title": post.text, "publishedAt": post.created_at.to_rfc3339_opts(SecondsFormat::Secs, true) },
            }));
            Ok(json!({ "items": videos.take(limit(arguments)).collect::<Vec<_>>() }))
        }
        "YOUTUBE_VIDEO_DETAILS" => videos(state, user, arguments),
        _ => Err(format!("{tool} is not in the sandbox.")),
    }
}

/// Refuses what belongs to somebody else, as platforms do.
fn require_own(arguments: &Value, name: &str, own: &str) -> Result<(), String> {
    match required(arguments, name)? {
        given if given == own => Ok(()),
        given => Err(format!("Object with ID '{given}' does not exist, or cannot be used by this account ({name}).")),
    }
}

fn limit(arguments: &Value) -> usize {
    let given = ["limit", "maxResults", "max_results"].iter().find_map(|name| arguments.get(name)?.as_u64());
    given.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(25)
}

/// An id of an account that stays the same.
fn id(user: &str, of: &str) -> String {
    let digits = 1_000_000_000.0 * (1.0 + 8.0 * chance(&format!("{user} {of} id")));
    format!("{digits:.0}")
}

fn followers(user: &str, of: &str, typical: f64) -> i64 {
    let grown = (0..560).map(|back| daily(user, of, typical / 560.0, today() - Days::new(back))).sum::<i64>();
    grown + daily(user, of, typical, today())
}

fn graph_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

fn engagement(user: &str, post: &Post, what: &str, in_the_end: f64) -> i64 {
    so_far(user, &post.id, what, in_the_end, (Utc::now() - post.created_at).num_hours())
}

/// What was published here and what was there before, newest first: on some days by chance, and on one day of each week,
/// so that no week is without a post.
fn posts(state: &State, user: &str, toolkit: &str) -> Vec<Post> {
    let published = state.posts.iter().rev().filter(|it| it.toolkit == toolkit && it.user == user).cloned();
    let each_week = chance(&format!("{user} {toolkit} weekday"));
    let past = (1..PAST_DAYS).filter_map(|back| {
        let day = today().checked_sub_days(Days::new(back))?;
        let is_that_day = (0.0..1.0).contains(&(each_week * 7.0 - f64::from(day.weekday().num_days_from_monday())));
        let posts = is_that_day || chance(&format!("{user} {toolkit} {day} posts")) < 0.4;
        posts.then(|| past_post(user, toolkit, day))
    });
    published.chain(past.filter(|post| !state.deleted.contains(&post.id))).collect()
}

fn past_post(user: &str, toolkit: &str, day: NaiveDate) -> Post {
    let pick = chance(&format!("{user} {toolkit} {day} text")) * real(i64::try_from(TEXTS.len()).unwrap_or(1));
    let text = TEXTS.iter().enumerate().find(|(index, _)| real(i64::try_from(*index).unwrap_or(0)) + 1.0 >= pick);
    let id = format!("{}{}", day.format("%Y%m%d"), id(user, toolkit));
    let hour = if chance(&format!("{user} {toolkit} {day} hour")) < 0.5 { 9 } else { 15 };
    let at = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()).and_utc();
    Post {
        url: address(toolkit, &id),
        id,
        toolkit: toolkit.to_owned(),
        user: user.to_owned(),
        text: text.map_or("", |(_, text)| *text).to_owned(),
        reply_to: None,
        arguments: Value::Null,
        created_at: at,
    }
}

fn address(toolkit: &str, id: &str) -> String {
    match toolkit {
        "instagram" => format!("https://www.instagram.com/p/{id}/"),
        "linkedin" => format!("https://www.linkedin.com/feed/update/urn:li:share:{id}/"),
        "twitter" => format!("https://x.com/sandbox/status/{id}"),
        "facebook" => format!("https://www.facebook.com/{id}"),
        _ => format!("https://www.youtube.com/watch?v={id}"),
    }
}

fn publish(
    state: &mut State,
    user: &str,
    toolkit: &str,
    text: &str,
    reply_to: Option<&str>,
    arguments: &Value,
) -> Post {
    let id = state.next_number().to_string();
    let post = Post {
        url: address(toolkit, &id),
        id,
        toolkit: toolkit.to_owned(),
        user: user.to_owned(),
        text: text.to_owned(),
        reply_to: reply_to.map(str::to_owned),
        arguments: arguments.clone(),
        created_at: Utc::now(),
    };
    state.posts.push(post.clone());
    post
}

fn delete(state: &mut State, user: &str, toolkit: &str, id: &str) -> Outcome {
    let number = id.rsplit(':').next().unwrap_or(id);
    if !posts(state, user, toolkit).iter().any(|post| post.id == number) {
        return Err(format!("There is no post {id} of this account."));
    }
    state.posts.retain(|post| post.toolkit != toolkit || post.id != number);
    state.deleted.push(number.to_owned());
    Ok(json!({ "deleted": true, "data": { "deleted": true } }))
}

fn page(user: &str) -> Value {
    let fans = followers(user, "facebook", 1_750.0);
    json!({ "id": id(user, "facebook"), "name": "Sandbox", "category": "Software", "fan_count": fans, "followers_count": fans })
}

/// Those of the videos, and of older ones.
fn channel_views(state: &State, user: &str) -> i64 {
    let videos = posts(state, user, "youtube");
    followers(user, "youtube views", 12_000.0) + videos.iter().map(|post| views(user, post)).sum::<i64>()
}

fn views(user: &str, post: &Post) -> i64 {
    engagement(user, post, "views", 820.0)
}

fn tweet(user: &str, post: &Post) -> Value {
    let of = |what: &str, whole: i64, least: f64, most: f64| share(user, what, &post.id, whole, (least, most));
    let impressions = engagement(user, post, "impressions", 1_450.0);
    let likes = of("likes", impressions, 0.01, 0.035);
    let retweets = of("retweets", likes, 0.1, 0.3);
    json!({
        "id": post.id,
        "text": post.text,
        "author_id": id(user, "twitter"),
        "created_at": post.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "public_metrics": {
            "retweet_count": retweets,
            "reply_count": of("replies", likes, 0.05, 0.2),
            "like_count": likes,
            "quote_count": of("quotes", retweets, 0.1, 0.3),
            "impression_count": impressions,
        },
    })
}

/// X searches the last seven days. Of its language there are `from:`, `-is:` and words that must be there.
fn search(state: &State, user: &str, arguments: &Value) -> Outcome {
    let query = required(arguments, "query")?;
    let mut words = Vec::new();
    for term in query.split_whitespace() {
        match term.split_once(':') {
            None => words.push(term.to_lowercase()),
            // There are no reposts or replies of others to leave out.
            Some(("-is", _)) => {}
            Some(("from", USERNAME)) => {}
            Some(("from", _)) => return Ok(json!({ "meta": { "result_count": 0 } })),
            Some(_) => return Err(format!("The sandbox does not know the search operator in {term}.")),
        }
    }
    let since = Utc::now() - chrono::Duration::days(7);
    let has_words = |post: &Post| words.iter().all(|word| post.text.to_lowercase().contains(word));
    let found: Vec<Value> = posts(state, user, "twitter")
        .into_iter()
        .filter(|post| post.created_at > since && has_words(post))
        .take(limit(arguments))
        .map(|post| tweet(user, &post))
        .collect();
    let count = found.len();
    if count == 0 {
        Ok(json!({ "meta": { "result_count": 0 } }))
    } else {
        Ok(json!({ "data": found, "meta": { "result_count": count } }))
    }
}

fn tweet_out(state: &mut State, user: &str, arguments: &Value) -> Outcome {
    let words = required(arguments, "text")?.to_owned();
    if words.chars().count() > MAX_TWEET {
        return Err(
            "Your Tweet text is too long. For more information on how Twitter determines text length see the docs."
                .to_owned(),
        );
    }
    let reply_to = text(arguments, "reply__in__reply__to__tweet__id").map(str::to_owned);
    if let Some(before) = &reply_to
        && !posts(state, user, "twitter").iter().any(|post| post.id == *before)
    {
        return Err("You attempted to reply to a Tweet that is deleted or not visible to you.".to_owned());
    }
    let post = publish(state, user, "twitter", &words, reply_to.as_deref(), arguments);
    Ok(json!({ "data": { "id": post.id, "text": post.text, "edit_history_tweet_ids": [post.id] } }))
}

fn container(state: &mut State, user: &str, arguments: &Value) -> Outcome {
    let has_media = ["image_url", "video_url", "children"].iter().any(|name| arguments.get(name).is_some());
    if !has_media {
        return Err("The parameter image_url is required.".to_owned());
    }
    let id = state.next_number().to_string();
    state.containers.push(Container {
        id: id.clone(),
        user: user.to_owned(),
        arguments: arguments.clone(),
        published: false,
        looks: 0,
    });
    Ok(json!({ "id": id }))
}

fn find_container<'a>(state: &'a mut State, user: &str, arguments: &Value) -> Result<&'a mut Container, String> {
    let id = required(arguments, "creation_id")?;
    let container = state.containers.iter_mut().find(|it| it.id == id && it.user == user);
    container.ok_or_else(|| "Media ID is not available".to_owned())
}

fn publish_container(state: &mut State, user: &str, arguments: &Value) -> Outcome {
    let container = find_container(state, user, arguments)?;
    if container.published {
        return Err("The media was already published.".to_owned());
    }
    if container.looks == 0 {
        return Err(
            "Media ID is not available: the media is not ready for publishing, please wait for a moment".to_owned()
        );
    }
    container.published = true;
    let made_of = container.arguments.clone();
    let caption = text(&made_of, "caption").unwrap_or_default().to_owned();
    let post = publish(state, user, "instagram", &caption, None, &made_of);
    Ok(json!({ "id": post.id }))
}

/// The metrics that were asked for, as a list or between commas.
fn metrics(arguments: &Value) -> Vec<String> {
    match arguments.get("metric") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// What Instagram counts of a day or a post that so many have seen; none for what it does not know.
fn of_reach(user: &str, metric: &str, when: &str, reach: i64) -> Option<i64> {
    let of = |metric: &str| of_reach(user, metric, when, reach).unwrap_or(0);
    let share = |whole: &str, least: f64, most: f64| share(user, metric, when, of(whole), (least, most));
    Some(match metric {
        "reach" => reach,
        "views" | "impressions" => share("reach", 1.4, 2.2),
        "profile_views" => share("reach", 0.04, 0.1),
        "website_clicks" => share("profile_views", 0.1, 0.3),
        "likes" => share("reach", 0.06, 0.12),
        "comments" => share("likes", 0.05, 0.15),
        "saves" => share("likes", 0.08, 0.2),
        "shares" => share("likes", 0.05, 0.15),
        "total_interactions" => ["likes", "comments", "saves", "shares"].into_iter().map(of).sum(),
        "accounts_engaged" => share("total_interactions", 0.7, 0.9),
        _ => return None,
    })
}

fn of_day(user: &str, metric: &str, day: NaiveDate) -> Option<i64> {
    if metric == "follower_count" {
        return Some(daily(user, "follower_count", 4.0, day));
    }
    of_reach(user, metric, &day.to_string(), daily(user, "reach", 640.0, day))
}

fn of_media(user: &str, post: &Post, metric: &str) -> Option<i64> {
    of_reach(user, metric, &post.id, engagement(user, post, "reach", 960.0))
}

fn insights(user: &str, arguments: &Value) -> Outcome {
    let asked = metrics(arguments);
    if let Some(unknown) = asked.iter().find(|name| of_day(user, name, today()).is_none()) {
        return Err(format!("(#100) metric[0] must be one of the following values: reach, views, … got {unknown}"));
    }
    let since = date(arguments, "since").or_else(|| today().checked_sub_days(Days::new(2)));
    let until = date(arguments, "until").unwrap_or_else(today);
    let days: Vec<NaiveDate> =
        since.into_iter().flat_map(|day| day.iter_days()).take_while(|day| *day < until).collect();
    let is_total = text(arguments, "metric_type") == Some("total_value");
    let data: Vec<Value> = asked
        .iter()
        .map(|name| {
            let of = |day: NaiveDate| of_day(user, name, day).unwrap_or(0);
            let mut entry = json!({ "name": name, "period": "day", "title": name, "id": format!("{}/insights/{name}/day", id(user, "instagram")) });
            let (field, value) = if is_total {
                ("total_value", json!({ "value": days.iter().map(|day| of(*day)).sum::<i64>() }))
            } else {
                // A value stands at the end of its day.
                let value = |day: &NaiveDate| json!({ "value": of(*day), "end_time": format!("{}T07:00:00+0000", day.succ_opt().unwrap_or(*day)) });
                ("values", days.iter().map(value).collect())
            };
            if let Some(fields) = entry.as_object_mut() {
                fields.insert(field.to_owned(), value);
            }
            entry
        })
        .collect();
    Ok(json!({ "data": data }))
}

/// A day, or a Unix time.
fn date(arguments: &Value, name: &str) -> Option<NaiveDate> {
    let value = arguments.get(name)?;
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    match seconds {
        Some(seconds) => Some(DateTime::from_timestamp(seconds, 0)?.date_naive()),
        None => value.as_str()?.get(..10)?.parse().ok(),
    }
}

fn media_insights(state: &State, user: &str, arguments: &Value) -> Outcome {
    let wanted = required(arguments, "ig_media_id")?;
    let post = posts(state, user, "instagram").into_iter().find(|post| post.id == wanted);
    let post = post.ok_or_else(|| format!("Unsupported get request. Object with ID '{wanted}' does not exist"))?;
    let data: Vec<Value> = metrics(arguments)
        .into_iter()
        .filter_map(|name| {
            let value = of_media(user, &post, &name)?;
            Some(json!({ "name": name, "period": "lifetime", "values": [{ "value": value }] }))
        })
        .collect();
    Ok(json!({ "data": data }))
}

fn videos(state: &State, user: &str, arguments: &Value) -> Outcome {
    let wanted = required(arguments, "id")?;
    let items: Vec<Value> = posts(state, user, "youtube")
        .into_iter()
        .filter(|post| wanted.split(',').any(|id| id == post.id))
        .map(|post| (views(user, &post), post))
        .map(|(views, post)| (views, share(user, "likes", &post.id, views, (0.03, 0.07)), post))
        .map(|(views, likes, post)| json!({
            "id": post.id,
            "snippet": { "title": post.text, "publishedAt": post.created_at.to_rfc3339_opts(SecondsFormat::Secs, true) },
            "statistics": {
                "viewCount": views.to_string(),
                "likeCount": likes.to_string(),
                "commentCount": share(user, "comments", &post.id, likes, (0.05, 0.2)).to_string(),
            },
        }))
        .collect();
    Ok(json!({ "items": items }))
}
