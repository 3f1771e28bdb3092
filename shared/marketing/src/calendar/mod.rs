//! The calendar: when to publish what in the coming weeks. Planning is pure: the same input gives the same plan.

mod desk;
pub mod holidays;
mod local;
mod times;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use entity::brands::{Brand, Profile, QuietHours, time_of_day};
use entity::content::{Channel, ContentKind};
use serde::{Deserialize, Serialize};

use crate::guide::{CHANNELS, guide, kind_label};
use holidays::Holidays;
use times::Times;

pub use desk::{Range, commit, next_week, propose, unwritten};
pub use local::{instant, latest, monday};
pub(crate) use times::{BLOCK_HOURS, block};
pub use times::{Basis, ENOUGH_POSTS, PostResult};

/// Nobody writes anything good in less.
const LEAD: Duration = Duration::hours(1);
/// A second piece of a channel on a day is worth this much less, so that pieces spread over the week.
const SAME_DAY: f64 = 6.0;
/// A day on which other channels have something already.
const BUSY_DAY: f64 = 0.2;
/// How far back pieces count for the shares of pillars and kinds.
pub const MEMORY: Duration = Duration::days(28);
/// When nothing is published, unless the brand says otherwise.
const QUIET: (NaiveTime, NaiveTime) = match (NaiveTime::from_hms_opt(21, 0, 0), NaiveTime::from_hms_opt(7, 0, 0)) {
    (Some(from), Some(to)) => (from, to),
    _ => (NaiveTime::MIN, NaiveTime::MIN),
};

/// A piece that has its time already.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// What it is.
    pub kind: ContentKind,
    /// Its time.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub pillar: Option<String>,
}

/// What to plan with.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The brand: its zone, cadence, pillars, times.
    pub brand: &'a Brand,
    /// The first day.
    pub from: NaiveDate,
    /// The weeks from the one of the first day on, each until its Sunday.
    pub weeks: u8,
    /// Nothing is planned for what is over.
    pub now: DateTime<Utc>,
    /// What has its time already: of the weeks that are planned, and of [`MEMORY`] before.
    pub taken: &'a [Taken],
    /// How the customer's own posts did.
    pub results: &'a [PostResult],
}

/// A time for a piece that is to be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// The moment.
    pub at: DateTime<Utc>,
    /// What to write.
    pub kind: ContentKind,
    /// The theme that it serves, where the brand has any.
    pub pillar: Option<String>,
    /// What the time rests on.
    pub basis: Basis,
    /// Why then, in words.
    pub why: String,
    /// Where a study can be read.
    pub source: Option<String>,
}

/// A proposal for some weeks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order of their times.
    pub slots: Vec<Slot>,
    /// What the cadence asks for and could not be planned, and the days that were left out.
    pub notes: Vec<String>,
}

/// The slots that are missing until the cadence is met.
#[must_use]
pub fn plan(situation: &Situation<'_>) -> Plan {
    let profile = &situation.brand.profile;
    let mut planning = Planning::begin(situation);
    let first = monday(situation.from);
    for week in (0..u64::from(situation.weeks)).map(|week| first + Days::new(7 * week)) {
        // In a fixed order, so that the order of the cadence does not matter.
        for channel in CHANNELS {
            let wanted = profile.cadence.iter().find(|cadence| cadence.channel == channel);
            let wanted = wanted.and_then(|cadence| usize::try_from(cadence.per_week).ok()).unwrap_or_default();
            planning.fill(channel, week, wanted);
        }
    }
    planning.finish()
}

/// A plan that is being made.
struct Planning<'a> {
    situation: &'a Situation<'a>,
    zone: Tz,
    holidays: Holidays,
    quiet: (NaiveTime, NaiveTime),
    times: BTreeMap<Channel, Times<'a>>,
    /// What is taken, with what was planned so far.
    taken: Vec<(Channel, DateTime<Utc>)>,
    open: Vec<OpenSlot>,
    notes: Vec<String>,
}

/// A slot whose kind and theme are still open.
struct OpenSlot {
    channel: Channel,
    at: DateTime<Utc>,
    merit: times::Merit,
}

