//! Who an app says it is: by what it registered, or by a document at the https address that is its id.
//!
//! Neither proves more than the document's address does, so the consent page says what is known of it.

use chrono::Duration;
use entity::db::{Db, now};
use entity::ids::ClientId;
use entity::oauth::{self, Client, NewClient};
use marketing::scanner::Scanner;
use serde::Deserialize;
use url::Url;

use super::{OAuthError, redirect};

const MAX_REDIRECT_URIS: usize = 10;
const MAX_NAME_CHARS: usize = 60;
/// What an app is called that does not say.
const NAMELESS: &str = "An app without a name";
/// As the draft recommends, in bytes.
const MAX_DOCUMENT: u64 = 5 * 1024;
/// An address is the id, and has to fit.
const MAX_ADDRESS: usize = 500;
/// How long a document is not read again: what it says of itself within these, or the middle one.
const KEPT_AT_LEAST: u64 = 60;
const KEPT: u64 = 60 * 60;
const KEPT_AT_MOST: u64 = 24 * 60 * 60;

/// What apps say of themselves, registering or in a document (RFC 7591). What is not here is not needed.
#[derive(Debug, Deserialize)]
pub struct ClientMetadata {
    client_id: Option<String>,
    client_name: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
}

impl ClientMetadata {
    /// What of it is kept.
    ///
    /// # Errors
    ///
    /// When answers could go nowhere, or the app wants to work in a way that there is not.
    pub fn read(self) -> Result<NewClient, OAuthError> {
        if self.redirect_uris.is_empty() || self.redirect_uris.len() > MAX_REDIRECT_URIS {
            let description = format!("redirect_uris must have 1 to {MAX_REDIRECT_URIS} addresses.");
            return Err(OAuthError::new("invalid_redirect_uri", description));
        }
        if let Some(wrong) = self.redirect_uris.iter().find(|address| redirect::place(address).is_none()) {
            let beginning: String = wrong.chars().take(100).collect();
            return Err(OAuthError::new(
                "invalid_redirect_uri",
                format!(
                    "{beginning} is not an address that answers may go to: https, http on the loopback interface, or a \
                     scheme of the app's own with a dot in it; without a fragment."
                ),
            ));
        }
        let lacks = |list: &Option<Vec<String>>, needed: &str| {
            list.as_ref().is_some_and(|list| !list.iter().any(|entry| entry == needed))
        };
        if lacks(&self.grant_types, "authorization_code") {
            return Err(unfit("grant_types must have authorization_code."));
        }
        if lacks(&self.response_types, "code") {
            return Err(unfit("response_types must have code."));
        }
        Ok(NewClient { name: name(self.client_name.as_deref()), redirect_uris: self.redirect_uris })
    }
}

fn unfit(description: &str) -> OAuthError {
    OAuthError::new("invalid_client_metadata", description)
}

/// A name as it can stand in a sentence of ours: on one line, short, and in the order in which it is written.
fn name(given: Option<&str>) -> String {
    let turns_text_around = |character: char| matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let is_shown =
        |character: &char| character.is_whitespace() || !character.is_control() && !turns_text_around(*character);
    let words: String = given.unwrap_or_default().chars().filter(is_shown).take(MAX_NAME_CHARS).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { NAMELESS.to_owned() } else { words }
}

/// The site that vouches for an app: that of its document, if it has one.
pub fn vouched_by(client_id: &str) -> Option<String> {
    document_address(client_id)?.host_str().map(str::to_owned)
}

/// An id that is the address of a document: https, with a path, and as it would be asked for to the letter.
fn document_address(client_id: &str) -> Option<Url> {
    let url = Url::parse(client_id).ok()?;
    let is_one = url.scheme() == "https"
        && client_id.len() <= MAX_ADDRESS
        && url.as_str() == client_id
        && url.path() != "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    is_one.then_some(url)
}

