//! Which addresses the cloud calls on when somebody has it call on others: what they name leads to no service of the cloud's own
//! machine, nor to what only its network card's neighbours see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far the operator lets it reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// To networks of one's own (RFC 1918, RFC 4193, RFC 6598).
    pub(super) private: bool,
    /// To this very machine.
    pub(super) loopback: bool,
}

impl Reach {
    /// Whether this one is called on.
    pub(super) fn has(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.has_v4(address),
            IpAddr::V6(address) => match v4_inside(address) {
                Some(inside) => self.has_v4(inside),
                None => self.has_v6(address),
            },
        }
    }

    fn has_v4(self, address: Ipv4Addr) -> bool {
        let [a, b, c, _] = address.octets();
        let shared = a == 100 && (64..128).contains(&b);
        match a {
            127 => self.loopback,
            // This network, and what is kept for later (RFC 6890), the broadcast address with it.
            0 | 240.. => false,
            _ if address.is_link_local() || address.is_multicast() => false,
            // Of protocols, not of hosts (RFC 6890).
            192 if (b, c) == (0, 0) => false,
            _ if address.is_private() || shared => self.private,
            _ => true,
        }
    }

    fn has_v6(self, address: Ipv6Addr) -> bool {
        if address.is_loopback() {
            return self.loopback;
        }
        let first = address.segments()[0];
        match first {
            // Unique local, and the site-local ones of before.
            0xfc00..=0xfdff | 0xfec0..=0xfeff => self.private,
            // Teredo leads to an address that it hides (RFC 4380).
            0x2001 if address.segments()[1] == 0 => false,
            // The only ones that are given out (RFC 4291, 2.4); link-local, multicast and unspecified are not among them.
            0x2000..=0x3fff => true,
            _ => false,
        }
    }
}

/// The address of version 4 that one of version 6 stands for: mapped (RFC 4291), of a translator (RFC 6052), of 6to4 (RFC 3056).
fn v4_inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let octets = address.octets();
    let of = |from: usize| {
        let inside: [u8; 4] = octets[from..from + 4].try_into().ok()?;
        Some(Ipv4Addr::from(inside))
    };
    match octets {
        [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, ..] => of(12),
        [0x20, 0x02, ..] => of(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORLD: Reach = Reach { private: false, loopback: false };
    const LAN: Reach = Reach { private: true, loopback: false };
    const HERE: Reach = Reach { private: false, loopback: true };

    fn has(reach: Reach, address: &str) -> bool {
        reach.has(address.parse().unwrap())
    }

    #[test]
    fn this_machine_and_its_neighbours_are_never_called_on_unless_the_operator_says_so() {
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
            assert!(!has(LAN, address) && !has(WORLD, address), "{address}");
            assert!(has(HERE, address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "192.0.0.8",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::127.0.0.1",
            "fe80::1",
            "ff02::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2002:7f00:1::1",
            "2001:0:1:2::3",
            "100::1",
        ] {
            assert!(!has(LAN, address) && !has(WORLD, address), "{address}");
        }
    }

    #[test]
    fn networks_of_ones_own_are_called_on_where_the_operator_lets_it() {
        for address in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "100.64.0.1",
            "fd00::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "2002:0a00:0001::1",
        ] {
            assert!(has(LAN, address) && !has(WORLD, address), "{address}");
            assert!(!has(HERE, address), "{address}");
        }
    }

    #[test]
    fn the_world_is_called_on() {
        for address in ["203.0.113.7", "172.32.0.1", "100.128.0.1", "2606:4700::1", "2001:db8::1"] {
            assert!(has(WORLD, address), "{address}");
        }
    }
}
