//! Limits of a brand profile.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use entity::brands::{Cadence, Competitor, FormatWeight, Pillar, PostingTime, Profile, QuietHours, time_of_day};

use crate::calendar::holidays;
use crate::claims::is_searchable;
use crate::problem::{Problem, check_count, check_text, is_web_url, require_none};

/// Characters of a text field.
const MAX_TEXT: usize = 2_000;
/// Entries of a list.
const MAX_ENTRIES: usize = 20;
/// Characters of an entry or a name.
const MAX_ENTRY: usize = 300;
/// Shares of a pillar.
const WEIGHTS: RangeInclusive<i64> = 1..=100;
/// Pieces a week.
const PER_WEEK: RangeInclusive<i64> = 0..=50;
/// Shares of a kind of content.
const FORMAT_WEIGHTS: RangeInclusive<i64> = 0..=100;
/// Times of the week over all channels.
const MAX_TIMES: usize = 100;

/// What keeps a profile from being saved, in the order of the fields; none when it can be saved. Lengths are in
/// characters (Unicode scalar values).
#[must_use]
pub fn validate(profile: &Profile) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_url("website", profile.website.as_deref(), &mut problems);
    check_text("offering", profile.offering.as_deref().unwrap_or_default(), MAX_TEXT, &mut problems);
    check_text("audience", profile.audience.as_deref().unwrap_or_default(), MAX_TEXT, &mut problems);
    check_list("voice.adjectives", &profile.voice.adjectives, &mut problems);
    check_list("voice.do", &profile.voice.dos, &mut problems);
    check_list("voice.dont", &profile.voice.donts, &mut problems);
    check_pillars(&profile.pillars, &mut problems);
    check_competitors(&profile.competitors, &mut problems);
    check_list("goals", &profile.goals, &mut problems);
    check_claims(&profile.forbidden_claims, &mut problems);
    check_cadence(&profile.cadence, &mut problems);
    check_formats(&profile.format_weights, &mut problems);
    check_times(&profile.posting_times, &mut problems);
    check_quiet_hours(profile.quiet_hours.as_ref(), &mut problems);
    check_country(profile.country.as_deref(), &mut problems);
    problems
}

/// The same as an error.
///
/// # Errors
///
/// When the profile cannot be saved: what is wrong with each field.
pub fn require_valid(profile: &Profile) -> entity::Result<()> {
    require_none(validate(profile))
}

fn check_url(field: &str, url: Option<&str>, problems: &mut Vec<Problem>) {
    let Some(url) = url else { return };
    if is_web_url(url) {
        check_text(field, url, MAX_TEXT, problems);
    } else {
        problems.push(Problem::new(field, "It is not a web address; give the whole one, such as https://example.com."));
    }
}

fn check_list(field: &str, list: &[String], problems: &mut Vec<Problem>) {
    check_count(field, list.len(), MAX_ENTRIES, problems);
    for (index, entry) in list.iter().enumerate().take(MAX_ENTRIES) {
        check_name(&format!("{field}[{index}]"), entry, problems);
    }
}

fn check_name(field: &str, name: &str, problems: &mut Vec<Problem>) {
    if name.trim().is_empty() {
        problems.push(Problem::new(field, "It is empty; write something or remove it."));
    }
    check_text(field, name, MAX_ENTRY, problems);
}

fn check_pillars(pillars: &[Pillar], problems: &mut Vec<Problem>) {
    check_count("pillars", pillars.len(), MAX_ENTRIES, problems);
    let mut names = HashSet::new();
    for (index, pillar) in pillars.iter().enumerate().take(MAX_ENTRIES) {
        let name = format!("pillars[{index}].name");
        check_name(&name, &pillar.name, problems);
        if !names.insert(caseless::default_case_fold_str(pillar.name.trim())) {
            problems.push(Problem::new(name, "Another pillar has this name; each name is used once."));
        }
        check_range(&format!("pillars[{index}].weight"), pillar.weight, &WEIGHTS, problems);
        let description = pillar.description.as_deref().unwrap_or_default();
        check_text(&format!("pillars[{index}].description"), description, MAX_TEXT, problems);
    }
}

fn check_competitors(competitors: &[Competitor], problems: &mut Vec<Problem>) {
    check_count("competitors", competitors.len(), MAX_ENTRIES, problems);
    for (index, competitor) in competitors.iter().enumerate().take(MAX_ENTRIES) {
        check_name(&format!("competitors[{index}].name"), &competitor.name, problems);
        check_url(&format!("competitors[{index}].url"), competitor.url.as_deref(), problems);
    }
}

fn check_claims(claims: &[String], problems: &mut Vec<Problem>) {
    check_list("forbiddenClaims", claims, problems);
    for (index, claim) in claims.iter().enumerate().take(MAX_ENTRIES) {
        if !claim.trim().is_empty() && !is_searchable(claim) {
            problems.push(Problem::new(
                format!("forbiddenClaims[{index}]"),
                "It has no word that could be found in a text.",
            ));
        }
    }
}

fn check_cadence(cadence: &[Cadence], problems: &mut Vec<Problem>) {
    check_count("cadence", cadence.len(), MAX_ENTRIES, problems);
    let mut channels = HashSet::new();
    for (index, entry) in cadence.iter().enumerate().take(MAX_ENTRIES) {
        if !channels.insert(entry.channel) {
            problems.push(Problem::new(
                format!("cadence[{index}].channel"),
                "The channel stands there twice; each channel has one entry.",
            ));
        }
        check_range(&format!("cadence[{index}].perWeek"), entry.per_week, &PER_WEEK, problems);
    }
}

fn check_formats(formats: &[FormatWeight], problems: &mut Vec<Problem>) {
    check_count("formatWeights", formats.len(), MAX_ENTRIES, problems);
    let mut kinds = HashSet::new();
    for (index, format) in formats.iter().enumerate().take(MAX_ENTRIES) {
        if !kinds.insert(format.kind) {
            let field = format!("formatWeights[{index}].kind");
            problems.push(Problem::new(field, "The kind stands there twice; each kind has one entry."));
        }
        check_range(&format!("formatWeights[{index}].weight"), format.weight, &FORMAT_WEIGHTS, problems);
    }
}

fn check_times(times: &[PostingTime], problems: &mut Vec<Problem>) {
    check_count("postingTimes", times.len(), MAX_TIMES, problems);
    for (index, time) in times.iter().enumerate().take(MAX_TIMES) {
        check_time(&format!("postingTimes[{index}].time"), &time.time, problems);
    }
}

fn check_quiet_hours(hours: Option<&QuietHours>, problems: &mut Vec<Problem>) {
    let Some(QuietHours { from, to }) = hours else { return };
    check_time("quietHours.from", from, problems);
    check_time("quietHours.to", to, problems);
}

fn check_time(field: &str, time: &str, problems: &mut Vec<Problem>) {
    if time_of_day(time).is_none() {
        problems.push(Problem::new(field, "It is not a time of day; write it like 09:30."));
    }
}

fn check_country(country: Option<&str>, problems: &mut Vec<Problem>) {
    if country.is_some_and(|country| !holidays::is_known(country)) {
        problems.push(Problem::new(
            "country",
            "Its public holidays are not known; give the two letters of ISO 3166, such as DE or US.",
        ));
    }
}

fn check_range(field: &str, value: i64, accepted: &RangeInclusive<i64>, problems: &mut Vec<Problem>) {
    if !accepted.contains(&value) {
        problems
            .push(Problem::new(field, format!("{value} is outside of {} to {}.", accepted.start(), accepted.end())));
    }
}
