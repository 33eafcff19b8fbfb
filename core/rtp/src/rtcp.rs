//! The RTCP that we use: reports, names and goodbyes of RFC 3550, generic NACK and picture loss of
//! RFC 4585, full intra requests of RFC 5104; in compound and in reduced-size form (RFC 5506).
//!
//! Every packet begins with the same four octets, and a datagram holds one packet after the other:
//!
//! ```text
//!  0   V=2 (2 bits) · padding (1) · count or format (5)
//!  1   type: 200 SR · 201 RR · 202 SDES · 203 BYE · 205 transport feedback · 206 payload feedback
//!  2   length in words of 4 octets, these four octets not counted
//! ```

use conclave_types::Ssrc;

/// Octets of the longest datagram that [`parse`] takes: an Ethernet frame and some, so that what
/// one datagram makes us allocate stays below 100 kB.
pub const LONGEST: usize = 2048;

/// Report blocks that one SR or RR carries: its count has five bits (RFC 3550, section 6.4.1).
pub const MOST_BLOCKS: usize = 31;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const GENERIC_NACK: u8 = 1;
const PICTURE_LOSS: u8 = 1;
const FULL_INTRA: u8 = 4;
const CNAME: u8 = 1;

/// One RTCP packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// What a source sent, and what it receives (RFC 3550, section 6.4.1).
    SenderReport(SenderReport),
    /// What a participant without anything to send receives (section 6.4.2).
    ReceiverReport {
        /// Who reports.
        sender: Ssrc,
        /// About whom; at most [`MOST_BLOCKS`] are written.
        blocks: Vec<ReportBlock>,
    },
    /// Names that bind the sources of one participant together (section 6.5). Chunks without a
    /// CNAME are skipped when read.
    SourceDescription {
        /// Each source with its CNAME; at most [`MOST_BLOCKS`] are written, 255 octets of each.
        names: Vec<(Ssrc, String)>,
    },
    /// Sources that send no more (section 6.6).
    Goodbye {
        /// Which; at most [`MOST_BLOCKS`] are written.
        sources: Vec<Ssrc>,
    },
    /// Packets that did not arrive (RFC 4585, section 6.2.1).
    Nack {
        /// Who misses them.
        sender: Ssrc,
        /// Whose packets they are.
        source: Ssrc,
        /// Their sequence numbers. Written packets group neighbours, so order may change.
        lost: Vec<u16>,
    },
    /// The picture is damaged: a keyframe is wanted (RFC 4585, section 6.3.1).
    PictureLoss {
        /// Who wants it.
        sender: Ssrc,
        /// From whom.
        source: Ssrc,
    },
    /// A keyframe is wanted without a reason (RFC 5104, section 4.3.1).
    FullIntra {
        /// Who wants it.
        sender: Ssrc,
        /// From whom, each with a number that changes with every new request.
        requests: Vec<(Ssrc, u8)>,
    },
}

/// The body of [`Packet::SenderReport`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderReport {
    /// Whose packets.
    pub source: Ssrc,
    /// The sender's wall clock: NTP format, 32 bits of seconds, 32 bits of fraction.
    pub ntp: u64,
    /// The same moment in ticks of the payload's clock.
    pub timestamp: u32,
    /// Packets sent so far, modulo 2^32.
    pub packets: u32,
    /// Payload octets sent so far, modulo 2^32.
    pub octets: u32,
    /// What the sender receives; at most [`MOST_BLOCKS`] are written.
    pub blocks: Vec<ReportBlock>,
}

/// How the packets of one source arrive (RFC 3550, section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// Whose packets.
    pub source: Ssrc,
    /// Share lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the start, 24 bits with a sign; duplicates make it negative.
    pub lost: i32,
    /// The highest sequence number, with its cycles in the upper half.
    pub highest: u32,
    /// Interarrival jitter in ticks of the payload's clock.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's clock; 0 without one.
    pub last_report: u32,
    /// How long ago that report came, in 65536ths of a second; 0 without one.
    pub delay: u32,
}

