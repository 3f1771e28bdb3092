//! kill -9 while everybody works: no answer turns out untrue, and nothing happens twice.

use std::time::Duration;

use harness::{TestDb, on_each_database};

use crate::invariants::{hold, hold_in_the_end, the_dead_are_given_up};
use crate::load::Load;
use crate::seed::{Dice, rounds};
use crate::site::Site;

const ROUNDS: usize = 8;
const SEED: u64 = 0x6b69_6c6c_2d39;

on_each_database!(no_answer_turns_out_untrue_and_nothing_happens_twice);

async fn no_answer_turns_out_untrue_and_nothing_happens_twice(test: TestDb) {
    let mut dice = Dice::of(SEED);
    let mut site = Site::on(test).await;
    let load = Load::start(&site, &mut dice).await;
    for round in rounds(ROUNDS) {
        load.ledger.more(20 + dice.below(40)).await;
        tokio::time::sleep(Duration::from_micros(dice.below(30_000))).await;
        let victims = match site.servers.len() {
            1 => vec![0],
            _ => [vec![0], vec![1], vec![0, 1]][dice.index(3)].clone(),
        };
        for index in &victims {
            site.servers[*index].kill().await;
        }
        hold(&site, &load.ledger).await;
        if victims.len() == site.servers.len() {
            the_dead_are_given_up(&site.test).await;
        }
        for index in victims {
            site.servers[index].start().await;
        }
        println!("round {round}: {} answers", load.ledger.answers());
    }
    load.ledger.more(20).await;
    let ledger = load.end().await;
    for server in &mut site.servers {
        server.kill().await;
    }
    the_dead_are_given_up(&site.test).await;
    for server in &mut site.servers {
        server.start().await;
    }
    hold_in_the_end(&site, &ledger).await;
}
