//! Sequence numbers as one receiver sees them: gapless where the node withholds packets, with a
//! gap where packets are really missing.
//!
//! The packets of a source that go to a receiver form stretches. Within a stretch, numbers keep
//! their distances, so that a lost packet leaves its gap and can still fill it; between two
//! stretches there is no gap. A number once given to a packet is never given to another, which
//! the seal relies on (the same packet may be sealed twice, another under its number never).

use conclave_rtp::loss::{BEFORE_FIRST, MOST_MISSING};
use std::collections::VecDeque;

/// Stretches that are remembered for packets that come late. A speaker starts and stops a few
/// times in the second for which packets are kept; more costs 24 octets each per receiver.
const MOST_STRETCHES: usize = 8;

/// The number of the first packet, when none from before it turns up. Below 2^15, so that losing
/// the first packets cannot upset the count of cycles (RFC 3711, section 3.3.1).
const FIRST: u64 = BEFORE_FIRST * 2;

/// The numbering of one source for one receiver.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rewriter {
    stretches: VecDeque<Stretch>,
    /// Whether the last stretch goes on with the next packet.
    goes_on: bool,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// The source's extended number at which it begins.
    first: u64,
    /// The highest one that was forwarded.
    last: u64,
    /// What `first` became.
    out: u64,
}

impl Stretch {
    fn holds(&self, number: u64) -> bool {
        (self.first..=self.last).contains(&number)
    }
    fn end(&self) -> u64 {
        self.out + (self.last - self.first)
    }
}

/// Where a packet comes to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its number for the receiver.
    pub(crate) sequence: u16,
    /// Whether it begins a stretch. Stays true when it is sent again.
    pub(crate) begins: bool,
}

impl Rewriter {
    /// The place of a packet that is to be forwarded. `None` for one that comes too late: its
    /// place was closed.
    pub(crate) fn place(&mut self, number: u64) -> Option<Place> {
        match self.stretches.back_mut() {
            None => {
                let first = number.saturating_sub(BEFORE_FIRST);
                let out = FIRST - (number - first);
                self.begin(Stretch { first, last: number, out });
            }
            Some(last) if number > last.last => {
                if self.goes_on && number - last.last <= MOST_MISSING as u64 {
                    last.last = number;
                } else {
                    let out = last.end() + 1;
                    self.begin(Stretch { first: number, last: number, out });
                }
            }
            Some(_) => {}
        }
        let stretch = self.stretches.iter().rev().find(|stretch| stretch.holds(number))?;
        // Truncated on purpose: these are the number's low bits.
        let sequence = (stretch.out + (number - stretch.first)) as u16;
        Some(Place { sequence, begins: number == stretch.first })
    }

    fn begin(&mut self, stretch: Stretch) {
        if self.stretches.len() == MOST_STRETCHES {
            self.stretches.pop_front();
        }
        self.stretches.push_back(stretch);
        self.goes_on = true;
    }

    /// Ends the stretch: packets are withheld from now on.
    pub(crate) fn withhold(&mut self) {
        self.goes_on = false;
    }

    /// Which packet a receiver means by a number: the source's extended number and its place.
    pub(crate) fn original(&self, sequence: u16) -> Option<(u64, Place)> {
        let end = self.stretches.back()?.end();
        let behind = u64::from((end as u16).wrapping_sub(sequence));
        let out = end.checked_sub(behind)?;
        let stretch = self.stretches.iter().rev().find(|s| (s.out..=s.end()).contains(&out))?;
        let number = stretch.first + (out - stretch.out);
        Some((number, Place { sequence, begins: number == stretch.first }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn sequence(rewriter: &mut Rewriter, number: u64) -> Option<u16> {
        rewriter.place(number).map(|place| place.sequence)
    }

    #[test]
    fn withheld_packets_leave_no_gap_and_lost_ones_do() {
        let mut rewriter = Rewriter::default();
        assert_eq!(sequence(&mut rewriter, 70_000), Some(128));
        assert_eq!(sequence(&mut rewriter, 70_003), Some(131));
        rewriter.withhold();
        assert_eq!(rewriter.place(70_100), Some(Place { sequence: 132, begins: true }));
        assert_eq!(sequence(&mut rewriter, 70_101), Some(133));
        assert_eq!(sequence(&mut rewriter, 70_001), Some(129), "the gap is still there to fill");
        assert_eq!(rewriter.place(70_050), None, "withheld once, withheld for ever");
        assert_eq!(rewriter.original(129).map(|(number, _)| number), Some(70_001));
        assert_eq!(rewriter.original(132), Some((70_100, Place { sequence: 132, begins: true })));
        assert_eq!(rewriter.original(134), None);
        assert_eq!(rewriter.original(63), None);
    }

    #[test]
    fn a_source_that_jumps_far_ahead_goes_on_without_a_gap() {
        let mut rewriter = Rewriter::default();
        rewriter.place(70_000);
        assert_eq!(sequence(&mut rewriter, 100_000), Some(129));
    }

    proptest! {
        #[test]
        fn a_number_never_stands_for_two_packets(
            start in 65_536_u64..200_000,
            steps in prop::collection::vec((-80_i64..80, prop::bool::weighted(0.1)), 1..800)
        ) {
            let mut rewriter = Rewriter::default();
            let mut given = HashMap::new();
            let mut number = start;
            for (step, withhold) in steps {
                number = number.saturating_add_signed(step);
                if withhold {
                    rewriter.withhold();
                }
                if let Some(place) = rewriter.place(number) {
                    // Far fewer than 65536 packets, so a repeated number would be a mistake.
                    prop_assert_eq!(*given.entry(place.sequence).or_insert(number), number);
                    prop_assert_eq!(rewriter.original(place.sequence), Some((number, place)));
                    prop_assert_eq!(rewriter.place(number), Some(place));
                }
            }
        }
    }
}