/// Why a datagram is not RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// It is longer than [`LONGEST`].
    #[error("the datagram has {length} octets, more than RTCP needs")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// It is empty, or ends within a packet.
    #[error("the datagram ends within a packet")]
    Truncated,
    /// A packet's version is not 2.
    #[error("a packet has version {version} instead of 2")]
    Version {
        /// What it says.
        version: u8,
    },
    /// A packet of a known type is shorter than its type or its count demands, or wrongly padded.
    #[error("a packet of type {kind} is too short for what it announces")]
    Malformed {
        /// Its type.
        kind: u8,
    },
}

/// Reads all packets of a datagram. Types that we do not use are skipped.
pub fn parse(mut datagram: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    if datagram.len() > LONGEST {
        return Err(RtcpError::TooLong { length: datagram.len() });
    }
    let mut packets = Vec::new();
    loop {
        let [first, kind, high, low, ..] = *datagram else { return Err(RtcpError::Truncated) };
        if first >> 6 != 2 {
            return Err(RtcpError::Version { version: first >> 6 });
        }
        let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let packet = datagram.get(..length).ok_or(RtcpError::Truncated)?;
        let malformed = RtcpError::Malformed { kind };
        let padding = match packet.last() {
            Some(octets) if first & 0x20 != 0 => usize::from(*octets),
            _ => 0,
        };
        if padding > length - 4 {
            return Err(malformed);
        }
        let body = Body(&packet[4..length - padding]);
        if let Some(packet) = body.read(kind, first & 0x1f).ok_or(malformed)? {
            packets.push(packet);
        }
        datagram = &datagram[length..];
        if datagram.is_empty() {
            return Ok(packets);
        }
    }
}

/// What is left of a packet's body. Each reading is `None` when too little is left.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn read(mut self, kind: u8, count: u8) -> Option<Option<Packet>> {
        Some(Some(match (kind, count) {
            (SENDER_REPORT, _) => Packet::SenderReport(SenderReport {
                source: self.source()?,
                ntp: u64::from(self.word()?) << 32 | u64::from(self.word()?),
                timestamp: self.word()?,
                packets: self.word()?,
                octets: self.word()?,
                blocks: self.blocks(count)?,
            }),
            (RECEIVER_REPORT, _) => {
                Packet::ReceiverReport { sender: self.source()?, blocks: self.blocks(count)? }
            }
            (SOURCE_DESCRIPTION, _) => Packet::SourceDescription { names: self.names(count)? },
            (GOODBYE, _) => {
                let sources = (0..count).map(|_| self.source()).collect::<Option<_>>()?;
                Packet::Goodbye { sources }
            }
            (TRANSPORT_FEEDBACK, GENERIC_NACK) => {
                Packet::Nack { sender: self.source()?, source: self.source()?, lost: self.lost()? }
            }
            (PAYLOAD_FEEDBACK, PICTURE_LOSS) => {
                Packet::PictureLoss { sender: self.source()?, source: self.source()? }
            }
            (PAYLOAD_FEEDBACK, FULL_INTRA) => {
                let sender = self.source()?;
                // The media source field is unused here (RFC 5104, section 4.3.1.2).
                self.word()?;
                let mut requests = Vec::new();
                while !self.0.is_empty() {
                    requests.push((self.source()?, (self.word()? >> 24) as u8));
                }
                Packet::FullIntra { sender, requests }
            }
            _ => return Some(None),
        }))
    }

    fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }

    fn source(&mut self) -> Option<Ssrc> {
        self.word().map(Ssrc)
    }

    fn blocks(&mut self, count: u8) -> Option<Vec<ReportBlock>> {
        (0..count)
            .map(|_| {
                let source = self.source()?;
                let loss = self.word()?;
                Some(ReportBlock {
                    source,
                    fraction_lost: (loss >> 24) as u8,
                    // Shifted up and down again so that the sign of 24 bits spreads.
                    lost: (loss << 8).cast_signed() >> 8,
                    highest: self.word()?,
                    jitter: self.word()?,
                    last_report: self.word()?,
                    delay: self.word()?,
                })
            })
            .collect()
    }

    fn lost(&mut self) -> Option<Vec<u16>> {
        let mut lost = Vec::new();
        while !self.0.is_empty() {
            let entry = self.word()?;
            let first = (entry >> 16) as u16;
            lost.push(first);
            let following = (0..16).filter(|bit| entry & 1 << bit != 0);
            lost.extend(following.map(|bit| first.wrapping_add(bit + 1)));
        }
        Some(lost)
    }

    /// Chunks of items; each chunk ends with at least one zero and at a word's end.
    fn names(&mut self, count: u8) -> Option<Vec<(Ssrc, String)>> {
        let mut names = Vec::new();
        for _ in 0..count {
            let source = self.source()?;
            let mut used = 0;
            loop {
                let kind = *self.0.get(used)?;
                if kind == 0 {
                    break;
                }
                let length = usize::from(*self.0.get(used + 1)?);
                let text = self.0.get(used + 2..used + 2 + length)?;
                if kind == CNAME {
                    names.push((source, String::from_utf8_lossy(text).into_owned()));
                }
                used += 2 + length;
            }
            self.0 = self.0.get(used / 4 * 4 + 4..)?;
        }
        Some(names)
    }
}

