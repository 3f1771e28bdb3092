//! What the system says a process uses, and on which core it works.

use std::process::{Command, Stdio};

use sea_orm::sqlx;

/// In which /proc counts processor time: 1/100 s on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process that is measured.
#[derive(Clone, Copy)]
pub struct Usage {
    pid: u32,
}

impl Usage {
    pub const fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// Memory in RAM, in KiB.
    pub fn resident(self) -> u64 {
        memory(&self.pid.to_string(), "VmRSS:")
    }

    /// The part of it that is no page of a file: what the process has written, and nobody else shares.
    pub fn its_own(self) -> u64 {
        memory(&self.pid.to_string(), "RssAnon:")
    }

    /// Processor time used so far by all its threads, in seconds.
    pub fn cpu(self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).expect("the load tool needs Linux");
        // The name in parentheses may hold anything.
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let ticks = |field: usize| fields.split(' ').nth(field).and_then(|ticks| ticks.parse::<f64>().ok());
        let (user, system) = ticks(11).zip(ticks(12)).expect("times");
        (user + system) / TICKS_PER_SECOND
    }
}

/// What the kernel says of a process under this name; memory is in KiB.
pub fn memory(process: &str, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the load tool needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel counts memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The process of a Postgres server that has those of its connections from now on.
pub async fn postgres(url: &str) -> u32 {
    let db = sqlx::PgPool::connect(url).await.expect("a database");
    let connection: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&db).await.expect("an answer");
    memory(&connection.to_string(), "PPid:") as u32
}

/// Has a process work on one core only, so that server and callers do not take each other's. What it starts later
/// does the same. False where there is but one core, or no `taskset`.
pub fn pin(pid: u32, core: usize) -> bool {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 && core > 0 {
        return false;
    }
    let mut taskset = Command::new("taskset");
    let status = taskset.args(["-acp", &core.to_string(), &pid.to_string()]).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
