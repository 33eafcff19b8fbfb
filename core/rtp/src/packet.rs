//! One RTP packet (RFC 3550, section 5.1) with its header extensions (RFC 8285, one-byte form).
//!
//! ```text
//!  0   V=2 (2 bits) · padding (1) · extension (1) · CSRC count (4)
//!  1   marker (1) · payload type (7)
//!  2   sequence number, 16 bits
//!  4   timestamp, 32 bits, in ticks of the payload's clock
//!  8   SSRC, 32 bits
//! 12   CSRCs, 4 octets each; then, with the extension bit: profile (2), words (2), words × 4 octets
//! ```

use conclave_types::Ssrc;
use std::fmt;

/// Octets of the fixed header.
pub const HEADER_LENGTH: usize = 12;

/// The profile that announces one-byte elements (RFC 8285, section 4.2).
const ONE_BYTE: u16 = 0xbede;
/// The id at which reading one-byte elements stops (RFC 8285, section 4.2).
const STOP: u8 = 15;

/// Why some octets are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// They end before the header does.
    #[error("the packet ends within its header, after {length} octets")]
    Truncated {
        /// How many there are.
        length: usize,
    },
    /// The version is not 2.
    #[error("the packet has version {version} instead of 2")]
    Version {
        /// What it says.
        version: u8,
    },
    /// The padding is longer than what follows the header, or has no length.
    #[error("the packet has impossible padding")]
    Padding,
}

/// A view of an RTP packet whose lengths were checked.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    /// Where the elements of the header extension begin and end, when it has the one-byte form.
    elements: (usize, usize),
    /// Where the payload begins and ends.
    payload: (usize, usize),
}

impl fmt::Debug for Packet<'_> {
    /// How long it is; what people say and show stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet").field("octets", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl<'a> Packet<'a> {
    /// Checks the header and the padding.
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let truncated = RtpError::Truncated { length: bytes.len() };
        if bytes.len() < HEADER_LENGTH {
            return Err(truncated);
        }
        let version = bytes[0] >> 6;
        if version != 2 {
            return Err(RtpError::Version { version });
        }
        let mut start = HEADER_LENGTH + 4 * usize::from(bytes[0] & 0x0f);
        let mut elements = (0, 0);
        if bytes[0] & 0x10 != 0 {
            let head = bytes.get(start..start + 4).ok_or(truncated)?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            if u16::from_be_bytes([head[0], head[1]]) == ONE_BYTE {
                elements = (start + 4, start + 4 + 4 * words);
            }
            start += 4 + 4 * words;
        }
        if bytes.len() < start {
            return Err(truncated);
        }
        let mut end = bytes.len();
        if bytes[0] & 0x20 != 0 {
            let padding = usize::from(bytes[end - 1]);
            if padding == 0 || padding > end - start {
                return Err(RtpError::Padding);
            }
            end -= padding;
        }
        Ok(Packet { bytes, elements, payload: (start, end) })
    }

    /// The marker bit: the last packet of a picture, the first of a talk spurt.
    pub fn marker(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    /// The payload type, 0 to 127.
    pub fn payload_type(&self) -> u8 {
        self.bytes[1] & 0x7f
    }

    /// The sequence number.
    pub fn sequence(&self) -> u16 {
        u16::from_be_bytes([self.bytes[2], self.bytes[3]])
    }

    /// The timestamp, in ticks of the payload's clock.
    pub fn timestamp(&self) -> u32 {
        u32::from_be_bytes([self.bytes[4], self.bytes[5], self.bytes[6], self.bytes[7]])
    }

    /// The source.
    pub fn source(&self) -> Ssrc {
        let octets = [self.bytes[8], self.bytes[9], self.bytes[10], self.bytes[11]];
        Ssrc(u32::from_be_bytes(octets))
    }

    /// What is carried, without padding.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.payload.0..self.payload.1]
    }

    /// The content of the header extension element with this id (1 to 14), if it is there.
    /// An element that claims more octets than the extension has ends the search.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        let mut rest = &self.bytes[self.elements.0..self.elements.1];
        while let [head, tail @ ..] = rest {
            if *head == 0 {
                rest = tail;
                continue;
            }
            let (found, length) = (head >> 4, usize::from(head & 0x0f) + 1);
            if found == STOP || tail.len() < length {
                return None;
            }
            if found == id {
                return Some(&tail[..length]);
            }
            rest = &tail[length..];
        }
        None
    }

    /// The audio level (RFC 6464) in the header extension element with this id.
    pub fn audio_level(&self, id: u8) -> Option<AudioLevel> {
        // Section 3: one octet, or padded to two in the two-byte form.
        let octet = *self.extension(id)?.first()?;
        Some(AudioLevel { voice: octet & 0x80 != 0, below_full_db: octet & 0x7f })
    }
}

/// How loud the audio of one packet is (RFC 6464).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// Whether the sender believes that it is speech. Many senders never set it.
    pub voice: bool,
    /// Decibels below full scale: 0 is the loudest, 127 is silence.
    pub below_full_db: u8,
}

/// The header of a packet that is about to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draft {
    /// The marker bit.
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, in ticks of the payload's clock.
    pub timestamp: u32,
    /// The source.
    pub source: Ssrc,
    /// The audio level and the id (1 to 14) of the element that carries it.
    pub audio_level: Option<(u8, AudioLevel)>,
}

