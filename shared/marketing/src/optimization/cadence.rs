//! How often to publish on a channel.

use chrono::Duration;
use entity::content::Channel;
use entity::proposals::{Category, Confidence, Evidence as Facts, Fact, NewProposal, Part};
use serde_json::json;

use super::contrast::{self, Contrast, Group, clearly_better, count, numbers, of_channel};
use super::{Advice, Evidence, Needed, Week};
use crate::guide::{CHANNELS, guide};
use crate::statistics::median;
use crate::text::counted;

/// Whole weeks that are looked at.
pub const WEEKS: u64 = 8;
/// Weeks with a plan that are needed before the cadence is judged.
const MIN_WEEKS: usize = 4;
/// A cadence is kept where so much of what was planned went out.
const KEPT: f64 = 0.8;
/// What counts as recent when a channel is held against its own history.
const RECENT: Duration = Duration::weeks(6);
/// Nobody is asked for more than two pieces a day.
const MOST: i64 = 14;

pub fn propose(evidence: &Evidence, advice: &mut Advice) {
    let cadence = &evidence.brand.profile.cadence;
    let mut is_judged = false;
    for channel in CHANNELS {
        let wanted = cadence.iter().find(|cadence| cadence.channel == channel).map(|cadence| cadence.per_week);
        let Some(per_week) = wanted.filter(|per_week| *per_week > 0) else { continue };
        let mut weeks: Vec<&Week> =
            evidence.weeks.iter().filter(|week| week.channel == channel && week.planned > 0).collect();
        weeks.sort_by_key(|week| week.monday);
        is_judged |= weeks.len() >= MIN_WEEKS;
        let proposal = less_than_planned(evidence, channel, per_week, &weeks)
            .or_else(|| by_results(evidence, channel, per_week, &weeks));
        advice.proposals.extend(proposal);
    }
    if !is_judged {
        let what = format!("To judge a cadence, {MIN_WEEKS} whole weeks with planned pieces are needed.");
        advice.needed.push(Needed { category: Category::ChannelStrategy, what });
    }
}

/// What went out in the newest weeks, one after the other, in which the cadence was not kept.
fn less_than_planned(evidence: &Evidence, channel: Channel, per_week: i64, weeks: &[&Week]) -> Option<NewProposal> {
    let is_short =
        |week: &&&Week| week.published < week.planned && i64::try_from(week.published).is_ok_and(|out| out < per_week);
    let short: Vec<&Week> = weeks.iter().rev().take_while(is_short).copied().collect();
    let (planned, published) = sums(&short);
    // Where nothing goes out at all, the pace is not what is wrong.
    if short.len() < MIN_WEEKS || published == 0 || count(published) > KEPT * count(planned) {
        return None;
    }
    let each: Vec<f64> = short.iter().map(|week| count(week.published)).collect();
    let middle = median(&each)?;
    // Not fewer than half at a time.
    let least = per_week - per_week / 2;
    let realistic = (least..per_week).find(|pace| i32::try_from(*pace).is_ok_and(|pace| f64::from(pace) >= middle))?;
    let name = guide(channel).name;
    let confidence = match short.len() {
        ..=5 => Confidence::Low,
        6..=7 => Confidence::Medium,
        _ => Confidence::High,
    };
    let fact = Fact {
        text: format!("In the last {} on {name}, {published} of {planned} planned pieces went out", weeks_of(&short)),
        source: "the calendar and what was published".to_owned(),
        ids: Vec::new(),
        numbers: numbers(&[
            ("weeks", count(short.len())),
            ("planned", count(planned)),
            ("published", count(published)),
            ("medianAWeek", middle),
        ]),
    };
    Some(change(
        evidence,
        channel,
        (per_week, realistic),
        format!("Plan what is kept up on {name}: {realistic} a week instead of {per_week}"),
        format!(
            "What is planned then goes out: in the middle it was {middle} a week, so {} fewer are planned and missed.",
            per_week - realistic
        ),
        confidence,
        vec![fact],
    ))
}

/// One more or one less a week, as the posts of the last weeks did against those before them.
fn by_results(evidence: &Evidence, channel: Channel, per_week: i64, weeks: &[&Week]) -> Option<NewProposal> {
    let name = guide(channel).name;
    let since = evidence.now - RECENT;
    let posts = of_channel(&evidence.posts, channel);
    let recent = Group::of(
        format!("posts on {name} of the last six weeks"),
        posts.clone().filter(|post| post.published_at >= since),
    );
    let before = Group::of(format!("posts on {name} before"), posts.filter(|post| post.published_at < since));
    if let Some(contrast) = clearly_better(&recent, &before, 2) {
        let last: Vec<&Week> = weeks.iter().rev().take(MIN_WEEKS).copied().collect();
        let (planned, published) = sums(&last);
        let is_kept = last.len() == MIN_WEEKS && count(published) >= KEPT * count(planned);
        let more = (is_kept && per_week < MOST).then_some(per_week + 1)?;
        return Some(by_contrast(evidence, channel, (per_week, more), [&recent, &before], &contrast));
    }
    let contrast = clearly_better(&before, &recent, 2)?;
    let less = (per_week > 1).then_some(per_week - 1)?;
    Some(by_contrast(evidence, channel, (per_week, less), [&before, &recent], &contrast))
}

fn by_contrast(
    evidence: &Evidence,
    channel: Channel,
    (from, to): (i64, i64),
    [better, worse]: [&Group<'_>; 2],
    contrast: &Contrast,
) -> NewProposal {
    let name = guide(channel).name;
    let middles = format!("{} of the {}, {} of the {}", better.middle(), better.name, worse.middle(), worse.name);
    let (title, effect) = if to > from {
        (
            format!("{name} does better than before: {to} a week instead of {from}"),
            format!("One more piece a week where pieces do better now. In the middle: {middles}."),
        )
    } else {
        (
            format!("{name} does worse than before: {to} a week instead of {from}"),
            format!("One piece a week is free for what does better. In the middle: {middles}."),
        )
    };
    let facts = contrast::facts(better, worse, contrast);
    change(evidence, channel, (from, to), title, effect, contrast.confidence, facts)
}

fn change(
    evidence: &Evidence,
    channel: Channel,
    (_, to): (i64, i64),
    title: String,
    expected_effect: String,
    confidence: Confidence,
    facts: Vec<Fact>,
) -> NewProposal {
    let part = Part::Cadence(channel);
    NewProposal {
        title,
        current: part.read(&evidence.brand.profile),
        part,
        proposed: json!(to),
        evidence: Facts(facts),
        expected_effect,
        confidence,
    }
}

fn sums(weeks: &[&Week]) -> (usize, usize) {
    (weeks.iter().map(|week| week.planned).sum(), weeks.iter().map(|week| week.published).sum())
}

fn weeks_of(weeks: &[&Week]) -> String {
    counted(weeks.len(), "week", "weeks")
}
