//! Loss, seen by the receiver of one source: which packets are missing, when to ask for them, when
//! to give up, and the report that tells the sender.
//!
//! - [`Tracker::received`] takes each packet and says whether it is wanted.
//! - [`Tracker::poll_nack`] hands out the sequence numbers to ask for (RFC 4585); each is asked for
//!   after a short wait, because packets also overtake each other, and again a few times.
//! - [`Tracker::poll_lost`] says when something is given up: for video, ask for a keyframe.
//! - [`Tracker::report`] is the block of RFC 3550, section 6.4.1, with the jitter of appendix A.8.
//!
//! The media node uses one per uplink source, a room one per downlink source.

use crate::rtcp::{ReportBlock, SenderReport};
use crate::sequence::Extender;
use conclave_types::{Ssrc, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Missing packets that are remembered. As wide as the window in which SRTP still takes them; what
/// would go beyond is given up.
pub const MOST_MISSING: usize = 1024;

/// How far before the first packet another may lie and still be taken: the first packets of a
/// burst may overtake each other. Larger would take in what was sent before we were there.
pub const BEFORE_FIRST: u64 = 64;

/// Sequence numbers in one list. Even when no two are neighbours, the packet stays near 1 kB.
const MOST_IN_LIST: usize = 256;

/// How long to wait and how often to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From noticing a gap to the first request. Packets that merely overtook each other arrive
    /// within a few milliseconds; asking sooner fetches them twice.
    pub first: Duration,
    /// Between two requests for one packet, at least; with a longer round trip, one and a quarter
    /// of that.
    pub again: Duration,
    /// Requests for one packet, at most.
    pub tries: u8,
    /// From noticing a gap to giving up.
    pub give_up: Duration,
}

impl Patience {
    /// For pictures: a late packet still repairs what later ones refer to.
    pub const VIDEO: Patience = Patience {
        first: Duration::from_millis(10),
        again: Duration::from_millis(40),
        tries: 10,
        give_up: Duration::from_millis(600),
    };
    /// For speech: what comes after the jitter buffer has played its gap is of no use.
    pub const AUDIO: Patience = Patience {
        first: Duration::from_millis(10),
        again: Duration::from_millis(30),
        tries: 4,
        give_up: Duration::from_millis(200),
    };
}

/// What a packet is to the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Ahead of all others so far, or the first.
    New,
    /// It fills a gap: it was overtaken, or sent again.
    Late,
    /// It came before, or its gap was given up.
    Unwanted,
}

/// What has happened to one source so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Packets that arrived and were wanted.
    pub received: u64,
    /// Packets that should have arrived and have not, those still awaited included.
    pub missing: u64,
    /// Packets that filled a gap.
    pub late: u64,
    /// Sequence numbers asked for, repetitions included.
    pub asked: u64,
    /// Packets given up.
    pub given_up: u64,
    /// Packets that were not wanted.
    pub unwanted: u64,
    /// Interarrival jitter in ticks of the payload's clock.
    pub jitter: u32,
}

/// The receiving side of one source.
#[derive(Debug, Clone)]
pub struct Tracker {
    clock_hz: u32,
    patience: Patience,
    round_trip: Duration,
    extender: Extender,
    /// The lowest extended sequence number that counts.
    base: u64,
    missing: BTreeMap<u64, Missing>,
    /// Given up since the last [`Tracker::poll_lost`].
    lost: u32,
    statistics: Statistics,
    /// The jitter times 16, as appendix A.8 keeps it.
    jitter_16: u32,
    last_transit: Option<u32>,
    expected_before: u64,
    received_before: u64,
    last_report: Option<(u32, Time)>,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Time,
    /// When it is asked for next.
    next: Time,
    tries: u8,
}

impl Tracker {
    /// One for a source whose payload's clock ticks `clock_hz` times in a second.
    pub fn new(clock_hz: u32, patience: Patience) -> Tracker {
        Tracker {
            clock_hz,
            patience,
            round_trip: Duration::ZERO,
            extender: Extender::new(),
            base: 0,
            missing: BTreeMap::new(),
            lost: 0,
            statistics: Statistics::default(),
            jitter_16: 0,
            last_transit: None,
            expected_before: 0,
            received_before: 0,
            last_report: None,
        }
    }

