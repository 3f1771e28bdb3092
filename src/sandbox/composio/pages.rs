//! What a customer would see at Composio and the platform, and what the person who develops sees here.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chrono::Utc;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::error::ComposioError;
use super::tools::toolkit;
use super::{Sandbox, webhooks};

/// How much the control page shows.
const MAX_SHOWN: usize = 50;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in [
        ("base.html", include_str!("templates/base.html")),
        ("connect.html", include_str!("templates/connect.html")),
        ("control.html", include_str!("templates/control.html")),
        ("message.html", include_str!("templates/message.html")),
    ] {
        // A template with a mistake is missing, and the page that needs it says so in the log; the tests open each.
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(%error, name, "a template of the Composio sandbox is wrong");
        }
    }
    environment
});

pub fn router() -> Router<Sandbox> {
    Router::new()
        .route("/composio", get(control))
        .route("/composio/sandbox.css", get(style))
        .route("/composio/connect/{token}", get(connect))
        .route("/composio/connect/{token}/{decision}", post(decide))
        .route("/composio/accounts/{id}/{action}", post(act))
        .route("/composio/faults/clear", post(clear_faults))
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../stripe/templates/sandbox.css"))
}

/// The person decides whether HeyCMO may use their account.
async fn connect(Shared(sandbox): Shared<Sandbox>, Path(token): Path<String>) -> Response {
    let shown = sandbox.read(|state| {
        let link = state.link(&token).filter(|link| !link.used && link.expires_at > Utc::now());
        let link = link
            .ok_or_else(|| ComposioError::invalid("This link was used already, or has expired. Ask for a new one."))?;
        let account = state.account(&link.account)?;
        let name = toolkit(&account.toolkit).map_or("a platform", |toolkit| toolkit.name);
        Ok((json!({ "token": token, "platform": name, "user": account.user }), link.callback_url.clone()))
    });
    match shown {
        Ok((context, callback)) => {
            let mut page = page(StatusCode::OK, "connect.html", context);
            let target = callback.and_then(|url| Some(Url::parse(&url).ok()?.origin().ascii_serialization()));
            let policy = format!(
                "default-src 'none'; style-src 'self'; form-action 'self' {}; frame-ancestors 'none'; base-uri 'none'",
                target.unwrap_or_default()
            );
            if let Ok(policy) = HeaderValue::try_from(policy) {
                page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            }
            page
        }
        Err(error) => message(error.status, error.message()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

async fn decide(Shared(sandbox): Shared<Sandbox>, Path((token, decision)): Path<(String, Decision)>) -> Response {
    let allowed = decision == Decision::Allow;
    let link = match sandbox.change(|state| state.follow(&token, allowed)) {
        Ok(link) => link,
        Err(error) => return message(error.status, error.message()),
    };
    let Some(mut url) = link.callback_url.as_deref().and_then(|url| Url::parse(url).ok()) else {
        return message(StatusCode::OK, "That is all. You can close this page.");
    };
    url.query_pairs_mut()
        .append_pair("status", if allowed { "success" } else { "failed" })
        .append_pair("connected_account_id", &link.account);
    Redirect::to(url.as_str()).into_response()
}

/// What is connected, what was published and what goes wrong on purpose.
async fn control(Shared(sandbox): Shared<Sandbox>) -> Response {
    let faults = sandbox.live().faults.clone();
    let context = sandbox.read(|state| {
        let name = |slug: &str| toolkit(slug).map_or_else(|| slug.to_owned(), |toolkit| toolkit.name.to_owned());
        let accounts: Vec<Value> = state.accounts.iter().rev().take(MAX_SHOWN).map(|it| json!({
            "id": it.id, "platform": name(&it.toolkit), "user": it.user, "status": it.status, "reason": it.reason,
        })).collect();
        let posts: Vec<Value> = state.posts.iter().rev().take(MAX_SHOWN).map(|it| json!({
            "platform": name(&it.toolkit), "text": it.text, "url": it.url, "at": it.created_at.format("%F %T UTC").to_string(),
        })).collect();
        Ok(json!({ "accounts": accounts, "posts": posts, "faults": faults }))
    });
    match context {
        Ok(context) => page(StatusCode::OK, "control.html", context),
        Err(error) => message(error.status, error.message()),
    }
}

async fn clear_faults(Shared(sandbox): Shared<Sandbox>) -> Redirect {
    sandbox.live().faults.clear();
    Redirect::to("/composio")
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Expire,
    Revoke,
    Activate,
    Delete,
}

async fn act(Shared(sandbox): Shared<Sandbox>, Path((id, action)): Path<(String, Action)>) -> Response {
    let acted = sandbox.change(|state| match action {
        Action::Expire => state.set_status(&id, "EXPIRED", Some("The platform no longer accepts its token")).map(Some),
        Action::Revoke => state.set_status(&id, "REVOKED", Some("Access was taken back")).map(|_| None),
        Action::Activate => state.set_status(&id, "ACTIVE", None).map(|_| None),
        Action::Delete => state.delete_account(&id).map(|()| None),
    });
    match acted {
        Ok(expired) => {
            if let Some(account) = expired {
                webhooks::tell_expired(&sandbox, &account);
            }
            Redirect::to("/composio").into_response()
        }
        Err(error) => message(error.status, error.message()),
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    page(status, "message.html", json!({ "text": text }))
}

fn page(status: StatusCode, template: &str, context: Value) -> Response {
    let rendered = TEMPLATES.get_template(template).and_then(|template| template.render(Serde(context)));
    match rendered {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, template, "a page of the Composio sandbox cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
