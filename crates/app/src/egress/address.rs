//! Which addresses a marketplace may dial on a publisher's word, and which only on the operator's.
//!
//! A pure table over the IANA special-purpose registries (RFC 6890 and its successors). Resolving names and
//! the operator's exceptions are in the other files of this folder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not part of the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `0.0.0.0/8` and `::`, which many systems route to themselves.
    ThisNetwork,
    /// RFC 1918.
    Private,
    /// Carrier-grade NAT, `100.64.0.0/10` (RFC 6598).
    Shared,
    /// This machine.
    Loopback,
    /// `169.254.0.0/16` and `fe80::/10`; cloud metadata services live here.
    LinkLocal,
    /// Set aside by the IETF for protocols, benchmarks and relays.
    Protocol,
    /// For examples in books.
    Documentation,
    /// Many receivers.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// Never assigned.
    Reserved,
    /// Private addresses of IPv6, `fc00::/7`.
    UniqueLocal,
    /// An IPv4 address in IPv6 clothes: mapped, compatible, NAT64, 6to4, Teredo.
    EmbeddedIpv4,
}

impl Special {
    /// May the operator open this by naming a host? What is left can only be opened by its network, because a
    /// host's name is answered by whoever runs its DNS.
    pub fn opens_by_name(self) -> bool {
        matches!(
            self,
            Self::Private | Self::Shared | Self::Loopback | Self::UniqueLocal
        )
    }
}

impl std::fmt::Display for Special {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::ThisNetwork => "an unspecified address",
            Self::Private => "a private address",
            Self::Shared => "a carrier-grade NAT address",
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Protocol => "an address reserved for protocols",
            Self::Documentation => "a documentation address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Reserved => "a reserved address",
            Self::UniqueLocal => "a private (unique local) address",
            Self::EmbeddedIpv4 => "an IPv4 address wrapped in IPv6",
        })
    }
}

type Row<T> = (T, u32, Special);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32, what: Special) -> Row<u32> {
    (Ipv4Addr::new(a, b, c, d).to_bits(), prefix, what)
}

const fn v6(head: [u16; 4], prefix: u32, what: Special) -> Row<u128> {
    let [a, b, c, d] = head;
    (
        Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_bits(),
        prefix,
        what,
    )
}

/// First match wins.
const IPV4: &[Row<u32>] = &[
    v4(0, 0, 0, 0, 8, Special::ThisNetwork),
    v4(10, 0, 0, 0, 8, Special::Private),
    v4(100, 64, 0, 0, 10, Special::Shared),
    v4(127, 0, 0, 0, 8, Special::Loopback),
    v4(169, 254, 0, 0, 16, Special::LinkLocal),
    v4(172, 16, 0, 0, 12, Special::Private),
    v4(192, 0, 0, 0, 24, Special::Protocol),
    v4(192, 0, 2, 0, 24, Special::Documentation),
    v4(192, 31, 196, 0, 24, Special::Protocol),
    v4(192, 52, 193, 0, 24, Special::Protocol),
    v4(192, 88, 99, 0, 24, Special::Protocol),
    v4(192, 168, 0, 0, 16, Special::Private),
    v4(192, 175, 48, 0, 24, Special::Protocol),
    v4(198, 18, 0, 0, 15, Special::Protocol),
    v4(198, 51, 100, 0, 24, Special::Documentation),
    v4(203, 0, 113, 0, 24, Special::Documentation),
    v4(224, 0, 0, 0, 4, Special::Multicast),
    v4(255, 255, 255, 255, 32, Special::Broadcast),
    v4(240, 0, 0, 0, 4, Special::Reserved),
];

