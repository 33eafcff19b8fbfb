//! Finding a bundle's blocks in what the room has already: the system that runs, and what came before.
//!
//! The rsync algorithm from the receiver's side: the weak sum is rolled along the room's own data, and
//! where it is one of the bundle's, SHA-256 decides. Most of a new system stands in the old one, moved by
//! some octets.

use conclave_messages::{BLOCK, STRONG, SUM, Weak, sums_length};
use std::io::{self, Read};
use std::ops::Range;

/// The largest bundle that is searched for: its sums take 2.5 MB. A larger one is fetched whole.
pub const MOST_SEARCHED: u64 = 4 << 30;
/// Octets that are read at once.
const READ: usize = 1 << 20;
/// Bits of the filter that most places are told apart by, before any list is looked at.
const FILTER_BITS: u32 = 20;
/// How often a weak sum may deceive for each block: sums made to deceive would cost hours.
const DECEIVED: usize = 16;

/// What is missing of a bundle, and how to find it.
#[derive(Debug)]
pub struct Search {
    size: u64,
    /// The strong sums with the numbers of their blocks, sorted.
    strong: Vec<([u8; STRONG], u32)>,
    /// The weak sums, sorted, each once.
    weak: Vec<u32>,
    filter: Vec<u64>,
    found: Vec<bool>,
    left: usize,
    patience: usize,
}

impl Search {
    /// For a bundle of `size` octets with these block sums; `None` when they are not as many as it has
    /// blocks, or too many.
    pub fn new(size: u64, sums: &[u8]) -> Option<Search> {
        if size > MOST_SEARCHED || sums.len() as u64 != sums_length(size) {
            return None;
        }
        let blocks = sums.len() / SUM;
        let (mut weak, mut strong) = (Vec::with_capacity(blocks), Vec::with_capacity(blocks));
        let mut filter = vec![0; 1 << (FILTER_BITS - 6)];
        for (number, sums) in sums.chunks_exact(SUM).enumerate() {
            let (four, rest) = sums.split_first_chunk::<4>()?;
            let value = u32::from_be_bytes(*four);
            let (word, bit) = place(value);
            filter[word] |= bit;
            weak.push(value);
            strong.push((*rest.first_chunk::<STRONG>()?, u32::try_from(number).ok()?));
        }
        weak.sort_unstable();
        weak.dedup();
        strong.sort_unstable();
        let (found, patience) = (vec![false; blocks], blocks.saturating_mul(DECEIVED));
        Some(Search { size, strong, weak, filter, found, left: blocks, patience })
    }

    /// What of the file itself is right already, each block in its place: what came before a cut.
    pub fn in_place(
        &mut self,
        file: &mut dyn Read,
        hash: &dyn Fn(&[u8]) -> [u8; 32],
    ) -> io::Result<()> {
        let mut block = vec![0; BLOCK as usize];
        for number in 0..self.found.len() {
            if fill(file, &mut block)? < block.len() {
                break;
            }
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let strong = strong_of(&hash(&block));
            if self.strong.binary_search(&(strong, number)).is_ok() {
                self.mark(number);
            }
        }
        Ok(())
    }

