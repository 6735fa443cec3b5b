//! Does an address lie in a range of addresses?
//!
//! `IpAddress` and `NotIpAddress` take a CIDR range or a single address, and compare numbers, not text (R4.4,
//! R4.20): `2001:0DB8:0:0::1` lies in `2001:db8::1`. An address without a prefix is a range of one. Bits of the
//! address past the prefix do not count: `203.0.113.9/24` is `203.0.113.0/24` (*inferred*).
//!
//! The two families never meet: an IPv6 address lies in no IPv4 range. That holds for IPv4-mapped IPv6 addresses
//! too (*inferred*; AWS says nothing of them): `::ffff:203.0.113.7` lies in `::ffff:203.0.113.0/120` but not in
//! `203.0.113.0/24`. AWS reports an IPv4 caller by its IPv4 address, so a mapped one is something somebody wrote.
//!
//! Texts are strict: no leading zeros in an octet (octal or decimal?), no zone (`%eth0`), no netmask after the `/`.
//!
//! AWS page: IAM JSON policy elements: Condition operators, "IP address condition operators".

use std::net::IpAddr;

use ipnet::IpNet;

/// A CIDR range of one family; host bits are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpRange(IpNet);

/// A single address, as the request context gives it: `aws:SourceIp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

/// Why a text is not an address or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IpError {
    /// The text, or the part before the `/`, is not an address.
    #[error("not an IPv4 or IPv6 address")]
    Address,
    /// The part after the `/` is not a prefix length of the address's family.
    #[error("the prefix length after `/` is a number from 0 to {longest}")]
    Prefix {
        /// The longest prefix of the family: 32 or 128.
        longest: u8,
    },
    /// A range stands where one address is needed.
    #[error("a range stands in place of a single address")]
    Range,
}

impl IpRange {
    /// Reads a CIDR range or a single address.
    ///
    /// # Errors
    /// [`IpError::Address`] or [`IpError::Prefix`] for the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, IpError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| IpError::Address)?;
        let Some(prefix) = prefix else { return Ok(Self(address.into())) };
        let wrong_prefix = IpError::Prefix { longest: IpNet::from(address).max_prefix_len() };
        let prefix = prefix_length(prefix).ok_or(wrong_prefix)?;
        IpNet::new(address, prefix).map(|range| Self(range.trunc())).map_err(|_| wrong_prefix)
    }

    /// Whether an address lies in the range; never one of the other family.
    pub fn contains(&self, address: Address) -> bool {
        self.0.contains(&address.0)
    }
}

impl IpRange {
    /// The first and the last address of the range.
    pub fn ends(&self) -> (IpAddr, IpAddr) {
        (self.0.network(), self.0.broadcast())
    }
}

