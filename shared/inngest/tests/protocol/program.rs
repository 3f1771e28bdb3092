//! Random functions: steps one after the other, side by side and in loops, some of which fail or sleep.

use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use inngest::{Error, NonRetriable, Result, Step};
use serde::{Deserialize, Serialize};

use super::world::{Dice, World};

/// A part of a function. Each gives a number, which depends on the numbers and the order of its parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Node {
    /// A step that fails so often before it gives its number.
    Step {
        id: String,
        failures: u32,
        gives: i64,
    },
    /// A step that fails for good, which is caught.
    Broken {
        id: String,
        gives: i64,
    },
    /// A sleep.
    Nap {
        id: String,
    },
    Sequence(Vec<Self>),
    Together(Vec<Self>),
    Repeat(u8, Box<Self>),
}

impl Node {
    /// A function with at most `depth` levels.
    pub fn random(dice: &mut Dice, depth: u32) -> Self {
        let mut next = 0;
        Self::Sequence(vec![Self::any(dice, depth, &mut next), Self::any(dice, depth, &mut next)])
    }

    fn any(dice: &mut Dice, depth: u32, next: &mut u32) -> Self {
        *next += 1;
        let id = format!("step {next}");
        let gives = i64::try_from(dice.below(1_000)).unwrap();
        let mut parts = |dice: &mut Dice| (0..=dice.below(3)).map(|_| Self::any(dice, depth - 1, next)).collect();
        match dice.below(if depth == 0 { 5 } else { 9 }) {
            0..=1 => Self::Step { id, failures: 0, gives },
            2 => Self::Step { id, failures: u32::try_from(dice.below(3)).unwrap() + 1, gives },
            3 => Self::Broken { id, gives },
            4 => Self::Nap { id },
            5 => Self::Sequence(parts(dice)),
            6..=7 => Self::Together(parts(dice)),
            _ => Self::Repeat(2, Box::new(Self::any(dice, depth - 1, next))),
        }
    }

    /// What it gives.
    pub fn value(&self) -> i64 {
        match self {
            Self::Step { gives, .. } | Self::Broken { gives, .. } => *gives,
            Self::Nap { .. } => 1,
            Self::Sequence(parts) | Self::Together(parts) => total(parts.iter().map(Self::value)),
            Self::Repeat(times, part) => total((0..*times).map(|_| part.value())),
        }
    }

    /// How many steps it takes.
    pub fn steps(&self) -> i64 {
        match self {
            Self::Step { .. } | Self::Broken { .. } | Self::Nap { .. } => 1,
            Self::Sequence(parts) | Self::Together(parts) => parts.iter().map(Self::steps).sum(),
            Self::Repeat(times, part) => i64::from(*times) * part.steps(),
        }
    }

    /// Does it. `path` tells the repetitions of a step apart.
    pub fn run<'a>(&'a self, step: &'a Step, world: &'a World, path: String) -> BoxFuture<'a, Result<i64>> {
        async move {
            let path_of = |index: usize| format!("{path}/{index}");
            match self {
                Self::Step { id, failures, gives } => {
                    let (world, name, failures, gives) = (world.clone(), format!("{path}:{id}"), *failures, *gives);
                    let work = move || async move {
                        if world.attempt(&name) <= failures {
                            Err(Error::new("not yet"))
                        } else {
                            world.done(&name, gives).await
                        }
                    };
                    Ok(step.run(id, work).await?)
                }
                Self::Broken { id, gives } => {
                    let work = || async { Err::<i64, _>(NonRetriable::new("never").into()) };
                    let error = step.run(id, work).await.unwrap_err();
                    assert_eq!(error.message, "never");
                    Ok(*gives)
                }
                Self::Nap { id } => {
                    step.sleep(id, Duration::from_secs(3_600)).await?;
                    Ok(1)
                }
                Self::Sequence(parts) => {
                    let mut values = Vec::new();
                    for (index, part) in parts.iter().enumerate() {
                        values.push(part.run(step, world, path_of(index)).await?);
                    }
                    Ok(total(values))
                }
                Self::Together(parts) => {
                    let all = parts.iter().enumerate().map(|(index, part)| part.run(step, world, path_of(index)));
                    Ok(total(try_join_all(all).await?))
                }
                Self::Repeat(times, part) => {
                    let mut values = Vec::new();
                    for index in 0..*times {
                        values.push(part.run(step, world, path_of(index.into())).await?);
                    }
                    Ok(total(values))
                }
            }
        }
        .boxed()
    }
}

fn total(values: impl IntoIterator<Item = i64>) -> i64 {
    values.into_iter().fold(7, |total, value| (total * 31 + value) % 1_000_003)
}