    /// Looks through other data. `found` is given each block with where in the bundle it belongs. Nothing here is
    /// generic: it is built in this crate, which is optimised in every profile.
    pub fn through(
        &mut self,
        data: &mut dyn Read,
        hash: &dyn Fn(&[u8]) -> [u8; 32],
        found: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let window = BLOCK as usize;
        let mut octets = Vec::with_capacity(READ + window);
        while self.left > 0 && self.patience > 0 {
            let kept = octets.len();
            octets.resize(kept + READ, 0);
            let read = fill(data, &mut octets[kept..])?;
            octets.truncate(kept + read);
            let last = read < READ;
            let mut at = 0;
            'block: while at + window <= octets.len() && self.left > 0 {
                let mut weak = Weak::of(&octets[at..at + window]);
                loop {
                    if self.may_be(weak.value()) {
                        let block = &octets[at..at + window];
                        if self.take(&strong_of(&hash(block)), block, found)? {
                            // The next one most likely follows.
                            at += window;
                            continue 'block;
                        }
                        self.patience = self.patience.saturating_sub(1);
                        if self.patience == 0 {
                            return Ok(());
                        }
                    }
                    if at + window == octets.len() {
                        break 'block;
                    }
                    weak.roll(octets[at], octets[at + window]);
                    at += 1;
                }
            }
            octets.drain(..at);
            if last {
                break;
            }
        }
        Ok(())
    }

    /// What has to be fetched: in order, apart from each other, whole blocks but for the bundle's end.
    pub fn missing(&self) -> Vec<Range<u64>> {
        let mut missing: Vec<Range<u64>> = Vec::new();
        let block = u64::from(BLOCK);
        let whole = self.found.len() as u64 * block;
        let starts = self.found.iter().zip(0_u64..).filter(|(found, _)| !**found);
        let blocks = starts.map(|(_, number)| number * block..(number + 1) * block);
        for range in blocks.chain((whole < self.size).then_some(whole..self.size)) {
            match missing.last_mut() {
                Some(before) if before.end == range.start => before.end = range.end,
                _ => missing.push(range),
            }
        }
        missing
    }

    fn may_be(&self, weak: u32) -> bool {
        let (word, bit) = place(weak);
        self.filter[word] & bit != 0 && self.weak.binary_search(&weak).is_ok()
    }

    /// Hands out a block for each place that it has in the bundle; whether it has any.
    fn take(
        &mut self,
        strong: &[u8; STRONG],
        block: &[u8],
        found: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        let first = self.strong.partition_point(|(known, _)| known < strong);
        let mut at = first;
        while let Some((known, number)) = self.strong.get(at)
            && known == strong
        {
            let number = *number;
            if !self.found[number as usize] {
                found(u64::from(number) * u64::from(BLOCK), block)?;
                self.mark(number);
            }
            at += 1;
        }
        Ok(at > first)
    }

    fn mark(&mut self, number: u32) {
        if let Some(found) = self.found.get_mut(number as usize)
            && !std::mem::replace(found, true)
        {
            self.left -= 1;
        }
    }
}

/// The filter's place for a weak sum: its word and its bit.
fn place(weak: u32) -> (usize, u64) {
    // The sums of similar blocks lie close together; multiplying by an odd number spreads them.
    let spread = weak.wrapping_mul(0x9e37_79b1) >> (32 - FILTER_BITS);
    ((spread >> 6) as usize, 1 << (spread & 63))
}

fn strong_of(sha256: &[u8; 32]) -> [u8; STRONG] {
    let mut strong = [0; STRONG];
    strong.copy_from_slice(&sha256[..STRONG]);
    strong
}

