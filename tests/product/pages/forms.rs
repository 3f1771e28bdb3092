//! Forms are taken from our own pages only, and keep what was typed.

use super::support::{Browser, page};
use crate::support::{PUBLIC_URL, Product};

#[tokio::test]
async fn no_other_site_can_send_our_forms() {
    let product = Product::start().await;
    let anna = product.customer().await;
    let browser = Browser::of(&product, &anna).await;
    let forms =
        [("/login", vec![("key", anna.key.as_str())]), ("/logout", vec![]), ("/checkout", vec![("email", "x")])];
    for (path, fields) in &forms {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC_URL)],
            &[("origin", "https://evil.example")],
            &[("origin", "https://heycmo.example.evil.example")],
            &[("origin", "null")],
            &[("origin", "")],
        ] {
            let request = browser.post_from_anywhere(path, fields);
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 403, "{path} {headers:?}");
            assert!(!response.headers().contains_key("set-cookie"), "{path} {headers:?}");
            let html = response.text().await.unwrap();
            assert!(html.contains("<h1>This was refused</h1>"), "{html}");
        }
    }
    let own = product.gateway.as_str();
    for headers in [
        &[("sec-fetch-site", "same-origin"), ("origin", "null")][..],
        &[("origin", PUBLIC_URL)],
        // Behind no edge, or behind one that keeps the name.
        &[("origin", own)],
    ] {
        let request = browser.post_from_anywhere("/logout", &[]);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        assert_eq!(request.send().await.unwrap().status(), 303, "{headers:?}");
    }
}

#[tokio::test]
async fn a_wrong_address_is_told_at_the_field() {
    let product = Product::start().await;
    let browser = Browser::new(&product);
    for (email, shown) in [("anna", "anna"), ("\"><script>", "&quot;&gt;&lt;script&gt;"), ("", "")] {
        let (status, html) = page(browser.post("/checkout", &[("email", email)])).await;
        assert_eq!(status, 400);
        assert!(html.contains("Enter an e-mail address"), "{html}");
        assert!(html.contains(&format!(r#"type="email" value="{shown}""#)), "{html}");
    }
}

#[tokio::test]
async fn leaving_the_checkout_is_no_drama() {
    let product = Product::start().await;
    let browser = Browser::new(&product);
    let (status, html) = page(browser.get("/?checkout=cancelled")).await;
    assert!(status == 200 && html.contains("Nothing was charged"), "{html}");
    let (_, html) = page(browser.get("/?checkout=other")).await;
    assert!(!html.contains("Nothing was charged"), "{html}");
}
