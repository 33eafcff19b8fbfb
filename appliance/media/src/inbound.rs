//! One source of someone else's on the wire: what is missing, what to ask for, what arrived.

use crate::packets::Kind;
use crate::report::StreamReport;
use conclave_rtp::loss::{Arrival, Patience, Tracker};
use conclave_rtp::rtcp::{Packet, ReportBlock, SenderReport};
use conclave_types::{AUDIO_CLOCK_HZ, Ssrc, Time, VIDEO_CLOCK_HZ};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the jitter buffers wait for a packet, in ms. Lower is more direct, higher rides out
/// worse networks; one retransmission over 60 ms of round trip still fits.
pub(crate) const JITTER_MS: u32 = 90;

/// For pictures: what comes after the jitter buffer gave up is of no use, only a keyframe is.
const VIDEO: Patience = Patience {
    first: Duration::from_millis(8),
    again: Duration::from_millis(30),
    tries: 3,
    give_up: Duration::from_millis(JITTER_MS as u64 + 10),
};

/// Between two keyframe requests for one source, at least: a keyframe takes a round trip and an
/// encoder's delay to come.
const KEYFRAME_EVERY: Duration = Duration::from_millis(400);

/// What the media thread says about a source.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    /// Takes RTP packets in the clear; never blocks.
    pub(crate) into: Arc<dyn Fn(Vec<u8>) + Send + Sync>,
    /// Set once a picture was decoded; until then keyframes are asked for.
    pub(crate) shown: Arc<AtomicBool>,
    /// Whether pictures are expected: the camera is on.
    pub(crate) expected: bool,
}

/// A source that is received.
pub(crate) struct Inbound {
    ssrc: Ssrc,
    source: Source,
    tracker: Tracker,
    keyframe: Wanted,
    asked: Option<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    Yes,
}

impl Inbound {
    pub(crate) fn new(ssrc: Ssrc, source: Source) -> Inbound {
        let tracker = match source.kind {
            Kind::Audio => Tracker::new(AUDIO_CLOCK_HZ, Patience::AUDIO),
            Kind::Video => Tracker::new(VIDEO_CLOCK_HZ, VIDEO),
        };
        Inbound { ssrc, source, tracker, keyframe: Wanted::No, asked: None }
    }

    /// The participant changed: another receiver, or the camera went on or off.
    pub(crate) fn replace(&mut self, source: Source) {
        if source.expected && !self.source.expected {
            self.keyframe = Wanted::Yes;
        }
        self.source = source;
    }

    pub(crate) fn want_keyframe(&mut self) {
        self.keyframe = Wanted::Yes;
    }

    pub(crate) fn receive(&mut self, now: Time, sequence: u16, timestamp: u32, packet: Vec<u8>) {
        if self.tracker.received(now, sequence, timestamp) != Arrival::Unwanted {
            (self.source.into)(packet);
        }
    }

    pub(crate) fn sender_report(&mut self, now: Time, report: &SenderReport) {
        self.tracker.sender_report(now, report);
    }

    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        self.tracker.set_round_trip(round_trip);
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.tracker.deadline()
    }

    pub(crate) fn report(&mut self, now: Time) -> Option<ReportBlock> {
        self.tracker.report(now, self.ssrc)
    }

    pub(crate) fn statistics(&self) -> StreamReport {
        let s = self.tracker.statistics();
        let clock = match self.source.kind {
            Kind::Audio => AUDIO_CLOCK_HZ,
            Kind::Video => VIDEO_CLOCK_HZ,
        };
        StreamReport {
            received: s.received,
            lost: s.missing,
            retransmitted: s.late,
            asked: s.asked,
            jitter_ms: f64::from(s.jitter) * 1000.0 / f64::from(clock),
        }
    }

    /// What to ask the sender for now.
    pub(crate) fn poll(&mut self, now: Time, sender: Ssrc, feedback: &mut Vec<Packet>) {
        while let Some(lost) = self.tracker.poll_nack(now) {
            feedback.push(Packet::Nack { sender, source: self.ssrc, lost });
        }
        if self.tracker.poll_lost(now).is_some() {
            self.keyframe = Wanted::Yes;
        }
        if self.source.kind == Kind::Audio || !self.source.expected {
            return;
        }
        let first = !self.source.shown.load(Ordering::Acquire);
        let rested = self.asked.is_none_or(|at| now.since(at) >= KEYFRAME_EVERY);
        if (first || self.keyframe == Wanted::Yes) && rested {
            self.asked = Some(now);
            self.keyframe = Wanted::No;
            feedback.push(Packet::PictureLoss { sender, source: self.ssrc });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn video(shown: bool) -> (Inbound, Arc<Mutex<Vec<Vec<u8>>>>) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let source = Source {
            kind: Kind::Video,
            into: Arc::new({
                let taken = taken.clone();
                move |packet| taken.lock().unwrap().push(packet)
            }),
            shown: Arc::new(AtomicBool::new(shown)),
            expected: true,
        };
        (Inbound::new(Ssrc(5), source), taken)
    }

    fn poll(inbound: &mut Inbound, ms: u64) -> Vec<Packet> {
        let mut feedback = Vec::new();
        inbound.poll(Time::from_micros(ms * 1000), Ssrc(1), &mut feedback);
        feedback
    }

    #[test]
    fn a_keyframe_is_asked_for_until_the_first_picture_but_not_all_the_time() {
        let (mut inbound, _) = video(false);
        assert_eq!(poll(&mut inbound, 0).len(), 1);
        assert_eq!(poll(&mut inbound, 399).len(), 0);
        assert_eq!(poll(&mut inbound, 400).len(), 1);
        inbound.source.shown.store(true, Ordering::Release);
        assert_eq!(poll(&mut inbound, 2000).len(), 0);
    }

    #[test]
    fn a_gap_is_asked_for_and_when_given_up_a_keyframe_is() {
        let (mut inbound, taken) = video(true);
        inbound.receive(Time::ZERO, 10, 0, vec![1]);
        inbound.receive(Time::ZERO, 12, 0, vec![2]);
        inbound.receive(Time::ZERO, 12, 0, vec![2]);
        assert_eq!(taken.lock().unwrap().len(), 2, "the copy is dropped");
        let nack = Packet::Nack { sender: Ssrc(1), source: Ssrc(5), lost: vec![11] };
        assert_eq!(poll(&mut inbound, 8), [nack]);
        let loss = Packet::PictureLoss { sender: Ssrc(1), source: Ssrc(5) };
        assert_eq!(poll(&mut inbound, 101), [loss]);
        assert_eq!(inbound.statistics().lost, 1);
    }
}
