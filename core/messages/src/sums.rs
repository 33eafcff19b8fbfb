//! Block sums: what a bundle is made of, told in a two-thousandth of its length, so that a room fetches
//! only what it does not have already.
//!
//! The bundle is cut into blocks of [`BLOCK`] octets; of each whole one there are [`SUM`] octets: the
//! weak sum, which can be rolled along other data octet by octet, in big-endian order, then the first 16
//! octets of the block's SHA-256. The weak sum is the one of rsync (Tridgell and Mackerras, "The rsync
//! algorithm", TR-CS-96-05, section 3). A last, shorter block has none.

use crate::LONGEST_CHUNK;

/// Octets of a block: what one chunk brings.
pub const BLOCK: u32 = LONGEST_CHUNK;
/// Octets of one block's sums.
pub const SUM: usize = 4 + STRONG;
/// Octets of the strong sum.
pub const STRONG: usize = 16;

/// Octets of all block sums of a bundle of this length.
pub fn sums_length(size: u64) -> u64 {
    size / u64::from(BLOCK) * SUM as u64
}

/// The sums of one block whose SHA-256 is known.
pub fn sums_of(block: &[u8], sha256: &[u8; 32]) -> [u8; SUM] {
    let mut sums = [0; SUM];
    sums[..4].copy_from_slice(&Weak::of(block).value().to_be_bytes());
    sums[4..].copy_from_slice(&sha256[..STRONG]);
    sums
}

/// The weak sum of as many octets as it was made of, wherever it was rolled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weak {
    octets: u32,
    a: u32,
    b: u32,
}

impl Weak {
    /// Of these octets.
    #[inline]
    pub fn of(block: &[u8]) -> Weak {
        let (mut a, mut b) = (0_u32, 0_u32);
        for octet in block {
            a = a.wrapping_add(u32::from(*octet));
            b = b.wrapping_add(a);
        }
        Weak { octets: block.len() as u32, a, b }
    }

    /// One octet further: the first of the present ones goes, another comes at their end.
    #[inline]
    pub fn roll(&mut self, goes: u8, comes: u8) {
        let goes = u32::from(goes);
        self.a = self.a.wrapping_sub(goes).wrapping_add(u32::from(comes));
        self.b = self.b.wrapping_sub(self.octets.wrapping_mul(goes)).wrapping_add(self.a);
    }

    /// The sum.
    #[inline]
    pub fn value(&self) -> u32 {
        self.b << 16 | self.a & 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_was_rolled_is_the_sum_of_where_it_stands() {
        let octets: Vec<u8> = (0..1_000_u32).map(|n| (n * n % 251) as u8).collect();
        for window in [1, 2, 77, 512] {
            let mut weak = Weak::of(&octets[..window]);
            for at in 1..octets.len() - window {
                weak.roll(octets[at - 1], octets[at + window - 1]);
                assert_eq!(weak, Weak::of(&octets[at..at + window]), "{window} at {at}");
            }
        }
    }

    #[test]
    fn only_whole_blocks_have_sums() {
        let block = u64::from(BLOCK);
        for (size, blocks) in [(0, 0), (block - 1, 0), (block, 1), (block * 3 + 5, 3)] {
            assert_eq!(sums_length(size), blocks * 20);
        }
    }
}
