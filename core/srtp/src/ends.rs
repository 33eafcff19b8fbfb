//! The two ends of a leg: which packets they let through, and what they remember of each source.
//!
//! RTP goes through [`Session`], which works in place and allocates nothing; RTCP goes through
//! webrtc-srtp.

use crate::header::Header;
use crate::rtcp::{RtcpOpener, RtcpSealer};
use crate::session::Session;
use crate::window::{Window, nearest};
use crate::{
    KeyError, MOST_OCTETS, MOST_SOURCES, Open, OpenError, RTCP_WINDOW, RTP_OVERHEAD, RTP_WINDOW,
    Seal, SealError,
};
use conclave_types::SrtpKey;
use std::collections::HashMap;

/// The last index of a source: a rollover count of 32 bits and a sequence number of 16. What came
/// behind it would use nonces again (RFC 3711, section 9.2).
const LAST_INDEX: u64 = (1 << 48) - 1;

/// Bits of the index that a packet carries: its sequence number.
const SEQUENCE_BITS: u32 = 16;

pub(crate) struct Sealer {
    session: Session,
    /// The highest index that was sealed, by source.
    newest: HashMap<u32, u64>,
    rtcp: RtcpSealer,
}

impl Sealer {
    pub(crate) fn new(key: &SrtpKey) -> Result<Sealer, KeyError> {
        let session = Session::derive(key).ok_or(KeyError::Rtp)?;
        let rtcp = RtcpSealer::new(key).map_err(KeyError::Rtcp)?;
        Ok(Sealer { session, newest: HashMap::new(), rtcp })
    }

    fn seal_tail(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let packet = buffer.get_mut(start..).ok_or(SealError::Malformed)?;
        let header = Header::measure(packet).ok_or(SealError::Malformed)?;
        if packet.len() > MOST_OCTETS {
            return Err(SealError::Malformed);
        }
        let newest = self.newest.get(&header.source).copied();
        let index = nearest(newest, u64::from(header.sequence), SEQUENCE_BITS);
        if index > LAST_INDEX {
            return Err(SealError::Exhausted);
        }
        let tag = self.session.seal(header, index, packet).ok_or(SealError::Malformed)?;
        buffer.extend_from_slice(tag.as_ref());
        // A packet that is sent again must not take the count back with it.
        if newest.is_none_or(|newest| newest < index) {
            self.newest.insert(header.source, index);
        }
        Ok(())
    }
}

impl Seal for Sealer {
    fn seal_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = Vec::with_capacity(packet.len() + RTP_OVERHEAD);
        self.seal_rtp_into(packet, &mut sealed)?;
        Ok(sealed)
    }

    fn seal_rtp_into(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let start = out.len();
        out.reserve(packet.len() + RTP_OVERHEAD);
        out.extend_from_slice(packet);
        self.seal_rtp_tail(out, start)
    }

    fn seal_rtp_tail(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let sealed = self.seal_tail(buffer, start);
        if sealed.is_err() {
            buffer.truncate(start);
        }
        sealed
    }

    fn seal_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError> {
        self.rtcp.seal(packet)
    }
}

pub(crate) struct Opener {
    session: Session,
    sources: HashMap<u32, Source>,
    rtcp: RtcpOpener,
}

/// What is remembered of a source that authenticated.
struct Source {
    /// By packet index, sequence number and rollover count together.
    rtp: Window<{ RTP_WINDOW as usize / 64 }>,
    /// By SRTCP index.
    rtcp: Window<{ RTCP_WINDOW as usize / 64 }>,
}

impl Source {
    fn new() -> Source {
        Source { rtp: Window::new(), rtcp: Window::new() }
    }
}

impl Opener {
    pub(crate) fn new(key: SrtpKey) -> Result<Opener, KeyError> {
        let session = Session::derive(&key).ok_or(KeyError::Rtp)?;
        let rtcp = RtcpOpener::new(key).map_err(KeyError::Rtcp)?;
        Ok(Opener { session, sources: HashMap::new(), rtcp })
    }
}

