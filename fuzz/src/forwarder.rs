//! A meeting of three legs. Two of them send whatever the input says, authentic and in the clear,
//! as a room in bad hands could; the third only listens.
//!
//! Steps, each an octet and what it needs; the octet's upper half chooses the leg:
//!
//! | octet, modulo 8 | step |
//! | --- | --- |
//! | 0, 1 | an RTP packet: choice, distance in sequence numbers, timestamp, payload |
//! | 2 | a piece as an RTP packet; with an odd choice under the leg's own name |
//! | 3 | RTCP made well: requests and reports about the other leg |
//! | 4 | a piece as RTCP; with an odd choice under the leg's own name |
//! | 5 | time passes, two octets of milliseconds |
//! | 6 | the leg closes and opens again, with new sources |
//! | 7 | the leg goes on at another sequence number |

use crate::pieces::Pieces;
use conclave_forward::{Forwarder, Input, LONGEST_PACKET, Outgoing, Output};
use conclave_rtp::rtcp::{self, Packet as Rtcp, ReportBlock, SenderReport};
use conclave_rtp::{AudioLevel, Draft, Packet, set_source};
use conclave_types::{
    AUDIO_LEVEL_EXTENSION, AUDIO_PAYLOAD_TYPE, ParticipantId, Ssrc, Time, VIDEO_PAYLOAD_TYPE,
};
use std::collections::HashMap;
use std::time::Duration;

const OWN: Ssrc = Ssrc(1);
const LISTENER: ParticipantId = ParticipantId::from_random(99);

/// Packets that one step may put out at most: the answers to as many requests as one datagram may
/// make, and a few reports and requests for each leg.
const MOST_OUTGOING: usize = 1024;

struct Leg {
    participant: ParticipantId,
    /// Audio, then video.
    sources: [Ssrc; 2],
    sequences: [u16; 2],
}

/// What one receiver was sent of one source: contents by the packet index of RFC 3711.
#[derive(Default)]
struct Stream {
    newest: u64,
    sent: HashMap<u64, Vec<u8>>,
}

impl Stream {
    /// The index nearest to the newest one.
    fn index(&self, sequence: u16) -> u64 {
        const CYCLE: u64 = 1 << 16;
        if self.sent.is_empty() {
            return u64::from(sequence);
        }
        let same = self.newest - self.newest % CYCLE + u64::from(sequence);
        [same.checked_sub(CYCLE), Some(same), Some(same + CYCLE)]
            .into_iter()
            .flatten()
            .min_by_key(|index| index.abs_diff(self.newest))
            .unwrap_or(same)
    }
}

struct Meeting {
    now: Time,
    forwarder: Forwarder,
    legs: [Leg; 2],
    /// The last source given to a leg.
    last_source: u32,
    streams: HashMap<(ParticipantId, Ssrc), Stream>,
}

impl Meeting {
    fn new() -> Meeting {
        let leg = |n: u32| Leg {
            participant: ParticipantId::from_random(u128::from(n)),
            sources: [Ssrc(10 * n), Ssrc(10 * n + 1)],
            sequences: [100, 200],
        };
        let mut meeting = Meeting {
            now: Time::from_micros(1_000_000),
            forwarder: Forwarder::new(OWN),
            legs: [leg(1), leg(2)],
            last_source: 1000,
            streams: HashMap::new(),
        };
        for n in 0..2 {
            meeting.open(n);
        }
        let (participant, audio, video) = (LISTENER, Ssrc(90), Ssrc(91));
        meeting.feed(Input::Opened { participant, audio, video });
        let report = Rtcp::ReceiverReport { sender: audio, blocks: Vec::new() };
        meeting.feed(Input::Rtcp { from: LISTENER, packet: rtcp::write(&[report]) });
        meeting
    }

    fn open(&mut self, n: usize) {
        let Leg { participant, sources: [audio, video], .. } = self.legs[n];
        assert_eq!(self.forwarder.may_open(participant, audio, video), Ok(()));
        self.feed(Input::Opened { participant, audio, video });
    }

    fn feed(&mut self, input: Input) {
        self.forwarder.handle(self.now, input);
        let mut outgoing = 0;
        while let Some(output) = self.forwarder.poll_output() {
            if let Output::Send { to, packets } = output {
                assert!(!packets.is_empty());
                outgoing += packets.len();
                for packet in packets {
                    self.judge(to, packet);
                }
            }
        }
        assert!(outgoing <= MOST_OUTGOING, "{outgoing} packets in one step");
        assert!(self.forwarder.legs() <= 3);
    }

    fn judge(&mut self, to: ParticipantId, packet: Outgoing) {
        let forwarded = match packet {
            Outgoing::Rtcp(datagram) => {
                assert!(rtcp::parse(&datagram).is_ok_and(|packets| !packets.is_empty()));
                return;
            }
            Outgoing::Rtp(forwarded) => forwarded,
        };
        let mut bytes = Vec::new();
        forwarded.write(&mut bytes);
        assert!(bytes.len() <= LONGEST_PACKET);
        let Ok(packet) = Packet::parse(&bytes) else { panic!("no packet goes out: {bytes:?}") };
        let source = packet.source();
        let from = self.legs.iter().find(|leg| leg.sources.contains(&source));
        assert!(from.is_some_and(|leg| leg.participant != to), "{source:?} goes to {to}");
        // A number under which two different packets are sealed gives both away.
        let stream = self.streams.entry((to, source)).or_default();
        let index = stream.index(packet.sequence());
        stream.newest = stream.newest.max(index);
        let before = stream.sent.entry(index).or_insert_with(|| bytes.clone());
        assert_eq!(*before, bytes, "two packets to {to} under {index}");
    }

