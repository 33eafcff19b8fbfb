//! Packets that come before their participant's decoder is built: the node may forward a keyframe
//! some milliseconds sooner, and without it the picture would stay black until the next.

use conclave_types::{Ssrc, Time};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Packets kept at most: two large keyframes, 600 kB. They are authentic, yet a source that is
/// never announced must not fill the memory.
const MOST: usize = 512;

/// How long one is kept. Building a decoder takes some ten milliseconds, on a busy board a hundred;
/// what is older would only be played late.
const KEPT: Duration = Duration::from_millis(500);

/// A packet, in the clear, and when it came.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) ssrc: Ssrc,
    pub(crate) at: Time,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) octets: Vec<u8>,
}

impl fmt::Debug for Packet {
    /// Without what people say and show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("ssrc", &self.ssrc)
            .field("at", &self.at)
            .field("sequence", &self.sequence)
            .field("timestamp", &self.timestamp)
            .field("octets", &self.octets.len())
            .finish()
    }
}

/// Those that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Early {
    waiting: VecDeque<Packet>,
}

impl Early {
    /// Keeps one, and lets go of what is too old or too much.
    pub(crate) fn keep(&mut self, packet: Packet) {
        let now = packet.at;
        self.waiting.push_back(packet);
        while self.waiting.len() > MOST
            || self.waiting.front().is_some_and(|first| now.since(first.at) > KEPT)
        {
            self.waiting.pop_front();
        }
    }

    /// Those of one source, in the order in which they came.
    pub(crate) fn take(&mut self, ssrc: Ssrc) -> Vec<Packet> {
        let waiting = std::mem::take(&mut self.waiting);
        let (own, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|packet| packet.ssrc == ssrc);
        self.waiting = others.into();
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ssrc: u32, ms: u64, sequence: u16) -> Packet {
        let at = Time::ZERO + Duration::from_millis(ms);
        Packet { ssrc: Ssrc(ssrc), at, sequence, timestamp: 0, octets: Vec::new() }
    }

    #[test]
    fn each_source_gets_its_own_in_order_and_once() {
        let mut early = Early::default();
        for (ssrc, sequence) in [(1, 7), (2, 30), (1, 8)] {
            early.keep(packet(ssrc, 10, sequence));
        }
        assert_eq!(early.take(Ssrc(1)), [packet(1, 10, 7), packet(1, 10, 8)]);
        assert_eq!(early.take(Ssrc(1)), []);
        assert_eq!(early.take(Ssrc(2)), [packet(2, 10, 30)]);
    }

    #[test]
    fn what_is_old_or_too_much_goes() {
        let mut early = Early::default();
        early.keep(packet(1, 0, 1));
        early.keep(packet(1, 501, 2));
        assert_eq!(early.take(Ssrc(1)), [packet(1, 501, 2)]);
        for sequence in 0..2_000 {
            early.keep(packet(1, 600, sequence));
        }
        let kept = early.take(Ssrc(1));
        assert_eq!((kept.len(), kept[0].sequence), (MOST, 2_000 - MOST as u16));
    }
}
