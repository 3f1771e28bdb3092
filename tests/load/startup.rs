//! From the start of the process to the first answered call, and what it takes at rest.

use std::time::Duration;

use crate::Options;
use crate::subject::Subject;

const LATER_STARTS: usize = 5;

pub async fn measure(options: &Options) -> Subject {
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
    let (cpu, second) = (subject.cpu(), Duration::from_secs(1));
    tokio::time::sleep(second).await;
    println!("at rest                      {:>7.1} MiB resident", subject.resident() as f64 / 1024.0);
    println!("                             {:>7.2} s of processor time in a second\n", subject.cpu() - cpu);
    subject
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
