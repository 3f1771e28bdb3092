//! Planning with what is kept of a customer.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, Utc};
use entity::brands::{self, Brand};
use entity::content::{self, Content, ContentStatus, NewBrief};
use entity::db::{Db, now};
use entity::ids::CustomerId;
use entity::{Error, Result};

use super::{MEMORY, PostResult, Situation, Taken, brief, instant, monday, plan};
use crate::calendar::Plan;
use crate::performance;

/// A piece at the edge of a week keeps its distance to those beyond it.
const EDGE: Duration = Duration::days(2);
/// Nobody plans further ahead.
const MAX_AHEAD: Days = Days::new(366);

/// Which weeks to plan.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first day; next Monday when nothing is said.
    pub from: Option<NaiveDate>,
    /// How many weeks.
    pub weeks: u8,
}

/// The Monday after today, where the brand is.
#[must_use]
pub fn next_week(brand: &Brand, now: DateTime<Utc>) -> NaiveDate {
    monday(now.with_timezone(&brand.time_zone).date_naive()) + Days::new(7)
}

/// What to plan, with nothing written.
///
/// # Errors
///
/// When the range is wrong (fields `from`, `weeks`), or there is no such customer.
pub async fn propose(db: &Db, customer_id: &CustomerId, range: Range) -> Result<Plan> {
    let desk = Desk::open(db, customer_id, range).await?;
    let (from, before) = desk.span();
    Ok(desk.plan(&content::scheduled_between(db, customer_id, from, before).await?))
}

/// Plans, and saves each slot as a brief that is to be written. What is there by then is planned around, so the same
/// call again saves nothing.
///
/// # Errors
///
/// When the range is wrong (fields `from`, `weeks`), or there is no such customer.
pub async fn commit(db: &Db, customer_id: &CustomerId, range: Range) -> Result<(Plan, Vec<Content>)> {
    let desk = Desk::open(db, customer_id, range).await?;
    let mut plan = Plan::default();
    let pieces = content::plan(db, customer_id, desk.span(), |taken| {
        plan = desk.plan(taken);
        let brief = |slot| (slot, brief(slot, &desk.brand));
        let briefs = plan.slots.iter().map(brief);
        briefs
            .map(|(slot, brief)| NewBrief { kind: slot.kind, at: slot.at, pillar: slot.pillar.clone(), brief })
            .collect()
    });
    let pieces = pieces.await?;
    Ok((plan, pieces))
}

/// The pieces of these weeks that are still to be written, in the order of their times; without those whose time is over.
///
/// # Errors
///
/// When the range is wrong (fields `from`, `weeks`), or there is no such customer.
pub async fn unwritten(db: &Db, customer_id: &CustomerId, range: Range) -> Result<Vec<Content>> {
    let desk = Desk::open(db, customer_id, range).await?;
    let (from, before) = desk.weeks();
    let mut pieces = content::scheduled_between(db, customer_id, from.max(desk.now), before).await?;
    pieces.retain(|piece| piece.status == ContentStatus::Planned);
    Ok(pieces)
}

/// Everything to plan with but what is taken.
struct Desk {
    brand: Brand,
    results: Vec<PostResult>,
    from: NaiveDate,
    weeks: u8,
    now: DateTime<Utc>,
}

impl Desk {
    async fn open(db: &Db, customer_id: &CustomerId, range: Range) -> Result<Self> {
        let now = now();
        let brand = brands::get(db, customer_id).await?;
        if !(1..=4).contains(&range.weeks) {
            return Err(Error::invalid("weeks", "must be from 1 to 4"));
        }
        let from = range.from.unwrap_or_else(|| next_week(&brand, now));
        let today = now.with_timezone(&brand.time_zone).date_naive();
        if from < today {
            return Err(Error::invalid("from", format!("must not be over; today is {today}")));
        }
        if from > today + MAX_AHEAD {
            return Err(Error::invalid("from", "must be within the next year"));
        }
        let results = performance::post_results(db, customer_id).await?;
        Ok(Self { brand, results, from, weeks: range.weeks, now })
    }

    /// From when until before when is planned, whole weeks.
    fn weeks(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let week = monday(self.from);
        let at = |day: NaiveDate| instant(self.brand.time_zone, day.and_time(NaiveTime::MIN));
        (at(week), at(week + Days::new(7 * u64::from(self.weeks))))
    }

    /// Of which time everything that is taken counts.
    fn span(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let (begin, end) = self.weeks();
        (begin.min(self.now) - MEMORY, end + EDGE)
    }

    fn plan(&self, taken: &[Content]) -> Plan {
        let taken = taken.iter().filter_map(|piece| {
            Some(Taken { kind: piece.kind, at: piece.scheduled_at?, pillar: piece.pillar.clone() })
        });
        let taken: Vec<Taken> = taken.collect();
        let Self { brand, results, from, weeks, now } = self;
        plan(&Situation { brand, from: *from, weeks: *weeks, now: *now, taken: &taken, results })
    }
}
