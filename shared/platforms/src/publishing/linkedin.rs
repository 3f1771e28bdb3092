//! Posts on LinkedIn, as the person who connected it.

use entity::publications::Posted;
use serde_json::{Value, json};

use super::posting::{Posting, Stop, with_link};
use crate::reply::text;

pub(super) async fn publish(posting: &mut Posting<'_>) -> Result<(), Stop> {
    if !posting.progress().posted.is_empty() {
        return Ok(());
    }
    if !posting.draft().media.is_empty() {
        return Err(Stop::failed(
            "HeyCMO cannot post pictures or videos on LinkedIn yet. Take them out, or post it by hand.",
        ));
    }
    let me = posting.read("LINKEDIN_GET_MY_INFO", Vec::new()).await?;
    let author = text(&me, "author_id").or_else(|| text(&me, "sub")).or_else(|| text(&me, "id"));
    let author = author.ok_or_else(|| Stop::failed("LinkedIn does not say who connected it."))?;
    let author = if author.starts_with("urn:") { author } else { format!("urn:li:person:{author}") };
    let fields = vec![
        ("author", json!(author)),
        ("commentary", json!(escaped(&with_link(posting.draft())))),
        ("visibility", json!("PUBLIC")),
        ("lifecycleState", json!("PUBLISHED")),
    ];
    posting.post("LINKEDIN_CREATE_LINKED_IN_POST", fields, posted).await
}

fn posted(answer: &Value) -> Option<Posted> {
    let id = ["x_restli_id", "share_id", "post_id", "id", "urn"].iter().find_map(|name| text(answer, name))?;
    let url = id.starts_with("urn:").then(|| format!("https://www.linkedin.com/feed/update/{id}/"));
    Some(Posted { id, url })
}

/// LinkedIn reads the text as its "little text" and cuts it off at the first sign of that which stands for itself. A `#`
/// is left alone, because it makes a hashtag.
/// <https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format>
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\|{}@[]()<>*_~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_little_text_stand_for_themselves() {
        assert_eq!(escaped("Two (or 3) #tips_for you"), "Two \\(or 3\\) #tips\\_for you");
    }

    #[test]
    fn a_post_is_found_under_any_name() {
        for answer in [json!({ "x_restli_id": "urn:li:share:7" }), json!({ "data": { "id": "urn:li:share:7" } })] {
            let url = Some("https://www.linkedin.com/feed/update/urn:li:share:7/".to_owned());
            assert_eq!(posted(&answer), Some(Posted { id: "urn:li:share:7".to_owned(), url }));
        }
        assert_eq!(posted(&json!({})), None);
    }
}