impl Draft {
    /// The whole packet.
    pub fn write(&self, payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER_LENGTH + 8 + payload.len());
        packet.push(if self.audio_level.is_some() { 0x90 } else { 0x80 });
        packet.push(u8::from(self.marker) << 7 | self.payload_type & 0x7f);
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.source.0.to_be_bytes());
        if let Some((id, level)) = self.audio_level {
            packet.extend(ONE_BYTE.to_be_bytes());
            packet.extend([0, 1]);
            let octet = u8::from(level.voice) << 7 | level.below_full_db & 0x7f;
            packet.extend([id << 4, octet, 0, 0]);
        }
        packet.extend(payload);
        packet
    }
}

/// Gives a packet another sequence number. Does nothing to what is too short to be one.
pub fn set_sequence(packet: &mut [u8], sequence: u16) {
    if let Some(field) = packet.get_mut(2..4) {
        field.copy_from_slice(&sequence.to_be_bytes());
    }
}

/// Gives a packet another source. Does nothing to what is too short to be one.
pub fn set_source(packet: &mut [u8], source: Ssrc) {
    if let Some(field) = packet.get_mut(8..12) {
        field.copy_from_slice(&source.0.to_be_bytes());
    }
}

/// Sets the marker bit. Does nothing to what is too short to be a packet.
pub fn set_marker(packet: &mut [u8]) {
    if let Some(octet) = packet.get_mut(1) {
        *octet |= 0x80;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_draft() -> impl Strategy<Value = Draft> {
        let level = prop::option::of((1_u8..15, any::<bool>(), 0_u8..128));
        (any::<bool>(), 0_u8..128, any::<u16>(), any::<u32>(), any::<u32>(), level).prop_map(
            |(marker, payload_type, sequence, timestamp, source, level)| Draft {
                marker,
                payload_type,
                sequence,
                timestamp,
                source: Ssrc(source),
                audio_level: level
                    .map(|(id, voice, below_full_db)| (id, AudioLevel { voice, below_full_db })),
            },
        )
    }

    #[test]
    fn a_packet_of_a_browser_is_read() {
        // Two elements (id 1: level 45 with voice, id 3: three octets), one padding octet between.
        let bytes = [
            0xb1, 0xef, 0x12, 0x34, 0, 0, 0x03, 0xc0, 0xde, 0xad, 0xbe, 0xef, 9, 9, 9, 9, 0xbe,
            0xde, 0, 2, 0x10, 0xad, 0, 0x32, 7, 8, 9, 0, 0x55, 0x66, 0, 0, 3,
        ];
        let packet = Packet::parse(&bytes).unwrap();
        assert!(packet.marker());
        assert_eq!((packet.payload_type(), packet.sequence()), (111, 0x1234));
        assert_eq!((packet.timestamp(), packet.source()), (960, Ssrc(0xdead_beef)));
        assert_eq!(packet.audio_level(1), Some(AudioLevel { voice: true, below_full_db: 45 }));
        assert_eq!(packet.extension(3), Some(&[7, 8, 9][..]));
        assert_eq!(packet.extension(2), None);
        assert_eq!(packet.payload(), &[0x55, 0x66]);
    }

    #[test]
    fn an_element_that_lies_about_its_length_is_not_there() {
        let mut bytes = vec![0x90, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 1];
        bytes.extend([0x1f, 1, 2, 3]);
        bytes.extend([0; 40]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.extension(1), None);
        // The two-byte form is carried, not read.
        bytes[12..14].copy_from_slice(&[0x10, 0]);
        assert_eq!(Packet::parse(&bytes).unwrap().extension(1), None);
    }

    #[test]
    fn what_is_no_packet_says_why() {
        assert_eq!(Packet::parse(&[0x80; 11]).err(), Some(RtpError::Truncated { length: 11 }));
        assert_eq!(Packet::parse(&[0x40; 12]).err(), Some(RtpError::Version { version: 1 }));
        assert_eq!(Packet::parse(&[0x8f; 40]).err(), Some(RtpError::Truncated { length: 40 }));
        for last in [0, 2, 255] {
            let mut padded = [0; 13];
            (padded[0], padded[12]) = (0xa0, last);
            assert_eq!(Packet::parse(&padded).err(), Some(RtpError::Padding));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(draft in any_draft(), payload in prop::collection::vec(any::<u8>(), 0..99)) {
            let mut bytes = draft.write(&payload);
            let packet = Packet::parse(&bytes).unwrap();
            prop_assert_eq!(packet.marker(), draft.marker);
            prop_assert_eq!(packet.payload_type(), draft.payload_type);
            prop_assert_eq!(packet.sequence(), draft.sequence);
            prop_assert_eq!(packet.timestamp(), draft.timestamp);
            prop_assert_eq!(packet.source(), draft.source);
            prop_assert_eq!(packet.payload(), &payload[..]);
            if let Some((id, level)) = draft.audio_level {
                prop_assert_eq!(packet.audio_level(id), Some(level));
            }
            set_sequence(&mut bytes, 7);
            set_source(&mut bytes, Ssrc(8));
            set_marker(&mut bytes);
            let changed = Draft { sequence: 7, source: Ssrc(8), marker: true, ..draft };
            prop_assert_eq!(bytes, changed.write(&payload));
        }

        #[test]
        fn damaged_packets_never_panic(
            draft in any_draft(), cut in any::<prop::sample::Index>(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)
        ) {
            let mut bytes = draft.write(&[1; 30]);
            bytes.truncate(cut.index(bytes.len() + 1));
            for (place, octet) in damage {
                if !bytes.is_empty() {
                    let place = place.index(bytes.len());
                    bytes[place] = octet;
                }
            }
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload().len() <= bytes.len() - HEADER_LENGTH);
                for id in 0..=15 {
                    let _ = (packet.extension(id), packet.audio_level(id));
                }
            }
            set_sequence(&mut bytes, 1);
            set_source(&mut bytes, Ssrc(1));
            set_marker(&mut bytes);
        }
    }
}
