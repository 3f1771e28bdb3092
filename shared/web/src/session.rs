//! Browser sessions: who a person is after they have shown their API key once.
//!
//! The cookie holds the ids of the key and its customer and a time, sealed; the key itself is not in it. On each request
//! the key is looked up by its id, so that the session dies with the key, and the end of the session in the event log, so
//! that a copied cookie opens nothing after its owner has logged out.

use std::collections::HashMap;

use axum::extract::{FromRef, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use cookie::{Cookie, SameSite};
use entity::customers::Customer;
use entity::db::{Db, now};
use entity::ids::{CustomerId, KeyId};
use entity::keys::{self, ApiKey, Refused};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use url::Url;

use crate::auth::{KeyHolder, bearer, needed_by, require};
use crate::config::{PublicUrl, Secrets};
use crate::error::ApiError;
use crate::rate_limit::{Payer, RateLimiter, Scope};
use crate::seal::{Seal, SealError};

/// Name of the cookie.
pub const COOKIE: &str = "heycmo_session";
/// How long a session lasts at most.
pub const LIFETIME: Duration = Duration::days(7);
/// Where a person without a session is sent.
pub const LOGIN_PATH: &str = "/login";

/// What an app asks for at the consent page is long.
const MAX_NEXT_CHARS: usize = 4_096;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Begins, reads and ends sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    seal: Seal,
    public_url: PublicUrl,
}

/// What is in the cookie.
#[derive(Serialize, Deserialize)]
struct Session {
    /// Tells it from others of the same key.
    id: String,
    customer: CustomerId,
    key: KeyId,
    /// Unix time in seconds from which on it is worth nothing.
    until: i64,
}

/// A caller with a session cookie or a Bearer key, on the account that the path names (`{customer_id}`).
///
/// Everybody else's account is a 404, as for [`crate::auth::Owner`]. A browser without a session is sent to the login.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who it is.
    pub customer: Customer,
    /// The key that let them in.
    pub key: ApiKey,
    /// The session, for those who came with a cookie.
    pub session_id: Option<String>,
}

/// The request comes from a page of our own: no other site can make a person's browser send it.
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin;

/// Why there is no [`Visitor`].
#[derive(Debug)]
pub enum NoVisitor {
    /// A browser that has no session: it is shown the login, and then what it wanted.
    Login {
        /// The path that was wanted, if coming back to it makes sense.
        next: Option<String>,
        /// Takes away the cookie.
        end: HeaderValue,
    },
    /// Anything else.
    Refused(ApiError),
}

impl Session {
    fn begun_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.until, 0).unwrap_or_default() - LIFETIME
    }
}

impl Sessions {
    /// Sessions on the site at `public_url`.
    #[must_use]
    pub fn new(secrets: &Secrets, public_url: PublicUrl) -> Self {
        Self { seal: secrets.seal("browser session"), public_url }
    }

    /// Begins a session of whoever showed this key, and notes it in their log; gives the `Set-Cookie` header.
    ///
    /// # Errors
    ///
    /// When there is no randomness to seal it with, or the database fails.
    pub async fn begin(&self, db: &Db, key: &ApiKey) -> Result<HeaderValue, ApiError> {
        let session = Session {
            id: Ulid::generate().to_string(),
            customer: key.customer_id.clone(),
            key: key.id.clone(),
            until: (now() + LIFETIME).timestamp(),
        };
        let sealed = serde_json::to_vec(&session)
            .map_err(|error| error.to_string())
            .and_then(|plain| self.seal.seal(&plain).map_err(|error: SealError| error.to_string()));
        let sealed = sealed.map_err(|error| {
            tracing::error!(error, "a session cannot be begun");
            ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        })?;
        keys::start_session(db, key, &session.id).await?;
        Ok(self.set_cookie(sealed, LIFETIME))
    }

    /// The `Set-Cookie` header that ends the session.
    #[must_use]
    pub fn end(&self) -> HeaderValue {
        self.set_cookie(String::new(), Duration::zero())
    }