/// Reads until the buffer is full or the data end.
fn fill(data: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match data.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_messages::sums_of;

    /// Good enough to tell a test's blocks apart: FNV-1a, four times.
    fn hash(octets: &[u8]) -> [u8; 32] {
        let mut sum = [0; 32];
        for (lane, out) in sum.chunks_exact_mut(8).enumerate() {
            let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ lane as u64;
            for octet in octets {
                hash = (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
            }
            out.copy_from_slice(&hash.to_be_bytes());
        }
        sum
    }

    fn noise(seed: u64, length: usize) -> Vec<u8> {
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            (chance >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    fn sums(bundle: &[u8]) -> Vec<u8> {
        bundle.chunks_exact(BLOCK as usize).flat_map(|block| sums_of(block, &hash(block))).collect()
    }

    /// What a room would have after the search, with holes of zeros, and what it would fetch.
    fn searched(bundle: &[u8], has: &[&[u8]]) -> (Vec<u8>, Vec<Range<u64>>) {
        let mut search = Search::new(bundle.len() as u64, &sums(bundle)).unwrap();
        let mut file = vec![0; bundle.len()];
        for mut data in has.iter().copied() {
            search
                .through(&mut data, &hash, &mut |at, block| {
                    file[at as usize..at as usize + block.len()].copy_from_slice(block);
                    Ok(())
                })
                .unwrap();
        }
        (file, search.missing())
    }

    const SOME: usize = BLOCK as usize;

    #[test]
    fn what_stands_elsewhere_at_another_place_is_found() {
        let shared = noise(1, SOME * 40 + 1_234);
        let bundle =
            [&noise(2, 1_000)[..], &shared, &noise(3, SOME * 2), &shared[..SOME * 3]].concat();
        let (file, missing) =
            searched(&bundle, &[&[&noise(4, 777)[..], &shared, &[1; 99]].concat()]);
        let fetched: u64 = missing.iter().map(|range| range.end - range.start).sum();
        assert!(fetched <= SOME as u64 * 7, "{fetched} of {} octets", bundle.len());
        let mut whole = file;
        for range in missing {
            let range = range.start as usize..range.end as usize;
            whole[range.clone()].copy_from_slice(&bundle[range]);
        }
        assert!(whole == bundle);
    }

    #[test]
    fn what_is_found_and_what_is_missing_make_the_bundle_whatever_they_are_cut_into() {
        for seed in 1..60 {
            let draw = noise(seed, 64);
            let pieces: Vec<Vec<u8>> = (0..5)
                .map(|n| noise(seed * 100 + n, usize::from(draw[n as usize]) * 700))
                .collect();
            let pick = |at: usize| &pieces[usize::from(draw[at]) % 5][..];
            let bundle = [pick(10), pick(11), pick(12), pick(13), &draw].concat();
            let has = [pick(20), &draw[..7], pick(21), pick(22)].concat();
            let (file, missing) = searched(&bundle, &[&has, pick(23)]);
            let mut at = 0;
            for range in missing.iter().chain([&(bundle.len() as u64..0)]) {
                let start = range.start as usize;
                assert!(file[at..start] == bundle[at..start], "seed {seed}");
                at = range.end as usize;
            }
        }
    }

    #[test]
    fn a_file_that_was_begun_goes_on_and_a_torn_block_is_fetched_again() {
        let bundle = noise(5, SOME * 6 + 10);
        let mut begun = bundle[..SOME * 4 + 9].to_vec();
        begun[SOME * 2 + 3] ^= 1;
        let mut search = Search::new(bundle.len() as u64, &sums(&bundle)).unwrap();
        search.in_place(&mut &begun[..], &hash).unwrap();
        let some = SOME as u64;
        assert_eq!(search.missing(), [some * 2..some * 3, some * 4..some * 6 + 10]);
    }

    #[test]
    fn sums_of_another_length_are_no_sums_and_a_tiny_bundle_needs_none() {
        let size = SOME as u64 * 2;
        for length in [0, 20, 39, 41, 60] {
            assert!(Search::new(size, &vec![0; length]).is_none(), "{length}");
        }
        assert!(Search::new(MOST_SEARCHED + 1, &[]).is_none());
        let tiny = Search::new(5, &[]).unwrap().missing();
        assert_eq!(tiny, [Range { start: 0, end: 5 }]);
    }

    #[test]
    fn sums_that_deceive_at_every_octet_are_given_up() {
        let data = vec![0; SOME * 4];
        // Right weak sums of zeros, wrong strong ones: each place would be hashed.
        let sums: Vec<u8> = (0..4_u8).flat_map(|n| sums_of(&data[..SOME], &[n + 1; 32])).collect();
        let mut search = Search::new(SOME as u64 * 4, &sums).unwrap();
        let asked = std::cell::Cell::new(0);
        let counted = |block: &[u8]| {
            asked.set(asked.get() + 1);
            hash(block)
        };
        search.through(&mut &data[..], &counted, &mut |_, _| Ok(())).unwrap();
        assert_eq!(asked.get(), 4 * DECEIVED);
        assert_eq!(search.missing().len(), 1);
    }
}
