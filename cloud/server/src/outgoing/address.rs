//! Where others are asked: an address on the web, over HTTPS alone.

use axum::http::Uri;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The most octets of an address; those of calendars have some hundred.
const LONGEST: usize = 2_000;

/// The port that HTTPS has unless another one is named.
const HTTPS: u16 = 443;

/// An address that begins with `https://`. It is a secret where it has one in its path, as calendars' do: logs show its host.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress(Uri);

impl WebAddress {
    /// The host: a name or an address, without brackets.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(HTTPS)
    }

    /// Host and port as the header `Host` has them.
    pub(super) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// Path and query, as a request has them.
    pub(super) fn target(&self) -> &str {
        self.0.path_and_query().map_or("/", |target| target.as_str())
    }

    /// All of it, with what may be secret in it. The call is easy to search for.
    pub fn expose(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{:?}/…", conclave_types::Redacted(self.host()))
    }
}

/// Why something is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWebAddress {
    /// It begins otherwise.
    #[error("the address begins with https://")]
    Https,
    /// A name or a password stands in it.
    #[error("name and password do not stand in the address: there are fields of their own")]
    Password,
    /// It is longer than `LONGEST`.
    #[error("the address is longer than {LONGEST} characters")]
    Long,
    /// It is none.
    #[error("this is no address on the web, such as https://calendar.example.org/room.ics")]
    Wrong,
}

impl FromStr for WebAddress {
    type Err = NoWebAddress;

    fn from_str(text: &str) -> Result<WebAddress, NoWebAddress> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(NoWebAddress::Long);
        }
        // What follows a '#' is for a browser (RFC 9110, 4.2.5); a server is never told it.
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let scheme = text.get(..8).ok_or(NoWebAddress::Https)?;
        if !scheme.eq_ignore_ascii_case("https://") {
            return Err(NoWebAddress::Https);
        }
        let uri: Uri = text.parse().map_err(|_| NoWebAddress::Wrong)?;
        let authority = uri.authority().ok_or(NoWebAddress::Wrong)?;
        if authority.as_str().contains('@') {
            return Err(NoWebAddress::Password);
        }
        let port = authority.as_str().rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        if authority.host().is_empty()
            || port.is_some() && authority.port_u16().is_none_or(|port| port == 0)
        {
            return Err(NoWebAddress::Wrong);
        }
        Ok(WebAddress(uri))
    }
}

impl Serialize for WebAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WebAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WebAddress, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_prints_without_what_may_be_secret() {
        let address: WebAddress =
            " https://cal.example.org:8443/ical/s3cret.ics?x=1#top ".parse().unwrap();
        assert_eq!((address.host(), address.port()), ("cal.example.org", 8443));
        assert_eq!(address.authority(), "cal.example.org:8443");
        assert_eq!(address.target(), "/ical/s3cret.ics?x=1");
        assert!(!format!("{address:?}").contains("s3cret"), "{address:?}");
        assert_eq!(address.expose().parse::<WebAddress>().unwrap(), address);
        let plain: WebAddress = "HTTPS://[2001:db8::1]".parse().unwrap();
        assert_eq!((plain.host(), plain.port(), plain.target()), ("2001:db8::1", 443, "/"));
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, why) in [
            ("", NoWebAddress::Https),
            ("http://example.org/", NoWebAddress::Https),
            ("file:///etc/passwd", NoWebAddress::Https),
            ("https://", NoWebAddress::Wrong),
            ("https:///path", NoWebAddress::Wrong),
            ("https://a b/", NoWebAddress::Wrong),
            ("https://example.org:0/", NoWebAddress::Wrong),
            ("https://example.org:99999/", NoWebAddress::Wrong),
            ("https://ex\r\nHost: y/", NoWebAddress::Wrong),
            ("https://ada:pw@example.org/", NoWebAddress::Password),
            (&format!("https://example.org/{}", "a".repeat(LONGEST)), NoWebAddress::Long),
            ("https:/é", NoWebAddress::Https),
        ] {
            assert_eq!(text.parse::<WebAddress>().unwrap_err(), why, "{text:?}");
        }
    }
}
