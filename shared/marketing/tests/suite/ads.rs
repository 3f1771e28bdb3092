use entity::content::ContentKind::Ad;
use entity::content::{Draft, Severity};

use crate::support::{boundary, check, of};

/// An ad whose lines are all different.
fn ad(headlines: usize, descriptions: usize) -> Draft {
    let lines = |name: &str, count: usize| (0..count).map(|n| format!("{name} {n}")).collect::<Vec<_>>().join("\n");
    Draft {
        title: Some(lines("Headline", headlines)),
        body: lines("Description", descriptions),
        link: Some("https://example.com".into()),
        ..Draft::default()
    }
}

fn headline(text: &str) -> Draft {
    Draft { title: Some(format!("One\nTwo\n{text}")), ..ad(3, 2) }
}

fn description(text: &str) -> Draft {
    Draft { body: format!("One\n{text}"), ..ad(3, 2) }
}

#[test]
fn a_good_ad_has_no_findings() {
    assert_eq!(check(Ad, &ad(3, 2)).0, []);
}

#[test]
fn lines_are_counted() {
    boundary(Ad, "ads.headline_count", Severity::Blocking, &ad(3, 2), &ad(2, 2));
    boundary(Ad, "ads.headline_count", Severity::Blocking, &ad(15, 2), &ad(16, 2));
    boundary(Ad, "ads.description_count", Severity::Blocking, &ad(3, 2), &ad(3, 1));
    boundary(Ad, "ads.description_count", Severity::Blocking, &ad(3, 4), &ad(3, 5));
    let blank_lines = Draft { title: Some("One\n\n  \nTwo\r\nThree\n".into()), ..ad(3, 2) };
    boundary(Ad, "ads.headline_count", Severity::Blocking, &blank_lines, &Draft { title: None, ..ad(3, 2) });
}

#[test]
fn wide_characters_count_two() {
    for (rule, with, most) in
        [("ads.headline_length", headline as fn(&str) -> Draft, 30), ("ads.description_length", description, 90)]
    {
        for unit in ["a", "é", "e\u{301}", "ｱ"] {
            let longest = unit.repeat(most);
            boundary(Ad, rule, Severity::Blocking, &with(&longest), &with(&format!("{longest}a")));
        }
        let wide = "広".repeat(most / 2);
        boundary(Ad, rule, Severity::Blocking, &with(&wide), &with(&format!("{wide}a")));
    }
    assert_eq!(
        of(&check(Ad, &headline(&"a".repeat(32))), "ads.headline_length"),
        [("Headline 3 has 32 of 30 characters.".into(), "Headline 3: Cut at least 2 characters.".into())]
    );
}

#[test]
fn the_policy_is_kept() {
    boundary(Ad, "ads.link", Severity::Blocking, &ad(3, 2), &Draft { link: None, ..ad(3, 2) });
    boundary(Ad, "ads.punctuation", Severity::Blocking, &description("Really? Wait..."), &description("Really??"));
    boundary(Ad, "ads.emoji", Severity::Blocking, &headline("Acme© 24/7 #1"), &headline("Fast 🚀"));
    boundary(Ad, "ads.headline_exclamation", Severity::Warning, &description("Start now!"), &headline("Start!"));
    boundary(Ad, "ads.capitals", Severity::Warning, &headline("SEO and PDF"), &headline("FREE trial"));
    boundary(Ad, "ads.duplicates", Severity::Warning, &headline("Three"), &headline("two"));
}