    fn step(&mut self, pieces: &mut Pieces<'_>) {
        let step = pieces.octet();
        let n = usize::from(step >> 4 & 1);
        let from = self.legs[n].participant;
        match step % 8 {
            0 | 1 => {
                let packet = self.rtp(n, pieces);
                self.feed(Input::Rtp { from, packet });
            }
            2 => {
                let choice = pieces.octet();
                let mut packet = pieces.piece().to_vec();
                if choice & 1 == 1 {
                    set_source(&mut packet, self.legs[n].sources[usize::from(choice >> 1 & 1)]);
                }
                self.feed(Input::Rtp { from, packet });
            }
            3 => {
                let packet = rtcp::write(&[self.rtcp(n, pieces)]);
                self.feed(Input::Rtcp { from, packet });
            }
            4 => {
                let choice = pieces.octet();
                let mut packet = pieces.piece().to_vec();
                if let Some(sender) = packet.get_mut(4..8).filter(|_| choice & 1 == 1) {
                    let own = self.legs[n].sources[usize::from(choice >> 1 & 1)];
                    sender.copy_from_slice(&own.0.to_be_bytes());
                }
                self.feed(Input::Rtcp { from, packet });
            }
            5 => {
                self.now = self.now + Duration::from_millis(u64::from(pieces.two()));
                self.feed(Input::TimePassed);
            }
            6 => {
                self.feed(Input::Closed { participant: from });
                // Nobody gets a source that was in the meeting before.
                self.last_source += 2;
                self.legs[n].sources = [Ssrc(self.last_source), Ssrc(self.last_source + 1)];
                // The receiver's key is a new one.
                self.streams.retain(|(to, _), _| *to != from);
                self.open(n);
            }
            _ => {
                let choice = usize::from(pieces.octet() & 1);
                self.legs[n].sequences[choice] = pieces.two();
            }
        }
    }

    fn rtp(&mut self, n: usize, pieces: &mut Pieces<'_>) -> Vec<u8> {
        let choice = pieces.octet();
        let kind = usize::from(choice & 1);
        let distance = i16::from(pieces.octet().cast_signed());
        let leg = &mut self.legs[n];
        leg.sequences[kind] = leg.sequences[kind].wrapping_add_signed(distance);
        let draft = Draft {
            marker: choice & 2 != 0,
            payload_type: if kind == 0 { AUDIO_PAYLOAD_TYPE } else { VIDEO_PAYLOAD_TYPE },
            sequence: leg.sequences[kind],
            timestamp: pieces.four(),
            source: leg.sources[kind],
            audio_level: (choice & 4 != 0).then_some((
                AUDIO_LEVEL_EXTENSION,
                AudioLevel { voice: true, below_full_db: choice >> 3 },
            )),
        };
        draft.write(pieces.piece())
    }

    fn rtcp(&self, n: usize, pieces: &mut Pieces<'_>) -> Rtcp {
        let choice = pieces.octet();
        let kind = usize::from(choice >> 3 & 1);
        let sender = self.legs[n].sources[kind];
        let source = self.legs[1 - n].sources[usize::from(choice >> 4 & 1)];
        match choice % 8 {
            0..=2 => {
                let numbers = pieces.piece().chunks_exact(2);
                let lost = numbers.map(|two| u16::from_be_bytes([two[0], two[1]])).collect();
                Rtcp::Nack { sender, source, lost }
            }
            3 => Rtcp::PictureLoss { sender, source },
            4 => Rtcp::FullIntra { sender, requests: vec![(source, pieces.octet())] },
            5 => Rtcp::SenderReport(SenderReport {
                source: sender,
                ntp: u64::from(pieces.four()) << 32 | u64::from(pieces.four()),
                timestamp: pieces.four(),
                packets: pieces.four(),
                octets: pieces.four(),
                blocks: Vec::new(),
            }),
            _ => {
                let block = ReportBlock {
                    source,
                    fraction_lost: pieces.octet(),
                    lost: pieces.four().cast_signed(),
                    highest: pieces.four(),
                    jitter: pieces.four(),
                    last_report: pieces.four(),
                    delay: pieces.four(),
                };
                Rtcp::ReceiverReport { sender, blocks: vec![block] }
            }
        }
    }
}

/// The meeting, from its beginning to the end of the input.
pub fn meeting(input: &[u8]) {
    let mut pieces = Pieces(input);
    let mut meeting = Meeting::new();
    while !pieces.is_empty() {
        meeting.step(&mut pieces);
    }
    for leg in &meeting.legs {
        assert!(meeting.forwarder.statistics(leg.participant).is_some());
    }
    assert!(!meeting.forwarder.dump().is_empty());
}
