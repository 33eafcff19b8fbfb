//! How many packets a leg may send: a bucket that fills at a rate and holds a burst.

use conclave_types::Time;
use std::time::Duration;

/// What one leg may send, audio, video and reports together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketLimit {
    /// Packets in a second, on average; at least one.
    pub per_second: u32,
    /// Packets at once, after a pause.
    pub burst: u32,
}

impl Default for PacketLimit {
    /// 5,000 in a second, 2,500 at once. A room sends 400 in a second at 2.5 Mbit/s and 1,100 at
    /// 8 Mbit/s, its largest keyframe is 300, and what it repeats after a loss counts too. Lower
    /// would cut off good rooms in bad moments; at 5,000 a leg costs its node, with 50 receivers, a
    /// quarter of a core.
    fn default() -> PacketLimit {
        PacketLimit { per_second: 5_000, burst: 2_500 }
    }
}

/// What is left of a leg's limit.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Millionths of packets, so that short spans count exactly.
    left: u64,
    filled: Time,
}

/// Millionths of a packet, and microseconds in a second.
const MILLION: u64 = 1_000_000;

impl Bucket {
    pub(crate) fn full(now: Time, limit: PacketLimit) -> Bucket {
        Bucket { left: u64::from(limit.burst) * MILLION, filled: now }
    }

    /// Whether one more packet may pass now.
    pub(crate) fn admits(&mut self, now: Time, limit: PacketLimit) -> bool {
        // Capped at what fills any bucket, so that the product fits.
        let passed = now.since(self.filled).min(Duration::from_secs(1 << 12)).as_micros() as u64;
        let gained = passed * u64::from(limit.per_second.max(1));
        self.left = (self.left + gained).min(u64::from(limit.burst.max(1)) * MILLION);
        self.filled = now;
        let admitted = self.left >= MILLION;
        if admitted {
            self.left -= MILLION;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_to_the_packet() {
        let limit = PacketLimit { per_second: 100, burst: 50 };
        let mut bucket = Bucket::full(Time::ZERO, limit);
        let passed = |bucket: &mut Bucket, us: u64| bucket.admits(Time::from_micros(us), limit);
        assert_eq!((0..1000).filter(|_| passed(&mut bucket, 0)).count(), 50);
        // A thousand in each of ten seconds: as many as the rate lets through.
        let through = (0..10_000).filter(|n| passed(&mut bucket, 1000 * n)).count();
        assert_eq!(through, 999);
        // A pause of any length is worth one burst.
        assert_eq!((0..1000).filter(|_| passed(&mut bucket, u64::MAX)).count(), 50);
    }
}
