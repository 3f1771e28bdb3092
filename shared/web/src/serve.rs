//! Listening, and stopping without cutting anybody off.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use futures::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::Service;

use crate::client_ip::{TrustedProxies, network_of};

/// How long calls in flight may take to finish once the process is told to stop.
pub const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

/// How long connections are still read from when the process is told to stop, for what was sent before.
const LINGER: Duration = Duration::from_millis(250);
/// How long who has connected by then may take to say what they want.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// How long a client may take to send the head of a request, or to think of another on the same connection. Longer than
/// the 60 s for which proxies usually keep theirs, so that it is they who let go, and not in the middle of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How many connections are planned for where the system sets no limit.
const MANY_CONNECTIONS: u64 = 32_768;
/// Which part of the connections that there can be one address may have: others always find some.
const SHARE_OF_ONE: u64 = 3;
/// How long to wait when no connection can be taken, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long what was sent may stay unacknowledged before the connection is given up.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(60);

/// Listens on an address; the error says which and why.
///
/// # Errors
///
/// When the address is taken or not one of this machine's.
pub async fn bind(variable: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("{address} is taken by another program. Stop it, or set {variable} to a free address, such as 127.0.0.1:0.")
        }
        _ => format!("cannot listen on {address}: {error}. Set {variable} to an address of this machine."),
    })
}

/// Serves until `shutdown`, then stops accepting and waits for the calls in flight, but not for ever.
///
/// Streams must end by themselves on the same token. No address gets all the connections, except the proxies that are
/// trusted, behind which everybody is.
pub async fn serve(listener: TcpListener, router: Router, proxies: TrustedProxies, shutdown: CancellationToken) {
    let router = router.with_state(());
    let places = Places { most: share_of_one(), taken: Arc::default(), proxies };
    let connections = GracefulShutdown::new();
    let newcomers = TaskTracker::new();
    let attend = |(stream, address): (TcpStream, SocketAddr)| {
        let Some(place) = places.take(address.ip().to_canonical()) else {
            return tracing::debug!(%address, "has too many connections");
        };
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "could not set a socket option");
        }
        let connection = connections.watch(connection(stream, address, router.clone(), newcomers.token()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection broke");
            }
            drop(place);
        });
    };
    while let Some(accepted) = shutdown.run_until_cancelled(accept(&listener)).await {
        attend(accepted);
    }
    // Who was there before is not cut off: what they sent may not have been read yet.
    while let Some(Ok(accepted)) = listener.accept().now_or_never() {
        attend(accepted);
    }
    drop(listener);
    newcomers.close();
    let _ = tokio::join!(tokio::time::sleep(LINGER), tokio::time::timeout(FIRST_WORD, newcomers.wait()));
    if tokio::time::timeout(SHUTDOWN_DEADLINE, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}

/// The next connection, however long it takes until there is one.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a client was gone before its turn came.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection, which is a newcomer's until the first one. Rate limits count by the address
/// of the other end.
fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    newcomer: TaskTrackerToken,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    let newcomer = Mutex::new(Some(newcomer));
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        newcomer.lock().unwrap_or_else(PoisonError::into_inner).take();
        request.extensions_mut().insert(ConnectInfo(address));
        router.clone().call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    http.serve_connection(TokioIo::new(stream), service)
}

/// How many connections one address may have. Raises what the system allows us as far as we may ourselves.
fn share_of_one() -> u64 {
    #[cfg(unix)]
    let most = rlimit::increase_nofile_limit(MANY_CONNECTIONS).unwrap_or(MANY_CONNECTIONS);
    #[cfg(not(unix))]
    let most = MANY_CONNECTIONS;
    most.min(MANY_CONNECTIONS) / SHARE_OF_ONE
}

/// Who has how many connections.
struct Places {
    most: u64,
    taken: Arc<Mutex<HashMap<IpAddr, u64>>>,
    proxies: TrustedProxies,
}

impl Places {
    /// A place for a connection from this address; none when it has its share.
    fn take(&self, address: IpAddr) -> Option<Place> {
        let client = network_of(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(client).or_default();
        if *count >= self.most && !self.proxies.trusts(address) {
            return None;
        }
        *count += 1;
        Some(Place { client, taken: self.taken.clone() })
    }
}

/// A connection's place, free again once this is dropped.
struct Place {
    client: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, u64>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

/// Without TCP_NODELAY an answer written in two parts waits for the client's delayed acknowledgement: some 40 ms. And
/// without a limit a connection whose other end stopped reading, or is gone without a goodbye, would stay for ever.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT))?;
    Ok(())
}

/// A token that is cancelled by SIGTERM or Ctrl-C. A second signal ends the process at once.
///
/// # Errors
///
/// When the signal handlers cannot be installed.
pub fn shutdown_on_signal() -> io::Result<CancellationToken> {
    let mut signals = Signals::new()?;
    let token = CancellationToken::new();
    let shutdown = token.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping");
        shutdown.cancel();
        signals.next().await;
        std::process::exit(130);
    });
    Ok(token)
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a handler there is nothing to wait for; the system ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
