//! What a person sees after paying: their key, this once.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use entity::billing::{Claimed, has_used_key};
use entity::db::Db;
use minijinja::context;
use serde::Deserialize;
use web::ApiError;
use web::config::PublicUrl;
use web::connect::Connect;

use super::account::home;
use super::finish::NO_REFERRER;
use super::{LOOK_AGAIN_SECONDS, Notice, Site, connection_test};
use crate::Gateway;

#[derive(Debug, Deserialize)]
pub struct SuccessQuery {
    #[serde(default)]
    session_id: String,
}

/// Claims what was paid for and shows it.
pub async fn success(
    method: Method,
    headers: HeaderMap,
    State(gateway): State<Gateway>,
    Query(query): Query<SuccessQuery>,
) -> Result<Response, ApiError> {
    // The key is given once: to a person, not to a browser or a mail program that looks ahead.
    if method == Method::HEAD || is_prefetch(&headers) {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    let page = match gateway.billing.claim(&query.session_id).await {
        Ok(claimed) => claimed_page(&gateway.site, &gateway.mcp_url, &query.session_id, &claimed)?,
        Err(error) => refused_page(&gateway.site, &error)?,
    };
    Ok((NO_REFERRER, page).into_response())
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    let says_so = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.to_ascii_lowercase().contains("prefetch"))
    };
    says_so("sec-purpose") || says_so("purpose")
}

/// Whether the key of a checkout has been used.
pub async fn connection(
    State(site): State<Site>,
    State(db): State<Db>,
    Query(query): Query<SuccessQuery>,
) -> Result<Response, ApiError> {
    let is_used = has_used_key(&db, &query.session_id).await?;
    Ok((NO_REFERRER, connection_test(&site, is_used)?).into_response())
}

fn claimed_page(site: &Site, mcp_url: &PublicUrl, checkout: &str, claimed: &Claimed) -> Result<Response, ApiError> {
    let dashboard = home(&claimed.customer.id);
    if let Some(key) = &claimed.key {
        let connect = Connect::new(mcp_url, key.expose());
        return site.page(
            "key.html",
            context! {
                email => claimed.customer.email.as_str(),
                key => key.expose(),
                dashboard,
                test => format!("/checkout/connection?session_id={checkout}"),
                claude_desktop => connect.claude_desktop(),
                claude_code => connect.claude_code(),
                cursor => connect.cursor(),
                cursor_link => connect.cursor_link(),
                url => connect.url(),
                sse_url => connect.sse_url(),
            },
        );
    }
    let email = format!("The account is {}.", claimed.customer.email);
    if !claimed.made_customer {
        return site.notice(Notice {
            title: "Welcome back",
            text: &[
                "Your payment arrived and your account works again, with everything in it as you left it.",
                "The keys you had before work again, so there is nothing to set up. No new key was made: it would open the account to whoever pays with your address.",
                &email,
                LOST_KEY,
            ],
            actions: &[("Open your dashboard", &dashboard)],
            ..Notice::default()
        });
    }
    site.notice(Notice {
        title: "Your key was shown already",
        text: &[
            "This checkout is complete, and its key was given out when this page was first opened. We keep only a fingerprint of it, so it cannot be shown again.",
            &email,
            LOST_KEY,
        ],
        actions: &[("Log in with your key", &dashboard)],
        ..Notice::default()
    })
}

const LOST_KEY: &str = "Key lost? Ask whoever runs this site for a new one, from the e-mail address of the account. The old one can be revoked then.";

