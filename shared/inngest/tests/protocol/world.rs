//! The world outside of functions, and chance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use inngest::Result;

/// Pseudo-random numbers, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// Less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What steps do to the world outside, which no engine remembers.
#[derive(Clone, Default)]
pub struct World(Arc<Mutex<Effects>>);

#[derive(Default)]
struct Effects {
    attempts: HashMap<String, u32>,
    done: HashMap<String, u32>,
    /// Dies after so many effects.
    kill: Option<(usize, Box<dyn FnOnce() + Send>)>,
}

impl World {
    /// Counts the attempts at something, from one.
    pub fn attempt(&self, name: &str) -> u32 {
        let mut effects = self.0.lock().unwrap();
        let attempts = effects.attempts.entry(name.to_owned()).or_default();
        *attempts += 1;
        *attempts
    }

    /// Does something; whoever did it may die of it.
    pub async fn done(&self, name: &str, gives: i64) -> Result<i64> {
        {
            let mut effects = self.0.lock().unwrap();
            *effects.done.entry(name.to_owned()).or_default() += 1;
            match effects.kill.take() {
                Some((1, kill)) => kill(),
                left => effects.kill = left.map(|(left, kill)| (left - 1, kill)),
            }
        }
        // Where a task that is cancelled is dropped.
        tokio::task::yield_now().await;
        Ok(gives)
    }

    /// Calls it after so many more effects.
    pub fn kill_after(&self, effects: usize, kill: impl FnOnce() + Send + 'static) {
        self.0.lock().unwrap().kill = Some((effects, Box::new(kill)));
    }

    /// How often each thing was done.
    pub fn effects(&self) -> HashMap<String, u32> {
        self.0.lock().unwrap().done.clone()
    }
}
