use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use entity::db::DatabaseUrl;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::watch;

/// A way to a Postgres server that can be broken. Ends with the runtime that it was made on.
#[derive(Debug)]
pub struct Proxy {
    url: DatabaseUrl,
    mode: watch::Sender<Mode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything passes.
    Open,
    /// As when the server is down: connections break, new ones are refused.
    Refusing,
    /// As when the network is gone: connections stay, new ones are accepted, and not a byte passes.
    Stalled,
}

impl Proxy {
    /// A proxy before the server of `url`, which lets everything pass at first.
    ///
    /// # Panics
    ///
    /// When that is not a Postgres server that can be reached over TCP.
    pub async fn before(url: &DatabaseUrl) -> Self {
        let DatabaseUrl::Postgres(server) = url else { panic!("only Postgres is behind a network") };
        let target = (server.host_str().unwrap_or("localhost"), server.port().unwrap_or(5432));
        let target = lookup_host(target).await.expect("the server's name is known").next().expect("it has an address");

        let socket = bound(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into());
        let address = socket.local_addr().expect("a bound socket has an address");
        let mut url = server.clone();
        url.set_ip_host(address.ip()).expect("a Postgres URL has a host");
        url.set_port(Some(address.port())).expect("a Postgres URL has a port");

        let (mode, modes) = watch::channel(Mode::Open);
        let listener = socket.listen(BACKLOG).expect("a free port can be listened on");
        tokio::spawn(run(listener, address, target, modes));
        Self { url: DatabaseUrl::Postgres(url), mode }
    }

    /// Where the proxy listens, as the database's URL.
    #[must_use]
    pub fn url(&self) -> DatabaseUrl {
        self.url.clone()
    }

    /// Breaks every connection and refuses new ones, as when the server is down.
    pub fn refuse(&self) {
        self.mode.send_replace(Mode::Refusing);
    }

    /// Lets not a byte pass any more, without a word to either side, as when the network is gone.
    pub fn stall(&self) {
        self.mode.send_replace(Mode::Stalled);
    }

    /// Lets new connections pass again; those from before are broken.
    pub fn restore(&self) {
        self.mode.send_replace(Mode::Open);
    }
}

const BACKLOG: u32 = 128;

async fn run(mut listener: TcpListener, address: SocketAddr, target: SocketAddr, mut modes: watch::Receiver<Mode>) {
    loop {
        tokio::select! {
            // In this order, so that nothing is accepted after `refuse`.
            biased;
            changed = modes.changed() => {
                if changed.is_err() {
                    return;
                }
                if *modes.borrow_and_update() == Mode::Refusing {
                    drop(listener);
                    // Bound but not listening: the port stays ours, and who knocks is refused.
                    let socket = bound(address);
                    if modes.wait_for(|mode| *mode != Mode::Refusing).await.is_err() {
                        return;
                    }
                    listener = socket.listen(BACKLOG).expect("a port of ours can be listened on");
                }
            }
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                tokio::spawn(relay(client, target, modes.clone()));
            }
        }
    }
}

async fn relay(mut client: TcpStream, target: SocketAddr, mut modes: watch::Receiver<Mode>) {
    let passing = async {
        if let Ok(mut server) = TcpStream::connect(target).await {
            // Ends when either side does.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    };
    tokio::pin!(passing);
    tokio::select! {
        biased;
        () = until_not(&mut modes, Mode::Open) => {}
        () = &mut passing => return,
    }
    // Nobody moves bytes from here on, but the sockets stay open until this returns.
    until_not(&mut modes, Mode::Stalled).await;
}

async fn until_not(modes: &mut watch::Receiver<Mode>, mode: Mode) {
    // Fails when the proxy was dropped, which ends everything too.
    let _ = modes.wait_for(|now| *now != mode).await;
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    // Connections of the listener before may linger.
    socket.set_reuseaddr(true).expect("a socket can be set up");
    socket.bind(address).expect("the port is free");
    socket
}
