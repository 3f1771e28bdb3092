use entity::content::ContentKind::{Ad, BlogPost};
use entity::content::{Draft, Media, MediaType};
use marketing::validate_draft;

use crate::support::{body, images};

fn refused(draft: &Draft) -> Vec<String> {
    validate_draft(BlogPost, draft).into_iter().map(|problem| problem.field).collect()
}

#[test]
fn limits_are_inclusive_and_in_characters() {
    type Set = fn(&mut Draft, String);
    let fields: [(&str, usize, Set); 6] = [
        ("title", 300, |draft, text| draft.title = Some(text)),
        ("body", 40_000, |draft, text| draft.body = text),
        ("subject", 300, |draft, text| draft.subject = Some(text)),
        ("preheader", 500, |draft, text| draft.preheader = Some(text)),
        ("description", 500, |draft, text| draft.description = Some(text)),
        ("link", 2_048, |draft, text| draft.link = Some(text)),
    ];
    for (field, max, set) in fields {
        let mut draft = Draft::default();
        set(&mut draft, "語".repeat(max));
        assert_eq!(refused(&draft), Vec::<String>::new());
        set(&mut draft, "語".repeat(max + 1));
        assert_eq!(refused(&draft), [field]);
        set(&mut draft, "a\0b".into());
        assert_eq!(refused(&draft), [field]);
    }
}

#[test]
fn an_ad_has_room_for_all_its_headlines() {
    let ad = |length: usize| Draft { title: Some("a".repeat(length)), ..body("a") };
    assert_eq!(validate_draft(Ad, &ad(1_000)), []);
    assert_eq!(validate_draft(Ad, &ad(1_001))[0].to_string(), "title: 1,001 characters; at most 1,000 are accepted.");
}

#[test]
fn media_are_limited() {
    let with = |media| Draft { media, ..body("a") };
    assert_eq!(refused(&with(images(25))), Vec::<String>::new());
    assert_eq!(refused(&with(images(26))), ["media"]);
    let media = |url: usize, alt: usize| Media {
        url: "a".repeat(url),
        media_type: MediaType::Image,
        alt: Some("a".repeat(alt)),
    };
    assert_eq!(refused(&with(vec![media(2_048, 1_000)])), Vec::<String>::new());
    assert_eq!(refused(&with(vec![media(1, 1), media(2_049, 1_001)])), ["media[1].url", "media[1].alt"]);
}
