//! A clock that jumps by hours, both ways, while everybody works.

use std::path::{Path, PathBuf};

use harness::{TestDb, on_each_database};

use crate::invariants::{comes_to_its_end_by_itself, hold, hold_in_the_end};
use crate::load::Load;
use crate::seed::{Dice, rounds};
use crate::site::{Plan, Site};

const SEED: u64 = 0x636c_6f63_6b21;

on_each_database!(a_clock_that_jumps_stops_nobody_and_loses_nothing);

/// What stands between the processes and their clock.
fn library() -> PathBuf {
    let places = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = places.map(|place| place.path().join("faketime/libfaketimeMT.so.1")).filter(|path| path.exists());
    found.next().expect("libfaketime is not installed: run tests/setup")
}

/// How far the clock of the processes is ahead of everybody's.
fn set(file: &Path, hours: i64) {
    // In one step, so that nobody reads half of it.
    let draft = file.with_extension("draft");
    std::fs::write(&draft, format!("{hours:+}h\n")).unwrap();
    std::fs::rename(draft, file).unwrap();
}

async fn a_clock_that_jumps_stops_nobody_and_loses_nothing(test: TestDb) {
    let mut dice = Dice::of(SEED);
    let directory = tempfile::tempdir().unwrap();
    let clock = directory.path().join("clock");
    set(&clock, 0);
    let plan = Plan::on(test)
        .set("LD_PRELOAD", library().to_str().unwrap())
        .set("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap())
        .set("FAKETIME_NO_CACHE", "1")
        // Time that passes is measured by another clock, which never jumps.
        .set("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .set("DONT_FAKE_MONOTONIC", "1");
    let site = Site::open(plan).await;
    let load = Load::start(&site, &mut dice).await;
    for round in rounds(4) {
        load.ledger.more(20).await;
        let hours = 2 + i64::try_from(dice.below(9)).unwrap();
        set(&clock, if round % 2 == 0 { hours } else { -hours });
        load.ledger.more(20).await;
        hold(&site, &load.ledger).await;
    }
    set(&clock, 0);
    load.ledger.more(20).await;
    let ledger = load.end().await;
    comes_to_its_end_by_itself(&site).await;
    hold_in_the_end(&site, &ledger).await;
}
