//! How often somebody may dial numbers that nobody has told them.
//!
//! A meeting's ID is nine random digits. Whoever dials at random would meet one that is given sooner or later, so wrong
//! numbers are counted, for each room and for all of an organisation's:
//!
//! - a room has [`FREE`], and gets one back for each [`INTERVAL`];
//! - all rooms together have [`FREE_IN_ALL`], and get one back for each [`INTERVAL_IN_ALL`].
//!
//! Whoever has none left has to wait before a number is looked up, right or wrong. What a room is shown (the meeting rooms
//! that are not hidden, the meetings that it is invited to) is not asked about here: nobody can keep anybody out of these.
//!
//! The arithmetic, for one day: a room dials 10 + 144 wrong numbers at most, all rooms together 200 + 720. That one
//! certain meeting of a thousand million numbers is met is a chance of 1.6 in ten million for one hostile room, and of 9.2
//! in ten million for any number of them, from however many addresses. Its PIN, if it has one, is still to be guessed.

use conclave_types::{OrganisationId, RoomId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// Wrong numbers that a room may dial at once: slips of a whole morning.
pub const FREE: u32 = 10;

/// One more is allowed after each such time. Lowered, a room guesses faster; raised, slips cost patience.
pub const INTERVAL: Duration = Duration::from_secs(600);

/// Wrong numbers that all rooms of an organisation may dial at once: twenty rooms with a bad day.
pub const FREE_IN_ALL: u32 = 200;

/// One more is allowed to them together after each such time: 720 a day. Lowered, a fleet guesses faster; raised, it takes
/// fewer hostile rooms to have the others wait.
pub const INTERVAL_IN_ALL: Duration = Duration::from_secs(120);

/// Rooms that are remembered though they have rested, before these are forgotten.
const MOST_RESTING: usize = 1_024;

/// What was spent and is not yet paid for by time.
#[derive(Debug, Clone, Copy)]
struct Spent {
    count: u32,
    at: Time,
}

impl Spent {
    fn nothing(now: Time) -> Spent {
        Spent { count: 0, at: now }
    }

    fn rested(self, now: Time, interval: Duration) -> Spent {
        let paid = now.since(self.at).as_micros() / interval.as_micros();
        let paid = u32::try_from(paid).unwrap_or(u32::MAX).min(self.count);
        let count = self.count - paid;
        // What has passed of an interval is kept.
        let at = if count == 0 { now } else { self.at + interval * paid };
        Spent { count, at }
    }

    /// How long to wait until less than all is spent.
    fn wait(self, now: Time, most: u32, interval: Duration) -> Duration {
        let Spent { count, at } = self.rested(now, interval);
        if count < most { Duration::ZERO } else { interval.saturating_sub(now.since(at)) }
    }
}

/// What rooms and organisations have spent, since the cloud started.
#[derive(Debug, Default)]
pub struct WrongNumbers {
    rooms: BTreeMap<RoomId, Spent>,
    organisations: BTreeMap<OrganisationId, Spent>,
}

impl WrongNumbers {
    /// How long a room has to wait before a number is looked up for it; zero when it has not.
    pub fn wait(&self, now: Time, whose: OrganisationId, room: RoomId) -> Duration {
        let own = self.rooms.get(&room).map(|spent| spent.wait(now, FREE, INTERVAL));
        let all = self.organisations.get(&whose);
        let all = all.map(|spent| spent.wait(now, FREE_IN_ALL, INTERVAL_IN_ALL));
        own.into_iter().chain(all).max().unwrap_or_default()
    }

    /// A room dialled a number that is none.
    pub fn wrong(&mut self, now: Time, whose: OrganisationId, room: RoomId) {
        if self.rooms.len() >= MOST_RESTING {
            self.rooms.retain(|_, spent| spent.rested(now, INTERVAL).count > 0);
        }
        let own = self.rooms.entry(room).or_insert(Spent::nothing(now));
        *own = own.rested(now, INTERVAL);
        own.count += 1;
        let all = self.organisations.entry(whose).or_insert(Spent::nothing(now));
        *all = all.rested(now, INTERVAL_IN_ALL);
        all.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOSE: OrganisationId = OrganisationId::FIRST;
    const DAY_S: u64 = 86_400;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    /// Wrong numbers that so many rooms dial in a day when each dials as soon as it may.
    fn in_a_day(rooms: u128) -> u64 {
        let (mut numbers, mut all) = (WrongNumbers::default(), 0);
        let rooms: Vec<RoomId> = (0..rooms).map(RoomId::from_random).collect();
        // Each ten seconds: no waiting is shorter than two minutes but by what is left of one.
        for second in (0..DAY_S).step_by(10) {
            for room in &rooms {
                while numbers.wait(at(second), WHOSE, *room).is_zero() {
                    numbers.wrong(at(second), WHOSE, *room);
                    all += 1;
                }
            }
        }
        all
    }

    #[test]
    fn a_certain_meeting_is_met_in_a_day_with_less_than_a_chance_in_a_million() {
        for (rooms, most) in [(1, 154), (2, 308), (30, 920), (1_000, 920)] {
            let dialled = in_a_day(rooms);
            assert!(dialled <= most, "{dialled} by {rooms} rooms");
            assert!(dialled > most * 9 / 10, "the rule is not what is written of it: {dialled}");
            assert!(dialled as f64 / 1e9 < 1e-6);
        }
    }

    #[test]
    fn slips_are_free_and_time_forgives_them() {
        let (mut numbers, room) = (WrongNumbers::default(), RoomId::from_random(1));
        for _ in 0..FREE {
            assert_eq!(numbers.wait(at(0), WHOSE, room), Duration::ZERO);
            numbers.wrong(at(0), WHOSE, room);
        }
        assert_eq!(numbers.wait(at(100), WHOSE, room), INTERVAL - Duration::from_secs(100));
        assert_eq!(numbers.wait(at(600), WHOSE, room), Duration::ZERO);
        numbers.wrong(at(600), WHOSE, room);
        assert_eq!(numbers.wait(at(600), WHOSE, room), INTERVAL);
        let other = RoomId::from_random(2);
        assert_eq!(numbers.wait(at(600), WHOSE, other), Duration::ZERO, "each has its own");
        assert_eq!(numbers.wait(at(86_400), WHOSE, room), Duration::ZERO);
    }

    #[test]
    fn what_is_remembered_does_not_grow_with_the_rooms_that_ever_slipped() {
        let mut numbers = WrongNumbers::default();
        for n in 0..50_000_u64 {
            numbers.wrong(at(n * 600), WHOSE, RoomId::from_random(u128::from(n)));
        }
        assert!(numbers.rooms.len() <= MOST_RESTING);
    }
}
