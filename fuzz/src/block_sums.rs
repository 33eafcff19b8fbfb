//! Block sums that a cloud sends, against what a room has: only what they name is found, and what is not found is
//! missing.

use crate::pieces::Pieces;
use conclave_link_protocol::message::{BLOCK, STRONG, SUM, sums_of};
use conclave_update::Search;
use ring::digest;
use std::ops::Range;

/// Blocks of the bundle, and octets of the room's data: what shows all that a search can do. More is slower.
const MOST_BLOCKS: u16 = 12;
const MOST_DATA: usize = 3 * BLOCK as usize;

/// The input: the bundle's length, its sums (true ones of blocks that are all alike, or any octets), and runs of
/// octets that the room has.
pub fn search(input: &[u8]) {
    let mut input = Pieces(input);
    let blocks = input.two() % MOST_BLOCKS;
    let size = u64::from(blocks) * u64::from(BLOCK) + u64::from(input.two()) % u64::from(BLOCK);
    let mut sums = Vec::new();
    for _ in 0..blocks {
        match input.octet() {
            0 => sums.extend(input.piece().iter().chain(&[0; SUM]).take(SUM)),
            fill => {
                let block = vec![fill; BLOCK as usize];
                sums.extend(sums_of(&block, &sha256(&block)));
            }
        }
    }
    let wrong = input.octet();
    if wrong > 250 {
        sums.extend(vec![wrong; usize::from(255 - wrong)]);
    }
    let mut data = Vec::new();
    while !input.is_empty() && data.len() < MOST_DATA {
        let (fill, length) = (input.octet(), usize::from(input.two()));
        data.resize((data.len() + length + 1).min(MOST_DATA), fill);
    }

    let Some(mut search) = Search::new(size, &sums) else { return };
    let mut found: Vec<Range<u64>> = Vec::new();
    let mut take = |at: u64, block: &[u8]| {
        assert_eq!((at % u64::from(BLOCK), block.len()), (0, BLOCK as usize));
        let number = usize::try_from(at / u64::from(BLOCK)).unwrap_or(usize::MAX);
        let strong = &sums[number * SUM + SUM - STRONG..][..STRONG];
        assert_eq!(strong, &sha256(block)[..STRONG]);
        found.push(at..at + u64::from(BLOCK));
        Ok(())
    };
    assert!(search.through(&mut &data[..], &sha256, &mut take).is_ok());
    let missing = search.missing();
    assert!(missing.windows(2).all(|two| two[0].end < two[1].start), "{missing:?}");
    found.extend(missing);
    found.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in found {
        assert_eq!(range.start, end, "each octet is found or missing, once");
        end = range.end;
    }
    assert_eq!(end, size);
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, octets).as_ref());
    hash
}
