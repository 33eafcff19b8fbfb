//! What the whole node does, added up so that it can be read at any time without asking a task.

use conclave_forward::Counts;
use std::sync::atomic::{AtomicU64, Ordering};

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
}

macro_rules! sums {
    ($($field:ident),*; $($counted:ident),*) => {
        /// What one task did since it last shared it.
        #[derive(Debug, Default)]
        pub(crate) struct Sums {
            pub(crate) forwarded: Counts,
            $(pub(crate) $field: u64,)*
        }

        /// What all tasks did.
        #[derive(Debug, Default)]
        pub(crate) struct Shared {
            pub(crate) meetings: AtomicU64,
            $($field: AtomicU64,)*
            $($counted: AtomicU64,)*
        }

        impl Shared {
            /// Adds what a task did, and begins anew. One addition per field and turn.
            pub(crate) fn add(&self, sums: &mut Sums) {
                let Sums { forwarded, $($field),* } = std::mem::take(sums);
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
