//! What the node knows of one leg: its two sources on the way up, and what it was sent.

use crate::limit::{Bucket, PacketLimit};
use crate::rewrite::{Place, Rewriter};
use crate::{Counts, Outgoing};
use conclave_rtp::history::History;
use conclave_rtp::loss::{Patience, Statistics, Tracker};
use conclave_rtp::rtcp::SenderReport;
use conclave_types::{
    AUDIO_CLOCK_HZ, AUDIO_PAYLOAD_TYPE, ParticipantId, Ssrc, Time, VIDEO_CLOCK_HZ,
    VIDEO_PAYLOAD_TYPE,
};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Packets that wait for the shell to poll; beyond, they are dropped as a full socket would. The
/// shell polls after each burst, so only a burst of several megabytes gets there.
pub(crate) const MOST_WAITING: usize = 4096;

/// Video packets kept to be sent again: a second at 8 Mbit/s.
const VIDEO_HISTORY: usize = 1024;
/// Audio packets kept: a second at 20 ms each, and some.
const AUDIO_HISTORY: usize = 64;
/// Older packets come too late for any picture or jitter buffer.
const HISTORY_AGE: Duration = Duration::from_millis(1500);

/// Answers to one receiver that are remembered, so that none is given twice in a row.
const MOST_RESENT: usize = 128;
/// A request that comes sooner crossed the answer on its way. Below the 30 ms after which a
/// receiver may ask again, so that an answer that was lost is given again.
const RESEND_AGAIN: Duration = Duration::from_millis(20);
/// Packets sent again to one receiver in a second, at most: 5 Mbit/s. A receiver that asks for
/// more has less room than that, and would be buried.
const MOST_RESENT_PER_SECOND: u32 = 500;

/// Sender reports to a receiver that are remembered for its round trip.
const MOST_REPORTS: usize = 4;

/// Audio or video. Also the index of the leg's source and downlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio = 0,
    Video = 1,
}

impl Kind {
    pub(crate) const BOTH: [Kind; 2] = [Kind::Audio, Kind::Video];

    pub(crate) fn payload_type(self) -> u8 {
        match self {
            Kind::Audio => AUDIO_PAYLOAD_TYPE,
            Kind::Video => VIDEO_PAYLOAD_TYPE,
        }
    }
}

/// One participant's leg.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) participant: ParticipantId,
    pub(crate) state: State,
    /// Since when nothing came: the last packet, or the opening.
    pub(crate) heard: Time,
    pub(crate) next_report: Time,
    /// By [`Kind`].
    pub(crate) sources: [Source; 2],
    /// What it was sent: by the slot of the source's leg, then by [`Kind`].
    pub(crate) downlinks: Vec<[Downlink; 2]>,
    /// Packets that wait for the shell.
    pub(crate) waiting: Vec<Outgoing>,
    pub(crate) resend_window: (Time, u32),
    pub(crate) bucket: Bucket,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) packets_received: u64,
    pub(crate) octets_received: u64,
    pub(crate) over_limit: u64,
    pub(crate) asked_of_us: u64,
    pub(crate) keyframes_wanted: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    pub(crate) resent: u64,
}

/// Whether a leg's packets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// None came yet.
    Opened,
    /// They come: this leg is sent to.
    Flowing,
    /// None came for too long.
    Silent,
}

impl Leg {
    pub(crate) fn new(
        now: Time,
        participant: ParticipantId,
        audio: Ssrc,
        video: Ssrc,
        limit: PacketLimit,
    ) -> Leg {
        Leg {
            participant,
            state: State::Opened,
            heard: now,
            next_report: now,
            sources: [Source::new(Kind::Audio, audio), Source::new(Kind::Video, video)],
            downlinks: Vec::new(),
            waiting: Vec::new(),
            resend_window: (now, 0),
            bucket: Bucket::full(now, limit),
            round_trip: None,
            packets_received: 0,
            octets_received: 0,
            over_limit: 0,
            asked_of_us: 0,
            keyframes_wanted: 0,
            refused: 0,
            dropped: 0,
            resent: 0,
        }
    }

    /// Which of its own sources an SSRC is.
    pub(crate) fn kind_of(&self, ssrc: Ssrc) -> Option<Kind> {
        Kind::BOTH.into_iter().find(|kind| self.sources[*kind as usize].ssrc == ssrc)
    }

    pub(crate) fn downlink(&mut self, slot: usize, kind: Kind) -> &mut Downlink {
        if self.downlinks.len() <= slot {
            self.downlinks.resize_with(slot + 1, Default::default);
        }
        &mut self.downlinks[slot][kind as usize]
    }

    /// Puts a packet out for the shell. True when it is the first that waits.
    pub(crate) fn queue(&mut self, packet: Outgoing, counts: &mut Counts) -> bool {
        if self.waiting.len() >= MOST_WAITING {
            self.dropped += 1;
            counts.dropped += 1;
            return false;
        }
        if let Outgoing::Rtp(packet) = &packet {
            counts.packets_out += 1;
            counts.octets_out += packet.octets() as u64;
        }
        self.waiting.push(packet);
        self.waiting.len() == 1
    }

    /// Whether one more packet may be sent again now.
    pub(crate) fn may_resend(&mut self, now: Time) -> bool {
        let (since, count) = &mut self.resend_window;
        if now.since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= MOST_RESENT_PER_SECOND
    }

