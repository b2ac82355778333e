//! Which addresses may be dialled.
//!
//! Pure. Names are not looked at: what counts is the address that the connection is made to. Only global unicast
//! addresses pass (the IANA special-purpose registries of IPv4 and IPv6), unless the operator allows a network
//! for the destination. An address that wraps an IPv4 address is judged by what it wraps.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// What may be dialled for one destination.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses {
    allow_networks: Vec<IpNet>,
}

impl Addresses {
    pub(super) fn new(allow_networks: Vec<IpNet>) -> Self {
        Self { allow_networks }
    }

    /// Checks an address for a connection; plain text goes to allowed networks only.
    pub(super) fn check(&self, address: IpAddr, https: bool) -> Result<(), String> {
        let inner = unwrapped(address);
        if self.allow_networks.iter().any(|network| network.contains(&address) || network.contains(&inner)) {
            return Ok(());
        }
        match special(address) {
            Some(kind) => Err(format!("address {address} is {kind}, and `allow_networks` does not name it")),
            None if https => Ok(()),
            None => {
                Err(format!("address {address} is not in `allow_networks`, and only those may be reached over http"))
            }
        }
    }
}

/// The IPv4 address that the two usual forms wrap: mapped (`::ffff:0:0/96`) and NAT64 (`64:ff9b::/96`).
fn unwrapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => IpAddr::V4(v4(high, low)),
            _ => address,
        },
    }
}

/// What keeps an address from being a public one; none where nothing does.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let kind = match address.octets() {
        [0, ..] => "unspecified",
        [127, ..] => "loopback",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        [100, 64..=127, ..] => "of a carrier's own network",
        [169, 254, 169, 254] | [168, 63, 129, 16] => "a cloud's metadata service",
        [169, 254, ..] => "link-local",
        [192, 0, 0, _] | [192, 88, 99, _] => "reserved for protocols",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "for documentation",
        [198, 18..=19, ..] => "for benchmarks",
        [224..=239, ..] => "multicast",
        [240..=255, ..] => "reserved",
        _ => return None,
    };
    Some(kind)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // IPv4-compatible, IPv4-mapped and NAT64 have the IPv4 address in the last 32 bits.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => special_v4(v4(high, low)),
        // 6to4 has it behind the prefix.
        [0x2002, high, low, ..] => special_v4(v4(high, low)),
        // Teredo has its server in the open and its client with all bits turned.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            special_v4(v4(high, low)).or_else(|| special_v4(v4(!client_high, !client_low)))
        }
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("for documentation"),
        [0x2001, 0..=0x01ff, ..] => Some("reserved for protocols"),
        [0x2000..=0x3fff, ..] => None,
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        _ => Some("reserved"),
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(allow: &[&str], address: &str, https: bool, expect: &str) {
        let allow = allow.iter().map(|network| network.parse().unwrap()).collect();
        let got = match Addresses::new(allow).check(address.parse().unwrap(), https) {
            Ok(()) => "ok".to_owned(),
            Err(reason) => reason,
        };
        assert!(got.contains(expect), "{address}: {got}");
    }

    #[test]
    fn only_public_addresses_may_be_dialled() {
        let table = [
            ("unspecified", "0.0.0.0 0.1.2.3 :: ::ffff:0.0.0.0"),
            ("loopback", "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 ::7f00:1 64:ff9b::7f00:1 2002:7f00:1::"),
            ("private", "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fd00:ec2::254 fc00::1 ::ffff:10.1.2.3"),
            ("of a carrier's own network", "100.64.0.1 100.127.255.255 100.100.100.200"),
            ("a cloud's metadata service", "169.254.169.254 168.63.129.16 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe"),
            ("link-local", "169.254.0.1 fe80::1 febf::1"),
            ("reserved for protocols", "192.0.0.192 192.88.99.1 2001:10::1 2001:2::1"),
            ("for documentation", "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1"),
            ("for benchmarks", "198.18.0.1 198.19.255.255"),
            ("multicast", "224.0.0.1 239.255.255.255 ff02::1"),
            ("reserved", "240.0.0.1 255.255.255.255 fec0::1 100::1 5f00::1 64:ff9b:1::1 4000::1"),
            // Teredo: a private server, then a public server with the client 127.0.0.1 turned bit by bit.
            ("private", "2001:0:a00:1::1"),
            ("loopback", "2001:0:808:808:0:0:80ff:fffe 2001:0:808:808::80ff:fffe"),
        ];
        for (kind, addresses) in table {
            for address in addresses.split(' ') {
                check(&[], address, true, &format!("is {kind}, and `allow_networks`"));
            }
        }
    }

    #[test]
    fn public_addresses_pass_in_any_form() {
        for address in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            check(&[], address, true, "ok");
        }
    }

    #[test]
    fn an_allowed_network_admits_what_it_names_and_no_more() {
        check(&["127.0.0.0/8"], "127.0.0.1", false, "ok");
        check(&["127.0.0.0/8"], "::ffff:127.0.0.1", true, "ok");
        check(&["127.0.0.0/8"], "10.0.0.1", true, "is private");
        check(&["127.0.0.0/8"], "::1", true, "is loopback");
        check(&["10.0.0.0/8", "fd00::/8"], "fd00::1", true, "ok");
    }

    #[test]
    fn plain_text_goes_to_allowed_networks_only() {
        check(&["127.0.0.0/8"], "8.8.8.8", false, "only those may be reached over http");
        check(&["8.8.8.0/24"], "8.8.8.8", false, "ok");
    }
}
