//! Who is at the other end, also behind proxies of ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

use crate::config::{ConfigError, Environment};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word about their client is taken. Nobody else's is: the header is easily made up.
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Reads `TRUSTED_PROXIES`.
    ///
    /// # Errors
    ///
    /// When an entry is neither an address nor a network.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(environment.list_of("TRUSTED_PROXIES", parse_network)?.into()))
    }

    /// The client of a request: the peer, or what the proxies nearest to us say, as far as they are trusted.
    ///
    /// Without a connection, as when a router is called in memory, it is 0.0.0.0.
    #[must_use]
    pub fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip().to_canonical());
        self.behind(peer, headers)
    }

    /// Each proxy appends whom it heard from, so the list is walked from its end for as long as who wrote an entry is
    /// trusted. An entry that is no address ends the walk: nothing before it was written by somebody known.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut entries = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.trusts(client) {
            let Some(before) = entries.next().and_then(parse_entry) else { break };
            client = before;
        }
        client
    }

    /// Whether this is the address of one of them.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What a client is counted by: its address, or in IPv6 the /64 network, of which one client has all addresses.
#[must_use]
pub fn network_of(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// An address, which some proxies write with the port.
fn parse_entry(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip())).ok()?;
    Some(address.to_canonical())
}

fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(canonical).map_err(|_| {
        format!("holds `{text}`, which is neither an address nor a network such as 10.0.0.0/8 or 2001:db8::/32")
    })
}

/// Peers are compared in their IPv4 form, so networks have to be.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let address = mapped.addr().to_ipv4_mapped();
    let prefix = mapped.prefix_len().checked_sub(96);
    let inner = address.zip(prefix).and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    inner.map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusting(proxies: &str) -> TrustedProxies {
        TrustedProxies::from_environment(&Environment::of(&[("TRUSTED_PROXIES", proxies)])).unwrap()
    }

    fn client(proxies: &TrustedProxies, peer: &str, forwarded: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4711)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.client(&extensions, &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_trusted() {
        assert_eq!(client(&TrustedProxies::default(), "198.51.100.7", &["203.0.113.9"]), "198.51.100.7");
        assert_eq!(client(&trusting("10.0.0.0/8"), "198.51.100.7", &["203.0.113.9"]), "198.51.100.7");
        assert_eq!(client(&trusting("10.0.0.0/8"), "10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn the_last_address_that_is_not_a_proxy_of_ours_counts() {
        let proxies = trusting("10.0.0.0/8, 192.0.2.1,2001:db8::/32");
        for (forwarded, expected) in [
            (&["203.0.113.9"][..], "203.0.113.9"),
            (&["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            (&["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
            (&["1.2.3.4, 203.0.113.9, 192.0.2.1", "10.9.9.9"], "203.0.113.9"),
            (&["203.0.113.9,2001:db8::5"], "203.0.113.9"),
            // Only proxies: the one farthest away.
            (&["10.4.4.4, 10.5.5.5"], "10.4.4.4"),
            (&["2001:DB9::1"], "2001:db9::1"),
            (&["203.0.113.9:5555"], "203.0.113.9"),
            (&["[2001:db9::1]:5555"], "2001:db9::1"),
            (&["[2001:db9::1]"], "2001:db9::1"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
        ] {
            assert_eq!(client(&proxies, "10.0.0.2", forwarded), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_walk() {
        let proxies = trusting("10.0.0.0/8");
        for forwarded in ["unknown", "", "203.0.113.9,", "203.0.113.9, _hidden", "203.0.113.9, 300.1.1.1", "1.1.1.1, é"]
        {
            assert_eq!(client(&proxies, "10.0.0.2", &[forwarded]), "10.0.0.2", "{forwarded}");
        }
        assert_eq!(client(&proxies, "10.0.0.2", &["203.0.113.9, nonsense, 10.3.3.3"]), "10.3.3.3");
    }

    #[test]
    fn an_ipv4_address_in_ipv6_is_the_same_address() {
        for proxies in ["10.0.0.2", "::ffff:10.0.0.2", "::ffff:10.0.0.0/104"] {
            assert_eq!(client(&trusting(proxies), "::ffff:10.0.0.2", &["203.0.113.9"]), "203.0.113.9", "{proxies}");
        }
        assert_eq!(client(&TrustedProxies::default(), "::ffff:198.51.100.7", &[]), "198.51.100.7");
    }

    #[test]
    fn a_request_without_a_connection_has_a_client_too() {
        assert_eq!(trusting("10.0.0.0/8").client(&Extensions::new(), &HeaderMap::new()).to_string(), "0.0.0.0");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let network = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("203.0.113.9"), "203.0.113.9");
    }

    #[test]
    fn a_bad_entry_is_named() {
        for bad in ["10.0.0.0/33", "proxy.example", "10.0.0", "10.0.0.1:80"] {
            let text = format!("10.0.0.1, {bad}");
            let environment = Environment::of(&[("TRUSTED_PROXIES", &text)]);
            let error = TrustedProxies::from_environment(&environment).unwrap_err().to_string();
            assert!(error.starts_with("TRUSTED_PROXIES holds `") && error.contains(bad), "{error}");
        }
    }
}
