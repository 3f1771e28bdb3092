//! Logging in and out, and what a session opens.

use std::collections::BTreeSet;

use entity::{customers, keys};

use super::support::{Browser, location, page, session_cookie};
use crate::support::{Account, Product, assert_refused, refusal};

fn dashboard(account: &Account) -> String {
    format!("/api/dashboard/{}", account.id)
}

async fn is_let_in(browser: &Browser<'_>, account: &Account) -> bool {
    let response = browser.get(&dashboard(account)).send().await.unwrap();
    match response.status().as_u16() {
        200 => true,
        303 => {
            assert_eq!(location(&response), format!("/login?next=%2Fapi%2Fdashboard%2F{}", account.id));
            assert_eq!(session_cookie(&response).0, "", "a session that is over leaves no cookie");
            false
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_key_becomes_a_cookie_that_opens_the_dashboard() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let mut browser = Browser::new(&product);
    assert!(!is_let_in(&browser, &anna).await);

    let response = browser.log_in(&format!(" {} ", anna.key), None).send().await.unwrap();
    assert_eq!(location(&response), dashboard(&anna));
    assert_eq!(response.headers()["cache-control"], "no-store");
    let (cookie, attributes) = session_cookie(&response);
    let attributes: BTreeSet<&str> = attributes.iter().map(String::as_str).collect();
    assert_eq!(attributes, BTreeSet::from(["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Lax", "Secure"]));
    assert!(cookie.starts_with("v1.") && !cookie.contains(&anna.key[10..]), "{cookie}");

    browser.cookie = Some(cookie);
    assert!(is_let_in(&browser, &anna).await);
    // Who is in need not log in again.
    let response = browser.get("/login").send().await.unwrap();
    assert_eq!(location(&response), dashboard(&anna));

    let response = browser.post("/logout", &[]).send().await.unwrap();
    assert_eq!(location(&response), "/");
    let (cookie, attributes) = session_cookie(&response);
    assert!(cookie.is_empty() && attributes.contains(&"Max-Age=0".to_owned()), "{attributes:?}");
}

#[tokio::test]
async fn a_copied_cookie_opens_nothing_after_its_owner_has_logged_out() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let (browser, other) = (Browser::of(&product, &anna).await, Browser::of(&product, &anna).await);
    let mut thief = Browser::new(&product);
    thief.cookie.clone_from(&browser.cookie);
    assert!(is_let_in(&thief, &anna).await);

    assert_eq!(location(&browser.post("/logout", &[]).send().await.unwrap()), "/");
    assert!(!is_let_in(&thief, &anna).await);
    // Neither does it write anything, follow what happens, or stand for anybody at the login.
    let before = product.state_of(&anna.id).await;
    for request in
        [thief.post(&format!("{}/keys", dashboard(&anna)), &[]), thief.get(&format!("{}/live", dashboard(&anna)))]
    {
        assert!(location(&request.send().await.unwrap()).starts_with("/login"));
    }
    assert_eq!(thief.get("/login").send().await.unwrap().status(), 200);
    thief.post("/logout", &[]).send().await.unwrap();
    assert_eq!(product.state_of(&anna.id).await, before);
    // Other sessions of the same key go on.
    assert!(is_let_in(&other, &anna).await);
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_opens_nothing() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let mut browser = Browser::of(&product, &anna).await;
    let good = browser.cookie.clone().unwrap();
    let last = good.chars().last().unwrap();
    let altered = format!("{}{}", &good[..good.len() - 2], if last == 'A' { "BB" } else { "AA" });
    for cookie in [altered, format!("{good}x"), String::new(), anna.key.clone(), "v1.".to_owned()] {
        browser.cookie = Some(cookie);
        assert!(!is_let_in(&browser, &anna).await, "{:?}", browser.cookie);
    }
    browser.cookie = Some(good);
    assert!(is_let_in(&browser, &anna).await);
}

#[tokio::test]
async fn a_session_dies_with_its_key_and_with_no_other() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let db = product.test.db();
    let (second, plain) = keys::create(&db, &anna.id, keys::NewKey::default()).await.unwrap();
    let first = Browser::of(&product, &anna).await;
    let of_second = Browser::of(&product, &Account { id: anna.id.clone(), key: plain.expose().to_owned() }).await;

    keys::revoke(&db, &anna.id, &second.id).await.unwrap();
    assert!(!is_let_in(&of_second, &anna).await);
    assert!(is_let_in(&first, &anna).await);

    customers::suspend(&db, &anna.id).await.unwrap();
    assert!(!is_let_in(&first, &anna).await);
    customers::resume(&db, &anna.id).await.unwrap();
    assert!(is_let_in(&first, &anna).await);

    let expired = "UPDATE api_keys SET expires_at = '2020-01-01T00:00:00+00:00'";
    assert_eq!(product.test.execute(expired).await, 2);
    assert!(!is_let_in(&first, &anna).await);
}

