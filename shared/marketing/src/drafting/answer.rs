//! What the model answers, read strictly: what is no field is a mistake, and nothing is guessed.

use entity::content::{ContentKind, Draft};
use serde_json::{Map, Value};

use crate::channels::is_markdown;
use crate::text::shortened;

const MAX_NAME_CHARS: usize = 40;

/// A field of an answer.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
}

/// What an answer of a kind has; only the body must be there.
pub(super) fn fields(kind: ContentKind) -> Vec<Field> {
    let body = match kind {
        ContentKind::XThread => "the posts, separated by lines with only ---",
        ContentKind::Ad => "the descriptions, one a line",
        _ if is_markdown(kind) => "the text, in Markdown",
        _ => "the text, plain",
    };
    let title = match kind {
        ContentKind::Ad => "the headlines, one a line",
        _ if is_markdown(kind) => "the headline",
        _ => "a working title for the brand's own lists; it is not published",
    };
    let mut fields = vec![Field { name: "body", meaning: body }, Field { name: "title", meaning: title }];
    match kind {
        ContentKind::Newsletter | ContentKind::Email => {
            fields.push(Field { name: "subject", meaning: "the subject line" });
            fields.push(Field { name: "preheader", meaning: "the preview text after the subject" });
        }
        ContentKind::BlogPost | ContentKind::LandingPage => {
            fields.push(Field { name: "description", meaning: "the meta description" });
        }
        _ => {}
    }
    fields
}

/// The draft in an answer.
pub(super) fn parse(kind: ContentKind, answer: &str) -> Result<Draft, String> {
    let object = serde_json::from_str::<Map<String, Value>>(without_fences(answer));
    let mut object = object.map_err(|_| "The answer is not one JSON object and nothing else.".to_owned())?;
    let known = fields(kind);
    let mut take = |name: &str| match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` is not a text.")),
    };
    let mut of_kind = |name: &str| if known.iter().any(|field| field.name == name) { take(name) } else { Ok(None) };
    let draft = Draft {
        title: of_kind("title")?,
        body: of_kind("body")?.ok_or("There is no `body`.")?,
        subject: of_kind("subject")?,
        preheader: of_kind("preheader")?,
        description: of_kind("description")?,
        ..Draft::default()
    };
    match object.keys().next() {
        None => Ok(draft),
        Some(name) => Err(format!("`{}` is no field of the answer.", shortened(name, MAX_NAME_CHARS))),
    }
}

/// Models like to put JSON between fences.
fn without_fences(answer: &str) -> &str {
    let answer = answer.trim();
    let Some(fenced) = answer.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return answer };
    fenced.strip_prefix("json").unwrap_or(fenced).trim()
}
