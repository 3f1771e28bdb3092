//! The rules of each channel, and the check that applies them.

pub(crate) mod ads;
pub(crate) mod common;
pub(crate) mod email;
pub(crate) mod facebook;
pub(crate) mod instagram;
pub(crate) mod linkedin;
pub(crate) mod web;
pub(crate) mod x;

use entity::content::{ContentKind, Draft, Finding};

use crate::rule::Rule;

/// The rules of the channel for one kind.
pub(crate) fn rules(kind: ContentKind) -> &'static [&'static Rule] {
    match kind {
        ContentKind::BlogPost => web::BLOG_RULES,
        ContentKind::LandingPage => web::LANDING_RULES,
        ContentKind::LinkedinPost => linkedin::RULES,
        ContentKind::XPost => x::POST_RULES,
        ContentKind::XThread => x::THREAD_RULES,
        ContentKind::InstagramPost => instagram::RULES,
        ContentKind::FacebookPost => facebook::RULES,
        ContentKind::Newsletter | ContentKind::Email => email::RULES,
        ContentKind::Ad => ads::RULES,
    }
}

/// Applies them.
pub(crate) fn check(kind: ContentKind, draft: &Draft, found: &mut Vec<Finding>) {
    match kind {
        ContentKind::BlogPost => web::check_blog(draft, found),
        ContentKind::LandingPage => web::check_landing(draft, found),
        ContentKind::LinkedinPost => linkedin::check(draft, found),
        ContentKind::XPost => x::check_post(draft, found),
        ContentKind::XThread => x::check_thread(draft, found),
        ContentKind::InstagramPost => instagram::check(draft, found),
        ContentKind::FacebookPost => facebook::check(draft, found),
        ContentKind::Newsletter | ContentKind::Email => email::check(draft, found),
        ContentKind::Ad => ads::check(draft, found),
    }
}

/// Whether the body is Markdown; the other kinds are plain text.
pub(crate) fn is_markdown(kind: ContentKind) -> bool {
    matches!(kind, ContentKind::BlogPost | ContentKind::LandingPage | ContentKind::Newsletter | ContentKind::Email)
}
