//! What people see in a browser: pages made on the server, usable without script.

pub mod account;
pub mod assets;
mod chart;
pub mod checkout;
mod compare;
pub mod consent;
pub mod docs;
pub mod finish;
pub mod landing;
pub mod login;
pub(crate) mod words;

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{UndefinedBehavior, Value, context};
use web::ApiError;
use web::config::{PublicUrl, Secrets};
use web::session::Sessions;

/// Where our forms lead: the pages of Stripe's and Composio's.
pub const FORM_TARGETS: [&str; 3] =
    ["https://checkout.stripe.com", "https://billing.stripe.com", "https://connect.composio.dev"];

/// What all pages share. Cheap to clone.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    public_url: PublicUrl,
    sessions: Sessions,
    templates: minijinja::Environment<'static>,
    policy: HeaderValue,
    is_https: bool,
}

impl Site {
    /// The site at `public_url`. `form_targets` are the origins, besides our own, that a form of ours may lead to, such
    /// as [`FORM_TARGETS`]: browsers hold redirects against them too.
    ///
    /// # Errors
    ///
    /// When a target cannot stand in a header.
    pub fn new(public_url: PublicUrl, secrets: &Secrets, form_targets: &[&str]) -> Result<Self, String> {
        let policy = finish::content_security_policy(form_targets);
        let policy = HeaderValue::try_from(&policy).map_err(|_| format!("`{policy}` cannot stand in a header"))?;
        Ok(Self(Arc::new(Inner {
            is_https: !public_url.is_http_on_localhost(),
            sessions: Sessions::new(secrets, public_url.clone()),
            public_url,
            templates: templates(),
            policy,
        })))
    }

    /// The browser sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// Where strangers find it.
    pub(crate) fn public_url(&self) -> &PublicUrl {
        &self.0.public_url
    }

    /// A page. What is personal about it stays out of caches.
    fn page(&self, template: &str, values: Value) -> Result<Response, ApiError> {
        let html = self.render(template, values)?;
        Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Html(html)).into_response())
    }

    /// A template with its values.
    pub(crate) fn render(&self, template: &str, values: Value) -> Result<String, ApiError> {
        let rendered = self.0.templates.get_template(template).and_then(|template| template.render(values));
        rendered.map_err(|error| {
            tracing::error!(template, %error, "a page cannot be made");
            ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        })
    }

    /// A page that says one thing.
    fn notice(&self, notice: Notice<'_>) -> Result<Response, ApiError> {
        let Notice { status, title, text, actions, refresh_seconds, request_id } = notice;
        let actions: Vec<Value> =
            actions.iter().map(|(label, href)| context! { label => *label, href => *href }).collect();
        let text: Vec<Value> = text.iter().map(|paragraph| Value::from(*paragraph)).collect();
        let values = context! { title, text, actions, refresh_seconds, request_id };
        Ok((status, self.page("notice.html", values)?).into_response())
    }
}

/// Whether whoever has a new key has used it: a page for people, and by its status for the script of ours.
fn connection_test(site: &Site, is_used: bool) -> Result<Response, ApiError> {
    let notice = if is_used {
        Notice {
            title: "It works",
            text: &["The key was used, so your assistant reaches HeyCMO. You can close this page."],
            ..Notice::default()
        }
    } else {
        Notice {
            status: StatusCode::ACCEPTED,
            title: "No call has arrived yet",
            text: &[
                "Ask your assistant something of HeyCMO, such as: “Use HeyCMO: what is my account?” It may have to be started again after you changed its configuration.",
                "This page looks again every 10 seconds.",
            ],
            refresh_seconds: Some(LOOK_AGAIN_SECONDS),
            ..Notice::default()
        }
    };
    site.notice(notice)
}

/// How often a page that waits for something looks again.
const LOOK_AGAIN_SECONDS: u32 = 10;

/// One thing to say, and where to go from there.
#[derive(Default)]
struct Notice<'a> {
    status: StatusCode,
    title: &'a str,
    /// Paragraphs.
    text: &'a [&'a str],
    /// Labels and addresses of links, the most likely one first.
    actions: &'a [(&'a str, &'a str)],
    /// After how many seconds the browser is to look again.
    refresh_seconds: Option<u32>,
    /// What support needs.
    request_id: Option<&'a str>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

#[expect(clippy::expect_used, reason = "the templates are part of the program; every start of it loads them")]
fn templates() -> minijinja::Environment<'static> {
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_function("asset", assets::path);
    environment.add_function("integrity", assets::integrity);
    minijinja_embed::load_templates!(environment);
    environment
}