/// Writes packets one behind the other into one datagram. A compound packet that leaves without
/// the rules of RFC 5506 begins with a report; that is up to the caller.
pub fn write(packets: &[Packet]) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * packets.len());
    for packet in packets {
        write_one(packet, &mut out);
    }
    out
}

fn write_one(packet: &Packet, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 4]);
    // At most 31, so it fits into the count's five bits.
    let counted = |length: usize| length.min(MOST_BLOCKS) as u8;
    let (kind, count) = match packet {
        Packet::SenderReport(report) => {
            put(out, &[report.source.0, (report.ntp >> 32) as u32, report.ntp as u32]);
            put(out, &[report.timestamp, report.packets, report.octets]);
            put_blocks(out, &report.blocks);
            (SENDER_REPORT, counted(report.blocks.len()))
        }
        Packet::ReceiverReport { sender, blocks } => {
            put(out, &[sender.0]);
            put_blocks(out, blocks);
            (RECEIVER_REPORT, counted(blocks.len()))
        }
        Packet::SourceDescription { names } => {
            for (source, name) in names.iter().take(MOST_BLOCKS) {
                put(out, &[source.0]);
                let mut end = name.len().min(255);
                while !name.is_char_boundary(end) {
                    end -= 1;
                }
                out.extend([CNAME, end as u8]);
                out.extend(&name.as_bytes()[..end]);
                // One to four zeros: the end of the items, then up to the word's end.
                let zeros = 4 - (2 + end) % 4;
                out.extend(&[0; 4][..zeros]);
            }
            (SOURCE_DESCRIPTION, counted(names.len()))
        }
        Packet::Goodbye { sources } => {
            for source in sources.iter().take(MOST_BLOCKS) {
                put(out, &[source.0]);
            }
            (GOODBYE, counted(sources.len()))
        }
        Packet::Nack { sender, source, lost } => {
            put(out, &[sender.0, source.0]);
            put_lost(out, lost);
            (TRANSPORT_FEEDBACK, GENERIC_NACK)
        }
        Packet::PictureLoss { sender, source } => {
            put(out, &[sender.0, source.0]);
            (PAYLOAD_FEEDBACK, PICTURE_LOSS)
        }
        Packet::FullIntra { sender, requests } => {
            put(out, &[sender.0, 0]);
            for (source, number) in requests {
                put(out, &[source.0, u32::from(*number) << 24]);
            }
            (PAYLOAD_FEEDBACK, FULL_INTRA)
        }
    };
    let words = u16::try_from((out.len() - start) / 4 - 1).unwrap_or(u16::MAX);
    out[start] = 0x80 | count;
    out[start + 1] = kind;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn put(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
}

