//! What is looked up when it is asked for: how late the work is, and what the process uses.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::db::Db;
use entity::lag::{self, Lag};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Labels, Metric, Text, list, register};

/// Longer than the questions take, and shorter than Prometheus waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// What there is to tell now. What cannot be found out is absent.
pub async fn registry(db: &Db, has_engine: bool) -> Registry {
    let mut registry = Registry::default();
    gauge_of(&mut registry, &list::BUILD_INFO, [("version", env!("CARGO_PKG_VERSION"))], 1.0);
    connections(&mut registry, db);
    process(&mut registry);
    let lag = tokio::time::timeout(PATIENCE, lag::read(db)).await;
    let lag = match lag {
        Ok(Ok(lag)) => Some(lag),
        Ok(Err(_)) | Err(_) => None,
    };
    gauge(&mut registry, &list::DATABASE_UP, f64::from(u8::from(lag.is_some())));
    if let Some(lag) = lag {
        late(&mut registry, &lag, has_engine);
    }
    registry
}

fn late(registry: &mut Registry, lag: &Lag, has_engine: bool) {
    let now = entity::db::now();
    gauge(registry, &list::OUTBOX_LAG, seconds_since(lag.outbox_oldest, now));
    #[expect(clippy::cast_precision_loss, reason = "a count that large is not a count any more")]
    gauge(registry, &list::OUTBOX_WAITING, lag.outbox_waiting as f64);
    let stripe = seconds_since(lag.stripe_oldest, now);
    gauge_of(registry, &list::WEBHOOK_WAITING, [("source", "stripe")], stripe);
    if has_engine {
        gauge(registry, &list::ENGINE_LAG, seconds_since(lag.engine_due, now));
    }
}

/// Nothing that waits is not late.
fn seconds_since(time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> f64 {
    let since = time.and_then(|time| (now - time).to_std().ok());
    since.unwrap_or_default().as_secs_f64()
}

fn connections(registry: &mut Registry, db: &Db) {
    let connections = db.connections();
    let family = Family::<Labels<1>, Gauge<f64, AtomicU64>>::default();
    for (state, count) in [("idle", connections.idle), ("used", connections.used)] {
        family.get_or_create(&[("state", Text::Borrowed(state))]).set(f64::from(count));
    }
    register(registry, &list::DATABASE_CONNECTIONS, family);
}

fn gauge(registry: &mut Registry, metric: &Metric, value: f64) {
    let gauge = Gauge::<f64, AtomicU64>::default();
    gauge.set(value);
    register(registry, metric, gauge);
}

fn gauge_of<const N: usize>(
    registry: &mut Registry,
    metric: &Metric,
    labels: [(&'static str, &'static str); N],
    value: f64,
) {
    let family = Family::<Labels<N>, Gauge<f64, AtomicU64>>::default();
    family.get_or_create(&labels.map(|(label, value)| (label, Text::Borrowed(value)))).set(value);
    register(registry, metric, family);
}

#[cfg(target_os = "linux")]
fn process(registry: &mut Registry) {
    if let Err(error) = of_linux(registry) {
        tracing::debug!(%error, "the system does not tell what the process uses");
    }
}

#[cfg(not(target_os = "linux"))]
fn process(_: &mut Registry) {}

#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "a double holds every amount that there is")]
fn of_linux(registry: &mut Registry) -> procfs::ProcResult<()> {
    use procfs::WithCurrentSystemInfo;
    use procfs::process::{LimitValue, Process};
    use prometheus_client::metrics::counter::Counter;

    let process = Process::myself()?;
    let stat = process.stat()?;
    let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
    let cpu = Counter::<f64, AtomicU64>::default();
    cpu.inc_by(seconds(stat.utime + stat.stime));
    register(registry, &list::CPU, cpu);
    gauge(registry, &list::RESIDENT_MEMORY, stat.rss_bytes().get() as f64);
    gauge(registry, &list::OPEN_FILES, process.fd_count()? as f64);
    if let LimitValue::Value(most) = process.limits()?.max_open_files.soft_limit {
        gauge(registry, &list::MAX_FILES, most as f64);
    }
    gauge(registry, &list::START_TIME, procfs::boot_time_secs()? as f64 + seconds(stat.starttime));
    Ok(())
}
