//! Certificates whose signature was checked and found to be ours, so that a room which comes back
//! costs one signature less. Their dates, and whether the room was revoked, are looked at each time.

use std::collections::HashSet;

/// Certificates in each half. Two halves hold every room of a full hub; an entry takes 40 octets.
const HALF: usize = 8_192;

/// SHA-256 of certificates, those of late in the first half. When it is full, the other one is
/// forgotten: memory is bounded, and whoever is forgotten only costs a signature again.
#[derive(Debug, Default)]
pub(crate) struct Known {
    late: HashSet<[u8; 32]>,
    early: HashSet<[u8; 32]>,
}

impl Known {
    pub(crate) fn contains(&self, digest: &[u8; 32]) -> bool {
        self.late.contains(digest) || self.early.contains(digest)
    }

    pub(crate) fn insert(&mut self, digest: [u8; 32]) {
        if self.late.len() >= HALF {
            self.early = std::mem::take(&mut self.late);
        }
        self.late.insert(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_the_number_is_bounded() {
        let mut known = Known::default();
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            digest
        };
        for number in 0..5 * HALF {
            known.insert(digest(number));
        }
        assert!(known.late.len() + known.early.len() <= 2 * HALF);
        assert!((4 * HALF..5 * HALF).all(|number| known.contains(&digest(number))));
        assert!(!known.contains(&digest(0)));
    }
}
