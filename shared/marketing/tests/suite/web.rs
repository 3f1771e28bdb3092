use entity::content::ContentKind::{BlogPost, LandingPage};
use entity::content::{Draft, Severity};

use crate::support::{body, boundary, check, has, of, text_of};

fn title(length: usize) -> Draft {
    Draft { title: Some("é".repeat(length)), ..body("Text") }
}

fn description(length: usize) -> Draft {
    Draft { description: Some("語".repeat(length)), ..body("Text") }
}

#[test]
fn pages_have_a_title_and_a_description() {
    for kind in [BlogPost, LandingPage] {
        boundary(kind, "web.title", Severity::Blocking, &title(20), &body("Text"));
        boundary(kind, "web.title_length", Severity::Warning, &title(10), &title(9));
        boundary(kind, "web.title_length", Severity::Warning, &title(60), &title(61));
        boundary(kind, "web.description", Severity::Warning, &description(1), &body("Text"));
        boundary(kind, "web.description", Severity::Warning, &description(160), &description(161));
        boundary(kind, "web.heading_levels", Severity::Note, &body("## Part\n\nText"), &body("# Part\n\nText"));
    }
}

#[test]
fn articles_have_substance() {
    let short = body(text_of(299));
    boundary(BlogPost, "blog.length", Severity::Warning, &body(text_of(300)), &short);
    assert_eq!(
        of(&check(BlogPost, &short), "blog.length")[0].1,
        "Add at least 1 word of substance: an example, a number, a step."
    );
    boundary(BlogPost, "blog.headings", Severity::Note, &body(text_of(600)), &body(text_of(601)));
    let parted = body(format!("## Part\n\n{}", text_of(700)));
    boundary(BlogPost, "blog.headings", Severity::Note, &parted, &body(text_of(700)));
    boundary(BlogPost, "blog.links", Severity::Note, &body("See [how](https://example.com)."), &body("See how."));
}

#[test]
fn markup_does_not_count_as_words() {
    let linked = body(format!("{} [word](https://example.com/a/b/c/d)", text_of(298)));
    assert!(has(&check(BlogPost, &linked), "blog.length", Severity::Warning));
}

#[test]
fn pictures_in_the_text_need_alt_text() {
    boundary(
        BlogPost,
        "media.alt",
        Severity::Warning,
        &body("Text ![A desk](https://example.com/a.jpg)"),
        &body("Text ![](https://example.com/a.jpg)"),
    );
}

#[test]
fn landing_pages_call_to_action() {
    let rule = "landing.call_to_action";
    boundary(LandingPage, rule, Severity::Warning, &body("[Start](https://example.com)"), &body("Start"));
    let linked = Draft { link: Some("https://example.com".into()), ..body("Start") };
    boundary(LandingPage, rule, Severity::Warning, &linked, &body("[Start]()"));
}