    /// Takes the header of a packet that arrived. A packet that is unwanted should go no further.
    pub fn received(&mut self, now: Time, sequence: u16, timestamp: u32) -> Arrival {
        let arrival = self.place(now, sequence);
        match arrival {
            Arrival::New => {
                self.statistics.received += 1;
                self.measure_jitter(now, timestamp);
            }
            Arrival::Late => {
                self.statistics.received += 1;
                self.statistics.late += 1;
            }
            Arrival::Unwanted => self.statistics.unwanted += 1,
        }
        arrival
    }

    fn place(&mut self, now: Time, sequence: u16) -> Arrival {
        let Some(highest) = self.extender.highest() else {
            self.base = self.extender.follow(sequence);
            return Arrival::New;
        };
        let extended = self.extender.follow(sequence);
        if extended > highest {
            self.open_gap(now, highest + 1, extended);
            return Arrival::New;
        }
        if self.missing.remove(&extended).is_some() {
            return Arrival::Late;
        }
        if extended < self.base && self.base - extended <= BEFORE_FIRST {
            let base = std::mem::replace(&mut self.base, extended);
            self.open_gap(now, extended + 1, base);
            return Arrival::Late;
        }
        Arrival::Unwanted
    }

    /// Remembers that the numbers from `from` up to, not including, `to` are missing.
    fn open_gap(&mut self, now: Time, from: u64, to: u64) {
        let kept_from = from.max(to.saturating_sub(MOST_MISSING as u64));
        self.give_up(kept_from - from);
        let missing = Missing { since: now, next: now + self.patience.first, tries: 0 };
        self.missing.extend((kept_from..to).map(|number| (number, missing)));
        while self.missing.len() > MOST_MISSING {
            self.missing.pop_first();
            self.give_up(1);
        }
    }

    fn give_up(&mut self, packets: u64) {
        self.statistics.given_up += packets;
        // Below 65536 each time; saturates when nobody polls.
        self.lost = self.lost.saturating_add(u32::try_from(packets).unwrap_or(u32::MAX));
    }

    fn measure_jitter(&mut self, now: Time, timestamp: u32) {
        // Truncated to 32 bits: only differences count.
        let arrival = u128::from(now.as_micros()) * u128::from(self.clock_hz) / 1_000_000;
        let transit = (arrival as u32).wrapping_sub(timestamp);
        if let Some(last) = self.last_transit.replace(transit) {
            let change = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            let settled = (self.jitter_16 + 8) >> 4;
            self.jitter_16 = self.jitter_16.saturating_sub(settled).saturating_add(change);
            // A clock that was set anew must not be remembered for minutes: ten seconds at most.
            self.jitter_16 = self.jitter_16.min(self.clock_hz.saturating_mul(160));
        }
    }

