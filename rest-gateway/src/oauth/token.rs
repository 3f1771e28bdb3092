//! Codes and refresh tokens for tokens, and the end of what they are of.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use entity::oauth::{self, AccessToken, Code, Issued, Redemption, RefreshToken};
use entity::scopes::Scopes;
use serde_json::json;
use web::rate_limit::Scope;

use super::request::require_resource;
use super::{OAuthError, Parameters};
use crate::Gateway;
use crate::routes::NO_STORE;

/// By RFC 7636.
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;

/// Gives an app tokens. A wrong code or token costs the app's address an attempt.
pub async fn exchange(
    State(gateway): State<Gateway>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let issued = match issue(&gateway, &headers, &body).await {
        Ok(issued) => issued,
        Err(error) => return failed(&gateway, &extensions, &headers, error),
    };
    let body = json!({
        "access_token": issued.access.expose(),
        "token_type": "Bearer",
        "expires_in": issued.lifetime.num_seconds(),
        "refresh_token": issued.refresh.expose(),
        "scope": issued.scopes.to_string(),
    });
    (NO_STORE, Json(body)).into_response()
}

async fn issue(gateway: &Gateway, headers: &HeaderMap, body: &[u8]) -> Result<Issued, OAuthError> {
    let parameters = Parameters::of_form(headers, body)?;
    let grant_type = parameters.require("grant_type")?;
    let client_id = parameters.require("client_id")?;
    let oauth = gateway.oauth.as_ref().ok_or_else(|| OAuthError::invalid_request("No app is let in here."))?;
    require_resource(&parameters, oauth)?;
    match grant_type {
        "authorization_code" => redeem(gateway, client_id, &parameters).await,
        "refresh_token" => refresh(gateway, client_id, &parameters).await,
        _ => Err(OAuthError::new("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")),
    }
}

async fn redeem(gateway: &Gateway, client_id: &str, parameters: &Parameters) -> Result<Issued, OAuthError> {
    let verifier = parameters.require("code_verifier")?;
    if !VERIFIER_CHARS.contains(&verifier.len()) {
        return Err(OAuthError::invalid_request("code_verifier must have 43 to 128 characters."));
    }
    let redemption = Redemption {
        client_id: client_id.to_owned(),
        redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
        verifier: verifier.to_owned(),
    };
    let code: Code = parameters.require("code")?.parse().map_err(|_| oauth::NotIssued::Invalid)?;
    Ok(oauth::redeem(&gateway.db, &code, &redemption).await?)
}

async fn refresh(gateway: &Gateway, client_id: &str, parameters: &Parameters) -> Result<Issued, OAuthError> {
    let token: RefreshToken = parameters.require("refresh_token")?.parse().map_err(|_| oauth::NotIssued::Invalid)?;
    let asked = parameters.get("scope").map(Scopes::known_in);
    Ok(oauth::refresh(&gateway.db, &token, client_id, asked).await?)
}

fn failed(gateway: &Gateway, extensions: &Extensions, headers: &HeaderMap, error: OAuthError) -> Response {
    if ["invalid_grant", "invalid_client"].contains(&error.error)
        && let Err(exceeded) = gateway.rate_limiter.charge_ip(extensions, headers, Scope::Preauth)
    {
        return OAuthError::from(exceeded).into_response();
    }
    error.into_response()
}

/// Lets an app say goodbye (RFC 7009): whichever token it shows, nothing of what it was let do is good any more. A token
/// that is nobody's is answered as well, since nothing is good of it either.
pub async fn revoke(State(gateway): State<Gateway>, headers: HeaderMap, body: Bytes) -> Result<Response, OAuthError> {
    let parameters = Parameters::of_form(&headers, &body)?;
    let token = parameters.require("token")?;
    let hash = match (token.parse::<RefreshToken>(), token.parse::<AccessToken>()) {
        (Ok(token), _) => Some(token.hash()),
        (_, Ok(token)) => Some(token.hash()),
        _ => None,
    };
    if let Some(hash) = hash {
        oauth::end(&gateway.db, &hash, parameters.get("client_id")).await?;
    }
    Ok((StatusCode::OK, NO_STORE).into_response())
}
