//! The calendar.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what is missing fails the test")]

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use entity::brands::{Brand, Cadence, Day, FormatWeight, Pillar, PostingTime, Profile, QuietHours};
use entity::content::{Channel, ContentKind};
use marketing::calendar::{Basis, ENOUGH_POSTS, Plan, PostResult, Situation, Taken, instant, latest, monday, plan};

/// Zones whose clocks change on other days, by other amounts, at other hours, or in the other half of the year.
const ZONES: [Tz; 5] = [
    chrono_tz::Europe::Berlin,
    chrono_tz::America::New_York,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::America::Santiago,
    chrono_tz::Africa::Casablanca,
];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn pillar(name: &str, weight: i64) -> Pillar {
    Pillar { name: name.to_owned(), weight, description: None }
}

fn cadence(channel: Channel, per_week: i64) -> Cadence {
    Cadence { channel, per_week }
}

fn brand(time_zone: Tz) -> Brand {
    let profile = Profile {
        pillars: vec![pillar("Craft", 3), pillar("Customers", 1)],
        cadence: vec![cadence(Channel::Linkedin, 3), cadence(Channel::X, 5), cadence(Channel::Newsletter, 1)],
        ..Profile::default()
    };
    Brand { name: None, time_zone, profile, updated_at: at("2026-01-01T00:00:00Z") }
}

fn planned(brand: &Brand, from: &str, weeks: u8, taken: &[Taken], results: &[PostResult]) -> Plan {
    // So long before that nothing of it is over.
    let from = day(from);
    let now = instant(brand.time_zone, (from - Days::new(2)).and_time(NaiveTime::MIN));
    plan(&Situation { brand, from, weeks, now, taken, results })
}

fn taken(plan: &Plan) -> Vec<Taken> {
    plan.slots.iter().map(|slot| Taken { kind: slot.kind, at: slot.at, pillar: slot.pillar.clone() }).collect()
}

fn times(plan: &Plan, kind: ContentKind, zone: Tz) -> Vec<String> {
    let slots = plan.slots.iter().filter(|slot| slot.kind == kind);
    slots.map(|slot| slot.at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M").to_string()).collect()
}

#[test]
fn a_week_meets_the_cadence_at_the_best_times() {
    let brand = brand(chrono_tz::Europe::Berlin);
    let plan = planned(&brand, "2026-06-08", 1, &[], &[]);
    assert_eq!(plan.notes, Vec::<String>::new());
    assert_eq!(plan.slots.len(), 9);
    assert!(plan.slots.is_sorted_by_key(|slot| slot.at));
    assert_eq!(
        times(&plan, ContentKind::LinkedinPost, brand.time_zone),
        ["Tue 2026-06-09 09:00", "Wed 2026-06-10 09:00", "Thu 2026-06-11 09:00"]
    );
    assert_eq!(times(&plan, ContentKind::Newsletter, brand.time_zone).len(), 1);
    for slot in &plan.slots {
        assert!(slot.basis != Basis::Study || slot.source.is_some(), "{slot:?}");
    }
    let craft = plan.slots.iter().filter(|slot| slot.pillar.as_deref() == Some("Craft")).count();
    assert_eq!((craft, plan.slots.len() - craft), (7, 2), "three to one, of nine");
}

#[test]
fn the_same_input_gives_the_same_plan_and_a_plan_leaves_nothing_to_plan() {
    for zone in ZONES {
        let brand = brand(zone);
        let first = planned(&brand, "2026-03-23", 4, &[], &[]);
        assert_eq!(planned(&brand, "2026-03-23", 4, &[], &[]), first);
        let again = planned(&brand, "2026-03-23", 4, &taken(&first), &[]);
        assert_eq!(again.slots, [], "{zone}");
        // The order in which somebody named the channels changes nothing.
        let mut reversed = brand.clone();
        reversed.profile.cadence.reverse();
        assert_eq!(planned(&reversed, "2026-03-23", 4, &[], &[]), first);
    }
}

#[test]
fn weeks_planned_one_by_one_or_at_once_never_hold_two_pieces_at_a_time() {
    let brand = brand(chrono_tz::America::New_York);
    let mut all: Vec<Taken> = Vec::new();
    for week in ["2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09"] {
        let plan = planned(&brand, week, 2, &all, &[]);
        all.extend(taken(&plan));
    }
    for (index, piece) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            let is_near = (piece.at - other.at).abs() < Duration::hours(1);
            assert!(piece.kind.channel() != other.kind.channel() || !is_near, "{piece:?} {other:?}");
        }
    }
    // Five weeks of nine pieces: what two plans share is planned once.
    assert_eq!(all.len(), 5 * 9);
}

