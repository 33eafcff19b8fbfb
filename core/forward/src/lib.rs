//! The media node's decisions for one meeting: who gets which packets, and what about lost ones.
//!
//! A leg is one participant's pair of sources, audio and video, at the node. The machine is fed
//! with decrypted packets and with time; it never opens a payload.
//!
//! - Everyone gets everyone else's video, and the audio of the three loudest (RFC 6464).
//! - A leg gets nothing before its first packet came, and nothing while it is silent: until then
//!   nobody knows that someone wants it.
//! - Sequence numbers are rewritten per receiver: withheld packets leave no gap. Sources keep
//!   their SSRC, by which the roster announces them, and their timestamps.
//! - Lost on the way up: the node asks for it (NACK, RFC 4585). Lost on the way down: the receiver
//!   asks, and the node answers from the source's history.
//! - A leg that sends more packets than it may ([`PacketLimit`]) is cut down to that rate. What it
//!   sends beyond is counted and goes nowhere, so that the others' share stays theirs.
//! - Keyframe requests (PLI, FIR) of all receivers become at most two per second and source.
//! - Sender reports go on to each receiver with the counts of what that receiver was sent; each
//!   sender gets a receiver report every second.
//!
//! One burst in, one burst out per receiver: the shell hands in everything that it read, then
//! polls, and gets the packets of each receiver together in one [`Output::Send`].
//!
//! ```text
//! loop { handle(now, input)…; while let Some(output) = poll_output() {…}; sleep until deadline() }
//! ```

#![forbid(unsafe_code)]

mod counts;
mod feedback;
mod forwarder;
mod leg;
mod limit;
mod rewrite;
mod speakers;

use conclave_types::{ParticipantId, Ssrc};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use counts::Counts;
pub use forwarder::Forwarder;
pub use leg::LegStatistics;
pub use limit::PacketLimit;

/// Octets of the longest packet that is forwarded: what an Ethernet frame carries over IPv4,
/// without the seal. Longer ones could not leave unfragmented.
pub const LONGEST_PACKET: usize = 1472 - 16;

/// Legs that one meeting may have. Each pair of legs that see each other costs about half a
/// kilobyte, so 250 make 32 MB; what each of them sends goes to all others, which no core carries
/// much further.
pub const MOST_LEGS: usize = 250;

/// Without an authentic packet for this long a leg counts as silent. A room sends at least a
/// report every second; shorter would end calls over a change of network.
pub const SILENT_AFTER: Duration = Duration::from_secs(15);

/// What happened.
#[derive(Clone)]
pub enum Input {
    /// A participant has a leg now. Ignored when [`Forwarder::may_open`] says no.
    Opened {
        /// Whose.
        participant: ParticipantId,
        /// The source of its audio packets.
        audio: Ssrc,
        /// The source of its video packets.
        video: Ssrc,
    },
    /// A participant's leg is gone.
    Closed {
        /// Whose.
        participant: ParticipantId,
    },
    /// An authentic RTP packet came, in the clear.
    Rtp {
        /// From which leg.
        from: ParticipantId,
        /// The whole packet.
        packet: Vec<u8>,
    },
    /// An authentic RTCP packet came, in the clear.
    Rtcp {
        /// From which leg.
        from: ParticipantId,
        /// The whole datagram, one or more RTCP packets.
        packet: Vec<u8>,
    },
    /// The deadline has come.
    TimePassed,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub enum Output {
    /// Seal these and send them to a leg, in this order and as one burst if possible.
    Send {
        /// To which leg.
        to: ParticipantId,
        /// What; never empty.
        packets: Vec<Outgoing>,
    },
    /// Someone else is shown as speaking now, or nobody is.
    Speaking {
        /// Who.
        participant: Option<ParticipantId>,
    },
    /// No packet came from a leg for [`SILENT_AFTER`], or never one since it was opened.
    Silent {
        /// Whose leg.
        participant: ParticipantId,
    },
    /// The first packet came from a leg, or the first after it was silent.
    Flowing {
        /// Whose leg.
        participant: ParticipantId,
    },
}

/// One packet for one receiver.
#[derive(Debug, Clone)]
pub enum Outgoing {
    /// A source's packet, shared by all receivers, with this receiver's changes.
    Rtp(Forwarded),
    /// An RTCP datagram.
    Rtcp(Vec<u8>),
}

/// An RTP packet as one receiver gets it. The same packet sent again is the same to the octet.
#[derive(Clone)]
pub struct Forwarded {
    packet: Arc<Vec<u8>>,
    sequence: u16,
    marked: bool,
}

impl fmt::Debug for Forwarded {
    /// Without what people say and show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarded")
            .field("sequence", &self.sequence)
            .field("marked", &self.marked)
            .field("octets", &self.packet.len())
            .finish()
    }
}

impl Forwarded {
    /// Writes the packet into `buffer` in place of what was there.
    pub fn write(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        self.append(buffer);
    }

    /// Writes the packet behind what is in `buffer`.
    pub fn append(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        buffer.extend_from_slice(&self.packet);
        conclave_rtp::set_sequence(&mut buffer[start..], self.sequence);
        if self.marked {
            conclave_rtp::set_marker(&mut buffer[start..]);
        }
    }

    /// Its length, octets.
    pub fn octets(&self) -> usize {
        self.packet.len()
    }
}

/// Why a leg cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotOpen {
    /// The meeting has [`MOST_LEGS`] legs.
    #[error("the meeting has as many legs as it may have")]
    Full,
    /// The participant has a leg already.
    #[error("the participant has a leg already")]
    Already,
    /// A source is used by another leg, or by the node itself.
    #[error("the source {0:?} is in use")]
    Source(Ssrc),
}