impl Open for Opener {
    fn open_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut opened = packet.to_vec();
        let length = self.open_rtp_in_place(&mut opened)?.len();
        opened.truncate(length);
        Ok(opened)
    }

    fn open_rtp_in_place<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        let header = Header::measure(packet).ok_or(OpenError::Malformed)?;
        if packet.len() < header.length + self.session.tag_length() || packet.len() > MOST_OCTETS {
            return Err(OpenError::Malformed);
        }
        let sequence = u64::from(header.sequence);
        let followed = self.sources.len();
        let length = match self.sources.get_mut(&header.source) {
            Some(source) => {
                let index = source.rtp.extend(sequence, SEQUENCE_BITS);
                if !source.rtp.is_fresh(index) {
                    return Err(OpenError::Replayed);
                }
                // No key seals behind the last index.
                if index > LAST_INDEX {
                    return Err(OpenError::NotAuthentic);
                }
                let opened = self.session.open(header, index, packet);
                let length = opened.ok_or(OpenError::NotAuthentic)?;
                source.rtp.accept(index);
                length
            }
            None => {
                let opened = self.session.open(header, sequence, packet);
                let length = opened.ok_or(OpenError::NotAuthentic)?;
                if followed >= MOST_SOURCES {
                    return Err(OpenError::TooManySources);
                }
                self.sources.entry(header.source).or_insert_with(Source::new).rtp.accept(sequence);
                length
            }
        };
        Ok(&mut packet[..length])
    }

    fn open_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let told = self.rtcp.measure(packet)?;
        if let Some(source) = self.sources.get_mut(&told.source) {
            if !source.rtcp.is_fresh(told.index) {
                return Err(OpenError::Replayed);
            }
            let opened = self.rtcp.open(packet)?;
            source.rtcp.accept(told.index);
            return Ok(opened);
        }
        let opened = self.rtcp.open_stranger(packet)?;
        if self.sources.len() >= MOST_SOURCES {
            return Err(OpenError::TooManySources);
        }
        let source = self.sources.entry(told.source).or_insert_with(Source::new);
        source.rtcp.accept(told.index);
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_types::SrtpProfile;

    fn ends(profile: SrtpProfile) -> (Sealer, Opener) {
        let length = profile.key_len() + profile.salt_len();
        let key = SrtpKey::new(profile, (1..).take(length).collect()).unwrap();
        (Sealer::new(&key).unwrap(), Opener::new(key).unwrap())
    }

    fn packet(sequence: u16) -> Vec<u8> {
        let [high, low] = sequence.to_be_bytes();
        vec![0x80, 111, high, low, 0, 0, 0, 0, 0, 0, 0, 7, b'x']
    }

    /// Both ends as if the source had come as far as `index`.
    fn at(index: u64, sealer: &mut Sealer, opener: &mut Opener) {
        sealer.newest.insert(7, index);
        let mut source = Source::new();
        source.rtp.accept(index);
        opener.sources.insert(7, source);
    }

    #[test]
    fn a_key_ends_with_the_last_index_and_uses_no_nonce_again() {
        for profile in SrtpProfile::PREFERENCE {
            let (mut sealer, mut opener) = ends(profile);
            at(LAST_INDEX - 2, &mut sealer, &mut opener);
            let last = sealer.seal_rtp(&packet(65_535)).unwrap();
            assert_eq!(opener.open_rtp(&last), Ok(packet(65_535)));
            for beyond in [0, 1, 1000] {
                assert_eq!(sealer.seal_rtp(&packet(beyond)), Err(SealError::Exhausted));
            }
            // What was sealed may be sent again, and late ones still come.
            assert_eq!(sealer.seal_rtp(&packet(65_535)), Ok(last));
            let late = sealer.seal_rtp(&packet(65_534)).unwrap();
            assert_eq!(opener.open_rtp(&late), Ok(packet(65_534)));
            // An opener believes nothing beyond either, whoever made it.
            let mut first = ends(profile).0;
            let forged = first.seal_rtp(&packet(0)).unwrap();
            assert_eq!(opener.open_rtp(&forged), Err(OpenError::NotAuthentic));
        }
    }

    #[test]
    fn the_count_of_cycles_goes_up_to_its_last_bit() {
        for profile in SrtpProfile::PREFERENCE {
            for count in [1, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe_u64] {
                let (mut sealer, mut opener) = ends(profile);
                at((count << 16) + 65_535, &mut sealer, &mut opener);
                for sequence in [0, 1, 2] {
                    let sealed = sealer.seal_rtp(&packet(sequence)).unwrap();
                    assert_eq!(opener.open_rtp(&sealed), Ok(packet(sequence)), "{count:x}");
                }
                let (mut behind, _) = ends(profile);
                let sealed = behind.seal_rtp(&packet(3)).unwrap();
                assert_eq!(opener.open_rtp(&sealed), Err(OpenError::NotAuthentic));
            }
        }
    }

    #[test]
    fn what_is_sent_again_across_a_wrap_is_the_same_and_the_count_stays() {
        for profile in SrtpProfile::PREFERENCE {
            let (mut sealer, mut opener) = ends(profile);
            at(65_533, &mut sealer, &mut opener);
            let before = sealer.seal_rtp(&packet(65_534)).unwrap();
            let after = sealer.seal_rtp(&packet(300)).unwrap();
            for _ in 0..3 {
                assert_eq!(sealer.seal_rtp(&packet(65_534)), Ok(before.clone()));
                assert_eq!(sealer.seal_rtp(&packet(300)), Ok(after.clone()));
            }
            assert_eq!(sealer.newest[&7], 65_536 + 300);
            // Seen from an old one that was sent again, the next would lie in the cycle before.
            assert!(sealer.seal_rtp(&packet(40_000)).is_ok());
            assert!(sealer.seal_rtp(&packet(10_000)).is_ok());
            assert_eq!(sealer.newest[&7], 65_536 + 10_000);
            assert_eq!(opener.open_rtp(&after), Ok(packet(300)));
            assert_eq!(opener.open_rtp(&before), Ok(packet(65_534)));
        }
    }

    #[test]
    fn nothing_is_remembered_of_packets_that_do_not_authenticate() {
        for profile in SrtpProfile::PREFERENCE {
            let (mut sealer, mut opener) = ends(profile);
            for source in 0_u8..200 {
                let mut forged = packet(1);
                forged[11] = source;
                let mut forged = sealer.seal_rtp(&forged).unwrap();
                forged[12] ^= 1;
                assert_eq!(opener.open_rtp(&forged), Err(OpenError::NotAuthentic));
            }
            assert!(opener.sources.is_empty() && opener.sources.capacity() == 0);
        }
    }
}
