//! Keys, the plan, and how assistants are connected.

use harness::eventually;

use super::support::{Browser, as_read, assert_shows, location, page, read};
use crate::support::{Account, Product};

fn address(account: &Account) -> String {
    format!("/api/dashboard/{}/keys", account.id)
}

/// Each key's id, as the page lists them.
fn ids(html: &str) -> Vec<&str> {
    html.split("id=\"key_").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn the_page_shows_what_there_is() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let html = read(&product, &anna, "/keys").await;
    assert_shows(
        &html,
        &[
            &format!("ends in <code>{}</code>", &anna.key[anna.key.len() - 4..]),
            "You are here with it",
            "https://mcp.heycmo.example/mcp --header &quot;Authorization: Bearer YOUR_API_KEY&quot;",
            "Active; the first steps are still open",
            "no limit",
            "nothing is charged",
        ],
    );
    assert!(!html.contains(&anna.key) && !html.contains("Manage billing"), "{html}");
    product.test.execute("UPDATE customers SET stripe_customer_id = 'cus_1'").await;
    let form = format!("action=\"/api/dashboard/{}/billing\"", anna.id);
    assert_shows(&read(&product, &anna, "/keys").await, &[&form, "Manage billing"]);
}

#[tokio::test]
async fn a_new_key_is_shown_once_and_works() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::of(&product, &anna).await;
    let (status, html) = page(browser.post(&address(&anna), &[("label", "laptop"), ("expires", "90")])).await;
    assert_eq!(status, 201);
    let html = as_read(&html);
    let key = html.split("aria-label=\"API key\">").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(product.get(&format!("/api/customer/{}", anna.id), key).send().await.unwrap().status(), 200);
    assert_shows(&html, &["Keep it now.", &format!("Authorization: Bearer {key}"), "<bdi>laptop</bdi>", "Works until"]);
    assert!(!read(&product, &anna, "/keys").await.contains(key));

    let (status, html) = page(browser.post(&address(&anna), &[("label", &"x".repeat(61))])).await;
    assert_eq!(status, 400);
    assert_shows(&html, &["must be at most 60 printable characters"]);
}

#[tokio::test]
async fn revoking_the_own_key_logs_out() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let browser = Browser::of(&product, &anna).await;
    let (_, html) = page(browser.get(&address(&anna))).await;
    let own = ids(&html)[0].to_owned();
    let revoke = |id: &str| format!("{}/key_{id}/revoke", address(&anna));
    let (status, html) = page(browser.post(&revoke(&own), &[])).await;
    assert_eq!(status, 409);
    assert_shows(&html, &["This is the last usable key. Make another one first"]);

    let (_, html) = page(browser.post(&address(&anna), &[("label", "laptop")])).await;
    let second = ids(&html)[0].to_owned();
    assert_ne!(second, own);
    // Neither another customer nor another site.
    let his = Browser::of(&product, &ben).await;
    assert_eq!(page(his.post(&revoke(&own), &[])).await.0, 404);
    assert_eq!(page(his.post(&format!("{}/key_{own}/revoke", address(&ben)), &[])).await.0, 404);
    assert_eq!(page(browser.post_from_anywhere(&revoke(&own), &[])).await.0, 403);
    assert_eq!(page(browser.get(&address(&anna))).await.0, 200);

    let response = browser.post(&revoke(&own), &[]).send().await.unwrap();
    assert_eq!(location(&response), "/login");
    let response = browser.get(&address(&anna)).send().await.unwrap();
    assert!(location(&response).starts_with("/login?next="));
}

#[tokio::test]
async fn a_new_key_is_told_to_work_once_an_assistant_has_used_it() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let browser = Browser::of(&product, &anna).await;
    let (_, html) = page(browser.post(&address(&anna), &[("label", "laptop")])).await;
    let html = as_read(&html);
    let test = html.split("data-test=\"").nth(1).unwrap().split('"').next().unwrap();
    let (status, told) = page(browser.get(test)).await;
    assert_eq!(status, 202);
    assert_shows(&told, &["No call has arrived yet", "http-equiv=\"refresh\""]);

    let key = html.split("aria-label=\"API key\">").nth(1).unwrap().split('<').next().unwrap();
    product.assistant(key).await;
    let works = eventually("the test turns green", async || {
        let (status, told) = page(browser.get(test)).await;
        (status == 200).then_some(told)
    });
    assert_shows(&works.await, &["It works"]);
    let his = Browser::of(&product, &ben).await;
    assert_eq!(page(his.get(test)).await.0, 404);
    assert_eq!(page(his.get(&test.replace(anna.id.as_str(), ben.id.as_str()))).await.0, 404);
}