impl Address {
    /// Reads a single address.
    ///
    /// # Errors
    /// [`IpError::Range`] for a range, even of one address; [`IpError::Address`] for anything else.
    pub fn parse(text: &str) -> Result<Self, IpError> {
        let error = if IpRange::parse(text).is_ok() { IpError::Range } else { IpError::Address };
        text.parse().map(Self).map_err(|_| error)
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

/// Digits only: `u8` by itself would also read `+8`.
fn prefix_length(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[rstest]
    #[case::first("203.0.113.0/24", "203.0.113.0", true)]
    #[case::last("203.0.113.0/24", "203.0.113.255", true)]
    #[case::before("203.0.113.0/24", "203.0.112.255", false)]
    #[case::after("203.0.113.0/24", "203.0.114.0", false)]
    #[case::single_address("203.0.113.7", "203.0.113.7", true)]
    #[case::single_address_is_one("203.0.113.7", "203.0.113.8", false)]
    #[case::host_bits_do_not_count("203.0.113.9/24", "203.0.113.1", true)]
    #[case::all_of_ipv4("0.0.0.0/0", "255.255.255.255", true)]
    #[case::not_on_an_octet("10.16.0.0/12", "10.31.255.255", true)]
    #[case::past_the_octet("10.16.0.0/12", "10.32.0.0", false)]
    #[case::spelling_of_ipv6("2001:0DB8:0:0::1", "2001:db8::1", true)]
    #[case::ipv6_range("2001:db8::/32", "2001:db8:ffff::1", true)]
    #[case::outside_ipv6_range("2001:db8::/32", "2001:db9::", false)]
    #[case::single_ipv6("2001:db8::1", "2001:db8::2", false)]
    #[case::ipv6_host_bits("2001:db8::9/64", "2001:db8::1", true)]
    #[case::ipv6_in_ipv4("0.0.0.0/0", "::1", false)]
    #[case::ipv4_in_ipv6("::/0", "203.0.113.7", false)]
    #[case::mapped_address_is_ipv6("203.0.113.0/24", "::ffff:203.0.113.7", false)]
    #[case::mapped_range_is_ipv6("::ffff:203.0.113.0/120", "203.0.113.7", false)]
    #[case::mapped_in_mapped("::ffff:203.0.113.0/120", "::ffff:cb00:7107", true)]
    #[case::mapped_in_ipv6("::/0", "::ffff:203.0.113.7", true)]
    fn containment(#[case] range: &str, #[case] address: &str, #[case] expected: bool) {
        let (range, address) = (IpRange::parse(range).unwrap(), Address::parse(address).unwrap());
        assert_eq!(range.contains(address), expected);
    }

    #[rstest]
    #[case::host_bits("203.0.113.9/24", "203.0.113.0/24")]
    #[case::full_prefix("203.0.113.9/32", "203.0.113.9")]
    #[case::full_ipv6_prefix("2001:DB8::1/128", "2001:db8:0::1")]
    fn same_range(#[case] left: &str, #[case] right: &str) {
        assert_eq!(IpRange::parse(left), IpRange::parse(right));
        assert!(IpRange::parse(left).is_ok());
    }

    #[rstest]
    #[case::empty("", IpError::Address)]
    #[case::prefix_only("/24", IpError::Address)]
    #[case::three_octets("203.0.113/24", IpError::Address)]
    #[case::large_octet("203.0.113.256", IpError::Address)]
    #[case::leading_zero("010.0.0.1", IpError::Address)]
    #[case::wildcard("203.0.113.*", IpError::Address)]
    #[case::space(" 203.0.113.7", IpError::Address)]
    #[case::zone("fe80::1%eth0", IpError::Address)]
    #[case::port("203.0.113.7:443", IpError::Address)]
    #[case::brackets("[::1]", IpError::Address)]
    #[case::name("localhost", IpError::Address)]
    #[case::prefix_too_long("203.0.113.0/33", IpError::Prefix { longest: 32 })]
    #[case::prefix_too_long_for_ipv6("2001:db8::/129", IpError::Prefix { longest: 128 })]
    #[case::prefix_past_a_byte("203.0.113.0/280", IpError::Prefix { longest: 32 })]
    #[case::prefix_missing("203.0.113.0/", IpError::Prefix { longest: 32 })]
    #[case::signed_prefix("203.0.113.0/+8", IpError::Prefix { longest: 32 })]
    #[case::netmask("203.0.113.0/255.255.255.0", IpError::Prefix { longest: 32 })]
    #[case::two_prefixes("203.0.113.0/24/24", IpError::Prefix { longest: 32 })]
    fn refused(#[case] text: &str, #[case] error: IpError) {
        assert_eq!(IpRange::parse(text), Err(error));
    }

    #[rstest]
    #[case::range("203.0.113.0/24", IpError::Range)]
    #[case::range_of_one("203.0.113.7/32", IpError::Range)]
    #[case::bad_prefix("203.0.113.7/99", IpError::Address)]
    #[case::service_name("s3.amazonaws.com", IpError::Address)]
    fn not_a_single_address(#[case] text: &str, #[case] error: IpError) {
        assert_eq!(Address::parse(text), Err(error));
    }

    #[test]
    fn a_wrong_prefix_names_the_longest() {
        let error = IpRange::parse("10.0.0.0/64").unwrap_err();
        assert_eq!(error.to_string(), "the prefix length after `/` is a number from 0 to 32");
    }

    proptest! {
        #[test]
        fn ipv4_containment_is_a_mask(network: u32, flipped: u32, kept in 0..=32_u32, prefix in 0..=32_u32) {
            // The address shares its first `kept` bits with the network, so that both answers are common.
            let address = network ^ flipped.checked_shr(kept).unwrap_or(0);
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            let range = IpRange::parse(&format!("{}/{prefix}", Ipv4Addr::from(network))).unwrap();
            let address_value = Address::from(IpAddr::from(Ipv4Addr::from(address)));
            prop_assert_eq!(range.contains(address_value), network & mask == address & mask);
        }

        #[test]
        fn ipv6_containment_is_a_mask(network: u128, flipped: u128, kept in 0..=128_u32, prefix in 0..=128_u32) {
            let address = network ^ flipped.checked_shr(kept).unwrap_or(0);
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            let range = IpRange::parse(&format!("{}/{prefix}", Ipv6Addr::from(network))).unwrap();
            let address_value = Address::from(IpAddr::from(Ipv6Addr::from(address)));
            prop_assert_eq!(range.contains(address_value), network & mask == address & mask);
        }

        #[test]
        fn families_never_meet(v4: u32, v6: u128, v4_prefix in 0..=32_u8, v6_prefix in 0..=128_u8) {
            let (v4, v6) = (Ipv4Addr::from(v4), Ipv6Addr::from(v6));
            let v4_range = IpRange::parse(&format!("{v4}/{v4_prefix}")).unwrap();
            let v6_range = IpRange::parse(&format!("{v6}/{v6_prefix}")).unwrap();
            prop_assert!(!v4_range.contains(Address(v6.into())));
            prop_assert!(!v6_range.contains(Address(v4.into())));
        }

        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = (IpRange::parse(&text), Address::parse(&text));
        }
    }
}