fn refused_page(site: &Site, error: &ApiError) -> Result<Response, ApiError> {
    let notice = match error.code {
        "checkout_incomplete" => Notice {
            title: "Your payment is on its way",
            text: &[
                "The bank has not confirmed it yet. Most payments take seconds; a direct debit or transfer can take days.",
                "This page looks again every 10 seconds. You can also close it and come back to the same address within a day of the payment: your key waits here.",
            ],
            actions: &[],
            refresh_seconds: Some(LOOK_AGAIN_SECONDS),
            ..Notice::default()
        },
        "checkout_expired" => Notice {
            title: "This page has expired",
            text: &[
                "The key of a checkout can be picked up for 24 hours after the payment. That time is over.",
                LOST_KEY,
            ],
            actions: &[("Log in with your key", "/login"), ("Go to the start page", "/")],
            ..Notice::default()
        },
        "not_found" => Notice {
            title: "There is no such checkout",
            text: &[
                "The address of this page is not complete, or not of a checkout here. Open the link that you were sent to after paying, as a whole.",
                "If you have not paid yet, nothing was charged.",
            ],
            actions: &[("Go to the start page", "/"), ("Log in with your key", "/login")],
            ..Notice::default()
        },
        _ if error.status.is_server_error() => Notice {
            title: "We cannot see your payment just now",
            text: &[
                &error.message,
                "If you have paid, nothing is lost: your key waits for you at this address. This page looks again every 10 seconds.",
            ],
            refresh_seconds: Some(LOOK_AGAIN_SECONDS),
            ..Notice::default()
        },
        _ => return Err(error.clone()),
    };
    site.notice(Notice { status: error.status, ..notice })
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use entity::customers::{Customer, OnboardingState, SubscriptionState};
    use entity::db::now;
    use entity::ids::CustomerId;
    use entity::keys::PlainKey;
    use web::config::{Config, Environment, Mode, Secrets};

    use super::*;

    fn site() -> (Site, PublicUrl) {
        let long = "x".repeat(32);
        let environment = Environment::of(&[
            ("ADMIN_SECRET", &long),
            ("ENCRYPTION_SECRET", &long),
            ("MCP_PUBLIC_URL", "https://mcp.heycmo.example"),
        ]);
        let secrets = Secrets::load(&environment, Mode::Development, std::path::Path::new("unused")).unwrap();
        let origins = Config::from_environment(&environment).unwrap().origins;
        (Site::new(origins.gateway(1), &secrets, &[]).unwrap(), origins.mcp(2))
    }

    fn claimed(key: Option<PlainKey>, reactivated: bool) -> Claimed {
        let customer = Customer {
            id: CustomerId::new(),
            email: "anna<b>@example.com".to_owned(),
            plan: "pro".to_owned(),
            brand_name: None,
            time_zone: "UTC".to_owned(),
            onboarding: OnboardingState::Open,
            subscription: SubscriptionState::Active,
            stripe_customer_id: Some("cus_1".to_owned()),
            grace_ends_at: None,
            suspended_at: None,
            created_at: now(),
            updated_at: now(),
        };
        Claimed { customer, key, made_customer: !reactivated }
    }

    async fn shown(page: Result<Response, ApiError>) -> (StatusCode, String) {
        let page = page.unwrap();
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
        let status = page.status();
        let body = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_new_key_is_shown_with_the_configuration_of_each_client() {
        let (site, mcp_url) = site();
        let key = PlainKey::generate().unwrap();
        let (status, html) = shown(claimed_page(&site, &mcp_url, "cs_1", &claimed(Some(key.clone()), false))).await;
        assert_eq!(status, StatusCode::OK);
        let html = html.replace("&#x2f;", "/").replace("&quot;", "\"");
        let key = key.expose();
        for part in [
            format!(">{key}</pre>"),
            format!(
                "claude mcp add --transport http heycmo https://mcp.heycmo.example/mcp --header \"Authorization: Bearer {key}\""
            ),
            "\"command\": \"npx\"".to_owned(),
            format!("\"Authorization\": \"Bearer {key}\""),
            "href=\"cursor://anysphere.cursor-deeplink/mcp/install?name=heycmo&amp;config=".to_owned(),
            format!("https://mcp.heycmo.example/mcp/sse?token={key}"),
            "anna&lt;b&gt;@example.com".to_owned(),
            "data-copies=\"key\"".to_owned(),
        ] {
            assert!(html.contains(&part), "{part} is not in {html}");
        }
    }

    #[tokio::test]
    async fn without_a_key_the_page_says_why() {
        let (site, mcp_url) = site();
        for (reactivated, title) in [(false, "Your key was shown already"), (true, "Welcome back")] {
            let (status, html) = shown(claimed_page(&site, &mcp_url, "cs_1", &claimed(None, reactivated))).await;
            assert_eq!(status, StatusCode::OK);
            assert!(html.contains(&format!("<h1>{title}</h1>")) && html.contains("Key lost?"), "{html}");
            assert!(html.contains("dashboard&#x2f;cust_") && !html.contains("hcmo_live_"), "{html}");
        }
    }

    #[tokio::test]
    async fn whatever_may_still_come_is_looked_for_again() {
        let (site, _) = site();
        for (status, code, title, again) in [
            (StatusCode::CONFLICT, "checkout_incomplete", "Your payment is on its way", true),
            (StatusCode::BAD_GATEWAY, "stripe_failed", "We cannot see your payment just now", true),
            (StatusCode::GONE, "checkout_expired", "This page has expired", false),
            (StatusCode::NOT_FOUND, "not_found", "There is no such checkout", false),
        ] {
            let (shown_status, html) = shown(refused_page(&site, &ApiError::new(status, code, "Not now."))).await;
            assert_eq!(shown_status, status, "{code}");
            assert!(html.contains(&format!("<h1>{title}</h1>")), "{html}");
            assert_eq!(html.contains("http-equiv=\"refresh\" content=\"10\""), again, "{code}");
        }
        let refused = ApiError::of_status(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused_page(&site, &refused).unwrap_err(), refused);
    }
}
