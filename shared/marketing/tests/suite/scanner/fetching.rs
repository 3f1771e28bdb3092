//! What comes over the wire, good and bad.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use futures::StreamExt;
use marketing::scanner::{Document, DocumentError, FetchError, Reach, Scan, Scanner, Stage};
use tokio::net::TcpListener;

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>A page to be scanned</title>\
                    <main><h1>Hello</h1><a href=/gone>What is gone</a><a href=/there>What is there</a></main>";

async fn site(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    format!("http://{address}")
}

fn scanner() -> Scanner {
    Scanner::new(Reach::also(&["127.0.0.0/8".parse().unwrap()])).unwrap()
}

async fn scan(url: &str) -> Result<Scan, FetchError> {
    scanner().scan(url, |_| {}).await
}

fn seen<'a>(scan: &'a Scan, id: &str) -> &'a str {
    let finding = scan.seo.findings.iter().chain(&scan.geo.findings).find(|it| it.id == id);
    &finding.unwrap_or_else(|| panic!("{id} was not looked at: {scan:?}")).seen
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn a_page_is_scanned_with_its_site_and_its_links() {
    let robots = "User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nDisallow: /private\nSitemap: /maps/one.xml\n";
    let app = Router::new()
        .route("/", get(async || Redirect::permanent("/page")))
        .route("/page", get(async || Html(PAGE)))
        .route("/there", get(async || "there"))
        .route("/robots.txt", get(async move || robots))
        .route("/sitemap.xml", get(async || "<?xml version='1.0'?><urlset></urlset>"))
        .route("/llms.txt", get(async || "# Site\n"));
    let site = site(app).await;
    let stages = Arc::new(Mutex::new(Vec::new()));
    let told = stages.clone();
    let scan = scanner().scan(&site, move |stage| told.lock().unwrap().push(stage)).await.unwrap();
    assert_eq!(*stages.lock().unwrap(), Stage::ALL);
    assert_eq!((scan.url, scan.title.as_deref()), (format!("{site}/page"), Some("A page to be scanned")));
    let scan = scanner().scan(&site, |_| {}).await.unwrap();
    assert_eq!(seen(&scan, "seo.status"), "Status 200, redirects: 1.");
    assert_eq!(seen(&scan, "seo.links.broken"), format!("Broken: {site}/gone."));
    assert_eq!(seen(&scan, "seo.sitemap"), "The sitemap does not list this page.");
    assert_eq!(seen(&scan, "geo.llms_txt"), "There is an llms.txt.");
    assert_eq!(seen(&scan, "geo.crawlers.chatgpt"), "robots.txt keeps GPTBot away.");
    assert_eq!(seen(&scan, "seo.https"), "The page is served by HTTP.");
    assert!(seen(&scan, "seo.speed").starts_with("The answer began after "));
}

#[tokio::test]
async fn what_robots_txt_forbids_is_left_alone_and_pages_are_no_llms_txt() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let app = Router::new()
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /there\nDisallow: /sitemap.xml\n"))
        .fallback(get(async || Html(PAGE)))
        .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
            log.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
            std::future::ready(request)
        }));
    let scan = scan(&site(app).await).await.unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.contains(&"HEAD /gone".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|it| it.contains("/there") || it.contains("sitemap")), "{asked:?}");
    assert_eq!(seen(&scan, "geo.llms_txt"), "There is no llms.txt.");
}

