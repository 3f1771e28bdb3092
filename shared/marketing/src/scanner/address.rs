//! Which addresses are everybody's: whoever asks for a scan must not reach what only this machine can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{Ipv4Net, Ipv6Net};

/// Everything in the IANA registry of special-purpose IPv4 addresses, and multicast: what is not reachable for
/// everybody, what means something else on every network, and what leads into other protocols.
///
/// Source: <https://www.iana.org/assignments/iana-ipv4-special-registry>.
const SPECIAL_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Not in the registry, and yet only reachable from inside: Azure's and Alibaba's metadata.
    "168.63.129.16/32",
    "100.100.100.200/32",
];

/// The global unicast addresses of IPv6; everything outside of them is for something else.
const GLOBAL_V6: &str = "2000::/3";

/// Parts of [`GLOBAL_V6`] that are not for everybody, or that carry an IPv4 address.
///
/// Source: <https://www.iana.org/assignments/iana-ipv6-special-registry>.
const SPECIAL_V6: &[&str] = &["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "3ffe::/16"];

struct Table {
    special_v4: Vec<Ipv4Net>,
    global_v6: Option<Ipv6Net>,
    special_v6: Vec<Ipv6Net>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table {
    special_v4: SPECIAL_V4.iter().filter_map(|net| net.parse().ok()).collect(),
    global_v6: GLOBAL_V6.parse().ok(),
    special_v6: SPECIAL_V6.iter().filter_map(|net| net.parse().ok()).collect(),
});

/// Whether an address is one that anybody on the internet reaches.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !TABLE.special_v4.iter().any(|net| net.contains(&address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    TABLE.global_v6.is_some_and(|net| net.contains(&address))
        && !TABLE.special_v6.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_is_understood() {
        assert_eq!(TABLE.special_v4.len(), SPECIAL_V4.len());
        assert_eq!(TABLE.special_v6.len(), SPECIAL_V6.len());
        assert!(TABLE.global_v6.is_some());
    }

    #[test]
    fn only_public_addresses_are() {
        for address in ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
