use entity::brands::Profile;
use entity::content::ContentKind::{BlogPost, FacebookPost};
use entity::content::{Draft, Findings, Media, MediaType, Severity};

use crate::support::{body, check, has, of, text_of};

const RULE: &str = "brand.forbidden_claim";

fn against(claims: &[&str], draft: &Draft) -> Findings {
    let brand =
        Profile { forbidden_claims: claims.iter().map(|claim| (*claim).to_owned()).collect(), ..Profile::default() };
    marketing::check(FacebookPost, draft, &brand)
}

#[test]
fn claims_are_found_however_they_are_written() {
    for (claim, text) in [
        ("guaranteed results", "We bring Guaranteed   RESULTS."),
        ("guaranteed results", "guaranteed\nresults"),
        ("guaranteed results", "**guaranteed** _results_"),
        ("guaranteed results", "guaran\u{ad}teed re\u{200b}sults"),
        ("risk-free", "It is risk free, really"),
        ("risk free", "It is risk‑free"),
        ("the world's best", "The World’s best tool"),
        ("#1", "We are #1 in Berlin"),
        ("100%", "100% safe"),
        ("größte", "Die GRÖSSTE Auswahl"),
        ("cafe\u{301}", "CAFÉ"),
        ("绝对安全", "这个产品绝对安全。"),
        ("보장", "결과가 보장됩니다"),
        ("ｇｕａｒａｎｔｅｅ", "guarantee"),
        ("лучший", "Самый ЛУЧШИЙ"),
    ] {
        assert!(has(&against(&[claim], &body(text)), RULE, Severity::Blocking), "{claim} in {text}");
    }
}

#[test]
fn parts_of_words_are_no_claims() {
    for (claim, text) in [
        ("cure", "secure and cured"),
        ("#1", "1 of 100"),
        ("100%", "100 customers"),
        ("guaranteed results", "results guaranteed"),
        ("!!!", "Wow!!!"),
        ("", "anything"),
        ("  ", "anything"),
    ] {
        assert_eq!(of(&against(&[claim], &body(text)), RULE), [], "{claim} in {text}");
    }
}

#[test]
fn every_text_field_is_searched_and_named() {
    let draft = Draft {
        title: Some("Cheapest".into()),
        body: "Cheapest".into(),
        subject: Some("cheapest".into()),
        preheader: Some("cheapest".into()),
        description: Some("cheapest".into()),
        media: vec![Media {
            url: "https://example.com/a.jpg".into(),
            media_type: MediaType::Image,
            alt: Some("the cheapest desk".into()),
        }],
        ..Draft::default()
    };
    let places = "body, title, subject, preheader, description, media[0].alt";
    assert_eq!(
        of(&against(&["cheapest", "Cheapest!"], &draft), RULE),
        [(
            format!("The brand forbids “cheapest”, which stands in: {places}."),
            "Say it in other words, or leave it out.".to_owned()
        )]
    );
}

#[test]
fn hard_english_is_pointed_out_and_other_languages_are_left_alone() {
    let hard = "Notwithstanding considerable organizational heterogeneity, multidimensional attribution methodologies \
                necessitate comprehensive reconsideration of institutional communication architectures, particularly \
                whenever interdepartmental accountability considerations overwhelmingly predominate. ";
    let easy = "We make a small tool for shops. It shows what you sold last week. You see the best days and the slow \
                ones. Then you can plan your stock. It takes two minutes to set up. You need no training. ";
    let german = "Unbeschadet der erheblichen organisatorischen Unterschiede erfordern mehrdimensionale \
                  Zuordnungsverfahren eine umfassende Neubetrachtung der innerbetrieblichen Kommunikationsarchitektur. ";
    let rule = "text.reading_level";
    for (text, found) in
        [(hard.repeat(5), true), (easy.repeat(5), false), (german.repeat(10), false), (text_of(50), false)]
    {
        assert_eq!(has(&check(BlogPost, &body(text.clone())), rule, Severity::Note), found, "{text}");
    }
    assert_eq!(of(&check(FacebookPost, &body(hard)), rule), [], "too short to measure");
}
