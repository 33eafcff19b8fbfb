//! What the whole node does, added up so that it can be read at any time without asking a task.

use conclave_forward::Counts;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds, in microseconds, of the buckets that [`Held`] counts in. A picture of nine packets
/// to 50 receivers takes some 0.4 ms; beyond 10 ms a node has more to do than it can.
pub const HELD_BOUNDS_US: [u64; 9] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000];
const BUCKETS: usize = HELD_BOUNDS_US.len() + 1;

/// How long packets were in the node: from the reading that began their turn until everything that
/// left in it was handed to the system. What they waited in a socket before is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Packets by bucket; the last one is beyond all bounds.
    pub packets: [u64; BUCKETS],
    /// Of all of them together.
    pub sum_us: u64,
}

impl Held {
    /// Counts packets that were here for so long.
    pub(crate) fn count(&mut self, packets: usize, span: Duration) {
        let us = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let bucket = HELD_BOUNDS_US.partition_point(|bound| *bound < us);
        let packets = packets as u64;
        if let Some(count) = self.packets.get_mut(bucket) {
            *count += packets;
        }
        self.sum_us = self.sum_us.saturating_add(us.saturating_mul(packets));
    }
}

/// [`Held`] of all tasks.
#[derive(Debug, Default)]
struct SharedHeld {
    packets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl SharedHeld {
    fn add(&self, held: Held) {
        for (shared, packets) in self.packets.iter().zip(held.packets) {
            if packets > 0 {
                shared.fetch_add(packets, Ordering::Relaxed);
            }
        }
        self.sum_us.fetch_add(held.sum_us, Ordering::Relaxed);
    }

    fn read(&self) -> Held {
        Held {
            packets: self.packets.each_ref().map(|count| count.load(Ordering::Relaxed)),
            sum_us: self.sum_us.load(Ordering::Relaxed),
        }
    }
}

/// All legs of a node together, since it was started. Counters only grow, but for those that say
/// how much there is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Legs that are open now.
    pub legs: u64,
    /// Meetings that have legs now.
    pub meetings: u64,
    /// What meetings did. Octets are those of packets in the clear.
    pub forwarded: Counts,
    /// Bursts handed to the system for sending: packets divided by these is their mean length.
    pub bursts: u64,
    /// Datagrams that were no SRTP or SRTCP.
    pub malformed: u64,
    /// Datagrams that did not authenticate.
    pub not_authentic: u64,
    /// Datagrams that had come before.
    pub replayed: u64,
    /// Packets that the system did not take for sending.
    pub unsent: u64,
    /// Legs that were refused because the node or the meeting was full.
    pub refused_legs: u64,
    /// How long packets were in the node.
    pub held: Held,
}

macro_rules! sums {
    ($($field:ident),*; $($counted:ident),*) => {
        /// What one task did since it last shared it.
        #[derive(Debug, Default)]
        pub(crate) struct Sums {
            pub(crate) forwarded: Counts,
            pub(crate) held: Held,
            $(pub(crate) $field: u64,)*
        }

        /// What all tasks did.
        #[derive(Debug, Default)]
        pub(crate) struct Shared {
            pub(crate) meetings: AtomicU64,
            held: SharedHeld,
            $($field: AtomicU64,)*
            $($counted: AtomicU64,)*
        }

        impl Shared {
            /// Adds what a task did, and begins anew. One addition per field and turn.
            pub(crate) fn add(&self, sums: &mut Sums) {
                let Sums { forwarded, held, $($field),* } = std::mem::take(sums);
                if held.sum_us > 0 { self.held.add(held); }
                $(if $field > 0 { self.$field.fetch_add($field, Ordering::Relaxed); })*
                $(if forwarded.$counted > 0 {
                    self.$counted.fetch_add(forwarded.$counted, Ordering::Relaxed);
                })*
            }

            /// Reads them. Fields may be from moments that lie a turn apart.
            pub(crate) fn read(&self, legs: usize) -> Totals {
                Totals {
                    legs: legs as u64,
                    meetings: self.meetings.load(Ordering::Relaxed),
                    forwarded: Counts {
                        $($counted: self.$counted.load(Ordering::Relaxed),)*
                    },
                    held: self.held.read(),
                    $($field: self.$field.load(Ordering::Relaxed),)*
                }
            }
        }

        impl Sums {
            /// Adds what a meeting did.
            pub(crate) fn add(&mut self, counts: Counts) {
                $(self.forwarded.$counted += counts.$counted;)*
            }
        }
    };
}

sums!(
    bursts, malformed, not_authentic, replayed, unsent, refused_legs;
    packets_in, octets_in, packets_out, octets_out, resent, asked_of_us, asked_by_us,
    keyframes_wanted, keyframes_asked, over_limit, refused, dropped
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_counted_at_the_bound_that_they_do_not_exceed() {
        let mut held = Held::default();
        for (packets, us) in [(1, 50), (2, 51), (4, 50_000), (8, 50_001)] {
            held.count(packets, Duration::from_micros(us));
        }
        assert_eq!(held.packets, [1, 2, 0, 0, 0, 0, 0, 0, 4, 8]);
        assert_eq!(held.sum_us, 50 + 2 * 51 + 4 * 50_000 + 8 * 50_001);
        let shared = SharedHeld::default();
        shared.add(held);
        shared.add(held);
        assert_eq!(shared.read().packets.iter().sum::<u64>(), 30);
    }
}
