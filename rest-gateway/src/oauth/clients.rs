//! Who an app says it is: by what it registered, or by a document at the https address that is its id.
//!
//! Neither proves more than the document's address does, so the consent page says what is known of it.

use chrono::{DateTime, Duration, Utc};
use entity::db::{Db, now};
use entity::ids::ClientId;
use entity::oauth::{self, Client, NewClient};
use marketing::scanner::{DocumentError, Scanner};
use serde::Deserialize;
use url::Url;

use super::quote::visible;
use super::{OAuthError, redirect};

const MAX_REDIRECT_URIS: usize = 10;
const MAX_NAME_CHARS: usize = 60;
/// How much of what is wrong is said again.
const MAX_QUOTED_CHARS: usize = 100;
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
/// How long after that it is still good while its site cannot be reached.
const GOOD_WITHOUT_ITS_SITE: Duration = Duration::days(7);

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
    /// Reads it.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong, without much of what somebody wrote there.
    pub fn of_json(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| format!("{}.", visible(&error.to_string(), MAX_QUOTED_CHARS)))
    }

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
            let beginning = visible(wrong, MAX_QUOTED_CHARS);
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

/// A name as it can stand in a sentence of ours.
fn name(given: Option<&str>) -> String {
    let name = visible(given.unwrap_or_default(), MAX_NAME_CHARS);
    if name.is_empty() { NAMELESS.to_owned() } else { name }
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
    let from_before = known(client_id.to_owned()).await?;
    if let Some(client) = from_before.clone().filter(|client| was_fresh_since(client, now())) {
        return Ok(client);
    }
    let document = match scanner.document(&address, MAX_DOCUMENT).await {
        Ok(document) => document,
        Err(error) => {
            let in_its_place = from_before.filter(|client| is_still_good(client, &error));
            return in_its_place
                .ok_or_else(|| format!("What the app says of itself at {client_id} cannot be read: {error}."));
        }
    };
    let new = read(client_id, &document.bytes)
        .map_err(|problem| format!("What the app says of itself at {client_id} is not in order: {problem}"))?;
    let kept = document.max_age.unwrap_or(KEPT).clamp(KEPT_AT_LEAST, KEPT_AT_MOST);
    let fresh_until = now() + Duration::seconds(i64::try_from(kept).unwrap_or_default());
    oauth::keep_document(db, client_id, new, fresh_until).await.map_err(|error| error.to_string())
}

/// Whether what an app's document said was good at this time, or still is.
fn was_fresh_since(client: &Client, time: DateTime<Utc>) -> bool {
    client.fresh_until.is_some_and(|until| until > time)
}

/// Whether what a document said before is good although it cannot be read now. A site that answers, but with something
/// wrong, has taken it back.
fn is_still_good(client: &Client, error: &DocumentError) -> bool {
    let is_good =
        matches!(error, DocumentError::Unreachable(_)) && was_fresh_since(client, now() - GOOD_WITHOUT_ITS_SITE);
    if is_good {
        tracing::warn!(client = %client.id, %error, "an app's document cannot be read; the one from before is used");
    }
    is_good
}

/// What a document says, if it is the one of this id.
///
/// # Errors
///
/// A sentence that goes on after "is not in order:".
pub fn read(client_id: &str, document: &[u8]) -> Result<NewClient, String> {
    let metadata = ClientMetadata::of_json(document)?;
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
            (Some(" My\n\tapp\u{202e} \u{3164}"), "My app"),
            (Some(""), NAMELESS),
            (Some("\u{200f}\u{2800} \u{e0041}"), NAMELESS),
            (None, NAMELESS),
        ] {
            assert_eq!(name(given), expected);
        }
        assert_eq!(name(Some(&"ü".repeat(100))).chars().count(), MAX_NAME_CHARS);
    }
}
