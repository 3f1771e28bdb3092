//! Pages as they are found, from `tests/corpus`: their scores are known, and none of them does harm.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use marketing::scanner::{Facts, Group, Page, Scan, decode, geo_score, markdown, seo_score};

fn corpus() -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = |path: &PathBuf| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    files.iter().map(named).collect()
}

fn page(name: &str, bytes: &[u8]) -> Page {
    let (html, _) = decode(bytes, None);
    Page::read(Facts::only(format!("https://corpus.example/{name}").parse().unwrap()), &html)
}

#[test]
fn scores_stay_what_they_are() {
    let pages = corpus();
    assert!(pages.len() >= 40, "{}", pages.len());
    let mut table = String::new();
    for (name, bytes) in pages {
        let page = page(&name, &bytes);
        let scan = Scan::of(&page, chrono::DateTime::UNIX_EPOCH);
        let engines = scan.engines;
        let all = scan.seo.findings.iter().chain(&scan.geo.findings);
        let urgent: Vec<&str> = all.filter(|it| it.group == Group::Urgent).map(|it| it.id.as_str()).collect();
        writeln!(
            table,
            "{name}: SEO {} {}, GEO {} {} ({} {} {} {}), {} words\n    {}",
            scan.seo.score,
            scan.seo.grade,
            scan.geo.score,
            scan.geo.grade,
            engines.chatgpt,
            engines.perplexity,
            engines.gemini,
            engines.google_ai,
            scan.words,
            urgent.join(" ")
        )
        .unwrap();
        assert_eq!(
            (seo_score(&page), geo_score(&page)),
            (scan.seo, scan.geo),
            "{name}: the same page, the same scores"
        );
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_a_page_says_is_shown_as_text() {
    let html = "<title></script><script>alert(1)</script> | [x](javascript:y) `z`</title>\
                <h1><b>\"&lt;img src=x onerror=alert(1)&gt;</b></h1><h2>Why &lt;/script&gt;?</h2><p>Because </script> ends it, as everybody knows who has tried it once or twice before.</p>";
    let page = super::page_at("https://example.com/<script>?\"><svg onload=x>", html);
    let report = markdown(&Scan::of(&page, chrono::DateTime::UNIX_EPOCH));
    let (text, fixes) = report.split_once("## Ready to copy").unwrap();
    assert!(
        !text.contains("<script")
            && !text.contains("<img")
            && !text.contains("<svg")
            && !text.replace("\\]", "").contains("](javascript"),
        "{text}"
    );
    for fix in fixes.split("````html").skip(1).map(|fix| fix.split("````").next().unwrap()) {
        assert!(!fix.contains("<img") && !fix.contains("<svg"), "{fix}");
        assert_eq!(fix.matches("</script>").count(), fix.matches("<script type").count(), "{fix}");
    }
}

/// Shapes that make naive readers slow or deep.
#[test]
fn pages_made_to_do_harm_are_read() {
    let shapes = [
        "<div>".repeat(100_000),
        "<b><i>".repeat(20_000),
        "<ul><li>a ".repeat(20_000),
        "<p>".repeat(100_000),
        "<a href=/x>".repeat(20_000),
        "<table><tr><td>".repeat(5_000),
        "&amp".repeat(100_000),
        "<".repeat(200_000),
        "<h1>".repeat(20_000),
        format!("<script type='application/ld+json'>{}</script>", "[".repeat(100_000)),
        format!("<script type='application/ld+json'>[{}1]</script>", "{\"@type\":\"A\"},".repeat(20_000)),
        format!("<title>{}</title>", "x".repeat(1_000_000)),
        format!("<p>{}</p>", "\u{202e}\u{0301}".repeat(50_000)),
        format!("<!--{}", "-".repeat(200_000)),
    ];
    for html in shapes {
        let scan = Scan::of(&super::page_at("https://example.com/", &html), chrono::DateTime::UNIX_EPOCH);
        assert!(markdown(&scan).len() < 40_000, "{}", &html[..20]);
    }
}
