//! What a hub has seen so far and holds now, in numbers: for metrics.
//!
//! Counters are read one after the other while links go on: each is right, and two of them may be
//! a moment apart.

use conclave_link_protocol::CloseReason;
use std::sync::atomic::{AtomicU64, Ordering};

/// A hub in numbers. Those without "now" only ever grow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HubTotals {
    /// Links of which a hello came, now; newcomers among them.
    pub links_now: u64,
    /// Newcomers who wait for their code to be claimed, now.
    pub newcomers_now: u64,
    /// Connections that have not said hello yet, now.
    pub half_open_now: u64,
    /// Handshakes that were done in full.
    pub handshakes_full: u64,
    /// Handshakes that a ticket made short.
    pub handshakes_resumed: u64,
    /// Handshakes that came to nothing: no TLS 1.3, another protocol, cut.
    pub handshakes_failed: u64,
    /// Handshakes that took too long.
    pub handshakes_late: u64,
    /// Connections for which there was no place, by what was full.
    pub refused: Vec<(&'static str, u64)>,
    /// Links that ended, by [`CloseReason::label`].
    pub ended: Vec<(&'static str, u64)>,
    /// Frames read from links.
    pub frames_in: u64,
    /// Frames written to links.
    pub frames_out: u64,
    /// Octets of frames read, without TLS.
    pub octets_in: u64,
    /// Octets of frames written, without TLS.
    pub octets_out: u64,
}

/// Why there was no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// Half-open connections of one address.
    HalfOpenAddress,
    /// Half-open connections in all.
    HalfOpen,
    /// It was half open for longest when another one came.
    Displaced,
    /// Links of one address.
    LinksAddress,
    /// Links in all.
    Links,
    /// Newcomers of one address.
    NewcomersAddress,
    /// Newcomers in all.
    Newcomers,
    /// The system has no descriptors left.
    Descriptors,
    /// Whoever shares the port takes no more connections now.
    Others,
}

impl NoPlace {
    const ALL: [NoPlace; 9] = [
        NoPlace::HalfOpenAddress,
        NoPlace::HalfOpen,
        NoPlace::Displaced,
        NoPlace::LinksAddress,
        NoPlace::Links,
        NoPlace::NewcomersAddress,
        NoPlace::Newcomers,
        NoPlace::Descriptors,
        NoPlace::Others,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            NoPlace::HalfOpenAddress => "half_open_address",
            NoPlace::HalfOpen => "half_open",
            NoPlace::Displaced => "displaced",
            NoPlace::LinksAddress => "links_address",
            NoPlace::Links => "links",
            NoPlace::NewcomersAddress => "newcomers_address",
            NoPlace::Newcomers => "newcomers",
            NoPlace::Descriptors => "descriptors",
            NoPlace::Others => "others",
        }
    }
}

/// The counters behind [`HubTotals`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) handshakes_full: Count,
    pub(crate) handshakes_resumed: Count,
    pub(crate) handshakes_failed: Count,
    pub(crate) handshakes_late: Count,
    pub(crate) frames_in: Count,
    pub(crate) frames_out: Count,
    pub(crate) octets_in: Count,
    pub(crate) octets_out: Count,
    refused: [Count; NoPlace::ALL.len()],
    ended: [Count; CloseReason::LABELS.len()],
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(crate) fn refused(&self, why: NoPlace) {
        let place = NoPlace::ALL.iter().position(|one| *one == why);
        if let Some(count) = place.and_then(|place| self.refused.get(place)) {
            count.add(1);
        }
    }

    pub(crate) fn ended(&self, reason: &CloseReason) {
        let place = CloseReason::LABELS.iter().position(|label| *label == reason.label());
        if let Some(count) = place.and_then(|place| self.ended.get(place)) {
            count.add(1);
        }
    }

    /// All but what is held now.
    pub(crate) fn totals(&self) -> HubTotals {
        let numbers = |labels: &mut dyn Iterator<Item = &'static str>, counts: &[Count]| {
            labels.zip(counts).map(|(label, count)| (label, count.now())).collect()
        };
        HubTotals {
            handshakes_full: self.handshakes_full.now(),
            handshakes_resumed: self.handshakes_resumed.now(),
            handshakes_failed: self.handshakes_failed.now(),
            handshakes_late: self.handshakes_late.now(),
            refused: numbers(&mut NoPlace::ALL.iter().map(|why| why.label()), &self.refused),
            ended: numbers(&mut CloseReason::LABELS.iter().copied(), &self.ended),
            frames_in: self.frames_in.now(),
            frames_out: self.frames_out.now(),
            octets_in: self.octets_in.now(),
            octets_out: self.octets_out.now(),
            ..HubTotals::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own() {
        let tally = Tally::default();
        for why in NoPlace::ALL {
            tally.refused(why);
        }
        tally.ended(&CloseReason::Silent);
        let totals = tally.totals();
        assert!(totals.refused.iter().all(|(_, count)| *count == 1));
        let ended: Vec<_> = totals.ended.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(ended, [&("silent", 1)]);
    }
}