    /// Takes the round trip to whoever answers requests, when it is known.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        // Five seconds: longer ones come from a peer that lies, and would end all asking.
        self.round_trip = round_trip.min(Duration::from_secs(5));
    }

    /// Takes a report of the source's sender, to be referred to in our own report.
    pub fn sender_report(&mut self, now: Time, report: &SenderReport) {
        self.last_report = Some(((report.ntp >> 16) as u32, now));
    }

    /// The numbers to ask for now, lowest first; at most 256 at a time, so poll until `None`.
    pub fn poll_nack(&mut self, now: Time) -> Option<Vec<u16>> {
        self.expire(now);
        let again = self.patience.again.max(self.round_trip + self.round_trip / 4);
        let mut list = Vec::new();
        for (number, missing) in &mut self.missing {
            if missing.next <= now && missing.tries < self.patience.tries {
                missing.tries += 1;
                missing.next = now + again;
                list.push(*number as u16);
                if list.len() == MOST_IN_LIST {
                    break;
                }
            }
        }
        self.statistics.asked += list.len() as u64;
        (!list.is_empty()).then_some(list)
    }

    /// How many packets were given up since the last call; `None` when there were none.
    pub fn poll_lost(&mut self, now: Time) -> Option<u32> {
        self.expire(now);
        let lost = std::mem::take(&mut self.lost);
        (lost > 0).then_some(lost)
    }

    fn expire(&mut self, now: Time) {
        let give_up = self.patience.give_up;
        let before = self.missing.len();
        if before > 0 {
            self.missing.retain(|_, missing| missing.since + give_up > now);
            self.give_up((before - self.missing.len()) as u64);
        }
    }

    /// Forgets what is missing without calling it lost, because nobody wants it any more.
    pub fn forget_missing(&mut self) {
        self.missing.clear();
    }

    /// When to poll next, both [`Tracker::poll_nack`] and [`Tracker::poll_lost`]; they are polled
    /// after each packet too.
    pub fn deadline(&self) -> Option<Time> {
        let wakes = |missing: &Missing| {
            let end = missing.since + self.patience.give_up;
            if missing.tries < self.patience.tries { missing.next.min(end) } else { end }
        };
        self.missing.values().map(wakes).min()
    }

    /// Packets that are missing and not given up.
    pub fn awaited(&self) -> usize {
        self.missing.len()
    }

    /// The block about this source for a report that is sent now; the next one starts from here.
    /// `None` before the first packet.
    pub fn report(&mut self, now: Time, source: Ssrc) -> Option<ReportBlock> {
        let highest = self.extender.highest()?;
        let expected = highest + 1 - self.base;
        let received = self.statistics.received;
        let expected_now = expected.saturating_sub(self.expected_before);
        let lost_now = expected_now.saturating_sub(received.saturating_sub(self.received_before));
        (self.expected_before, self.received_before) = (expected, received);
        let fraction = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255);
        let (last_report, delay) = match self.last_report {
            Some((middle, came)) => {
                let units = now.since(came).as_micros() * 65_536 / 1_000_000;
                (middle, u32::try_from(units).unwrap_or(u32::MAX))
            }
            None => (0, 0),
        };
        Some(ReportBlock {
            source,
            fraction_lost: fraction as u8,
            lost: i32::try_from(expected.saturating_sub(received)).unwrap_or(i32::MAX),
            // The extender counts its cycles from one.
            highest: (highest - 0x1_0000) as u32,
            jitter: self.jitter_16 >> 4,
            last_report,
            delay,
        })
    }

    /// What has happened so far.
    pub fn statistics(&self) -> Statistics {
        let expected = self.extender.highest().map_or(0, |highest| highest + 1 - self.base);
        Statistics {
            missing: expected.saturating_sub(self.statistics.received),
            jitter: self.jitter_16 >> 4,
            ..self.statistics
        }
    }

    /// What a sequence number stands for, cycles included (see [`Extender::extend`]).
    pub fn extended(&self, sequence: u16) -> u64 {
        self.extender.extend(sequence)
    }
}

