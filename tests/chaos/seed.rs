//! Randomness that can be had again, and how long to go on.

use std::time::{Duration, Instant};

/// Pseudo-random numbers from a seed.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// From the seed of this test, or from `HEYCMO_SEED`; it is shown when the test fails.
    pub fn of(test: u64) -> Self {
        let seed =
            std::env::var("HEYCMO_SEED").ok().map_or(test, |seed| seed.parse().expect("HEYCMO_SEED is a number"));
        println!("HEYCMO_SEED={seed}");
        Self(seed.max(1))
    }

    /// Other ones for somebody else.
    pub fn fork(&mut self) -> Self {
        Self(self.next().max(1))
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Less than `bound`.
    pub fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Counts rounds: so many, or as many as `HEYCMO_SOAK` has minutes for.
pub fn rounds(usual: usize) -> impl Iterator<Item = usize> {
    let minutes =
        std::env::var("HEYCMO_SOAK").ok().map(|text| text.parse().expect("HEYCMO_SOAK is a number of minutes"));
    let end = minutes.map(|minutes: u64| Instant::now() + Duration::from_secs(60 * minutes));
    (0..).take_while(move |round| end.map_or(*round < usual, |end| Instant::now() < end))
}
