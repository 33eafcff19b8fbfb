//! What a leg's media came to, as the media node counts it.

use std::time::Duration;

/// One leg at one moment. Counts begin at zero when the leg opens and only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LegSample {
    /// Whether packets come from the room.
    pub flow: Flow,
    /// RTP packets that came from the room.
    pub received: u64,
    /// Packets that were lost on their way from the room, those that were sent again included.
    pub lost: u64,
    /// Of these, the ones that were not sent again in time.
    pub unrepaired: u64,
    /// Sequence numbers that were asked for again, repetitions included.
    pub asked: u64,
    /// Keyframes asked of the room.
    pub keyframes_asked: u64,
    /// Interarrival jitter of the picture's packets.
    pub jitter: Duration,
    /// RTP packets sent to the room, repetitions not counted.
    pub sent: u64,
    /// Payload octets sent to the room.
    pub octets_sent: u64,
    /// RTP packets sent to the room again, as it asked for them.
    pub resent: u64,
    /// The share that the room lost of what it was sent, 0 to 1, by its last reports.
    pub loss_to_room: f64,
    /// To the room and back, by its last report.
    pub round_trip: Option<Duration>,
    /// Packets that were dropped by a limit: too many waited, or the system did not take them.
    pub dropped: u64,
    /// Datagrams that were refused: not authentic, replayed, malformed, or of a foreign source.
    pub refused: u64,
}

/// Whether packets come from a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// None came yet, or none came for a while.
    #[default]
    Silent,
    /// They come.
    Flowing,
}

impl LegSample {
    /// What happened since an earlier sample of the same leg. Flow, jitter, round trip and the
    /// room's own report stay what they are now.
    pub fn since(&self, earlier: &LegSample) -> LegSample {
        LegSample {
            received: self.received.saturating_sub(earlier.received),
            lost: self.lost.saturating_sub(earlier.lost),
            unrepaired: self.unrepaired.saturating_sub(earlier.unrepaired),
            asked: self.asked.saturating_sub(earlier.asked),
            keyframes_asked: self.keyframes_asked.saturating_sub(earlier.keyframes_asked),
            sent: self.sent.saturating_sub(earlier.sent),
            octets_sent: self.octets_sent.saturating_sub(earlier.octets_sent),
            resent: self.resent.saturating_sub(earlier.resent),
            dropped: self.dropped.saturating_sub(earlier.dropped),
            refused: self.refused.saturating_sub(earlier.refused),
            ..*self
        }
    }

    /// The share lost on the way from the room, 0 to 1; `None` when nothing was to come.
    pub fn loss_from_room(&self) -> Option<f64> {
        share(self.lost, self.received + self.unrepaired)
    }

    /// How many the room lost of what it was sent, as far as its reports tell.
    pub fn lost_to_room(&self) -> u64 {
        (self.sent as f64 * self.loss_to_room.clamp(0.0, 1.0)).round() as u64
    }
}

/// A part of a whole, 0 to 1; `None` of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64).min(1.0))
}