#[tokio::test]
async fn a_page_is_looked_for_in_the_sitemaps_of_an_index() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    let sitemap = |urls: &str| format!("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>");
    let index = |names: &[String]| {
        let names: String = names.iter().map(|it| format!("<sitemap><loc>{site}{it}</loc></sitemap>")).collect();
        format!("<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{names}</sitemapindex>")
    };
    let robots = format!("Sitemap: {site}/index.xml\n");
    let two = index(&["/gone.xml".to_owned(), "/packed.xml.gz".to_owned()]);
    let many = index(&(0..50).map(|number| format!("/{number}.xml")).collect::<Vec<_>>());
    let packed = gzip(sitemap(&format!("<url><loc>{site}/listed</loc></url>")).as_bytes());
    let list = Arc::new(Mutex::new(two));
    let shown = list.clone();
    let app = Router::new()
        .route("/robots.txt", get(async move || robots.clone()))
        .route("/index.xml", get(async move || shown.lock().unwrap().clone()))
        .route("/packed.xml.gz", get(async move || packed.clone()))
        .route("/listed", get(async || Html(PAGE)))
        .route("/other", get(async || Html(PAGE)));
    tokio::spawn(axum::serve(listener, app).into_future());
    let said = async |page: &str| seen(&scan(&format!("{site}{page}")).await.unwrap(), "seo.sitemap").to_owned();
    assert_eq!(said("/listed").await, "The sitemap lists this page.");
    assert_eq!(said("/other").await, "The sitemap does not list this page.");
    *list.lock().unwrap() = many;
    assert_eq!(said("/listed").await, "There is a sitemap, too large to be looked through whole.");
    *list.lock().unwrap() = "<html>".to_owned();
    let broken = "The sitemap cannot be read: it begins with <html>, not with <urlset> or <sitemapindex>.";
    assert_eq!(said("/listed").await, broken);
}

#[tokio::test]
async fn pages_come_packed_and_in_any_encoding() {
    let deflated = {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(PAGE.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let packed = |encoding: &'static str, bytes: Vec<u8>| {
        get(async move |headers: HeaderMap| {
            assert!(headers[header::ACCEPT_ENCODING].to_str().unwrap().contains(encoding));
            ([(header::CONTENT_ENCODING, encoding), (header::CONTENT_TYPE, "text/html")], bytes.clone())
        })
    };
    let latin =
        || ([(header::CONTENT_TYPE, "text/html")], &b"<meta charset=iso-8859-1><title>Caf\xe9 am Platz</title>"[..]);
    let app = Router::new()
        .route("/gzip", packed("gzip", gzip(PAGE.as_bytes())))
        .route("/deflate", packed("deflate", deflated))
        .route("/latin", get(async move || latin()));
    let site = site(app).await;
    for encoding in ["gzip", "deflate"] {
        let scan = scan(&format!("{site}/{encoding}")).await.unwrap();
        assert_eq!(scan.title.as_deref(), Some("A page to be scanned"), "{encoding}");
        assert!(seen(&scan, "seo.weight").ends_with(&format!("is compressed by {encoding}.")));
    }
    assert_eq!(scan(&format!("{site}/latin")).await.unwrap().title.as_deref(), Some("Café am Platz"));
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    let endless = || {
        let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'a'; 64 * 1024])));
        ([(header::CONTENT_TYPE, "text/html")], Body::from_stream(chunks))
    };
    let bomb = gzip(&vec![b'a'; 200 * 1024 * 1024]);
    let app = Router::new()
        .route("/endless", get(async move || endless()))
        .route(
            "/bomb",
            get(async move || ([(header::CONTENT_ENCODING, "gzip"), (header::CONTENT_TYPE, "text/html")], bomb)),
        )
        .route("/robots.txt", get(async move || endless()))
        .route("/ok", get(async || Html(PAGE)));
    let site = site(app).await;
    for path in ["endless", "bomb"] {
        assert_eq!(scan(&format!("{site}/{path}")).await.unwrap_err(), FetchError::TooLarge, "{path}");
    }
    assert!(scan(&format!("{site}/ok")).await.is_ok(), "an endless robots.txt does not hold the page back");
}

#[tokio::test]
async fn a_page_that_drips_is_given_up() {
    let drip = async || {
        let drops = futures::stream::unfold((), async |()| {
            tokio::time::sleep(std::time::Duration::from_millis(900)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"a")), ()))
        });
        ([(header::CONTENT_TYPE, "text/html")], Body::from_stream(drops.boxed()))
    };
    let site = site(Router::new().route("/", get(drip))).await;
    assert_eq!(scan(&site).await.unwrap_err(), FetchError::TooSlow);
}

