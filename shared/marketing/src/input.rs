//! Limits of what is saved at all, before any rule looks at it.

use entity::content::{ContentKind, Draft};

use crate::problem::{Problem, check_count, check_text};

/// Characters of the body.
const MAX_BODY: usize = 40_000;
/// Characters of the title.
const MAX_TITLE: usize = 300;
/// Characters of all the headlines of an ad.
const MAX_AD_TITLE: usize = 1_000;
/// Characters of the subject.
const MAX_SUBJECT: usize = 300;
/// Characters of the preheader, and of the description.
const MAX_SUMMARY: usize = 500;
/// Characters of a link or a media address.
const MAX_URL: usize = 2_048;
/// Pictures and videos.
const MAX_MEDIA: usize = 25;
/// Characters of an alt text.
const MAX_ALT: usize = 1_000;

/// What keeps a draft from being saved: fields that are too long or cannot be stored, in their order; none when it can
/// be saved. Lengths are in characters (Unicode scalar values).
#[must_use]
pub fn validate_draft(kind: ContentKind, draft: &Draft) -> Vec<Problem> {
    let mut problems = Vec::new();
    let max_title = if kind == ContentKind::Ad { MAX_AD_TITLE } else { MAX_TITLE };
    for (field, text, max) in [
        ("title", draft.title.as_deref(), max_title),
        ("body", Some(draft.body.as_str()), MAX_BODY),
        ("subject", draft.subject.as_deref(), MAX_SUBJECT),
        ("preheader", draft.preheader.as_deref(), MAX_SUMMARY),
        ("description", draft.description.as_deref(), MAX_SUMMARY),
        ("link", draft.link.as_deref(), MAX_URL),
    ] {
        check_text(field, text.unwrap_or_default(), max, &mut problems);
    }
    check_count("media", draft.media.len(), MAX_MEDIA, &mut problems);
    for (index, media) in draft.media.iter().enumerate().take(MAX_MEDIA) {
        check_text(&format!("media[{index}].url"), &media.url, MAX_URL, &mut problems);
        check_text(&format!("media[{index}].alt"), media.alt.as_deref().unwrap_or_default(), MAX_ALT, &mut problems);
    }
    problems
}
