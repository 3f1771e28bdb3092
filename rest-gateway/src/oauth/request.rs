//! What an app asks a person for, in the address that it sends them to.

use entity::db::Db;
use entity::oauth::Client;
use entity::scopes::Scopes;
use marketing::scanner::Scanner;
use web::oauth::OAuth;

use super::{OAuthError, Parameters, clients, redirect};

/// A SHA-256 in base64, as it stands in addresses.
const CHALLENGE_CHARS: usize = 43;

/// Who asks, and where the answer goes. Only once both are known may anything be answered at all.
#[derive(Debug)]
pub struct Asker {
    /// The app.
    pub client: Client,
    /// One of the app's own addresses.
    pub redirect_uri: String,
    /// The app's own word, which it gets back.
    state: Option<String>,
    issuer: String,
}

/// What is asked for.
#[derive(Debug)]
pub struct Terms {
    /// What the app would like to do.
    pub scopes: Scopes,
    /// Of PKCE, by the method S256.
    pub challenge: String,
}

impl Asker {
    /// Who asks.
    ///
    /// # Errors
    ///
    /// A sentence for the person, who has to be told here: nothing is answered to an address that is not the app's.
    pub async fn read(parameters: &Parameters, db: &Db, scanner: &Scanner, oauth: &OAuth) -> Result<Self, String> {
        let client_id = parameters.get("client_id").ok_or("The app does not say who it is: client_id is missing.")?;
        let client = clients::find(db, scanner, client_id).await?;
        let redirect_uri = parameters.get("redirect_uri");
        let redirect_uri =
            redirect_uri.ok_or("The app does not say where the answer goes: redirect_uri is missing.")?;
        if !redirect::is_registered(&client.redirect_uris.0, redirect_uri) {
            return Err("The answer would go to an address that is not one of the app's own. Nothing was sent there."
                .to_owned());
        }
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            state: parameters.get("state").map(str::to_owned),
            issuer: oauth.issuer().to_owned(),
            client,
        })
    }

    /// The app's address with the code in it.
    pub fn accepted(&self, code: &str) -> Option<String> {
        self.answer(&[("code", code)])
    }

    /// The app's address with the reason why there is no code.
    pub fn refused(&self, error: &OAuthError) -> Option<String> {
        self.answer(&[("error", error.error), ("error_description", &error.description)])
    }

    /// Every answer says who gives it, so that an app that asks several servers does not mix them up (RFC 9207).
    fn answer(&self, answer: &[(&str, &str)]) -> Option<String> {
        let state = self.state.as_deref().map(|state| ("state", state));
        let answer: Vec<(&str, &str)> =
            answer.iter().copied().chain(state).chain([("iss", self.issuer.as_str())]).collect();
        redirect::with_answer(&self.redirect_uri, &answer)
    }
}

impl Terms {
    /// What is asked for. An app that does not say gets offered everything: it is for the person to decide.
    ///
    /// # Errors
    ///
    /// What the app did wrong.
    pub fn read(parameters: &Parameters, oauth: &OAuth) -> Result<Self, OAuthError> {
        if parameters.require("response_type")? != "code" {
            return Err(OAuthError::new("unsupported_response_type", "response_type must be code."));
        }
        require_resource(parameters, oauth)?;
        let challenge = parameters.require("code_challenge")?;
        // Left out it would mean plain (RFC 7636), which protects nothing.
        if parameters.get("code_challenge_method") != Some("S256") {
            return Err(OAuthError::invalid_request("code_challenge_method must be S256."));
        }
        let is_hash = challenge.len() == CHALLENGE_CHARS
            && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_hash {
            return Err(OAuthError::invalid_request("code_challenge must be a SHA-256 in base64url."));
        }
        let scopes = parameters.get("scope").map_or(Scopes::ALL, Scopes::known_in);
        if scopes.is_empty() {
            return Err(OAuthError::new("invalid_scope", "scope must have some of read, write, publish."));
        }
        Ok(Self { scopes, challenge: challenge.to_owned() })
    }
}

/// Tokens are for the MCP server and nothing else (RFC 8707). Older clients do not say what they are for.
///
/// # Errors
///
/// When they are asked for something else.
pub fn require_resource(parameters: &Parameters, oauth: &OAuth) -> Result<(), OAuthError> {
    if parameters.get("resource").is_none_or(|resource| oauth.is_resource(resource)) {
        return Ok(());
    }
    let description = format!("Tokens are issued for {} only.", oauth.resource());
    Err(OAuthError::new("invalid_target", description))
}
