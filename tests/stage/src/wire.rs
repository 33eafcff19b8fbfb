//! Whether what is on the wire is sealed.
//!
//! The headers of SRTP are in the clear and look like those of RTP, so the payloads have to tell:
//! - the first octet of an H.264 payload names one of a few kinds of unit (RFC 6184, section 5.2);
//!   sealed, it is one of those by chance in an eighth of all packets;
//! - the first octet of an Opus payload (RFC 6716, section 3.1) is nearly always the same while a
//!   voice speaks; sealed, none is frequent;
//! - plain RTCP (RFC 3550, section 6) is a chain of packets whose lengths fill the datagram; sealed,
//!   an index and a tag stand behind it, and the lengths beyond the first are noise.

use std::collections::{BTreeMap, BTreeSet};

/// What one direction of one flow consists of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// RTP packets with H.264's payload type.
    pub video: usize,
    /// Of those, the part whose payload begins as H.264 does: about 1 when plain, 1/8 when sealed.
    pub video_plain: f64,
    /// RTP packets with Opus' payload type and more than 8 octets of payload.
    pub audio: usize,
    /// The share of the most frequent first octet: above a half when plain, near 1/256 when sealed.
    pub audio_plain: f64,
    /// RTCP packets.
    pub control: usize,
    /// Of those, how many are well-formed without a key.
    pub control_plain: usize,
    /// Datagrams that are neither RTP nor RTCP.
    pub other: usize,
    /// The sources that sent.
    pub sources: BTreeSet<u32>,
}

/// Fewer packets than this of a kind prove nothing: by chance alone 50 sealed video packets look
/// plain in more than half of cases once in 10^10.
pub const ENOUGH: usize = 50;

impl Verdict {
    /// Looks at datagrams with RTP and RTCP on one port (RFC 5761).
    pub fn of<'a>(datagrams: impl IntoIterator<Item = &'a [u8]>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut video_plain = 0;
        let mut first_octets: BTreeMap<u8, usize> = BTreeMap::new();
        for datagram in datagrams {
            if datagram.len() < 12 || datagram[0] >> 6 != 2 {
                verdict.other += 1;
            } else if (192..=223).contains(&datagram[1]) {
                verdict.control += 1;
                verdict.control_plain += usize::from(is_plain_rtcp(datagram));
                verdict.sources.insert(word(datagram, 4));
            } else if let Some(payload) = rtp_payload(datagram) {
                verdict.sources.insert(word(datagram, 8));
                match datagram[1] & 0x7f {
                    conclave_types::VIDEO_PAYLOAD_TYPE if payload.len() > 2 => {
                        verdict.video += 1;
                        video_plain += usize::from(begins_as_h264(payload));
                    }
                    conclave_types::AUDIO_PAYLOAD_TYPE if payload.len() > 8 => {
                        verdict.audio += 1;
                        *first_octets.entry(payload[0]).or_default() += 1;
                    }
                    _ => {}
                }
            } else {
                verdict.other += 1;
            }
        }
        let most = first_octets.values().copied().max().unwrap_or(0);
        verdict.video_plain = video_plain as f64 / verdict.video.max(1) as f64;
        verdict.audio_plain = most as f64 / verdict.audio.max(1) as f64;
        verdict
    }

    /// What speaks against this being a sealed call with sound and picture; nothing when it is one.
    pub fn complaints(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.video < ENOUGH || self.audio < ENOUGH || self.control == 0 {
            found.push(format!("too few packets to judge: {self:?}"));
        }
        if self.video_plain > 0.5 {
            found.push(format!("{:.0} % of video begins as plain H.264", self.video_plain * 100.0));
        }
        if self.audio_plain > 0.25 {
            let percent = self.audio_plain * 100.0;
            found.push(format!("{percent:.0} % of sound begins with the same octet"));
        }
        if self.control_plain > 0 {
            found.push(format!("{} RTCP packets are plain", self.control_plain));
        }
        if self.other > 0 {
            found.push(format!("{} datagrams are neither RTP nor RTCP", self.other));
        }
        found
    }
}

