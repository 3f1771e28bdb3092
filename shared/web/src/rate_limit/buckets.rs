//! The budgets of one scope: GCRA by governor, over a table that cannot grow without bound.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::Payer;

/// How many payers of one scope are told apart at the same time.
const MAX_PAYERS: usize = 100_000;
/// A full table is searched for room at most this often: a search takes far longer than a request.
const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// What came of charging one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many more would pass right now.
    Passed { left: u32 },
    /// The next one passes after this time.
    Refused { wait: Duration },
}

/// A budget for each payer: so many requests at once, which come back evenly over a minute.
#[derive(Debug)]
pub(super) struct Buckets<C: Clock = DefaultClock> {
    limiter: RateLimiter<Payer, Table, C, StateInformationMiddleware>,
    clock: C,
    max_payers: usize,
    searched: Mutex<Option<C::Instant>>,
}

impl Buckets {
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self::with(per_minute, MAX_PAYERS, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Buckets<C> {
    fn with(per_minute: NonZeroU32, max_payers: usize, clock: C) -> Self {
        let table = Table { max_payers, times: Mutex::default() };
        let limiter = RateLimiter::new(Quota::per_minute(per_minute), table, clock.clone());
        Self { limiter, clock, max_payers, searched: Mutex::default() }
    }

    /// Takes one request out of a payer's budget.
    pub(super) fn charge(&self, payer: &Payer) -> Outcome {
        if self.limiter.len() >= self.max_payers && self.may_search() {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(payer) {
            Ok(state) => Outcome::Passed { left: state.remaining_burst_capacity() },
            Err(not_until) => Outcome::Refused { wait: not_until.wait_time_from(self.clock.now()) },
        }
    }

    /// Forgets whoever has a whole budget again, and gives their memory back.
    pub(super) fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    fn may_search(&self) -> bool {
        let now = self.clock.now();
        let mut searched = lock(&self.searched);
        let may = searched.is_none_or(|last| Duration::from(now.duration_since(last)) >= SEARCH_INTERVAL);
        if may {
            *searched = Some(now);
        }
        may
    }
}

/// When each payer's budget is whole again, in governor's time. Whoever comes while the table is full shares one
/// budget with all who do.
#[derive(Debug)]
struct Table {
    max_payers: usize,
    times: Mutex<HashMap<Payer, Nanos>>,
}

impl StateStore for Table {
    type Key = Payer;

    fn measure_and_replace<T, F, E>(&self, payer: &Payer, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut times = lock(&self.times);
        let is_full = times.len() >= self.max_payers;
        let payer = if is_full && !times.contains_key(payer) { &Payer::Newcomers } else { payer };
        let (outcome, time) = decide(times.get(payer).copied())?;
        match times.get_mut(payer) {
            Some(known) => *known = time,
            None => drop(times.insert(payer.clone(), time)),
        }
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<Payer> for Table {
    fn retain_recent(&self, drop_below: Nanos) {
        lock(&self.times).retain(|_, time| *time > drop_below);
    }

    fn shrink_to_fit(&self) {
        lock(&self.times).shrink_to_fit();
    }

    fn len(&self) -> usize {
        lock(&self.times).len()
    }

    fn is_empty(&self) -> bool {
        lock(&self.times).is_empty()
    }
}

/// No holder can leave what is locked half-changed, so a panic elsewhere does not spread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn payer(number: u32) -> Payer {
        Payer::Ip(Ipv4Addr::from_bits(number).into())
    }

    fn buckets(per_minute: u32, max_payers: usize) -> (Buckets<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Buckets::with(NonZeroU32::new(per_minute).unwrap(), max_payers, clock.clone()), clock)
    }

    #[test]
    fn a_budget_is_spent_at_once_and_comes_back_evenly() {
        let (buckets, clock) = buckets(30, 10);
        for left in (0..30).rev() {
            assert_eq!(buckets.charge(&payer(1)), Outcome::Passed { left });
        }
        assert_eq!(buckets.charge(&payer(1)), Outcome::Refused { wait: Duration::from_secs(2) });
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(buckets.charge(&payer(1)), Outcome::Refused { wait: Duration::from_millis(500) });
        assert_eq!(buckets.charge(&payer(2)), Outcome::Passed { left: 29 });
        clock.advance(Duration::from_millis(500));
        assert_eq!(buckets.charge(&payer(1)), Outcome::Passed { left: 0 });
        clock.advance(Duration::from_secs(60));
        assert_eq!(buckets.charge(&payer(1)), Outcome::Passed { left: 29 });
    }

    #[test]
    fn whoever_has_a_whole_budget_is_forgotten_and_nobody_else() {
        let (buckets, clock) = buckets(60, 10_000);
        for number in 0..1_000 {
            buckets.charge(&payer(number));
        }
        clock.advance(Duration::from_secs(3));
        for _ in 0..60 {
            buckets.charge(&payer(7));
        }
        buckets.tidy();
        assert_eq!(buckets.limiter.len(), 1);
        assert!(matches!(buckets.charge(&payer(7)), Outcome::Refused { .. }));
        clock.advance(Duration::from_secs(90));
        buckets.tidy();
        assert_eq!(buckets.limiter.len(), 0);
    }

    #[test]
    fn millions_of_payers_take_no_more_room_than_the_table_has() {
        let (buckets, clock) = buckets(5, 1_000);
        buckets.charge(&payer(0));
        for number in 1..2_000_000 {
            buckets.charge(&payer(number));
        }
        assert!(buckets.limiter.len() <= 1_001, "{}", buckets.limiter.len());
        // Those who came when it was full share one budget, which is spent.
        assert!(matches!(buckets.charge(&payer(5_000_000)), Outcome::Refused { .. }));
        // The others keep theirs.
        assert_eq!(buckets.charge(&payer(0)), Outcome::Passed { left: 3 });
        // Once there is somebody to forget, a newcomer has a budget of their own again, without a wait for the minute.
        clock.advance(Duration::from_secs(25));
        assert_eq!(buckets.charge(&payer(5_000_000)), Outcome::Passed { left: 4 });
        assert!(buckets.limiter.len() < 10);
    }

    #[test]
    fn a_full_table_is_not_searched_at_every_request() {
        let (buckets, clock) = buckets(60, 2);
        buckets.charge(&payer(1));
        buckets.charge(&payer(2));
        assert!(buckets.may_search());
        assert!(!buckets.may_search());
        clock.advance(SEARCH_INTERVAL);
        assert!(buckets.may_search());
    }
}