#[test]
fn local_times_are_kept_over_every_change_of_the_clocks() {
    for zone in ZONES {
        let mut brand = brand(zone);
        // Any holiday would only move pieces; the clocks are what is looked at.
        brand.profile.country = Some("XX".to_owned());
        let mut monday = day("2026-01-05");
        let mut taken_so_far: Vec<Taken> = Vec::new();
        while monday < day("2027-01-04") {
            let plan = planned(&brand, &monday.to_string(), 1, &taken_so_far, &[]);
            assert_eq!(plan.slots.len(), 9, "{zone}, week of {monday}: {:?}", plan.notes);
            for slot in &plan.slots {
                let local = slot.at.with_timezone(&zone);
                assert!((7..21).contains(&local.hour()), "{zone}: {local}");
                assert_eq!(local.minute(), 0, "{zone}: {local}");
                assert_eq!(marketing::calendar::monday(local.date_naive()), monday, "{zone}: {local}");
            }
            let linkedin = times(&plan, ContentKind::LinkedinPost, zone);
            assert!(linkedin.iter().all(|time| time.ends_with("09:00")), "{zone}: {linkedin:?}");
            taken_so_far = taken(&plan);
            monday = monday + Days::new(7);
        }
    }
}

#[test]
fn a_time_that_the_clocks_skip_or_have_twice_is_one_moment() {
    let berlin = chrono_tz::Europe::Berlin;
    let local = |text: &str| instant(berlin, text.parse().unwrap());
    assert_eq!(local("2026-03-29T02:30:00"), at("2026-03-29T01:30:00Z"), "03:30, as it says then");
    assert_eq!(local("2026-10-25T02:30:00"), at("2026-10-25T00:30:00Z"), "the first one");
    // Apia left out the whole of the 30th of December 2011.
    assert_eq!(
        instant(chrono_tz::Pacific::Apia, "2011-12-30T12:00:00".parse().unwrap()),
        at("2011-12-30T22:00:00Z"),
        "noon of the 31st"
    );
}

#[test]
fn something_weekly_falls_due_once_a_week_in_every_zone() {
    for zone in ZONES {
        for (weekday, hour) in [(Weekday::Mon, 7), (Weekday::Sun, 2), (Weekday::Sun, 0)] {
            let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
            let mut due = Vec::new();
            // Every quarter of an hour of a year, as the clock of the service looks.
            let mut now = at("2026-01-01T00:00:00Z");
            while now < at("2027-01-01T00:00:00Z") {
                let latest = latest(zone, weekday, time, now);
                assert!(
                    latest <= now && now - latest < Duration::days(7) + Duration::hours(1),
                    "{zone} {now} {latest}"
                );
                if due.last() != Some(&latest) {
                    due.push(latest);
                }
                now += Duration::minutes(15);
            }
            assert!((52..=54).contains(&due.len()), "{zone}: {}", due.len());
            for pair in due.windows(2) {
                let days = pair[1].with_timezone(&zone).date_naive() - pair[0].with_timezone(&zone).date_naive();
                assert_eq!(days.num_days(), 7, "{zone}: {pair:?}");
            }
            assert!(due.iter().all(|due| due.with_timezone(&zone).weekday() == weekday), "{zone}");
        }
    }
}

#[test]
fn holidays_that_are_not_known_yet_are_told() {
    let berlin = brand(chrono_tz::Europe::Berlin);
    let unknown = "Public holidays after 2031 are not known, and not left free.".to_owned();
    assert!(planned(&berlin, "2031-12-29", 1, &[], &[]).notes.contains(&unknown));
    assert!(!planned(&berlin, "2031-12-22", 1, &[], &[]).notes.contains(&unknown));
}

#[test]
fn holidays_of_the_zones_country_are_left_free_and_named() {
    let mut brand = brand(chrono_tz::Europe::Berlin);
    brand.profile.cadence = vec![cadence(Channel::Facebook, 7)];
    let of = |brand: &Brand| planned(brand, "2026-12-21", 1, &[], &[]);
    let days =
        |plan: &Plan| plan.slots.iter().map(|slot| slot.at.with_timezone(&brand.time_zone).day()).collect::<Vec<_>>();
    let plan = of(&brand);
    assert!(days(&plan).iter().all(|day| ![25, 26].contains(day)), "{:?}", days(&plan));
    assert_eq!(plan.slots.len(), 7, "two pieces go on other days");
    assert!(plan.notes.contains(&"Friday 2026-12-25 is left free: Christmas Day.".to_owned()), "{:?}", plan.notes);
    // Whose audience is elsewhere says so.
    let mut elsewhere = brand.clone();
    elsewhere.profile.country = Some("JP".to_owned());
    assert!(days(&of(&elsewhere)).contains(&25), "{:?}", of(&elsewhere));
}

