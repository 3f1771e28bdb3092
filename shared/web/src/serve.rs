//! Listening, and stopping without cutting anybody off.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// How long calls in flight may take to finish once the process is told to stop.
pub const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(10);

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
/// Streams must end by themselves on the same token.
///
/// # Errors
///
/// When accepting connections fails for good.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = prepare(stream) {
            tracing::debug!(%error, "could not set a socket option");
        }
    });
    let stopping = shutdown.clone();
    // Rate limits count by the address of the other end.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { stopping.cancelled().await });
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(SHUTDOWN_DEADLINE).await;
    };
    tokio::select! {
        result = server.into_future() => result,
        () = deadline => {
            tracing::warn!("some connections did not end in time and were cut");
            Ok(())
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
