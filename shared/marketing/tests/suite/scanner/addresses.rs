//! Whoever asks for a scan reaches nothing but what anybody reaches.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::Redirect;
use axum::routing::get;
use axum::{Router, response::Html};
use futures::FutureExt;
use futures::future::BoxFuture;
use marketing::scanner::{FetchError, Lookup, Reach, Scanner};
use tokio::net::TcpListener;

/// Answers of a name server, the last one again and again.
struct Names {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Names {
    fn new(answers: &[&[&'static str]]) -> Arc<Self> {
        Arc::new(Self { answers: answers.iter().map(|list| list.to_vec()).collect(), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Names {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.get(asked).or(self.answers.last()).unwrap();
        let answer: Vec<IpAddr> = answer.iter().map(|address| address.parse().unwrap()).collect();
        async { Ok(answer) }.boxed()
    }
}

/// A server that nobody may reach, and how often somebody did.
async fn forbidden(address: &str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = reached.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, reached)
}

async fn refused(scanner: &Scanner, url: &str) -> FetchError {
    match scanner.scan(url, |_| {}).await {
        Ok(_) => panic!("{url} was scanned"),
        Err(error) => error,
    }
}

const HOSTILE: &[&str] = &[
    // This machine, in every spelling.
    "http://127.0.0.1:PORT/",
    "http://127.0.0.2:PORT/",
    "http://127.255.255.254:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://017700000001:PORT/",
    "http://0x7f.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://0.0.0.1:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://127。0。0。1:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://app.localhost:PORT/",
    "http://ｌｏｃａｌｈｏｓｔ:PORT/",
    "http://loc%61lhost:PORT/",
    "localhost:PORT/",
    "https://127.0.0.1:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::]:PORT/",
    // IPv4 inside of IPv6.
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://[64:ff9b:1::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[2001:0:7f00:1::]:PORT/",
    "http://[::ffff:169.254.169.254]/",
    // Networks of one's own.
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.168.0.1/",
    "http://192.168.1.254/",
    "http://100.64.0.1/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    // Metadata of clouds.
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    // What is for something else.
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.7/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
    "http://printer.local/",
    "http://nas.lan/",
    "http://intranet/",
    "http://db.internal/",
    "http://router.home.arpa/",
    "http://expyuzz4wqqyqhjn.onion/",
    // Not the web at all.
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:PORT/_x",
    "dict://127.0.0.1:PORT/",
    "ldap://127.0.0.1/",
    "data:text/html,x://",
    "javascript:alert(1)//://",
    "http://",
    "http://user:secret@127.0.0.1:PORT/",
    "http://93.184.216.34@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@example.com/",
    "http://127.0.0.1:PORT\\@example.com/",
    "http://example.com:80:PORT/",
    "http://a b/",
    "",
];

#[tokio::test]
async fn hostile_addresses_lead_nowhere() {
    assert!(HOSTILE.len() >= 60);
    let (port, reached) = forbidden("127.0.0.1").await;
    // Even if a name got through, it would be found to be this machine.
    let scanner = Scanner::with_lookup(Reach::default(), Names::new(&[&["127.0.0.1"]])).unwrap();
    for url in HOSTILE {
        let url = url.replace("PORT", &port.to_string());
        let error = refused(&scanner, &url).await;
        assert!(matches!(error, FetchError::NotPublic(_) | FetchError::Address(_)), "{url}: {error:?}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn names_that_lead_inside_are_refused_also_when_they_do_so_only_sometimes() {
    let (port, reached) = forbidden("127.0.0.1").await;
    let url = format!("http://rebinding.example:{port}/");
    for answers in [
        &[&["127.0.0.1"][..]][..],
        &[&["93.184.216.34", "127.0.0.1"]],
        &[&["::1"]],
        &[&["::ffff:127.0.0.1"]],
        &[&["169.254.169.254"]],
    ] {
        let scanner = Scanner::with_lookup(Reach::default(), Names::new(answers)).unwrap();
        assert_eq!(refused(&scanner, &url).await, FetchError::NotPublic("rebinding.example".to_owned()), "{answers:?}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

/// A site on an address that the scanner may reach, beside one that it may not.
async fn allowed(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    format!("http://{address}")
}

#[tokio::test]
async fn a_name_that_means_something_else_a_moment_later_is_looked_at_again() {
    let (port, reached) = forbidden("127.0.0.1").await;
    let page = "<title>A page with a link</title><a href=/other>Other</a>";
    let site = allowed(Router::new().fallback(get(async move || Html(page)))).await;
    let url: url::Url = site.parse().unwrap();
    // The page is where it may be; from the second question on the name is this machine.
    let reach = Reach::also(&["127.0.0.2/32".parse().unwrap()]);
    let names = Names::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let scanner = Scanner::with_lookup(reach.clone(), names.clone()).unwrap();
    let scan = scanner.scan(&format!("http://rebinding.example:{}/", url.port().unwrap()), |_| {}).await.unwrap();
    assert!(names.asked.load(Ordering::SeqCst) > 1, "each request asks");
    assert_eq!(scan.title.as_deref(), Some("A page with a link"));
    assert!(scan.seo.findings.iter().all(|it| it.id != "seo.sitemap" && it.id != "seo.links.broken"), "{scan:?}");
    // Where it is the other way round, there is no page.
    let scanner = Scanner::with_lookup(reach, Names::new(&[&["127.0.0.1"], &["127.0.0.2"]])).unwrap();
    refused(&scanner, &format!("http://rebinding.example:{port}/")).await;
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_and_links_lead_nowhere_either() {
    let (port, reached) = forbidden("127.0.0.1").await;
    let inside = format!("http://127.0.0.1:{port}/");
    let (to, link) = (inside.clone(), format!("<title>Links inside</title><a href={inside}>In</a><a href=/ok>Ok</a>"));
    let app = Router::new()
        .route("/redirect", get(async move || Redirect::temporary(&to)))
        .route("/round", get(async || Redirect::temporary("/round")))
        .route("/file", get(async || Redirect::temporary("file:///etc/passwd")))
        .route("/links", get(async move || Html(link)))
        .route("/ok", get(async || "ok"));
    let site = allowed(app).await;
    let scanner = Scanner::new(Reach::also(&["127.0.0.2/32".parse().unwrap()])).unwrap();
    assert_eq!(refused(&scanner, &format!("{site}/redirect")).await, FetchError::NotPublic("127.0.0.1".to_owned()));
    assert_eq!(refused(&scanner, &format!("{site}/round")).await, FetchError::TooManyRedirects);
    assert!(matches!(refused(&scanner, &format!("{site}/file")).await, FetchError::Address(_)));
    let scan = scanner.scan(&format!("{site}/links"), |_| {}).await.unwrap();
    let tried = scan.seo.findings.iter().find(|it| it.id == "seo.links.broken").unwrap();
    assert_eq!(tried.seen, "All of 1 tried links lead somewhere.");
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}
