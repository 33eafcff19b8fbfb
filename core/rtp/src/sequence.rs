//! Sequence numbers that do not wrap.

/// Follows the 16-bit sequence numbers of one source and counts their cycles.
///
/// The first number seen becomes 65536 + itself, so that packets from before it have a place too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extender {
    highest: Option<u64>,
}

impl Extender {
    /// One that has seen nothing.
    pub fn new() -> Extender {
        Extender::default()
    }

    /// The highest number so far, cycles included.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// What a number stands for: the value nearest to the highest so far. Learns nothing.
    pub fn extend(&self, sequence: u16) -> u64 {
        match self.highest {
            None => 0x1_0000 + u64::from(sequence),
            Some(highest) => {
                // As a signed distance, -32768 to 32767. The highest is never below 65536.
                let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
                highest.saturating_add_signed(i64::from(ahead))
            }
        }
    }

    /// The same, and remembers it when it is the highest.
    pub fn follow(&mut self, sequence: u16) -> u64 {
        let extended = self.extend(sequence);
        self.highest = self.highest.max(Some(extended));
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_over_a_wrap_in_any_order() {
        let mut extender = Extender::new();
        assert_eq!(extender.follow(65_534), 0x1_fffe);
        assert_eq!(extender.follow(1), 0x2_0001);
        assert_eq!(extender.follow(65_535), 0x1_ffff);
        assert_eq!(extender.highest(), Some(0x2_0001));
    }

    #[test]
    fn a_packet_from_before_the_first_has_a_place() {
        let mut extender = Extender::new();
        assert_eq!(extender.follow(2), 0x1_0002);
        assert_eq!(extender.follow(65_535), 0xffff);
    }
}
