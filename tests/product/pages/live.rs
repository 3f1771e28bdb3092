//! What happens reaches open pages, until the session is over.

use entity::ids::CustomerId;
use entity::keys;
use entity::leads::{self, NewLead};

use super::support::{Browser, page, read};
use crate::live::Live;
use crate::support::{Account, Product, json_of};

/// As another process logs it.
async fn log_lead(product: &Product, id: &CustomerId, source: &str) {
    let lead = NewLead { source: source.to_owned(), ..NewLead::default() };
    leads::log(&product.test.another_db().await, id, lead).await.unwrap();
}

async fn follow(browser: &Browser<'_>, account: &Account, query: &str) -> Live {
    Live::open(browser.get(&format!("/api/dashboard/{}/live{query}", account.id))).await
}

#[tokio::test]
async fn what_happens_after_the_page_was_made_is_told_as_the_page_shows_it() {
    let product = Product::start().await;
    let (anna, ben) = (product.customer().await, product.customer().await);
    let browser = Browser::of(&product, &anna).await;
    let (_, html) = page(browser.get(&format!("/api/dashboard/{}", anna.id))).await;
    let address = html.split("data-live=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#x2f;", "/");
    let query = address.strip_prefix(&format!("/api/dashboard/{}/live", anna.id)).unwrap();
    // Between the page and its stream.
    log_lead(&product, &anna.id, "<b>webinar</b>").await;
    let mut live = follow(&browser, &anna, query).await;
    log_lead(&product, &ben.id, "somebody else's").await;
    log_lead(&product, &anna.id, "fair").await;
    for source in ["&lt;b&gt;webinar&lt;&#x2f;b&gt;", "fair"] {
        let told = live.next().await.unwrap();
        assert_eq!((told.name.as_str(), told.data["topic"].as_str()), ("event", Some("lead")));
        let html = told.data["html"].as_str().unwrap();
        assert!(html.contains(source) && html.contains(&format!("<li id=\"{}\">", told.id)), "{html}");
    }
}

#[tokio::test]
async fn logging_out_ends_the_streams_of_that_session_and_of_no_other() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let (left, stays) = (Browser::of(&product, &anna).await, Browser::of(&product, &anna).await);
    let (mut ends, mut goes_on) = (follow(&left, &anna, "").await, follow(&stays, &anna, "").await);
    assert_eq!(left.post("/logout", &[]).send().await.unwrap().status(), 303);
    log_lead(&product, &anna.id, "afterwards").await;
    assert!(ends.next().await.is_none());
    assert_eq!(goes_on.next().await.unwrap().data["topic"], "session");
    assert_eq!(goes_on.next().await.unwrap().data["topic"], "lead");
    assert!(read(&product, &anna, "/activity").await.contains("Somebody logged out of these pages."));
}

#[tokio::test]
async fn a_revoked_key_ends_the_streams_that_it_opened() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let db = product.test.another_db().await;
    keys::create(&db, &anna.id, keys::NewKey::default()).await.unwrap();
    let own = json_of(product.get(&format!("/api/customer/{}/keys", anna.id), &anna.key)).await;
    let own = own["keys"][1]["id"].as_str().unwrap().parse().unwrap();
    let browser = Browser::of(&product, &anna).await;
    let mut live = follow(&browser, &anna, "").await;
    keys::revoke(&db, &anna.id, &own).await.unwrap();
    assert!(live.next().await.is_none());
    let again = browser.get(&format!("/api/dashboard/{}/live", anna.id)).send().await.unwrap();
    assert_eq!(again.status(), 303);
}
