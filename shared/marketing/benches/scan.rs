//! How long it takes to read and score a page of 200 KB: `cargo bench -p marketing --bench scan`. We aim at under 5 ms.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing, reason = "a tool for developers")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use marketing::scanner::{Facts, Page, Scan, decode};

const SIZE: usize = 200 * 1024;

fn main() {
    divan::main();
}

/// A page as large as they come, of the articles, tables, lists, links and scripts that large pages are made of.
fn large() -> Vec<u8> {
    let corpus = [
        include_str!("../tests/corpus/blog-post.html"),
        include_str!("../tests/corpus/shop-product.html"),
        include_str!("../tests/corpus/docs-page.html"),
        include_str!("../tests/corpus/gallery.html"),
        include_str!("../tests/corpus/legal.html"),
    ];
    let (head, _) = corpus[0].split_once("<body").expect("a page with a body");
    let inner =
        |page: &'static str| page.split_once("<body").and_then(|(_, body)| body.split_once('>')).map(|(_, it)| it);
    let bodies: Vec<&str> = corpus.into_iter().filter_map(inner).map(|body| body.trim_end()).collect();
    let mut page = format!("{head}<body>");
    for body in bodies.iter().cycle() {
        if page.len() >= SIZE {
            break;
        }
        page.push_str(body.strip_suffix("</body></html>").unwrap_or(body));
    }
    page.push_str("</body></html>");
    page.into_bytes()
}

#[divan::bench]
fn a_page_of_200_kb(bencher: Bencher) {
    let bytes = large();
    let url: url::Url = "https://example.com/".parse().expect("an address");
    bencher.counter(BytesCount::new(bytes.len())).bench(|| {
        let (html, _) = decode(black_box(&bytes), None);
        Scan::of(&Page::read(Facts::only(url.clone()), &html), chrono::DateTime::UNIX_EPOCH)
    });
}
