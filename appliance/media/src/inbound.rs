//! One source of someone else's on the wire: what is missing, what to ask for, what arrived.

use crate::packets::Kind;
use crate::playout::{PICTURE_GAP, Played, Playout};
use crate::report::StreamReport;
use conclave_rtp::loss::{Arrival, Patience, Tracker};
use conclave_rtp::rtcp::{Packet, ReportBlock, SenderReport};
use conclave_types::{AUDIO_CLOCK_HZ, ParticipantId, Ssrc, Time, VIDEO_CLOCK_HZ};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// For pictures: what comes after the playout gave up is of no use, only a keyframe is.
const VIDEO: Patience = Patience {
    first: Duration::from_millis(8),
    again: Duration::from_millis(30),
    tries: 3,
    give_up: PICTURE_GAP,
};

/// Between two keyframe requests for one source, at least: a keyframe takes a round trip and an
/// encoder's delay to come.
const KEYFRAME_EVERY: Duration = Duration::from_millis(400);

/// What the media thread says about a source.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) kind: Kind,
    /// Whose it is: picture and voice of one participant are held alike.
    pub(crate) who: ParticipantId,
    /// Takes RTP packets in the clear, in order; never blocks.
    pub(crate) into: Arc<dyn Fn(Played) + Send + Sync>,
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
    playout: Playout,
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
        let playout = Playout::new(source.kind);
        Inbound { ssrc, source, tracker, playout, keyframe: Wanted::No, asked: None }
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
            self.playout.insert(now, sequence, timestamp, packet);
        }
    }

    /// Whose it is, and the delay that it needs.
    pub(crate) fn needs(&self) -> (ParticipantId, Duration) {
        (self.source.who, self.playout.needs())
    }

    /// Holds packets at least so long.
    pub(crate) fn keep_with(&mut self, companion: Duration) {
        self.playout.keep_with(companion);
    }

    pub(crate) fn sender_report(&mut self, now: Time, report: &SenderReport) {
        self.tracker.sender_report(now, report);
    }

    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        self.tracker.set_round_trip(round_trip);
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.tracker.deadline().into_iter().chain(self.playout.deadline()).min()
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
            delay_ms: self.playout.delay().as_secs_f64() * 1000.0,
        }
    }

    /// Gives the decoder what is due; what to ask the sender for now.
    pub(crate) fn poll(&mut self, now: Time, sender: Ssrc, feedback: &mut Vec<Packet>) {
        while let Some(played) = self.playout.poll(now) {
            (self.source.into)(played);
        }
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

    fn video(shown: bool) -> (Inbound, Arc<Mutex<Vec<Played>>>) {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let source = Source {
            kind: Kind::Video,
            who: ParticipantId::from_random(1),
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
        let nack = Packet::Nack { sender: Ssrc(1), source: Ssrc(5), lost: vec![11] };
        assert_eq!(poll(&mut inbound, 8), [nack]);
        let loss = Packet::PictureLoss { sender: Ssrc(1), source: Ssrc(5) };
        assert_eq!(poll(&mut inbound, 101), [loss]);
        poll(&mut inbound, 120);
        let taken: Vec<bool> =
            taken.lock().unwrap().iter().map(|p| matches!(p, Played::Packet { .. })).collect();
        assert_eq!(taken, [true, false, true], "the copy is dropped, the gap is told");
        assert_eq!(inbound.statistics().lost, 1);
    }
}