#[tokio::test]
async fn what_is_no_page_is_told_apart() {
    let app = Router::new()
        .route("/pdf", get(async || ([(header::CONTENT_TYPE, "application/pdf")], "%PDF")))
        .route(
            "/packed",
            get(async || ([(header::CONTENT_ENCODING, "zstd"), (header::CONTENT_TYPE, "text/html")], "x")),
        )
        .route("/gone", get(async || (StatusCode::NOT_FOUND, Html(PAGE)).into_response()));
    let site = site(app).await;
    assert_eq!(scan(&format!("{site}/pdf")).await.unwrap_err(), FetchError::NotHtml("application/pdf".to_owned()));
    let packed = scan(&format!("{site}/packed")).await.unwrap_err().to_string();
    assert!(packed.contains("zstd"), "{packed}");
    assert_eq!(seen(&scan(&format!("{site}/gone")).await.unwrap(), "seo.status"), "The page answers with status 404.");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = scan(&format!("http://{closed}/")).await.unwrap_err().to_string();
    assert!(refused.starts_with("The page could not be read: "), "{refused}");
}

async fn document(url: &str) -> Result<Document, DocumentError> {
    scanner().document(&url.parse().unwrap(), 1_000).await
}

#[tokio::test]
async fn a_document_comes_from_exactly_there_and_says_what_is_wrong() {
    let agent = async |headers: HeaderMap| headers[header::USER_AGENT].to_str().unwrap().to_owned();
    let app = Router::new()
        .route("/agent", get(agent))
        .route("/kept", get(async || ([(header::CACHE_CONTROL, "public, max-age=60")], "{}")))
        .route("/large", get(async || "x".repeat(1_001)))
        .route("/packed", get(async || ([(header::CONTENT_ENCODING, "zstd")], "x")))
        .route("/moved", get(async || Redirect::permanent("/kept")))
        .route("/broken", get(async || StatusCode::BAD_GATEWAY));
    let site = site(app).await;
    let kept = document(&format!("{site}/kept")).await.unwrap();
    assert_eq!((kept.bytes.as_slice(), kept.max_age), (&b"{}"[..], Some(60)));
    let agent = document(&format!("{site}/agent")).await.unwrap().bytes;
    let agent = String::from_utf8(agent).unwrap();
    assert!(agent.contains("HeyCMO/") && agent.contains("client metadata") && !agent.contains("page"), "{agent}");
    for (path, said) in [
        ("large", "it has more than 1000 bytes"),
        ("packed", "it is packed in a way that was not asked for, zstd"),
        ("moved", "it is answered with status 308"),
        ("gone", "it is answered with status 404"),
    ] {
        let refused = document(&format!("{site}/{path}")).await.unwrap_err();
        assert_eq!(refused, DocumentError::Refused(said.to_owned()));
    }
    // What may pass is told apart from what is wrong.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for away in [format!("{site}/broken"), format!("http://{closed}/")] {
        assert!(matches!(document(&away).await.unwrap_err(), DocumentError::Unreachable(_)), "{away}");
    }
    let inside = Scanner::new(Reach::default()).unwrap().document(&format!("{site}/kept").parse().unwrap(), 9).await;
    assert_eq!(inside.unwrap_err(), DocumentError::Refused("127.0.0.1 is not a public address".to_owned()));
}

/// Strangers say where documents are. However slow those are, none takes longer than one does, and no scan waits.
#[tokio::test]
async fn documents_that_never_come_hold_up_nobody() {
    let app = Router::new()
        .route("/never", get(async || std::future::pending::<()>().await))
        .route("/", get(async || Html(PAGE)));
    let site = site(app).await;
    let scanner = scanner();
    let never = format!("{site}/never").parse().unwrap();
    let mut documents = futures::future::join_all((0..20).map(|_| scanner.document(&never, 1_000)));
    tokio::select! {
        biased;
        documents = &mut documents => panic!("the scan has waited for them: {documents:?}"),
        scanned = scanner.scan(&site, |_| {}) => drop(scanned.unwrap()),
    }
    for document in documents.await {
        let late = DocumentError::Unreachable("it did not come within 5 seconds".to_owned());
        assert_eq!(document.unwrap_err(), late);
    }
}