/// First match wins; what is outside `2000::/3` and in no row is [`Special::Reserved`].
const IPV6: &[Row<u128>] = &[
    (Ipv6Addr::UNSPECIFIED.to_bits(), 128, Special::ThisNetwork),
    (Ipv6Addr::LOCALHOST.to_bits(), 128, Special::Loopback),
    // ::/96 compatible, ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated (SIIT).
    v6([0, 0, 0, 0], 64, Special::EmbeddedIpv4),
    // 64:ff9b::/96 and 64:ff9b:1::/48: NAT64.
    v6([0x64, 0xff9b, 0, 0], 32, Special::EmbeddedIpv4),
    // Teredo, then the rest of the IETF's block.
    v6([0x2001, 0, 0, 0], 32, Special::EmbeddedIpv4),
    v6([0x2001, 0xdb8, 0, 0], 32, Special::Documentation),
    v6([0x2001, 0, 0, 0], 23, Special::Protocol),
    v6([0x2002, 0, 0, 0], 16, Special::EmbeddedIpv4),
    v6([0x2620, 0x4f, 0x8000, 0], 48, Special::Protocol),
    v6([0x3fff, 0, 0, 0], 20, Special::Documentation),
    v6([0xfc00, 0, 0, 0], 7, Special::UniqueLocal),
    v6([0xfe80, 0, 0, 0], 10, Special::LinkLocal),
    v6([0xfec0, 0, 0, 0], 10, Special::UniqueLocal),
    v6([0xff00, 0, 0, 0], 8, Special::Multicast),
];

/// What makes `address` special, or `None` when it is an ordinary public address.
pub fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            IPV4.iter()
                .find(|(base, prefix, _)| (bits ^ base) >> (32 - prefix) == 0)
                .map(|row| row.2)
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            // ISATAP interface ids carry an IPv4 address as well (RFC 5214 §6.1).
            let isatap = matches!((bits >> 32) as u32, 0x5efe | 0x0200_5efe);
            IPV6.iter()
                .find(|(base, prefix, _)| (bits ^ base) >> (128 - prefix) == 0)
                .map(|row| row.2)
                .or((bits >> 125 != 1).then_some(Special::Reserved))
                .or(isatap.then_some(Special::EmbeddedIpv4))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_known_by_their_kind() {
        let table = [
            ("0.0.0.0", Special::ThisNetwork),
            ("0.255.255.255", Special::ThisNetwork),
            ("10.0.0.1", Special::Private),
            ("10.255.255.255", Special::Private),
            ("172.16.0.0", Special::Private),
            ("172.31.255.255", Special::Private),
            ("192.168.1.1", Special::Private),
            ("100.64.0.1", Special::Shared),
            ("100.127.255.255", Special::Shared),
            ("127.0.0.1", Special::Loopback),
            ("127.255.0.1", Special::Loopback),
            ("169.254.169.254", Special::LinkLocal),
            ("192.0.0.8", Special::Protocol),
            ("192.88.99.1", Special::Protocol),
            ("198.18.0.1", Special::Protocol),
            ("198.19.255.255", Special::Protocol),
            ("192.0.2.1", Special::Documentation),
            ("198.51.100.7", Special::Documentation),
            ("203.0.113.9", Special::Documentation),
            ("224.0.0.1", Special::Multicast),
            ("239.255.255.255", Special::Multicast),
            ("240.0.0.1", Special::Reserved),
            ("255.255.255.255", Special::Broadcast),
            ("::", Special::ThisNetwork),
            ("::1", Special::Loopback),
            ("::7f00:1", Special::EmbeddedIpv4),
            ("::ffff:127.0.0.1", Special::EmbeddedIpv4),
            ("::ffff:8.8.8.8", Special::EmbeddedIpv4),
            ("::ffff:0:10.0.0.1", Special::EmbeddedIpv4),
            ("64:ff9b::a9fe:a9fe", Special::EmbeddedIpv4),
            ("64:ff9b:1::1", Special::EmbeddedIpv4),
            ("2002:7f00:1::1", Special::EmbeddedIpv4),
            ("2001:0:1::1", Special::EmbeddedIpv4),
            ("2a00::5efe:7f00:1", Special::EmbeddedIpv4),
            ("2001:2::1", Special::Protocol),
            ("2001:db8::1", Special::Documentation),
            ("3fff::1", Special::Documentation),
            ("fc00::1", Special::UniqueLocal),
            ("fd12:3456::1", Special::UniqueLocal),
            ("fe80::1", Special::LinkLocal),
            ("febf::1", Special::LinkLocal),
            ("fec0::1", Special::UniqueLocal),
            ("ff02::1", Special::Multicast),
            ("100::1", Special::Reserved),
            ("5f00::1", Special::Reserved),
            ("4000::1", Special::Reserved),
        ];
        for (text, what) in table {
            assert_eq!(special(text.parse().unwrap()), Some(what), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_open() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
        ] {
            assert_eq!(special(text.parse().unwrap()), None, "{text}");
        }
    }
}