    pub(crate) fn statistics(&self) -> LegStatistics {
        let mut sums = (0, 0);
        let mut worst = 0;
        for downlink in self.downlinks.iter().flatten() {
            sums.0 += downlink.packets;
            sums.1 += downlink.octets;
            worst = worst.max(downlink.fraction_lost);
        }
        LegStatistics {
            flowing: self.state == State::Flowing,
            audio: self.sources[0].tracker.statistics(),
            video: self.sources[1].tracker.statistics(),
            packets_sent: sums.0,
            octets_sent: sums.1,
            packets_received: self.packets_received,
            octets_received: self.octets_received,
            over_limit: self.over_limit,
            asked_of_us: self.asked_of_us,
            keyframes_wanted: self.keyframes_wanted,
            resent: self.resent,
            keyframes_asked: self.sources[1].keyframes_asked,
            refused: self.refused,
            dropped: self.dropped,
            round_trip: self.round_trip,
            worst_loss: worst,
        }
    }
}

/// One source on its way up.
pub(crate) struct Source {
    pub(crate) ssrc: Ssrc,
    pub(crate) tracker: Tracker,
    pub(crate) history: History<Arc<Vec<u8>>>,
    /// When a wanted keyframe is asked for; `None` when none is wanted.
    pub(crate) keyframe_wanted: Option<Time>,
    pub(crate) keyframe_asked: Option<Time>,
    pub(crate) keyframes_asked: u64,
}

impl fmt::Debug for Source {
    /// Without the packets that may be asked for again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("ssrc", &self.ssrc)
            .field("tracker", &self.tracker)
            .field("keyframe_wanted", &self.keyframe_wanted)
            .field("keyframe_asked", &self.keyframe_asked)
            .field("keyframes_asked", &self.keyframes_asked)
            .finish_non_exhaustive()
    }
}

impl Source {
    fn new(kind: Kind, ssrc: Ssrc) -> Source {
        let (clock, patience, packets) = match kind {
            Kind::Audio => (AUDIO_CLOCK_HZ, Patience::AUDIO, AUDIO_HISTORY),
            Kind::Video => (VIDEO_CLOCK_HZ, Patience::VIDEO, VIDEO_HISTORY),
        };
        Source {
            ssrc,
            tracker: Tracker::new(clock, patience),
            // Receivers are many: when each was answered is remembered per receiver.
            history: History::new(packets, HISTORY_AGE, Duration::ZERO),
            keyframe_wanted: None,
            keyframe_asked: None,
            keyframes_asked: 0,
        }
    }
}

/// One source on its way down to one receiver.
#[derive(Debug, Default)]
pub(crate) struct Downlink {
    pub(crate) rewriter: Rewriter,
    /// Sent, for the receiver's copy of the sender report.
    pub(crate) packets: u64,
    /// Payload octets sent.
    pub(crate) octets: u64,
    /// Share that the receiver lost, in 256ths, by its last report.
    pub(crate) fraction_lost: u8,
    reports: VecDeque<(u32, Time)>,
    resent: VecDeque<(u16, Time)>,
}

impl Downlink {
    /// The packet that a receiver asks for, unless it was sent again just now.
    pub(crate) fn asked(&mut self, now: Time, sequence: u16) -> Option<(u64, Place)> {
        if self.resent.iter().any(|(s, sent)| *s == sequence && now.since(*sent) < RESEND_AGAIN) {
            return None;
        }
        self.rewriter.original(sequence)
    }

    /// Remembers an answer.
    pub(crate) fn answered(&mut self, now: Time, sequence: u16) {
        if self.resent.len() == MOST_RESENT {
            self.resent.pop_front();
        }
        self.resent.push_back((sequence, now));
    }

    /// Remembers when the receiver's copy of a sender report left.
    pub(crate) fn reported(&mut self, now: Time, report: &SenderReport) {
        if self.reports.len() == MOST_REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back(((report.ntp >> 16) as u32, now));
    }

    /// When the report with these middle bits left.
    pub(crate) fn report_sent(&self, middle: u32) -> Option<Time> {
        self.reports.iter().rev().find(|(m, _)| *m == middle).map(|(_, sent)| *sent)
    }
}

/// What happened on one leg so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegStatistics {
    /// Whether packets come from it.
    pub flowing: bool,
    /// Its audio on the way up.
    pub audio: Statistics,
    /// Its video on the way up.
    pub video: Statistics,
    /// RTP packets sent to it, repetitions not counted.
    pub packets_sent: u64,
    /// Payload octets sent to it.
    pub octets_sent: u64,
    /// Packets that came from it and were taken, RTP and RTCP.
    pub packets_received: u64,
    /// Their octets, in the clear.
    pub octets_received: u64,
    /// Packets from it that went beyond its limit and were dropped.
    pub over_limit: u64,
    /// Packets that it asked for as lost on their way to it.
    pub asked_of_us: u64,
    /// Keyframes that it asked for.
    pub keyframes_wanted: u64,
    /// RTP packets sent to it again.
    pub resent: u64,
    /// Keyframes asked of it.
    pub keyframes_asked: u64,
    /// Packets from it that were refused: of a foreign source or type, too long, or no RTP.
    pub refused: u64,
    /// Packets to it that were dropped because the shell did not take them.
    pub dropped: u64,
    /// The round trip to it, by its last report.
    pub round_trip: Option<Duration>,
    /// The worst share that it lost of any source, in 256ths, by its last reports.
    pub worst_loss: u8,
}