/// The round trip that a report block tells about the sender of `last_report`'s report, which
/// left at `sent`: `None` when the block is older than that report or claims an impossible delay.
pub fn round_trip(now: Time, sent: Time, block: &ReportBlock) -> Option<Duration> {
    let held = Duration::from_micros(u64::from(block.delay) * 1_000_000 / 65_536);
    now.since(sent).checked_sub(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn video() -> Tracker {
        Tracker::new(90_000, Patience::VIDEO)
    }

    #[test]
    fn a_gap_is_asked_for_after_a_wait_then_again_then_given_up() {
        let mut tracker = video();
        for sequence in [65_534, 65_535, 2] {
            assert_eq!(tracker.received(at(0), sequence, 0), Arrival::New);
        }
        assert_eq!(tracker.poll_nack(at(9)), None);
        assert_eq!(tracker.deadline(), Some(at(10)));
        assert_eq!(tracker.poll_nack(at(10)), Some(vec![0, 1]));
        assert_eq!(tracker.poll_nack(at(10)), None);
        assert_eq!(tracker.received(at(20), 0, 0), Arrival::Late);
        assert_eq!(tracker.received(at(20), 0, 0), Arrival::Unwanted);
        assert_eq!(tracker.poll_nack(at(50)), Some(vec![1]));
        let mut asked = 2;
        while let Some(deadline) = tracker.deadline() {
            if tracker.poll_nack(deadline).is_some() {
                asked += 1;
            }
            if let Some(lost) = tracker.poll_lost(deadline) {
                assert_eq!((lost, deadline), (1, at(600)));
            }
        }
        assert_eq!(asked, Patience::VIDEO.tries);
        assert_eq!(tracker.received(at(700), 1, 0), Arrival::Unwanted);
        assert_eq!(tracker.poll_lost(at(9000)), None);
    }

    #[test]
    fn requests_keep_more_than_a_round_trip_between_them() {
        let mut tracker = video();
        tracker.set_round_trip(Duration::from_millis(200));
        tracker.received(at(0), 1, 0);
        tracker.received(at(0), 3, 0);
        assert_eq!(tracker.poll_nack(at(10)), Some(vec![2]));
        assert_eq!(tracker.deadline(), Some(at(260)));
    }

    #[test]
    fn packets_that_overtake_each_other_are_not_asked_for() {
        let mut tracker = video();
        // Even at the very start.
        for sequence in [5, 3, 4, 2, 7, 6] {
            assert_ne!(tracker.received(at(1), sequence, 0), Arrival::Unwanted);
        }
        assert_eq!(tracker.poll_nack(at(500)), None);
        assert_eq!(tracker.statistics().missing, 0);
        assert_eq!(tracker.deadline(), None);
    }

    #[test]
    fn a_huge_gap_is_given_up_but_for_its_end() {
        let mut tracker = video();
        tracker.received(at(0), 0, 0);
        tracker.received(at(0), 30_000, 0);
        assert_eq!(tracker.poll_lost(at(0)), Some(29_999 - MOST_MISSING as u32));
        let mut asked = Vec::new();
        while let Some(list) = tracker.poll_nack(at(10)) {
            asked.extend(list);
        }
        assert_eq!(asked, (28_976..30_000).collect::<Vec<u16>>());
    }

    #[test]
    fn a_report_tells_loss_since_the_last_one_and_since_the_start() {
        let mut tracker = video();
        assert_eq!(tracker.report(at(0), Ssrc(1)), None);
        for sequence in (0..100).filter(|n| n % 4 != 1) {
            tracker.received(at(0), sequence, 0);
        }
        tracker.sender_report(
            at(500),
            &SenderReport {
                source: Ssrc(1),
                ntp: 0x1111_2222_3333_4444,
                timestamp: 0,
                packets: 0,
                octets: 0,
                blocks: Vec::new(),
            },
        );
        let block = tracker.report(at(1000), Ssrc(1)).unwrap();
        assert_eq!((block.fraction_lost, block.lost, block.highest), (64, 25, 99));
        assert_eq!((block.last_report, block.delay), (0x2222_3333, 32_768));
        for sequence in 100..200 {
            tracker.received(at(1001), sequence, 0);
        }
        let block = tracker.report(at(2000), Ssrc(1)).unwrap();
        assert_eq!((block.fraction_lost, block.lost, block.highest), (0, 25, 199));
        assert_eq!(round_trip(at(2000), at(400), &block), Some(Duration::from_millis(100)));
        assert_eq!(round_trip(at(1000), at(400), &block), None);
    }

    #[test]
    fn jitter_settles_at_the_mean_change_of_transit() {
        let mut tracker = video();
        // Every other packet is 10 ms late: transit changes by 900 ticks each time.
        for n in 0..2000 {
            let late = if n % 2 == 0 { 0 } else { 10 };
            tracker.received(at(33 * n + late), n as u16, 2970 * n as u32);
        }
        assert!((850..=950).contains(&tracker.statistics().jitter));
        let mut steady = video();
        for n in 0..2000 {
            steady.received(at(100 * n), n as u16, (9000 * n) as u32);
        }
        assert_eq!(steady.statistics().jitter, 0);
    }

    proptest! {
        /// Whatever arrives, nothing is taken twice, memory stays bounded and asking ends.
        #[test]
        fn any_arrivals_keep_the_books(
            start in any::<u16>(), steps in prop::collection::vec((-70_i32..90, 0_u64..30), 1..600)
        ) {
            let mut tracker = video();
            let (mut sequence, mut now) = (i64::from(start), 0);
            let mut taken = std::collections::HashSet::new();
            for (step, pause) in steps {
                sequence += i64::from(step);
                now += pause;
                if tracker.received(at(now), sequence as u16, 0) != Arrival::Unwanted {
                    prop_assert!(taken.insert(sequence));
                }
                for lost in tracker.poll_nack(at(now)).unwrap_or_default() {
                    prop_assert!(!taken.iter().any(|taken| *taken as u16 == lost));
                }
                prop_assert!(tracker.missing.len() <= MOST_MISSING);
            }
            prop_assert_eq!(tracker.statistics().received, taken.len() as u64);
            let books = tracker.statistics();
            let mut polls = 0;
            while let Some(deadline) = tracker.deadline() {
                let _ = (tracker.poll_nack(deadline), tracker.poll_lost(deadline));
                polls += 1;
                prop_assert!(polls < 100_000);
            }
            prop_assert_eq!(tracker.statistics().given_up, books.missing);
        }
    }
}
