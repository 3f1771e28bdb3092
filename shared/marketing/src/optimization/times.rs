//! Times of the week at which a channel's own posts did better.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveTime, Weekday};
use entity::brands::{Day, PostingTime};
use entity::content::Channel;
use entity::proposals::{Category, Evidence as Facts, NewProposal, Part};
use serde_json::json;

use super::contrast::{self, Contrast, Group, MIN_POSTS, clearly_better, of_channel};
use super::{Advice, Evidence, Needed, OwnPost};
use crate::calendar::{BLOCK_HOURS, ENOUGH_POSTS, block, is_within, quiet, weekday};
use crate::guide::{CHANNELS, guide};

/// Day and place in it.
type Block = (u32, u32);

pub fn propose(evidence: &Evidence, advice: &mut Advice) {
    for channel in CHANNELS {
        let posts: Vec<&OwnPost> = of_channel(&evidence.posts, channel).collect();
        // A channel without any numbers may be one that gives none.
        if posts.is_empty() {
            continue;
        }
        if let Some(missing) = ENOUGH_POSTS.checked_sub(posts.len()).filter(|missing| *missing > 0) {
            let what =
                format!("To compare times on {}, {missing} more posts with numbers are needed.", guide(channel).name);
            advice.needed.push(Needed { category: Category::PostingTimes, what });
            continue;
        }
        advice.proposals.extend(propose_for(evidence, channel, &posts));
    }
}

fn propose_for(evidence: &Evidence, channel: Channel, posts: &[&OwnPost]) -> Option<NewProposal> {
    let set: Vec<&PostingTime> =
        evidence.brand.profile.posting_times.iter().filter(|time| time.channel == channel).collect();
    let set_blocks: Vec<Block> = set.iter().filter_map(|time| block_of(time)).collect();
    let blocks = by_block(evidence, posts);
    let candidates: Vec<(Block, NaiveTime)> = blocks
        .iter()
        .filter(|(place, posts)| posts.len() >= MIN_POSTS && !set_blocks.contains(place))
        .filter_map(|(place, _)| Some((*place, time_in(evidence, *place)?)))
        .collect();
    let in_block = |place: Block| blocks.get(&place).into_iter().flatten().copied();
    let name = guide(channel).name;
    let group = |place: Block| Group::of(format!("posts on {name} on {}", in_words(place)), in_block(place));
    // The best one, tested as one of all that were looked at.
    let (place, time) = candidates
        .iter()
        .copied()
        .max_by(|(a, _), (b, _)| group(*a).median().total_cmp(&group(*b).median()).then(b.cmp(a)))?;
    let better = group(place);
    let (rest, contrast) = against_the_rest(&blocks, place, &set_blocks, &better, candidates.len(), name)?;

    let new = PostingTime { channel, day: Day::of(weekday_of(place.0)), time: time.format("%H:%M").to_string() };
    let proposed = with(&set, new, &blocks, per_week(evidence, channel));
    let part = Part::PostingTimes(channel);
    let effect = (rest.median() > 0.0).then(|| better.median() / rest.median());
    let effect = effect.map(|times| format!(", {times:.1} times as much")).unwrap_or_default();
    Some(NewProposal {
        title: format!("Post on {name} on {} at {}", weekday(weekday_of(place.0)), time.format("%H:%M")),
        current: part.read(&evidence.brand.profile),
        part,
        proposed: json!(proposed),
        expected_effect: format!(
            "If it goes on so, a post then does as the {} did: in the middle {}, against {} of the {}{effect}.",
            better.name,
            better.middle(),
            rest.middle(),
            rest.name
        ),
        confidence: contrast.confidence,
        evidence: Facts(contrast::facts(&better, &rest, &contrast)),
    })
}

/// The block against those of the present times where enough went out then, else against all others.
fn against_the_rest<'a>(
    blocks: &BTreeMap<Block, Vec<&'a OwnPost>>,
    place: Block,
    set: &[Block],
    better: &Group<'_>,
    tries: usize,
    name: &str,
) -> Option<(Group<'a>, Contrast)> {
    let of = |what: &str, is: &dyn Fn(&Block) -> bool| {
        let posts = blocks.iter().filter(|(other, _)| is(other)).flat_map(|(_, posts)| posts.iter().copied());
        Group::of(format!("posts on {name} {what}"), posts)
    };
    let present = of("at the present times", &|other| set.contains(other));
    let rest = if present.is_enough() { present } else { of("at all other times", &|other| *other != place) };
    let contrast = clearly_better(better, &rest, tries)?;
    Some((rest, contrast))
}

/// The present times with a new one. Where there are as many as pieces a week, the one that did worst makes room.
fn with(
    set: &[&PostingTime],
    new: PostingTime,
    blocks: &BTreeMap<Block, Vec<&OwnPost>>,
    per_week: usize,
) -> Vec<PostingTime> {
    let mut times: Vec<PostingTime> = set.iter().map(|time| (*time).clone()).collect();
    if !times.is_empty() && times.len() >= per_week {
        let result = |time: &PostingTime| {
            let posts = block_of(time).and_then(|place| blocks.get(&place)).filter(|posts| posts.len() >= MIN_POSTS);
            posts.map(|posts| Group::of("", posts.iter().copied()).median())
        };
        // A time without results goes only when all others have none either.
        let worst = times
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| result(a).unwrap_or(f64::MAX).total_cmp(&result(b).unwrap_or(f64::MAX)));
        if let Some(index) = worst.map(|(index, _)| index) {
            times.remove(index);
        }
    }
    times.push(new);
    times
}

fn per_week(evidence: &Evidence, channel: Channel) -> usize {
    let cadence = evidence.brand.profile.cadence.iter().find(|cadence| cadence.channel == channel);
    cadence.and_then(|cadence| usize::try_from(cadence.per_week).ok()).unwrap_or_default()
}

fn by_block<'a>(evidence: &Evidence, posts: &[&'a OwnPost]) -> BTreeMap<Block, Vec<&'a OwnPost>> {
    let mut blocks: BTreeMap<Block, Vec<&OwnPost>> = BTreeMap::new();
    for post in posts {
        let local = post.published_at.with_timezone(&evidence.brand.time_zone);
        blocks.entry(block(local.weekday(), local.time())).or_default().push(post);
    }
    blocks
}

fn block_of(time: &PostingTime) -> Option<Block> {
    Some(block(time.day.weekday(), time.time()?))
}

/// A full hour of the block outside of the quiet hours, from its middle on.
fn time_in(evidence: &Evidence, (_, part): Block) -> Option<NaiveTime> {
    let quiet = quiet(evidence.brand.profile.quiet_hours.as_ref());
    let hours = (0..BLOCK_HOURS).map(|hour| part * BLOCK_HOURS + (hour + 1) % BLOCK_HOURS);
    hours.filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).find(|time| !is_within(quiet, *time))
}

/// "Tuesday from 09:00 to 12:00".
fn in_words((day, part): Block) -> String {
    let from = part * BLOCK_HOURS;
    format!("{} from {from:02}:00 to {:02}:00", weekday(weekday_of(day)), from + BLOCK_HOURS)
}

fn weekday_of(day: u32) -> Weekday {
    (0..day).fold(Weekday::Mon, |weekday, _| weekday.succ())
}
