//! What browsers are told about pages, and errors that are pages.

use reqwest::header::HeaderMap;

use super::support::{Browser, page};
use crate::support::{FORM_TARGET, Product, assert_refused, refusal};

fn assert_page_headers(headers: &HeaderMap, what: &str) {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self' {FORM_TARGET}; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(headers["content-security-policy"], policy, "{what}");
    assert_eq!(headers["x-content-type-options"], "nosniff", "{what}");
    assert!(headers["permissions-policy"].to_str().unwrap().contains("camera=()"), "{what}");
    assert_eq!(headers["strict-transport-security"], "max-age=31536000; includeSubDomains", "{what}");
}

#[tokio::test]
async fn every_page_may_do_little() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let (stranger, browser) = (Browser::new(&product), Browser::of(&product, &anna).await);
    let dashboard = format!("/api/dashboard/{}", anna.id);
    for (request, what, referrer, caching) in [
        (stranger.get("/"), "start", "same-origin", "no-cache"),
        (stranger.get("/login"), "login", "same-origin", "no-store"),
        (stranger.log_in("wrong", None), "refused login", "same-origin", "no-store"),
        (stranger.get("/nothing"), "unknown page", "same-origin", "no-store"),
        (stranger.post_from_anywhere("/logout", &[]), "refused form", "same-origin", "no-store"),
        (stranger.get("/checkout/success?session_id=cs_1"), "checkout", "no-referrer", "no-store"),
        (browser.get(&dashboard), "overview", "same-origin", "no-store"),
        (browser.get(&format!("{dashboard}/content")), "content", "same-origin", "no-store"),
        (browser.get(&format!("{dashboard}/scans")), "scans", "same-origin", "no-store"),
        (browser.get(&format!("{dashboard}/connections")), "connections", "same-origin", "no-store"),
        (browser.get(&format!("{dashboard}/activity")), "activity", "same-origin", "no-store"),
        (browser.get(&format!("{dashboard}/keys")), "keys", "same-origin", "no-store"),
    ] {
        let response = request.send().await.unwrap();
        assert_page_headers(response.headers(), what);
        assert_eq!(response.headers()["referrer-policy"], referrer, "{what}");
        assert_eq!(response.headers()["cache-control"], caching, "{what}");
        let html = response.text().await.unwrap();
        for inline in ["<style", "style=", "<script>", "onclick=", "javascript:"] {
            assert!(!html.contains(inline), "{inline} in {what}: {html}");
        }
    }
}

#[tokio::test]
async fn what_a_page_needs_is_kept_by_browsers_for_good() {
    let product = Product::start().await;
    let browser = Browser::new(&product);
    let (_, html) = page(browser.get("/")).await;
    assert_eq!(html.matches(" integrity=\"sha256-").count(), 2, "{html}");
    let anna = product.customer().await;
    let (_, overview) = page(Browser::of(&product, &anna).await.get(&format!("/api/dashboard/{}", anna.id))).await;
    assert_eq!(overview.matches(" integrity=\"sha256-").count(), 3, "{overview}");
    let mut paths: Vec<&str> = overview.split('"').filter(|part| part.starts_with("/assets/")).collect();
    paths.sort_unstable_by_key(|path| path.rsplit('.').next());
    paths.dedup();
    let script = "text/javascript; charset=utf-8";
    let types = ["text/css; charset=utf-8", script, script, "image/svg+xml"];
    assert_eq!(paths.len(), types.len(), "{paths:?}");
    for (path, media_type) in paths.into_iter().zip(types) {
        let response = browser.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], media_type);
        assert_eq!(response.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(!response.headers().contains_key("content-encoding"));
        let plain = response.bytes().await.unwrap();
        let packed = browser.get(path).header("accept-encoding", "br, gzip;q=0.8").send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_eq!(packed.headers()["vary"], "accept-encoding");
        let packed = packed.bytes().await.unwrap();
        assert!(packed.starts_with(&[0x1f, 0x8b]) && (packed.len() < plain.len() || plain.len() < 300), "{path}");
        let refused = browser.get(path).header("accept-encoding", "gzip;q=0").send().await.unwrap();
        assert_eq!(refused.bytes().await.unwrap(), plain);
    }
    for path in ["/assets/site.css", "/assets/site-0123456789abcdef.css", "/assets/..%2fsite.css"] {
        assert_eq!(page(browser.get(path)).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn errors_are_pages_for_browsers_and_json_for_the_api() {
    let product = Product::start().await;
    let browser = Browser::new(&product);
    for (request, status) in [
        (browser.get("/nothing"), 404),
        (browser.get("/apiary"), 404),
        (browser.get("/logout"), 405),
        (browser.post("/login", &[("key", &"x".repeat(100_000))]), 413),
    ] {
        let response = request.header("x-request-id", "for-support").send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-request-id"], "for-support");
        let html = response.text().await.unwrap();
        assert!(html.starts_with("<!doctype html>") && html.contains("<code>for-support</code>"), "{html}");
    }
    for path in ["/api", "/api/nothing"] {
        assert_refused(&refusal(browser.get(path)).await, 404, "not_found");
    }
    assert_refused(&refusal(browser.get("/api/customer/x")).await, 401, "missing_key");
    let script = product.http.get(format!("{}/nothing", product.gateway));
    assert_refused(&refusal(script).await, 404, "not_found");
}

/// Looking ahead must not use up the one showing of a key.
#[tokio::test]
async fn nothing_is_claimed_for_whoever_only_looks_ahead() {
    let product = Product::start().await;
    let browser = Browser::new(&product);
    let url = format!("{}/checkout/success?session_id=cs_1", product.gateway);
    assert_eq!(product.http.head(&url).send().await.unwrap().status(), 503);
    let ahead = browser.get("/checkout/success?session_id=cs_1").header("sec-purpose", "prefetch;prerender");
    let (status, html) = page(ahead).await;
    assert!(status == 503 && html.contains("<h1>This did not work</h1>"), "{html}");
}
