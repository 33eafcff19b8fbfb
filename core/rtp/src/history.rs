//! What a sender may have to send again: the last packets, found by their sequence number.

use conclave_types::Time;
use std::time::Duration;

/// The last packets of one source, bounded by count and by age. `T` is whatever the sender sends:
/// the sealed octets, or a shared packet.
#[derive(Debug, Clone)]
pub struct History<T> {
    /// A packet with number `n` lies in slot `n % slots.len()`; the length is a power of two.
    slots: Vec<Option<Slot<T>>>,
    age: Duration,
    again: Duration,
}

#[derive(Debug, Clone)]
struct Slot<T> {
    sequence: u16,
    sent: Time,
    /// When it was last sent again.
    resent: Option<Time>,
    packet: T,
}

impl<T> History<T> {
    /// One that keeps at most `packets` packets (rounded up to a power of two, 1 to 32768), none
    /// of them longer than `age`, and hands out each at most once within `again`.
    pub fn new(packets: usize, age: Duration, again: Duration) -> History<T> {
        let packets = packets.clamp(1, 1 << 15).next_power_of_two();
        History { slots: (0..packets).map(|_| None).collect(), age, again }
    }

    /// Keeps a packet that is sent now, in place of the one as many packets ago as there is room.
    pub fn insert(&mut self, now: Time, sequence: u16, packet: T) {
        let slot = self.slot(sequence);
        self.slots[slot] = Some(Slot { sequence, sent: now, resent: None, packet });
    }

    /// The packet with this number, if it is still here and young enough.
    pub fn get(&self, now: Time, sequence: u16) -> Option<&T> {
        let slot = self.slots[self.slot(sequence)].as_ref()?;
        (slot.sequence == sequence && now.since(slot.sent) <= self.age).then_some(&slot.packet)
    }

    /// The packet with this number to be sent again; `None` also when it was sent again just now,
    /// so that requests that crossed it on their way are not answered twice.
    pub fn resend(&mut self, now: Time, sequence: u16) -> Option<&T> {
        let (age, again, slot) = (self.age, self.again, self.slot(sequence));
        let slot = self.slots[slot].as_mut()?;
        let resent_long_ago = slot.resent.is_none_or(|resent| now.since(resent) >= again);
        if slot.sequence != sequence || now.since(slot.sent) > age || !resent_long_ago {
            return None;
        }
        slot.resent = Some(now);
        Some(&slot.packet)
    }

    fn slot(&self, sequence: u16) -> usize {
        usize::from(sequence) % self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn history(packets: usize) -> History<u16> {
        History::new(packets, Duration::from_secs(1), Duration::from_millis(20))
    }

    #[test]
    fn the_last_packets_are_found_over_a_wrap_and_older_ones_are_not() {
        let mut history = history(100);
        for n in 0..400_u16 {
            let sequence = 65_400_u16.wrapping_add(n);
            history.insert(at(1), sequence, sequence);
        }
        let newest = 65_400_u16.wrapping_add(399);
        for back in 0..128 {
            let sequence = newest.wrapping_sub(back);
            assert_eq!(history.get(at(2), sequence), Some(&sequence));
        }
        assert_eq!(history.get(at(2), newest.wrapping_sub(128)), None);
        assert_eq!(history.get(at(2), newest.wrapping_add(1)), None);
    }

    #[test]
    fn a_packet_grows_too_old() {
        let mut history = history(8);
        history.insert(at(0), 5, 5);
        assert_eq!(history.resend(at(1000), 5), Some(&5));
        assert_eq!(history.get(at(1001), 5), None);
        assert_eq!(history.resend(at(1001), 5), None);
    }

    #[test]
    fn requests_that_cross_the_answer_are_not_answered_twice() {
        let mut history = history(8);
        history.insert(at(0), 5, 5);
        assert_eq!(history.resend(at(10), 5), Some(&5));
        assert_eq!(history.resend(at(29), 5), None);
        assert_eq!(history.resend(at(30), 5), Some(&5));
    }
}
