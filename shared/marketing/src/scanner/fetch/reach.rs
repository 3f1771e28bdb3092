//! Which addresses the scanner may connect to, whatever they are called.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::scanner::address::is_public;

/// How far the scanner may reach: what anybody on the internet reaches, and the networks that whoever runs it allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    also: Arc<[IpNet]>,
}

impl Reach {
    /// Public addresses and these networks: for who develops a site on their own machine.
    #[must_use]
    pub fn also(networks: &[IpNet]) -> Self {
        Self { also: networks.into() }
    }

    pub(super) fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.also.iter().any(|network| network.contains(&address))
    }

    /// Without networks of our own no name of them needs to be looked up.
    pub(super) fn allows_name(&self, name: &str) -> bool {
        !self.also.is_empty() || !is_local_name(name)
    }
}

/// Finds the addresses of a host.
pub trait Lookup: Send + Sync {
    /// All of them.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// By the system.
pub(super) struct System;

impl Lookup for System {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Says why an address was refused, through the client that asked for it.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not public")]
pub(super) struct Refused(String);

/// Gives the client only addresses that it may connect to. It connects to what it is given here and looks nothing up
/// again, so a name that means something else a moment later changes nothing.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) reach: Reach,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = guard.lookup.lookup(host.clone()).await?;
            // One that is not public makes the name suspect: whoever owns it decides which one is taken.
            if !found.iter().all(|address| guard.reach.allows(*address)) {
                return Err(Box::new(Refused(host)) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Names that never mean anything on the internet. Sources: RFC 6761, RFC 6762, RFC 7686, RFC 8375, RFC 9476, and
/// ICANN's `.internal`.
fn is_local_name(name: &str) -> bool {
    const LOCAL: [&str; 13] = [
        "localhost",
        "local",
        "internal",
        "intranet",
        "private",
        "corp",
        "home",
        "lan",
        "home.arpa",
        "test",
        "invalid",
        "onion",
        "alt",
    ];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_single = !name.contains('.');
    is_single
        || LOCAL.iter().any(|local| name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}
