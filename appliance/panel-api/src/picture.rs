//! A picture of the panel on its way to the daemon, piece by piece: a frame holds no whole one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Octets of a piece at most. In base64 they are 128 KiB, half of what a frame may hold.
pub const LONGEST_PIECE: usize = 96 * 1024;

/// A piece of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturePiece {
    /// Of which picture, as it was wanted.
    pub number: u32,
    /// Where it begins.
    pub offset: u32,
    /// The octets of the whole picture, a PNG.
    pub total: u32,
    /// What stands there.
    pub octets: PictureOctets,
}

/// 1 to [`LONGEST_PIECE`] octets, in base64 (RFC 4648, section 4) on the socket. They print as their number.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureOctets(pub Vec<u8>);

impl fmt::Debug for PictureOctets {
    /// Their number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())
    }
}

impl Serialize for PictureOctets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for PictureOctets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PictureOctets, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let octets = STANDARD.decode(text).map_err(|_| Error::custom("a piece not in base64"))?;
        match octets.len() {
            1..=LONGEST_PIECE => Ok(PictureOctets(octets)),
            _ => Err(Error::custom("a piece that is empty or too long")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tap, decode, encode};

    #[test]
    fn the_longest_piece_goes_through_the_socket_and_a_longer_one_is_not_taken() {
        let piece = |length: usize| {
            let octets = PictureOctets(vec![0xa5; length]);
            Tap::Picture(PicturePiece { number: 7, offset: 0, total: 9, octets })
        };
        let frame = encode(&piece(LONGEST_PIECE)).unwrap();
        assert_eq!(decode::<Tap>(&frame[4..]).unwrap(), piece(LONGEST_PIECE));
        for length in [0, LONGEST_PIECE + 1] {
            assert!(decode::<Tap>(&encode(&piece(length)).unwrap()[4..]).is_err(), "{length}");
        }
        let garbled = br#"{"tap":"picture","number":7,"offset":0,"total":9,"octets":"*"}"#;
        assert!(decode::<Tap>(garbled).is_err());
        assert!(!format!("{:?}", piece(3)).contains("165"), "{:?}", piece(3));
    }
}