    /// Whoever the cookie stands for, if their key is accepted at this moment and they have not logged out.
    ///
    /// # Errors
    ///
    /// When the check cannot be made.
    pub async fn current(&self, db: &Db, headers: &HeaderMap) -> Result<Option<Visitor>, ApiError> {
        let Some(session) = self.read(headers, now()) else { return Ok(None) };
        match keys::authenticate_by_id(db, &session.customer, &session.key).await {
            Ok(_) if keys::session_is_over(db, &session.customer, &session.id, session.begun_at()).await? => Ok(None),
            Ok(accepted) => {
                crate::layers::note_customer(&accepted.customer.id);
                crate::layers::note_session(&session.id);
                Ok(Some(Visitor { customer: accepted.customer, key: accepted.key, session_id: Some(session.id) }))
            }
            Err(Refused::UnknownKey | Refused::ExpiredToken | Refused::Inactive(_)) => Ok(None),
            Err(Refused::Failed(error)) => Err(error.into()),
        }
    }

    fn read(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Session> {
        let texts = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
        let mut sessions = cookies.filter(|cookie| cookie.name() == COOKIE).filter_map(|cookie| {
            let opened = self.seal.open(cookie.value()).ok()?;
            serde_json::from_slice::<Session>(opened.expose_secret()).ok()
        });
        sessions.find(|session| now.timestamp() < session.until)
    }

    fn set_cookie(&self, value: String, lifetime: Duration) -> HeaderValue {
        let cookie = Cookie::build((COOKIE, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(!self.public_url.is_http_on_localhost())
            .max_age(cookie::time::Duration::seconds(lifetime.num_seconds()));
        // Name and value are of letters, digits and `-_.`.
        HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Whether the `Origin` is ours: the public one, or the one that the request was sent to.
    fn is_own_origin(&self, origin: &str, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        origin == self.public_url.origin() || (authority.is_some() && authority == host)
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    Db: FromRef<S>,
    RateLimiter: FromRef<S>,
    Sessions: FromRef<S>,
{
    type Rejection = NoVisitor;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoVisitor> {
        let visitor = if bearer(&parts.headers).is_some() {
            let holder = KeyHolder::from_request_parts(parts, state).await?;
            Self { customer: holder.customer, key: holder.key, session_id: None }
        } else {
            let sessions = Sessions::from_ref(state);
            let current = sessions.current(&Db::from_ref(state), &parts.headers).await?;
            let visitor = current.ok_or_else(|| NoVisitor::of(parts, &sessions))?;
            let payer = Payer::Key(visitor.key.id.clone());
            RateLimiter::from_ref(state).charge(&parts.extensions, Scope::Pages, &payer).map_err(ApiError::from)?;
            require(visitor.key.scopes, needed_by(&parts.method))?;
            visitor
        };
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let named = path.ok().and_then(|Path(path)| path.get("customer_id")?.parse::<CustomerId>().ok());
        if named.as_ref() == Some(&visitor.customer.id) { Ok(visitor) } else { Err(ApiError::not_found().into()) }
    }
}

impl NoVisitor {
    fn of(parts: &Parts, sessions: &Sessions) -> Self {
        if !accepts_html(&parts.headers) {
            return Self::Refused(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "missing_key",
                "Log in at /login, or send the header Authorization: Bearer hcmo_live_….",
            ));
        }
        // What was posted is lost at the login; coming back to the address of a form would show nothing.
        let next = parts.uri.path_and_query().filter(|_| parts.method == Method::GET).map(ToString::to_string);
        Self::Login { next, end: sessions.end() }
    }
}

impl From<ApiError> for NoVisitor {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl IntoResponse for NoVisitor {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(error) => error.into_response(),
            Self::Login { next, end } => {
                let headers =
                    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store")), (header::SET_COOKIE, end)];
                (AppendHeaders(headers), see_other(&login_path(next.as_deref()))).into_response()
            }
        }
    }
}

impl<S> FromRequestParts<S> for SameOrigin
where
    S: Send + Sync,
    Sessions: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let headers = &parts.headers;
        // No page can set the first. Browsers send it to https and localhost only, hence the second; its value is
        // `null` from pages that tell no referrer, hence not both.
        let is_same = match (headers.get(SEC_FETCH_SITE), headers.get(header::ORIGIN)) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => {
                let sessions = Sessions::from_ref(state);
                origin.to_str().is_ok_and(|origin| sessions.is_own_origin(origin, headers))
            }
            (None, None) => false,
        };
        if is_same {
            return Ok(Self);
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "cross_origin",
            "This was not sent from a page of ours, so nothing was done. Open the page again and send it from there.",
        ))
    }
}

