//! When a part that does not work is tried again.

use conclave_types::Time;
use std::time::Duration;

/// Before the second attempt: an adapter that was pulled out and put back is there again in about
/// that time. Shorter only fills the log.
const FIRST: Duration = Duration::from_secs(1);
/// Between two attempts at most. Longer, and whoever plugs an adapter in thinks that it is broken.
const LONGEST: Duration = Duration::from_secs(60);
/// A part that worked for so long begins with short waits again. Shorter, and a loose contact is
/// opened every second.
const HELD_A_WHILE: Duration = Duration::from_secs(30);

/// The waits of one part.
#[derive(Debug, Clone)]
pub(crate) struct Retry {
    wait: Duration,
    due: Time,
    works_since: Option<Time>,
}

impl Retry {
    /// Due at once.
    pub(crate) fn new() -> Retry {
        Retry { wait: FIRST, due: Time::ZERO, works_since: None }
    }

    /// When the next attempt is due.
    pub(crate) fn due(&self) -> Time {
        self.due
    }

    /// It works from now on.
    pub(crate) fn works(&mut self, now: Time) {
        self.works_since.get_or_insert(now);
    }

    /// It does not work, or not any more.
    pub(crate) fn fails(&mut self, now: Time) {
        if self.works_since.take().is_some_and(|since| now.since(since) >= HELD_A_WHILE) {
            self.wait = FIRST;
        }
        self.due = now + self.wait;
        self.wait = (self.wait * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_are_short_again_once_it_held() {
        let mut retry = Retry::new();
        let mut now = Time::ZERO;
        let mut waits = Vec::new();
        for _ in 0..8 {
            retry.fails(now);
            waits.push(retry.due().since(now).as_secs());
            now = retry.due();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        retry.works(now);
        retry.fails(now + Duration::from_secs(5));
        assert_eq!(retry.due().since(now).as_secs(), 65);
        retry.works(now);
        retry.fails(now + HELD_A_WHILE);
        assert_eq!(retry.due().since(now).as_secs(), 31);
    }
}