impl<'a> Planning<'a> {
    fn begin(situation: &'a Situation<'a>) -> Self {
        let Brand { time_zone: zone, profile, .. } = situation.brand;
        let country = profile.country.as_deref().or_else(|| holidays::country_of(*zone));
        let of = |channel| (channel, Times::of(channel, &profile.posting_times, situation.results, *zone));
        Self {
            situation,
            zone: *zone,
            holidays: country.map(Holidays::of).unwrap_or_default(),
            quiet: quiet(profile.quiet_hours.as_ref()),
            times: CHANNELS.into_iter().map(of).collect(),
            taken: situation.taken.iter().map(|taken| (taken.kind.channel(), taken.at)).collect(),
            open: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Plans a week of a channel until it has as many pieces as are wanted.
    fn fill(&mut self, channel: Channel, week: NaiveDate, wanted: usize) {
        let there = self.taken.iter().filter(|(other, at)| *other == channel && self.is_in(*at, week)).count();
        for planned in there..wanted {
            let Some(slot) = self.best(channel, week) else {
                let name = guide(channel).name;
                self.notes.push(format!(
                    "{name}, week of {week}: {planned} of {wanted} pieces have a time; no more fit with the distance \
                     between pieces, quiet hours, public holidays and what is over."
                ));
                return;
            };
            self.taken.push((channel, slot.at));
            self.open.push(slot);
        }
    }

    fn is_in(&self, at: DateTime<Utc>, week: NaiveDate) -> bool {
        monday(at.with_timezone(&self.zone).date_naive()) == week
    }

    /// The best free time of a week; of equally good ones the first.
    fn best(&self, channel: Channel, week: NaiveDate) -> Option<OpenSlot> {
        let mut best: Option<(f64, OpenSlot)> = None;
        for day in week.iter_days().take(7) {
            if day < self.situation.from || self.holidays.name(day).is_some() {
                continue;
            }
            let crowd = self.crowd(channel, day);
            let times = self.times.get(&channel)?;
            for time in times.of_day(day.weekday()) {
                let at = instant(self.zone, day.and_time(time));
                if is_within(self.quiet, time) || !self.is_free(channel, at) {
                    continue;
                }
                let merit = times.merit(day.weekday(), time);
                let score = merit.score - crowd;
                if best.as_ref().is_none_or(|(other, _)| score > *other) {
                    best = Some((score, OpenSlot { channel, at, merit }));
                }
            }
        }
        best.map(|(_, slot)| slot)
    }

    /// How much less a day is worth because of what it has already.
    fn crowd(&self, channel: Channel, day: NaiveDate) -> f64 {
        let on_day = self.taken.iter().filter(|(_, at)| at.with_timezone(&self.zone).date_naive() == day);
        on_day.map(|(other, _)| if *other == channel { SAME_DAY } else { BUSY_DAY }).sum()
    }

    fn is_free(&self, channel: Channel, at: DateTime<Utc>) -> bool {
        let spacing = guide(channel).min_spacing.unwrap_or(Duration::minutes(1));
        let is_near = |(other, taken): &(Channel, DateTime<Utc>)| *other == channel && (*taken - at).abs() < spacing;
        at >= self.situation.now + LEAD && !self.taken.iter().any(is_near)
    }

    /// Gives the slots their kinds and themes, in the order of their times.
    fn finish(mut self) -> Plan {
        self.note_holidays();
        self.open.sort_by_key(|slot| (slot.at, slot.channel));
        let Profile { pillars, format_weights, .. } = &self.situation.brand.profile;
        let recent = self.situation.taken.iter();
        let recent = recent.filter(|taken| taken.at >= self.situation.now - MEMORY);
        let mut themes = Shares::new(pillars.iter().map(|pillar| (pillar.name.clone(), pillar.weight)));
        recent.clone().filter_map(|taken| taken.pillar.as_ref()).for_each(|pillar| themes.count(pillar));
        let mut kinds: HashMap<Channel, Shares<ContentKind>> = HashMap::new();
        let mut slots = Vec::new();
        for OpenSlot { channel, at, merit } in self.open {
            let kinds = kinds.entry(channel).or_insert_with(|| {
                let weight = |kind: ContentKind| {
                    format_weights
                        .iter()
                        .find(|format| format.kind == kind)
                        .map_or(usual_weight(kind), |format| format.weight)
                };
                let mut shares = Shares::new(guide(channel).kinds.iter().map(|kind| (*kind, weight(*kind))));
                recent.clone().for_each(|taken| shares.count(&taken.kind));
                shares
            });
            let Some(kind) = kinds.next().or_else(|| guide(channel).kinds.first().copied()) else { continue };
            let pillar = themes.next();
            let times::Merit { basis, why, source, .. } = merit;
            slots.push(Slot { at, kind, pillar, basis, why, source: source.map(str::to_owned) });
        }
        Plan { slots, notes: self.notes }
    }

    fn note_holidays(&mut self) {
        let Situation { from, weeks, .. } = *self.situation;
        let end = monday(from) + Days::new(7 * u64::from(weeks));
        if let Some(year) = self.holidays.last_year().filter(|year| end.year() > *year) {
            self.notes.push(format!("Public holidays after {year} are not known, and not left free."));
        }
        let days = (end - from).num_days();
        for day in from.iter_days().take(usize::try_from(days).unwrap_or_default()) {
            if let Some(name) = self.holidays.name(day) {
                self.notes.push(format!("{} {day} is left free: {name}.", weekday(day.weekday())));
            }
        }
    }
}

/// The share of a kind of which the brand says nothing: a thread takes longer to write than a post.
pub(crate) const fn usual_weight(kind: ContentKind) -> i64 {
    match kind {
        ContentKind::XPost => 3,
        _ => 1,
    }
}

/// From when until when nothing is published.
pub(crate) fn quiet(hours: Option<&QuietHours>) -> (NaiveTime, NaiveTime) {
    let set = hours.and_then(|hours| Some((time_of_day(&hours.from)?, time_of_day(&hours.to)?)));
    set.unwrap_or(QUIET)
}

/// Whether a time of day is in a span, which may go over midnight.
pub(crate) fn is_within((from, to): (NaiveTime, NaiveTime), time: NaiveTime) -> bool {
    if from <= to { from <= time && time < to } else { from <= time || time < to }
}

/// Things that take turns by their weights: next is the one that is furthest behind its share.
struct Shares<T> {
    entries: Vec<(T, i64, i64)>,
}

impl<T: Clone + Eq + Hash> Shares<T> {
    fn new(weights: impl Iterator<Item = (T, i64)>) -> Self {
        let mut seen = HashSet::new();
        let weights = weights.filter(|(thing, weight)| *weight > 0 && seen.insert(thing.clone()));
        Self { entries: weights.map(|(thing, weight)| (thing, weight, 0)).collect() }
    }

    /// One of these is there already.
    fn count(&mut self, thing: &T) {
        if let Some((_, _, used)) = self.entries.iter_mut().find(|(other, _, _)| other == thing) {
            *used += 1;
        }
    }

    fn next(&mut self) -> Option<T> {
        let weights: i64 = self.entries.iter().map(|(_, weight, _)| weight).sum();
        let used: i64 = self.entries.iter().map(|(_, _, used)| used).sum();
        // How far behind, times the sum of the weights: whole numbers compare alike everywhere.
        let behind = |(_, weight, count): &(T, i64, i64)| weight * (used + 1) - count * weights;
        let most = self.entries.iter().map(behind).max()?;
        let (thing, _, count) =
            self.entries.iter_mut().find(|(_, weight, count)| weight * (used + 1) - *count * weights == most)?;
        *count += 1;
        Some(thing.clone())
    }
}

/// The brief of a slot: what is known before anybody has written a word.
#[must_use]
pub fn brief(slot: &Slot, brand: &Brand) -> String {
    let mut brief = kind_label(slot.kind).to_owned();
    let pillar = slot.pillar.as_ref();
    let pillar = pillar.and_then(|name| brand.profile.pillars.iter().find(|pillar| pillar.name == *name));
    if let Some(pillar) = pillar {
        brief.push_str(&format!(" on “{}”", pillar.name));
        if let Some(description) = &pillar.description {
            brief.push_str(&format!(": {description}"));
        }
    }
    brief
}

/// A weekday's name.
#[must_use]
pub const fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}