/// The app with this id. Its document is read when that has not been done lately; the error is a sentence for a person.
pub async fn find(db: &Db, scanner: &Scanner, client_id: &str) -> Result<Client, String> {
    let unknown = || {
        "This app is not registered here, or was forgotten because nobody let it in. Let it connect anew.".to_owned()
    };
    let known =
        |client_id: String| async move { oauth::client(db, &client_id).await.map_err(|error| error.to_string()) };
    if client_id.parse::<ClientId>().is_ok() {
        return known(client_id.to_owned()).await?.ok_or_else(unknown);
    }
    let address = document_address(client_id).ok_or_else(unknown)?;
    if let Some(client) = known(client_id.to_owned()).await?
        && client.fresh_until.is_some_and(|until| until > now())
    {
        return Ok(client);
    }
    let document = scanner.document(&address, MAX_DOCUMENT).await;
    let document =
        document.map_err(|error| format!("What the app says of itself at {client_id} cannot be read: {error}"))?;
    let new = read(client_id, &document.bytes)
        .map_err(|problem| format!("What the app says of itself at {client_id} is not in order: {problem}"))?;
    let kept = document.max_age.unwrap_or(KEPT).clamp(KEPT_AT_LEAST, KEPT_AT_MOST);
    let fresh_until = now() + Duration::seconds(i64::try_from(kept).unwrap_or_default());
    oauth::keep_document(db, client_id, new, fresh_until).await.map_err(|error| error.to_string())
}

/// What a document says, if it is the one of this id.
///
/// # Errors
///
/// A sentence that goes on after "is not in order:".
pub fn read(client_id: &str, document: &[u8]) -> Result<NewClient, String> {
    let metadata: ClientMetadata = serde_json::from_slice(document).map_err(|error| format!("{error}."))?;
    if metadata.client_id.as_deref() != Some(client_id) {
        return Err("its client_id is another.".to_owned());
    }
    if metadata.token_endpoint_auth_method.as_deref().is_some_and(|method| method != "none") {
        return Err("apps have no secret here: token_endpoint_auth_method has to be none.".to_owned());
    }
    metadata.read().map_err(|error| error.description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_https_address_with_a_path_is_a_document() {
        assert!(document_address("https://app.example/oauth/client.json").is_some());
        for wrong in [
            "http://app.example/client.json",
            "https://app.example",
            "https://app.example/",
            "https://app.example/client.json?a=b",
            "https://app.example/client.json#a",
            "https://anna@app.example/client.json",
            "https://app.example/a/../client.json",
            "https://APP.example/client.json",
            "https://app.example:443/client.json",
            "file:///client.json",
            "client_01M851E88BEZS4E1V4ZSCPXFGH",
        ] {
            assert!(document_address(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_document_is_that_of_its_own_address_and_of_an_app_without_secret() {
        let id = "https://app.example/client.json";
        let good =
            serde_json::json!({"client_id": id, "client_name": "App", "redirect_uris": ["https://app.example/cb"]});
        let read_with = |field: &str, value: serde_json::Value| {
            let mut document = good.clone();
            document[field] = value;
            read(id, document.to_string().as_bytes())
        };
        assert_eq!(read(id, good.to_string().as_bytes()).unwrap().name, "App");
        assert!(read_with("token_endpoint_auth_method", "none".into()).is_ok());
        assert!(read_with("client_id", "https://evil.example/client.json".into()).is_err());
        assert!(read_with("redirect_uris", serde_json::json!([])).is_err());
        assert!(read_with("redirect_uris", serde_json::json!(["http://app.example/cb"])).is_err());
        assert!(read_with("token_endpoint_auth_method", "client_secret_basic".into()).is_err());
        assert!(read(id, b"<html>").is_err());
    }

    #[test]
    fn a_name_is_one_short_line() {
        for (given, expected) in [
            (Some("Claude"), "Claude"),
            (Some(" My\n\tapp\u{202e} \u{200b}"), "My app"),
            (Some(""), NAMELESS),
            (Some("\u{200f}"), NAMELESS),
            (None, NAMELESS),
        ] {
            assert_eq!(name(given), expected);
        }
        assert_eq!(name(Some(&"ü".repeat(100))).chars().count(), MAX_NAME_CHARS);
    }
}