fn put_blocks(out: &mut Vec<u8>, blocks: &[ReportBlock]) {
    for block in blocks.iter().take(MOST_BLOCKS) {
        let lost = block.lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0xff_ffff;
        put(out, &[block.source.0, u32::from(block.fraction_lost) << 24 | lost]);
        put(out, &[block.highest, block.jitter, block.last_report, block.delay]);
    }
}

/// Groups each number with those of the next sixteen that follow it in the list.
fn put_lost(out: &mut Vec<u8>, lost: &[u16]) {
    let mut rest = lost.iter().copied().peekable();
    // 4096 entries are far more than fit into a datagram, and keep the length field from lying.
    for _ in 0..4096 {
        let Some(first) = rest.next() else { return };
        let mut following = 0_u32;
        while let Some(next) = rest.peek() {
            let distance = next.wrapping_sub(first);
            if !(1..=16).contains(&distance) {
                break;
            }
            following |= 1 << (distance - 1);
            rest.next();
        }
        put(out, &[u32::from(first) << 16 | following]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_compound_packet_of_another_sender_is_read() {
        let bytes = [
            // SR of 0x11 with one block about 0x22: 64/256 lost, -1 in all.
            0x81, 200, 0, 12, 0, 0, 0, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0,
            0, 11, 0, 0, 0, 0x22, 64, 0xff, 0xff, 0xff, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0,
            0, 5, // SDES of 0x11: a NAME item, then the CNAME "a@b".
            0x81, 202, 0, 4, 0, 0, 0, 0x11, 2, 2, b'x', b'y', 1, 3, b'a', b'@', b'b', 0, 0, 0,
            // An application packet that nobody here knows.
            0x80, 204, 0, 2, 0, 0, 0, 1, b'a', b'b', b'c', b'd',
            // NACK by 0x11 of 0x22: 65535, and 0 and 15 behind it.
            0x81, 205, 0, 3, 0, 0, 0, 0x11, 0, 0, 0, 0x22, 0xff, 0xff, 0x80, 0x01,
            // PLI and a padded BYE.
            0x81, 206, 0, 2, 0, 0, 0, 0x11, 0, 0, 0, 0x22, 0xa1, 203, 0, 2, 0, 0, 0, 0x11, 0, 0, 0,
            4,
        ];
        let block = ReportBlock {
            source: Ssrc(0x22),
            fraction_lost: 64,
            lost: -1,
            highest: 0x1_0002,
            jitter: 3,
            last_report: 4,
            delay: 5,
        };
        let report = SenderReport {
            source: Ssrc(0x11),
            ntp: 0x0102_0304_0506_0708,
            timestamp: 9,
            packets: 10,
            octets: 11,
            blocks: vec![block],
        };
        let (sender, source) = (Ssrc(0x11), Ssrc(0x22));
        assert_eq!(
            parse(&bytes).unwrap(),
            [
                Packet::SenderReport(report),
                Packet::SourceDescription { names: vec![(sender, "a@b".into())] },
                Packet::Nack { sender, source, lost: vec![65_535, 0, 15] },
                Packet::PictureLoss { sender, source },
                Packet::Goodbye { sources: vec![sender] },
            ]
        );
    }

    #[test]
    fn a_full_intra_request_has_one_entry_per_source() {
        let packet =
            Packet::FullIntra { sender: Ssrc(1), requests: vec![(Ssrc(2), 7), (Ssrc(3), 255)] };
        let bytes = write(std::slice::from_ref(&packet));
        assert_eq!(bytes[..4], [0x84, 206, 0, 6]);
        assert_eq!(parse(&bytes), Ok(vec![packet]));
    }

    #[test]
    fn what_is_no_rtcp_says_why() {
        assert_eq!(parse(&[]), Err(RtcpError::Truncated));
        assert_eq!(parse(&[0x80, 201, 0, 1, 0, 0, 0]), Err(RtcpError::Truncated));
        assert_eq!(parse(&[0x40, 201, 0, 0]), Err(RtcpError::Version { version: 1 }));
        assert_eq!(parse(&[0x81, 201, 0, 1, 0, 0, 0, 1]), Err(RtcpError::Malformed { kind: 201 }));
        assert_eq!(parse(&[0xa0, 201, 0, 1, 0, 0, 0, 5]), Err(RtcpError::Malformed { kind: 201 }));
        let long = vec![0; LONGEST + 1];
        assert_eq!(parse(&long), Err(RtcpError::TooLong { length: LONGEST + 1 }));
    }

    #[test]
    fn lists_beyond_what_a_count_can_tell_are_cut() {
        let sources = (0..40).map(Ssrc).collect();
        let names = vec![(Ssrc(1), "é".repeat(300))];
        let bytes = write(&[Packet::Goodbye { sources }, Packet::SourceDescription { names }]);
        let read = parse(&bytes).unwrap();
        assert_eq!(read[0], Packet::Goodbye { sources: (0..31).map(Ssrc).collect() });
        let names = vec![(Ssrc(1), "é".repeat(127))];
        assert_eq!(read[1], Packet::SourceDescription { names });
    }

    fn any_ssrc() -> impl Strategy<Value = Ssrc> {
        any::<u32>().prop_map(Ssrc)
    }

    fn any_blocks() -> impl Strategy<Value = Vec<ReportBlock>> {
        let block =
            (any_ssrc(), any::<u8>(), -0x80_0000..0x80_0000, any::<[u32; 4]>()).prop_map(
                |(source, fraction_lost, lost, [highest, jitter, last_report, delay])| {
                    ReportBlock { source, fraction_lost, lost, highest, jitter, last_report, delay }
                },
            );
        prop::collection::vec(block, 0..4)
    }

    /// Steps of 1 to 40 keep a list in the order in which it is written.
    fn any_lost() -> impl Strategy<Value = Vec<u16>> {
        (any::<u16>(), prop::collection::vec(1_u16..40, 0..40)).prop_map(|(first, steps)| {
            let mut last = first;
            let rest = steps.into_iter().map(|step| {
                last = last.wrapping_add(step);
                last
            });
            std::iter::once(first).chain(rest).collect()
        })
    }

    fn any_packet() -> impl Strategy<Value = Packet> {
        prop_oneof![
            (any_ssrc(), any::<u64>(), any::<[u32; 3]>(), any_blocks()).prop_map(
                |(source, ntp, [timestamp, packets, octets], blocks)| {
                    let report = SenderReport { source, ntp, timestamp, packets, octets, blocks };
                    Packet::SenderReport(report)
                }
            ),
            (any_ssrc(), any_blocks())
                .prop_map(|(sender, blocks)| Packet::ReceiverReport { sender, blocks }),
            prop::collection::vec((any_ssrc(), "[a-zé]{0,20}"), 0..4)
                .prop_map(|names| Packet::SourceDescription { names }),
            prop::collection::vec(any_ssrc(), 0..5).prop_map(|sources| Packet::Goodbye { sources }),
            (any_ssrc(), any_ssrc(), any_lost()).prop_map(|(sender, source, lost)| Packet::Nack {
                sender,
                source,
                lost
            }),
            (any_ssrc(), any_ssrc())
                .prop_map(|(sender, source)| Packet::PictureLoss { sender, source }),
            (any_ssrc(), prop::collection::vec((any_ssrc(), any::<u8>()), 0..4))
                .prop_map(|(sender, requests)| Packet::FullIntra { sender, requests }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(packets in prop::collection::vec(any_packet(), 1..6)) {
            prop_assert_eq!(parse(&write(&packets)), Ok(packets));
        }

        #[test]
        fn damaged_datagrams_never_panic(
            packets in prop::collection::vec(any_packet(), 1..4), cut in any::<prop::sample::Index>(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)
        ) {
            let mut bytes = write(&packets);
            for (place, octet) in damage {
                let place = place.index(bytes.len());
                bytes[place] = octet;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            if let Ok(read) = parse(&bytes) {
                // What could be read can be written and means the same again.
                prop_assert!(parse(&write(&read)).is_ok() || read.is_empty());
            }
        }
    }
}