#[tokio::test]
async fn another_customers_dashboard_is_as_good_as_none() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let his = Browser::of(&product, &ben).await;
    let unknown = entity::ids::CustomerId::new();
    let mut pages = BTreeSet::new();
    for id in [anna.id.as_str(), unknown.as_str(), "nobody", "%00"] {
        let (status, html) = page(his.get(&format!("/api/dashboard/{id}"))).await;
        assert_eq!(status, 404, "{html}");
        pages.insert(html.split("For support").next().unwrap().to_owned());
    }
    assert_eq!(pages.len(), 1, "{pages:#?}");
    // With her address in the link, he still comes out at his own.
    for next in [dashboard(&anna), format!("{}/", dashboard(&anna))] {
        let response = his.log_in(&ben.key, Some(&next)).send().await.unwrap();
        assert_eq!(location(&response), dashboard(&ben));
    }
}

#[tokio::test]
async fn a_script_with_a_key_reads_the_page_too() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let (status, html) = page(product.get(&dashboard(&anna), &anna.key)).await;
    assert!(status == 200 && html.contains("<h1>"), "{html}");
    assert_refused(&refusal(product.get(&dashboard(&anna), &ben.key)).await, 404, "not_found");
    let anonymous = product.http.get(format!("{}{}", product.gateway, dashboard(&anna)));
    assert_refused(&refusal(anonymous).await, 401, "missing_key");
    let wrong = product.get(&dashboard(&anna), "hcmo_live_wrong");
    assert_refused(&refusal(wrong).await, 401, "invalid_key");
    // A wrong key is not made good by a cookie.
    let browser = Browser::of(&product, &anna).await;
    let (status, _) = page(browser.get(&dashboard(&anna)).bearer_auth("hcmo_live_wrong")).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn the_login_goes_on_to_our_own_pages_only() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::new(&product);
    let own = dashboard(&anna);
    let with_query = format!("{own}?tab=a%20b");
    for (next, expected) in [
        (with_query.as_str(), with_query.as_str()),
        ("/?a=b", "/?a=b"),
        ("", &own),
        ("//evil.example/", &own),
        ("/\\evil.example", &own),
        ("/\t/evil.example", &own),
        ("https://evil.example/", &own),
        ("javascript:alert(1)", &own),
    ] {
        let response = browser.log_in(&anna.key, Some(next)).send().await.unwrap();
        assert_eq!(location(&response), expected, "{next}");
    }
    // The form keeps it, unless it leads away.
    let (_, html) = page(browser.get("/login?next=%2F%3Fa%3D%22b")).await;
    assert!(html.contains(r#"name="next" value="&#x2f;?a=%22b""#), "{html}");
    let (_, html) = page(browser.get("/login?next=%2F%2Fevil.example")).await;
    assert!(!html.contains("evil"), "{html}");
}

#[tokio::test]
async fn a_refused_key_is_told_at_the_field_and_never_shown() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::new(&product);
    let unknown = format!("hcmo_live_{}", "0123456789abcdef".repeat(4));
    for (key, problem) in [
        (unknown.as_str(), "This key is unknown, revoked or expired."),
        ("<b>my secret</b>", "This key is unknown, revoked or expired."),
        ("  ", "Enter your API key."),
    ] {
        let (status, html) = page(browser.log_in(key, Some("/?x=1"))).await;
        assert_eq!(status, 401);
        assert!(html.contains(problem) && html.contains(r#"aria-invalid="true""#), "{html}");
        assert!(html.contains(r#"name="next" value="&#x2f;?x=1""#), "{html}");
        assert!(!html.contains("0123456789abcdef") && !html.contains("my secret"), "{html}");
    }
    customers::suspend(&product.test.db(), &anna.id).await.unwrap();
    let (status, html) = page(browser.log_in(&anna.key, None)).await;
    assert!(status == 403 && html.contains("The account is suspended."), "{html}");
    assert!(!html.contains(&anna.key), "{html}");
}
