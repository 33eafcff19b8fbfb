//! How long a room waits before it dials again: longer after each failure, and scattered, so that
//! a thousand rooms do not come back to a restarted cloud in the same second.

use conclave_types::Time;
use std::time::Duration;

/// The first wait lies between half of this and this. Shorter hammers a cloud that restarts; longer
/// is seen on the panel after every hiccup.
const FIRST: Duration = Duration::from_secs(2);
/// Waits grow up to between half of this and this. Longer leaves rooms away long after the cloud is
/// back; shorter fills its log while it is not.
const LONGEST: Duration = Duration::from_secs(60);
/// A link that held this long forgets the failures before it. Shorter lets a cloud that accepts and
/// then breaks be dialled every second.
const HELD_A_WHILE: Duration = Duration::from_secs(30);
/// The longest wait that the far end may ask for. More would let one mistake of the cloud silence
/// its rooms until someone pulls their plugs.
const LONGEST_ASKED: Duration = Duration::from_secs(15 * 60);

/// The waits of one room.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
    up_since: Option<Time>,
}

impl Backoff {
    /// No failures yet.
    pub fn new() -> Backoff {
        Backoff::default()
    }

    /// The cloud took the room in.
    pub fn up(&mut self, now: Time) {
        self.up_since = Some(now);
    }

    /// An attempt failed or a link broke: how long to wait. `random` is any number, `asked` what
    /// the cloud wants at least.
    pub fn down(&mut self, now: Time, random: u64, asked: Option<Duration>) -> Duration {
        if self.up_since.take().is_some_and(|since| now.since(since) >= HELD_A_WHILE) {
            self.failures = 0;
        }
        let most = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let wait = scattered(most / 2, most / 2, random);
        match asked {
            // Rooms that were asked the same come a quarter of the wait apart.
            Some(asked) => {
                let asked = asked.min(LONGEST_ASKED);
                wait.max(scattered(asked, asked / 4, random))
            }
            None => wait,
        }
    }

    /// Something changed for the better, such as a new certificate: begin anew.
    pub fn reset(&mut self) {
        *self = Backoff::new();
    }
}

/// `least`, and between nothing and `spread` on top.
fn scattered(least: Duration, spread: Duration, random: u64) -> Duration {
    // 16 bits of chance: steps of at most half a millisecond in 30 seconds.
    least + spread.saturating_mul((random & 0xffff) as u32) / 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn waits_grow_from_about_one_second_to_one_minute() {
        let (mut low, mut high) = (Backoff::new(), Backoff::new());
        let mut waits = Vec::new();
        for _ in 0..8 {
            waits.push((low.down(Time::ZERO, 0, None), high.down(Time::ZERO, u64::MAX, None)));
        }
        assert_eq!(waits[0], (MS(1000), MS(2000)));
        assert_eq!(waits[1], (MS(2000), MS(4000)));
        assert_eq!(waits[4], (MS(16_000), MS(32_000)));
        assert_eq!(waits[7], (MS(30_000), MS(60_000)));
    }

    #[test]
    fn only_a_link_that_held_a_while_forgets_failures() {
        let mut backoff = Backoff::new();
        for _ in 0..3 {
            backoff.down(Time::ZERO, 0, None);
        }
        backoff.up(Time::ZERO);
        let soon = Time::ZERO + MS(29_999);
        assert_eq!(backoff.down(soon, 0, None), MS(8000));
        backoff.up(soon);
        assert_eq!(backoff.down(soon + MS(30_000), 0, None), MS(1000));
    }

    #[test]
    fn what_the_cloud_asks_is_honoured_within_reason() {
        let mut backoff = Backoff::new();
        assert_eq!(backoff.down(Time::ZERO, 0, Some(MS(20_000))), MS(20_000));
        assert_eq!(backoff.down(Time::ZERO, u64::MAX, Some(MS(20_000))), MS(25_000));
        let silly = Duration::from_secs(u64::from(u32::MAX));
        assert_eq!(backoff.down(Time::ZERO, 0, Some(silly)), LONGEST_ASKED);
        assert!(backoff.down(Time::ZERO, 0, Some(Duration::ZERO)) >= MS(8000), "not sooner");
    }

    #[test]
    fn a_room_that_never_gets_through_never_overflows() {
        let mut backoff = Backoff { failures: u32::MAX - 1, up_since: None };
        for _ in 0..3 {
            assert!(backoff.down(Time::ZERO, 7, None) <= LONGEST);
        }
    }
}
