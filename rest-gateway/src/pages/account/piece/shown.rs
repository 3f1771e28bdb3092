//! A piece and what belongs to it, as templates take them.

use chrono_tz::Tz;
use entity::content::{ContentStatus, DecisionRecord, Draft, Finding, Piece, Revision, Severity};
use entity::db::now;
use entity::publications::{Publication, PublicationStatus};
use minijinja::{Value, context};
use platforms::facts;
use web::timestamp;

use crate::pages::{compare, words};

/// A piece as pages show it.
pub fn piece(piece: &Piece, zone: Tz) -> Value {
    let Piece { content, current } = piece;
    let is_decidable = matches!(
        content.status,
        ContentStatus::InReview | ContentStatus::ChangesRequested | ContentStatus::Approved | ContentStatus::Rejected
    );
    context! {
        id => content.id.as_str(),
        kind => words::kind(content.kind),
        label => content.label.as_str(),
        status => words::content_status(content.status),
        mark => words::mark(content.status),
        revision => content.revision,
        pillar => content.pillar.clone(),
        brief => content.brief.clone(),
        is_decidable,
        is_draft => content.status == ContentStatus::Draft,
        is_planned => content.status == ContentStatus::Planned,
        is_approved => content.status == ContentStatus::Approved,
        is_rejected => content.status == ContentStatus::Rejected,
        is_published => content.status == ContentStatus::Published,
        due => content.scheduled_at.map(|at| words::time(at, zone)),
        due_timestamp => content.scheduled_at.map(timestamp),
        due_input => content.scheduled_at.map(|at| at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()),
        is_overdue => content.scheduled_at.is_some_and(|at| at < now()) && content.status != ContentStatus::Published,
        draft => draft(&current.draft),
        findings => current.findings.0.iter().map(finding).collect::<Vec<Value>>(),
    }
}

fn draft(draft: &Draft) -> Value {
    let media = draft.media.iter().map(|media| context! { url => media.url.as_str(), alt => media.alt.clone() });
    context! {
        title => draft.title.clone(),
        subject => draft.subject.clone(),
        preheader => draft.preheader.clone(),
        description => draft.description.clone(),
        link => draft.link.clone(),
        body => draft.body.as_str(),
        media => media.collect::<Vec<Value>>(),
    }
}

fn finding(finding: &Finding) -> Value {
    let (severity, mark) = match finding.severity {
        Severity::Blocking => ("In the way", "bad"),
        Severity::Warning => ("Better changed", "warn"),
        Severity::Note => ("Worth knowing", "off"),
    };
    context! {
        severity,
        mark,
        message => finding.message.as_str(),
        fix => finding.fix.as_str(),
        source => finding.source.clone(),
    }
}

/// A version.
pub fn revision(revision: &Revision, zone: Tz) -> Value {
    context! {
        number => revision.number,
        note => revision.note.clone(),
        at => words::time(revision.created_at, zone),
        timestamp => timestamp(revision.created_at),
    }
}

/// What was decided, by whom.
pub fn decision(record: &DecisionRecord, zone: Tz) -> Value {
    context! {
        who => record.decided_by.as_str(),
        what => words::decision(record.decision),
        reason => record.reason.clone(),
        revision => record.revision,
        at => words::time(record.created_at, zone),
        timestamp => timestamp(record.created_at),
    }
}

/// How a piece stands on a platform.
pub fn publication(publication: &Publication, zone: Tz) -> Value {
    let status = match publication.status {
        PublicationStatus::Publishing => "publishing",
        PublicationStatus::Published => "published",
        PublicationStatus::Failed => "failed",
        PublicationStatus::Unknown => "unknown",
    };
    context! {
        platform => facts(publication.platform).name,
        status,
        url => publication.url.clone(),
        error => publication.error.clone(),
        at => publication.published_at.map(|at| words::time(at, zone)),
        timestamp => publication.published_at.map(timestamp),
    }
}

/// Each field that either version has, the older one at the left.
pub fn comparison(older: &Revision, current: &Revision) -> Value {
    let fields = |draft: &Draft| {
        let media: Vec<&str> = draft.media.iter().map(|media| media.url.as_str()).collect();
        [
            ("Title", draft.title.clone().unwrap_or_default()),
            ("Subject", draft.subject.clone().unwrap_or_default()),
            ("Preview", draft.preheader.clone().unwrap_or_default()),
            ("Text", draft.body.clone()),
            ("Meta description", draft.description.clone().unwrap_or_default()),
            ("Leads to", draft.link.clone().unwrap_or_default()),
            ("With", media.join("\n")),
        ]
    };
    let pairs = fields(&older.draft).into_iter().zip(fields(&current.draft));
    let fields: Vec<Value> = pairs
        .filter(|((_, old), (_, new))| !(old.is_empty() && new.is_empty()))
        .map(|((name, old), (_, new))| {
            let (before, after) = compare::sides(&old, &new);
            context! { name, before, after, is_same => old == new }
        })
        .collect();
    context! { older => older.number, current => current.number, fields }
}
