//! What assistants and people read, as Markdown.

use std::fmt::Write;

use entity::brands::{Brand, PostingTime};
use entity::content::{Content, ContentStatus, Decision, DecisionRecord, Draft, Findings, Revision, Severity};

use crate::when::{display, in_list};

/// The brand profile. Unknown parts are left out: the open questions name them.
pub fn brand(brand: &Brand) -> String {
    let profile = &brand.profile;
    let mut text = format!("# {}\n\n", brand.name.as_deref().unwrap_or("The brand (no name yet)"));
    let mut line = |label: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = writeln!(text, "- **{label}**: {value}");
        }
    };
    line("Website", profile.website.as_deref());
    line("Time zone", Some(brand.time_zone.name()));
    line("Offering", profile.offering.as_deref());
    line("Audience", profile.audience.as_deref());
    line("Voice", Some(&profile.voice.adjectives.join(", ")));
    line("Do", Some(&profile.voice.dos.join("; ")));
    line("Do not", Some(&profile.voice.donts.join("; ")));
    let pillars: Vec<String> = profile
        .pillars
        .iter()
        .map(|pillar| {
            let description =
                pillar.description.as_deref().map(|description| format!(": {description}")).unwrap_or_default();
            format!("{} (weight {}{description})", pillar.name, pillar.weight)
        })
        .collect();
    line("Pillars", Some(&pillars.join("; ")));
    let competitors: Vec<String> = profile
        .competitors
        .iter()
        .map(|competitor| {
            competitor
                .url
                .as_deref()
                .map_or_else(|| competitor.name.clone(), |url| format!("{} ({url})", competitor.name))
        })
        .collect();
    line("Competitors", Some(&competitors.join("; ")));
    line("Goals", Some(&profile.goals.join("; ")));
    line("Never say", Some(&profile.forbidden_claims.join("; ")));
    let cadence: Vec<String> = profile
        .cadence
        .iter()
        .map(|entry| format!("{} {} a week", marketing::guide(entry.channel).name, entry.per_week))
        .collect();
    line("Cadence", Some(&cadence.join("; ")));
    let formats: Vec<String> = profile
        .format_weights
        .iter()
        .map(|format| format!("{} {}", marketing::kind_label(format.kind), format.weight))
        .collect();
    line("Shares of kinds", Some(&formats.join("; ")));
    let time = |time: &PostingTime| {
        let day = marketing::calendar::weekday(time.day.weekday());
        format!("{} {day} {}", marketing::guide(time.channel).name, time.time)
    };
    let times: Vec<String> = profile.posting_times.iter().map(time).collect();
    line("Times to publish", Some(&times.join("; ")));
    let quiet = profile.quiet_hours.as_ref().map(|hours| format!("{} to {}", hours.from, hours.to));
    line("Quiet hours", quiet.as_deref());
    line("Country of holidays", profile.country.as_deref());
    text
}

/// A piece in one line of a list, which says the zone of its times.
pub fn line(content: &Content, brand: &Brand) -> String {
    let time = content.scheduled_at.map(|at| format!(" · {}", in_list(at, brand.time_zone))).unwrap_or_default();
    format!(
        "- {} · {} · {}{time} · {}",
        content.id,
        marketing::kind_label(content.kind),
        status(content.status),
        content.label
    )
}

/// A piece whole.
pub fn piece(content: &Content, shown: &Revision, decisions: &[DecisionRecord], brand: &Brand) -> String {
    let mut text = format!("# {}\n\n", content.label);
    let _ = writeln!(
        text,
        "{} · {} · {} · revision {} of {}",
        content.id,
        marketing::kind_label(content.kind),
        status(content.status),
        shown.number,
        content.revision
    );
    if let Some(at) = content.scheduled_at {
        let _ = writeln!(text, "Scheduled for {}", display(at, brand.time_zone));
    }
    if let Some(pillar) = &content.pillar {
        let _ = writeln!(text, "Pillar: {pillar}");
    }
    if let Some(brief) = &content.brief {
        let _ = writeln!(text, "Brief: {brief}");
    }
    if let Some(note) = &shown.note {
        let _ = writeln!(text, "Note: {note}");
    }
    let _ = writeln!(text, "\n{}", draft(&shown.draft));
    text.push_str(&findings(&shown.findings));
    for record in decisions {
        let reason = record.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "- {} {} revision {} on {}{reason}",
            record.decided_by,
            decision(record.decision),
            record.revision,
            display(record.created_at, brand.time_zone)
        );
    }
    text
}

/// The words of a draft, between fences that it does not hold itself, so that they cannot be taken for ours.
pub fn draft(draft: &Draft) -> String {
    let longest = draft.body.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    let mut text = format!("{fence}\n");
    for (label, value) in [
        ("Title", &draft.title),
        ("Subject", &draft.subject),
        ("Preview text", &draft.preheader),
        ("Meta description", &draft.description),
        ("Link", &draft.link),
    ] {
        if let Some(value) = value {
            let _ = writeln!(text, "{label}: {value}");
        }
    }
    for media in &draft.media {
        let _ = writeln!(text, "Media: {} ({})", media.url, media.alt.as_deref().unwrap_or("no alternative text"));
    }
    let _ = writeln!(text, "\n{}\n{fence}", draft.body);
    text
}

/// Findings as a list; one sentence when there are none.
pub fn findings(findings: &Findings) -> String {
    if findings.0.is_empty() {
        return "The rules found nothing to mend.\n".to_owned();
    }
    let mut text = String::from("Findings:\n");
    for finding in &findings.0 {
        let severity = match finding.severity {
            Severity::Blocking => "blocking",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(text, "- {severity} `{}`: {} {}", finding.rule, finding.message, finding.fix);
    }
    text
}

const fn status(status: ContentStatus) -> &'static str {
    match status {
        ContentStatus::Planned => "to be written",
        ContentStatus::Draft => "draft, breaks a rule",
        ContentStatus::InReview => "waits for a decision",
        ContentStatus::ChangesRequested => "a change is wanted",
        ContentStatus::Approved => "approved",
        ContentStatus::Rejected => "rejected",
        ContentStatus::Published => "published",
    }
}

const fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Rejected => "rejected",
        Decision::Revised => "asked for a change to",
    }
}
