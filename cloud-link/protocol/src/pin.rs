//! The keys that a room takes for its cloud's: the SHA-256 of their SubjectPublicKeyInfo
//! (RFC 7469, section 2.4, has the same idea), written `sha256:` and 44 letters of base64.
//!
//! A room holds the pin of the cloud's present key and of its backup key. When the present key is
//! lost or stolen, the cloud goes on with the backup, and no room has to be visited.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "sha256:";

/// The SHA-256 of a public key's SubjectPublicKeyInfo in DER. It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerPin(pub [u8; 32]);

/// Why a text is not a pin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It does not begin with `sha256:`.
    #[error("a pin begins with 'sha256:'; copy it from 'conclave-cloud pins'")]
    Prefix,
    /// What follows is not base64.
    #[error("what follows 'sha256:' is not base64; copy the whole pin from 'conclave-cloud pins'")]
    Base64,
    /// It is base64 of another length.
    #[error("a pin has 32 octets, this one has {found}; copy the whole pin")]
    Length {
        /// Octets found.
        found: usize,
    },
}

impl FromStr for ServerPin {
    type Err = PinError;
    fn from_str(text: &str) -> Result<ServerPin, PinError> {
        let digest = text.trim().strip_prefix(PREFIX).ok_or(PinError::Prefix)?;
        let octets = STANDARD.decode(digest).map_err(|_| PinError::Base64)?;
        let found = octets.len();
        octets.try_into().map(ServerPin).map_err(|_| PinError::Length { found })
    }
}

impl fmt::Display for ServerPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for ServerPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The pins that a room accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pins {
    /// Of the key that the cloud uses.
    pub current: ServerPin,
    /// Of the key that the cloud keeps for the day when it loses the other.
    pub backup: Option<ServerPin>,
}

/// Why a list of texts is not a room's pins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PinsError {
    /// None, or more than two.
    #[error("one or two pins are needed (the present and the backup key), {found} are there")]
    Count {
        /// How many.
        found: usize,
    },
    /// One of them is not a pin.
    #[error("pin {} cannot be read", position + 1)]
    Pin {
        /// Which, from 0.
        position: usize,
        /// Why.
        #[source]
        cause: PinError,
    },
    /// Both are the same.
    #[error("both pins are the same; the second is for the backup key")]
    Same,
}

impl Pins {
    /// Reads one or two pins, the present key's first.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Pins, PinsError> {
        let read = |(position, text): (usize, &T)| {
            text.as_ref().parse().map_err(|cause| PinsError::Pin { position, cause })
        };
        let pins = texts.iter().enumerate().map(read).collect::<Result<Vec<ServerPin>, _>>()?;
        match *pins.as_slice() {
            [current] => Ok(Pins { current, backup: None }),
            [current, backup] if current == backup => Err(PinsError::Same),
            [current, backup] => Ok(Pins { current, backup: Some(backup) }),
            _ => Err(PinsError::Count { found: texts.len() }),
        }
    }

    /// Whether a key with this pin is the cloud's.
    pub fn accept(&self, pin: ServerPin) -> bool {
        self.current == pin || self.backup == Some(pin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_survives_being_written_and_read() {
        let pin = ServerPin([7; 32]);
        assert_eq!(pin.to_string(), "sha256:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(pin.to_string().parse(), Ok(pin));
    }

    #[test]
    fn what_is_no_pin_is_refused_with_what_to_do() {
        let read = |text: &str| text.parse::<ServerPin>().unwrap_err();
        assert_eq!(read("BwcH"), PinError::Prefix);
        assert_eq!(read("sha256:é"), PinError::Base64);
        assert_eq!(read("sha256:AAAA"), PinError::Length { found: 3 });
    }

    #[test]
    fn a_room_has_one_or_two_different_pins() {
        let (a, b) = (ServerPin([1; 32]), ServerPin([2; 32]));
        let texts = [a.to_string(), b.to_string()];
        let pins = Pins::parse(&texts).unwrap();
        assert!(pins.accept(a) && pins.accept(b) && !pins.accept(ServerPin([3; 32])));
        assert_eq!(Pins::parse::<String>(&[]), Err(PinsError::Count { found: 0 }));
        assert_eq!(Pins::parse(&[a.to_string(), a.to_string()]), Err(PinsError::Same));
        let wrong = Pins::parse(&[a.to_string(), "sha256:AAAA".to_owned()]).unwrap_err();
        assert_eq!(wrong.to_string(), "pin 2 cannot be read");
    }
}
