//! From the start of the process to the first answered call, and what it takes at rest.

use std::time::Duration;

use crate::Options;
use crate::subject::Subject;

const LATER_STARTS: usize = 5;
const REST: Duration = Duration::from_secs(10);

pub async fn measure(options: &Options) {
    let mut subject = Subject::first_start(options).await;
    println!("start, very first            {:>7.0} ms to the first answer", millis(subject.started_in));
    let mut later = Vec::new();
    for _ in 0..LATER_STARTS {
        subject = subject.restart(options).await;
        later.push(subject.started_in);
    }
    later.sort();
    let median = later.get(LATER_STARTS / 2).copied().unwrap_or_default();
    println!("start, later (median of {LATER_STARTS})    {:>7.0} ms to the first answer", millis(median));
    // What a start leaves to be done is over then.
    tokio::time::sleep(REST).await;
    let cpu = subject.usage().cpu();
    tokio::time::sleep(REST).await;
    let cpu = (subject.usage().cpu() - cpu) / REST.as_secs_f64();
    println!("at rest                      {:>7.1} MiB resident", mib(subject.usage().resident()));
    println!(
        "                             {:>7.1} MiB of it are its own, the rest pages of files",
        mib(subject.usage().its_own())
    );
    println!("                             {cpu:>7.3} s of processor time in a second\n");
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1_024.0
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