fn word(octets: &[u8], at: usize) -> u32 {
    octets
        .get(at..at + 4)
        .and_then(|four| four.try_into().ok())
        .map(u32::from_be_bytes)
        .unwrap_or_default()
}

/// What stands behind the header, its sources and its extension (RFC 3550, section 5.1).
fn rtp_payload(packet: &[u8]) -> Option<&[u8]> {
    let mut start = 12 + 4 * usize::from(packet[0] & 15);
    if packet[0] & 0x10 != 0 {
        let words = u16::from_be_bytes([*packet.get(start + 2)?, *packet.get(start + 3)?]);
        start += 4 + 4 * usize::from(words);
    }
    packet.get(start..)
}

/// The unit types that an encoder sends: slices 1 and 5, SEI 6, parameter sets 7 and 8, delimiter
/// 9, STAP-A 24, FU-A 28 with an inner type that is one of them.
fn begins_as_h264(payload: &[u8]) -> bool {
    let slice = |octet: u8| matches!(octet & 31, 1 | 5 | 6 | 7 | 8 | 9);
    match payload[0] {
        first if first & 0x80 != 0 => false,
        first if first & 31 == 28 => slice(payload[1]) && payload[1] & 0x20 == 0,
        first => slice(first) || first & 31 == 24,
    }
}

fn is_plain_rtcp(datagram: &[u8]) -> bool {
    let mut rest = datagram;
    while !rest.is_empty() {
        if rest.len() < 4 || rest[0] >> 6 != 2 || !(192..=223).contains(&rest[1]) {
            return false;
        }
        let length = 4 * (usize::from(u16::from_be_bytes([rest[2], rest[3]])) + 1);
        match rest.get(length..) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtp(kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, kind, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
        packet.extend_from_slice(payload);
        packet
    }

    /// A stand-in for sealed octets.
    fn scrambled(count: usize, seed: u32) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state >> 11) as u8
            })
            .collect()
    }

    fn sealed_call() -> Vec<Vec<u8>> {
        (0..400)
            .flat_map(|i| {
                let mut report = vec![0x80, 200, 0, 6, 0, 0, 0, 7];
                report.extend(scrambled(60, i + 5000));
                [rtp(96, &scrambled(900, i + 1)), rtp(111, &scrambled(80, i + 9000)), report]
            })
            .collect()
    }

    fn judge(packets: &[Vec<u8>]) -> Verdict {
        Verdict::of(packets.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_sealed_call_is_found_in_order() {
        let verdict = judge(&sealed_call());
        assert_eq!(verdict.complaints(), Vec::<String>::new(), "{verdict:?}");
        assert_eq!(verdict.sources, BTreeSet::from([7]));
    }

    #[test]
    fn plain_video_sound_and_reports_are_each_found() {
        let mut packets = sealed_call();
        packets.retain(|packet| packet[1] != 96);
        packets.extend((0..100).map(|i| rtp(96, &[0x7c, 0x05, i, i, i])));
        assert!(judge(&packets).complaints()[0].contains("plain H.264"));

        let mut packets = sealed_call();
        packets.retain(|packet| packet[1] != 111);
        packets.extend((0..100).map(|i| rtp(111, &[0x78, i, i, i, i, i, i, i, i, i])));
        assert!(judge(&packets).complaints()[0].contains("same octet"));

        let mut packets = sealed_call();
        packets.push(vec![0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 202, 0, 1, 0, 0, 0, 7]);
        assert!(judge(&packets).complaints()[0].contains("RTCP packets are plain"));
    }

    #[test]
    fn too_few_packets_prove_nothing() {
        assert!(judge(&sealed_call()[..30]).complaints()[0].contains("too few"));
        assert!(!judge(&[]).complaints().is_empty());
    }

    #[test]
    fn what_is_no_rtp_is_counted() {
        let mut packets = sealed_call();
        packets.push(b"GET / HTTP/1.1".to_vec());
        packets.push(vec![0x90; 12]);
        assert_eq!(judge(&packets).other, 2);
    }
}