/// A 303 to an address of ours.
#[must_use]
pub fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
    }
}

/// Whether the caller reads pages: a browser, as opposed to a script.
#[must_use]
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let mut ranges = accepted.flat_map(|value| value.split(','));
    ranges.any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/html"))
}

/// The path and query of an address on this site, as a browser would read it; nothing for any other address.
#[must_use]
pub fn local_path(text: &str) -> Option<String> {
    let base = Url::parse("http://localhost").ok()?;
    let url = base.join(text).ok()?;
    let is_local = text.starts_with('/')
        && text.len() <= MAX_NEXT_CHARS
        && !text.contains(|character: char| character.is_control() || character == '\\')
        && url.origin() == base.origin()
        // Dots may leave an empty segment at the front: `/.//host`.
        && !url.path().starts_with("//");
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_local.then(|| format!("{}{query}", url.path()))
}

/// The login, and from there on to an address of ours, if it is one.
#[must_use]
pub fn login_path(next: Option<&str>) -> String {
    match next.and_then(local_path) {
        Some(next) => {
            let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
            format!("{LOGIN_PATH}?next={next}")
        }
        None => LOGIN_PATH.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment, Mode};

    fn sessions(public_url: &str) -> Sessions {
        let long = "x".repeat(32);
        let environment =
            Environment::of(&[("PUBLIC_URL", public_url), ("ADMIN_SECRET", &long), ("ENCRYPTION_SECRET", &long)]);
        let secrets = Secrets::load(&environment, Mode::Development, std::path::Path::new("unused")).unwrap();
        Sessions::new(&secrets, Config::from_environment(&environment).unwrap().origins.gateway(1))
    }

    fn a_cookie(sessions: &Sessions, until: i64) -> HeaderMap {
        let session = Session { id: "1".to_owned(), customer: CustomerId::new(), key: KeyId::new(), until };
        let sealed = sessions.seal.seal(&serde_json::to_vec(&session).unwrap()).unwrap();
        HeaderMap::from_iter([(header::COOKIE, format!("a=b; {COOKIE}=old; {COOKIE}={sealed}").parse().unwrap())])
    }

    #[test]
    fn a_session_ends_by_itself() {
        let sessions = sessions("https://heycmo.example");
        let until = now();
        let headers = a_cookie(&sessions, until.timestamp());
        assert!(sessions.read(&headers, until - Duration::seconds(1)).is_some());
        assert!(sessions.read(&headers, until).is_none());
        assert!(sessions.read(&HeaderMap::new(), until).is_none());
    }

    #[test]
    fn the_cookie_is_secure_wherever_it_can_be() {
        for (public_url, secure) in [
            ("https://heycmo.example", true),
            ("https://localhost:8443", true),
            ("http://heycmo.example", true),
            ("http://localhost:8787", false),
            ("http://127.0.0.1:8787", false),
            ("http://[::1]:8787", false),
        ] {
            let cookie = sessions(public_url).end();
            let cookie = cookie.to_str().unwrap();
            assert_eq!(cookie.contains("; Secure"), secure, "{public_url}: {cookie}");
            assert!(cookie.starts_with("heycmo_session=;"), "{cookie}");
            for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=0"] {
                assert!(cookie.contains(&format!("; {part}")), "{cookie}");
            }
        }
    }

    #[test]
    fn only_paths_of_this_site_are_gone_back_to() {
        for (text, expected) in [
            ("/", Some("/")),
            ("/api/dashboard/cust_1?a=b#part", Some("/api/dashboard/cust_1?a=b")),
            ("/a b\"<", Some("/a%20b%22%3C")),
            ("", None),
            ("dashboard", None),
            ("//evil.example", None),
            ("/\\evil.example", None),
            ("\\\\evil.example", None),
            ("/\t/evil.example", None),
            ("/\n/evil.example", None),
            ("/.//evil.example", None),
            ("/a/..//evil.example", None),
            (" //evil.example", None),
            ("https://evil.example/", None),
            ("http://localhost/", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(local_path(text).as_deref(), expected, "{text:?}");
        }
        assert_eq!(local_path(&format!("/{}", "x".repeat(MAX_NEXT_CHARS))), None);
    }
}
