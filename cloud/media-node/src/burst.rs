//! Packets for one receiver, side by side, as generic segmentation offload wants them: all of the
//! same length, but for a last one that may be shorter.

/// Octets in one system call. What an IPv4 datagram may carry, which is the kernel's limit for the
/// whole burst.
const MOST_OCTETS: usize = 65_000;

/// A burst that is being filled.
#[derive(Default)]
pub(crate) struct Burst {
    octets: Vec<u8>,
    segment: usize,
    packets: usize,
}

impl Burst {
    /// Whether a packet of this length can still join, when one call takes `most` packets.
    pub(crate) fn takes(&self, length: usize, most: usize) -> bool {
        self.packets == 0
            || self.packets < most
                && length <= self.segment
                && self.octets.len() == self.packets * self.segment
                && self.octets.len() + length <= MOST_OCTETS
    }

    /// Where the next packet is written: behind the others. What is written there becomes one of
    /// them by [`Burst::close`], as long as [`Burst::takes`] approved of its length.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// Octets of the packets that are closed, which is where the next one begins.
    pub(crate) fn length(&self) -> usize {
        self.octets.len()
    }

    /// Counts what was written since it was `begin` octets long as a packet.
    pub(crate) fn close(&mut self, begin: usize) {
        if self.packets == 0 {
            self.segment = self.octets.len() - begin;
        }
        self.packets += 1;
    }

    /// The packets, the length of all but the last, and how many there are.
    pub(crate) fn contents(&self) -> (&[u8], usize, usize) {
        (&self.octets, self.segment, self.packets)
    }

    /// Makes room for the next burst.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.packets = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bursts(lengths: &[usize], most: usize) -> Vec<usize> {
        let (mut burst, mut sizes) = (Burst::default(), Vec::new());
        for length in lengths {
            if !burst.takes(*length, most) {
                sizes.push(burst.contents().2);
                burst.clear();
            }
            let begin = burst.length();
            burst.tail().resize(begin + length, 0);
            burst.close(begin);
        }
        sizes.push(burst.contents().2);
        sizes
    }

    #[test]
    fn a_picture_in_equal_parts_with_a_shorter_end_is_one_burst() {
        assert_eq!(bursts(&[1200, 1200, 1200, 400], 64), [4]);
        assert_eq!(bursts(&[1200, 400, 1200, 1200, 300, 300], 64), [2, 3, 1]);
        assert_eq!(bursts(&[100, 1200, 1200], 64), [1, 2]);
    }

    #[test]
    fn a_burst_stays_within_what_one_call_takes() {
        assert_eq!(bursts(&[100; 5], 2), [2, 2, 1]);
        assert_eq!(bursts(&[1000; 70], 64), [64, 6]);
        assert_eq!(bursts(&[1400; 60], 64), [46, 14]);
        assert_eq!(bursts(&[1200; 3], 1), [1, 1, 1]);
    }
}
