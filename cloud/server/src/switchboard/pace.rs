//! How often a room may join, and how often say that it runs another system. No person and no restart
//! comes near it; a room that is broken or hostile does, and each time costs the cloud a few
//! milliseconds and the database a line.

use conclave_types::{RoomId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many a room may make at once. Twenty: a person who mistypes number and PIN again and again
/// makes one in some seconds. Raised, a broken room fills the records sooner.
pub(super) const AT_ONCE: u32 = 20;

/// One more is allowed after each such time. Half a second: a hundred broken rooms together
/// cost less than one core. Lowered, they cost more.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// Rooms that are remembered without being linked, before those that have rested are forgotten.
const MOST_RESTING: usize = 256;

/// What each room has spent.
#[derive(Debug, Default)]
pub(super) struct Paces(BTreeMap<RoomId, Pace>);

/// What was done and is not yet paid for by time.
#[derive(Debug, Clone, Copy)]
struct Pace {
    spent: u32,
    at: Time,
}

impl Pace {
    /// What is left to pay at `now`.
    fn rest(self, now: Time) -> Pace {
        let paid = now.since(self.at).as_micros() / INTERVAL.as_micros();
        let paid = u32::try_from(paid).unwrap_or(u32::MAX).min(self.spent);
        let spent = self.spent - paid;
        // What has passed of an interval is kept, else frequent asking would never be paid for.
        let at = if spent == 0 { now } else { self.at + INTERVAL * paid };
        Pace { spent, at }
    }
}

impl Paces {
    /// Counts one more; `false` when it comes too soon.
    pub(super) fn may(&mut self, now: Time, room: RoomId) -> bool {
        let pace = self.0.entry(room).or_insert(Pace { spent: 0, at: now });
        *pace = pace.rest(now);
        let may = pace.spent < AT_ONCE;
        pace.spent += u32::from(may);
        may
    }

    /// Forgets rooms that have rested, when there are more than can be linked. Not at once: a room
    /// must not be able to clear its slate by coming on a new link.
    pub(super) fn forget(&mut self, now: Time, linked: usize) {
        if self.0.len() > linked + MOST_RESTING {
            self.0.retain(|_, pace| pace.rest(now).spent > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_that_joins_without_end_is_held_to_the_pace_and_the_others_are_not() {
        let (mut paces, wild, calm) =
            (Paces::default(), RoomId::from_random(1), RoomId::from_random(2));
        let mut now = Time::from_micros(1_000_000);
        let mut let_in = 0;
        for _ in 0..10_000 {
            now = now + Duration::from_millis(1);
            let_in += u32::from(paces.may(now, wild));
        }
        assert_eq!(let_in, AT_ONCE + 19, "one after each half second");
        assert!(paces.may(now, calm));
        now = now + INTERVAL * AT_ONCE;
        assert!((0..AT_ONCE).all(|_| paces.may(now, wild)), "a rest pays for all");
    }

    #[test]
    fn rooms_that_have_rested_are_forgotten_and_no_others() {
        let mut paces = Paces::default();
        let now = Time::from_micros(1_000_000);
        for room in 0..=300 {
            paces.may(now, RoomId::from_random(room));
        }
        paces.forget(now, 0);
        assert_eq!(paces.0.len(), 301, "none has rested");
        paces.forget(now + INTERVAL, 0);
        assert!(paces.0.is_empty());
    }
}
