use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use entity::db::DatabaseUrl;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;
use url::Url;

/// A way to a server that can be broken. Ends with the runtime that it was made on.
#[derive(Debug)]
pub struct Proxy {
    url: Url,
    now: watch::Sender<Now>,
}

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything passes.
    Open,
    /// Everything passes late: each piece waits so long.
    Slow(Duration),
    /// Answers break off after so many bytes, with a reset.
    Cutting(usize),
    /// As when the server is down: connections break, new ones are refused.
    Refusing,
    /// As when the network is gone: connections stay, new ones are accepted, and not a byte passes.
    Stalled,
    /// As when the server says that it sends nothing more, and never does: requests pass, answers end before they begin.
    HalfClosed,
}

#[derive(Clone, Copy, Debug)]
struct Now {
    mode: Mode,
    /// How often the connections of before were reset.
    resets: u64,
}

impl Proxy {
    /// A proxy before the server of a URL, which lets everything pass at first.
    ///
    /// # Panics
    ///
    /// When the server's name is not known.
    pub async fn before(server: &Url) -> Self {
        let port = server.port_or_known_default().unwrap_or(POSTGRES_PORT);
        let target = (server.host_str().unwrap_or("localhost"), port);
        let target = lookup_host(target).await.expect("the server's name is known").find(SocketAddr::is_ipv4);
        let target = target.expect("it has an address");

        let socket = bound(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into());
        let address = socket.local_addr().expect("a bound socket has an address");
        let mut url = server.clone();
        url.set_host(Some(&address.ip().to_string())).expect("the URL of a server has a host");
        url.set_port(Some(address.port())).expect("the URL of a server has a port");

        let (now, changes) = watch::channel(Now { mode: Mode::Open, resets: 0 });
        let listener = socket.listen(BACKLOG).expect("a free port can be listened on");
        tokio::spawn(run(listener, address, target, changes));
        Self { url, now }
    }

    /// The same before a database.
    ///
    /// # Panics
    ///
    /// When that is not a Postgres server that can be reached over TCP.
    pub async fn before_database(url: &DatabaseUrl) -> Self {
        let DatabaseUrl::Postgres(server) = url else { panic!("only Postgres is behind a network") };
        Self::before(server).await
    }

    /// The URL of the server, by way of the proxy.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The same as a database's.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        DatabaseUrl::Postgres(self.url.clone())
    }

    /// Breaks every connection and refuses new ones, as when the server is down.
    pub fn refuse(&self) {
        self.set(Mode::Refusing);
    }

    /// Lets not a byte pass any more, without a word to either side, as when the network is gone.
    pub fn stall(&self) {
        self.set(Mode::Stalled);
    }

    /// Lets every piece wait so long in each direction.
    pub fn slow(&self, delay: Duration) {
        self.set(Mode::Slow(delay));
    }

    /// Lets the answers of each new connection break off after so many bytes.
    pub fn cut_answers_after(&self, bytes: usize) {
        self.set(Mode::Cutting(bytes));
        self.reset();
    }

    /// Lets requests pass and ends every answer before it begins.
    pub fn half_close(&self) {
        self.set(Mode::HalfClosed);
        self.reset();
    }

    /// Resets every connection there is; new ones fare as before.
    pub fn reset(&self) {
        self.now.send_modify(|now| now.resets += 1);
    }

    /// Lets new connections pass again; those from before are broken.
    pub fn restore(&self) {
        self.set(Mode::Open);
    }

    fn set(&self, mode: Mode) {
        self.now.send_modify(|now| now.mode = mode);
    }
}

const POSTGRES_PORT: u16 = 5432;
const BACKLOG: u32 = 1_024;
const PIECE: usize = 16 * 1024;

async fn run(mut listener: TcpListener, address: SocketAddr, target: SocketAddr, mut changes: watch::Receiver<Now>) {
    loop {
        tokio::select! {
            // In this order, so that nothing is accepted after `refuse`.
            biased;
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                if changes.borrow_and_update().mode == Mode::Refusing {
                    drop(listener);
                    // Bound but not listening: the port stays ours, and who knocks is refused.
                    let socket = bound(address);
                    if changes.wait_for(|now| now.mode != Mode::Refusing).await.is_err() {
                        return;
                    }
                    listener = socket.listen(BACKLOG).expect("a port of ours can be listened on");
                }
            }
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                tokio::spawn(relay(client, target, changes.clone()));
            }
        }
    }
}

async fn relay(client: TcpStream, target: SocketAddr, mut changes: watch::Receiver<Now>) {
    let began = *changes.borrow_and_update();
    if began.mode == Mode::Stalled {
        until(&mut changes, |now| now.mode != Mode::Stalled).await;
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    for end in [&client, &server] {
        // Whatever ends this relay is a reset for both, unless they had ended before.
        let _ = end.set_zero_linger();
        let _ = end.set_nodelay(true);
    }
    let limit = match began.mode {
        Mode::Cutting(bytes) => Some(bytes),
        Mode::HalfClosed => Some(0),
        _ => None,
    };
    let cuts = matches!(began.mode, Mode::Cutting(_));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = pump(from_client, to_server, None, changes.clone());
    let answers = pump(from_server, to_client, limit, changes.clone());
    let passing = async {
        tokio::pin!(requests);
        tokio::pin!(answers);
        tokio::select! {
            _ = &mut requests => {
                answers.await;
            }
            cut = &mut answers => {
                if !(cut && cuts) {
                    requests.await;
                }
            }
        }
    };
    tokio::pin!(passing);
    tokio::select! {
        biased;
        () = until(&mut changes, |now| now.resets != began.resets || !passes(now.mode)) => {}
        () = &mut passing => return,
    }
    // Nobody moves bytes from here on, but the sockets stay open until this returns.
    until(&mut changes, |now| now.resets != began.resets || now.mode != Mode::Stalled).await;
}

async fn until(changes: &mut watch::Receiver<Now>, is: impl FnMut(&Now) -> bool) {
    // Fails when the proxy was dropped, which ends everything too.
    let _ = changes.wait_for(is).await;
}

const fn passes(mode: Mode) -> bool {
    !matches!(mode, Mode::Refusing | Mode::Stalled)
}

/// Moves bytes one way until their end, or until so many have passed; whether it was the latter.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut left: Option<usize>,
    changes: watch::Receiver<Now>,
) -> bool {
    let mut piece = vec![0; PIECE];
    loop {
        if left == Some(0) {
            let _ = to.shutdown().await;
            return true;
        }
        let Ok(read) = from.read(&mut piece).await else { return false };
        if read == 0 {
            let _ = to.shutdown().await;
            return false;
        }
        let mode = changes.borrow().mode;
        if let Mode::Slow(delay) = mode {
            tokio::time::sleep(delay).await;
        }
        let passing = left.map_or(read, |left| left.min(read));
        if to.write_all(&piece[..passing]).await.is_err() {
            return false;
        }
        left = left.map(|left| left - passing);
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    // Connections of the listener before may linger.
    socket.set_reuseaddr(true).expect("a socket can be set up");
    socket.bind(address).expect("the port is free");
    socket
}
