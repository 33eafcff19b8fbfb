//! Which of the last packets were accepted (RFC 3711, section 3.3.2): a sliding window over an
//! index that never wraps.

/// A window of `WORDS` times 64 packets behind the newest. It learns only by [`Window::accept`].
#[derive(Debug, Clone)]
pub(crate) struct Window<const WORDS: usize> {
    /// The highest accepted index; `None` before the first packet.
    newest: Option<u64>,
    /// Bit `index % (WORDS * 64)` tells whether that index was accepted.
    seen: [u64; WORDS],
}

impl<const WORDS: usize> Window<WORDS> {
    const SIZE: u64 = 64 * WORDS as u64;

    pub(crate) fn new() -> Window<WORDS> {
        Window { newest: None, seen: [0; WORDS] }
    }

    /// The index that a number of `bits` bits stands for: the one nearest to the newest.
    pub(crate) fn extend(&self, number: u64, bits: u32) -> u64 {
        nearest(self.newest, number, bits)
    }

    /// Whether the index is new and not older than the window.
    pub(crate) fn is_fresh(&self, index: u64) -> bool {
        match self.newest {
            Some(newest) if index <= newest => {
                newest - index < Self::SIZE && !self.bit(index).is_set(&self.seen)
            }
            _ => true,
        }
    }

    /// Marks an index that [`Window::is_fresh`] approved of and that authenticated.
    pub(crate) fn accept(&mut self, index: u64) {
        let newest = self.newest.unwrap_or(index);
        if index >= newest + Self::SIZE {
            self.seen = [0; WORDS];
        } else {
            for skipped in newest + 1..=index {
                self.bit(skipped).clear(&mut self.seen);
            }
        }
        self.newest = Some(newest.max(index));
        self.bit(index).set(&mut self.seen);
    }

    fn bit(&self, index: u64) -> Bit {
        let place = index % Self::SIZE;
        // Below WORDS by the remainder above, so it fits.
        Bit { word: (place / 64) as usize, mask: 1 << (place % 64) }
    }
}

/// The index nearest to the newest whose low `bits` bits are `number` (RFC 3711, appendix A): one
/// cycle back or ahead when that lies nearer. Before the first there is only the first cycle.
pub(crate) fn nearest(newest: Option<u64>, number: u64, bits: u32) -> u64 {
    let cycle = 1_u64 << bits;
    let Some(newest) = newest else { return number };
    let same = newest - newest % cycle + number;
    if same > newest + cycle / 2 && same >= cycle {
        same - cycle
    } else if same + cycle / 2 < newest {
        same + cycle
    } else {
        same
    }
}

struct Bit {
    word: usize,
    mask: u64,
}

impl Bit {
    fn is_set(&self, seen: &[u64]) -> bool {
        seen[self.word] & self.mask != 0
    }
    fn set(&self, seen: &mut [u64]) {
        seen[self.word] |= self.mask;
    }
    fn clear(&self, seen: &mut [u64]) {
        seen[self.word] &= !self.mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn nothing_is_accepted_twice_and_nothing_recent_is_refused(
            steps in prop::collection::vec(-300_i64..300, 1..400)
        ) {
            let mut window = Window::<2>::new();
            let (mut accepted, mut index) = (HashSet::new(), 100_000_u64);
            for step in steps {
                index = index.saturating_add_signed(step);
                let newest = accepted.iter().max().copied();
                let expected = !accepted.contains(&index)
                    && newest.is_none_or(|newest: u64| index + 128 > newest);
                prop_assert_eq!(window.is_fresh(index), expected);
                if expected {
                    window.accept(index);
                    accepted.insert(index);
                }
            }
        }

        #[test]
        fn an_index_is_found_again_from_its_low_bits(
            start in 0_u64..1 << 15, steps in prop::collection::vec(-1000_i64..30_000, 1..100)
        ) {
            let mut window = Window::<16>::new();
            window.accept(start);
            let mut newest = start;
            for step in steps {
                let index = newest.saturating_add_signed(step);
                prop_assert_eq!(window.extend(index & 0xffff, 16), index);
                if window.is_fresh(index) {
                    window.accept(index);
                }
                newest = newest.max(index);
            }
        }
    }
}
