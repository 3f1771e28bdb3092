//! What a server answers, as far as it matters. Servers differ in the rest.

use serde::Deserialize;

use crate::{Error, Usage, Written};

#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

impl Answer {
    /// The text, when it is whole and at most `characters` long.
    pub(crate) fn written(self, characters: usize) -> Result<Written, Error> {
        let Some(Choice { message, finish_reason }) = self.choices.into_iter().next() else {
            return Err(Error::Malformed("it is empty".to_owned()));
        };
        let is_refused = message.refusal.is_some_and(|refusal| !refusal.trim().is_empty());
        match finish_reason.as_deref() {
            Some("content_filter") => return Err(Error::Refused),
            _ if is_refused => return Err(Error::Refused),
            Some("length") => return Err(Error::Overlong),
            _ => {}
        }
        let text = without_thoughts(message.content.as_deref().unwrap_or_default()).trim();
        if text.is_empty() {
            return Err(Error::Malformed("it is empty".to_owned()));
        }
        if text.chars().count() > characters {
            return Err(Error::Overlong);
        }
        Ok(Written { text: text.to_owned(), usage: self.usage })
    }
}

/// Some models think aloud before they answer.
fn without_thoughts(text: &str) -> &str {
    let thinks = text.trim_start().starts_with("<think>");
    text.split_once("</think>").filter(|_| thinks).map_or(text, |(_, answer)| answer)
}