#[test]
fn quiet_hours_are_kept_also_over_midnight() {
    let mut brand = brand(chrono_tz::Asia::Tokyo);
    for (from, to) in [("10:00", "07:00"), ("00:00", "20:00"), ("22:00", "16:00")] {
        brand.profile.quiet_hours = Some(QuietHours { from: from.to_owned(), to: to.to_owned() });
        let plan = planned(&brand, "2026-06-08", 2, &[], &[]);
        assert_eq!(plan.slots.len(), 18);
        let (from, to): (u32, u32) = (from[..2].parse().unwrap(), to[..2].parse().unwrap());
        for slot in plan.slots {
            let hour = slot.at.with_timezone(&brand.time_zone).hour();
            let is_quiet = if from <= to { from <= hour && hour < to } else { hour >= from || hour < to };
            assert!(!is_quiet, "{from}-{to}: {hour}");
        }
    }
}

#[test]
fn times_that_were_set_come_first_and_own_results_before_studies() {
    let mut brand = brand(chrono_tz::Europe::Berlin);
    brand.profile.cadence = vec![cadence(Channel::Linkedin, 2)];
    let first = |brand: &Brand, results: &[PostResult]| {
        let plan = planned(brand, "2026-06-08", 1, &[], results);
        let best = plan.slots.iter().filter(|slot| slot.basis != Basis::Study).cloned().collect::<Vec<_>>();
        best.into_iter()
            .map(|slot| (slot.at.with_timezone(&brand.time_zone).format("%a %H:%M").to_string(), slot.basis))
            .collect::<Vec<_>>()
    };
    assert_eq!(first(&brand, &[]), []);

    // Fridays at 16 did five times better, the rest alike.
    let result = |at: &str, engagement| PostResult {
        channel: Channel::Linkedin,
        id: at.to_owned(),
        published_at: self::at(at),
        engagement,
        is_rate: true,
    };
    let mut results: Vec<PostResult> =
        (1..=20).map(|day| result(&format!("2026-04-{day:02}T08:00:00Z"), 0.02)).collect();
    results.extend((0..6).map(|week| result(&(at("2026-04-03T14:10:00Z") + Duration::weeks(week)).to_rfc3339(), 0.10)));
    assert_eq!(first(&brand, &results), [("Fri 15:00".to_owned(), Basis::OwnResults)]);
    // What another channel's posts say does not matter, nor do too few.
    let few: Vec<PostResult> = results.iter().rev().take(ENOUGH_POSTS - 1).cloned().collect();
    assert_eq!(first(&brand, &few), []);
    let of_x: Vec<PostResult> =
        results.iter().map(|result| PostResult { channel: Channel::X, ..result.clone() }).collect();
    assert_eq!(first(&brand, &of_x), []);

    brand.profile.posting_times =
        vec![PostingTime { channel: Channel::Linkedin, day: Day::Monday, time: "07:45".to_owned() }];
    assert!(first(&brand, &results).contains(&("Mon 07:45".to_owned(), Basis::Set)));
}

#[test]
fn kinds_of_a_channel_take_turns_by_their_weights() {
    let mut brand = brand(chrono_tz::UTC);
    brand.profile.cadence = vec![cadence(Channel::X, 8)];
    let threads = |brand: &Brand| {
        let plan = planned(brand, "2026-06-08", 1, &[], &[]);
        plan.slots.iter().filter(|slot| slot.kind == ContentKind::XThread).count()
    };
    assert_eq!(threads(&brand), 2, "one in four as long as nothing was said");
    let weight = |kind, weight| FormatWeight { kind, weight };
    brand.profile.format_weights = vec![weight(ContentKind::XPost, 1), weight(ContentKind::XThread, 1)];
    assert_eq!(threads(&brand), 4);
    brand.profile.format_weights = vec![weight(ContentKind::XThread, 0)];
    assert_eq!(threads(&brand), 0);
}

#[test]
fn what_does_not_fit_is_said() {
    let mut brand = brand(chrono_tz::UTC);
    brand.profile.cadence = vec![cadence(Channel::Linkedin, 50)];
    let plan = planned(&brand, "2026-06-08", 1, &[], &[]);
    assert!((7..=14).contains(&plan.slots.len()), "{}", plan.slots.len());
    assert!(
        plan.notes.iter().any(|note| note.starts_with("LinkedIn, week of 2026-06-08: ") && note.contains("of 50")),
        "{:?}",
        plan.notes
    );
    // A week that is nearly over has less room, and nothing is planned for what is over.
    let now = at("2026-06-14T12:00:00Z");
    let late = plan_at(&brand, now);
    assert!(late.slots.iter().all(|slot| slot.at > now), "{late:?}");
}

fn plan_at(brand: &Brand, now: DateTime<Utc>) -> Plan {
    let from = now.date_naive();
    plan(&Situation { brand, from, weeks: 1, now, taken: &[], results: &[] })
}

#[test]
fn monday_is_the_first_day() {
    assert_eq!(monday(day("2026-06-14")), day("2026-06-08"));
    assert_eq!(monday(day("2026-06-08")), day("2026-06-08"));
}
