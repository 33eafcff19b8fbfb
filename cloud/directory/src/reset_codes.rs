//! The codes with which the people in a room may reset it.
//!
//! An administrator has one made and tells it to whoever stands at the room's panel.
//!
//! - A code has eight digits, is for one room, works once, and for [`RESET_CODE_LIFETIME`]. A new one
//!   for the same room takes the place of the old one.
//! - After [`RESET_CODE_TRIES`] wrong ones it is worth nothing: whoever guesses in front of a panel, or
//!   with a room's key in hand, has a chance of 5 in 100,000,000 for each code that an administrator
//!   makes, and none while there is no code.
//!
//! Codes are kept in memory only: they belong to two people on the telephone, and after a restart of
//! the cloud the one asks the other for a new one.

use conclave_types::{ResetCode, RoomId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a code works. Fifteen minutes: time to walk from the desk to the room.
pub const RESET_CODE_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Wrong codes until it is worth nothing. Five: a bad typist, on a bad day; more would help guessing.
pub const RESET_CODE_TRIES: u8 = 5;

/// Why a room may not be reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReset {
    /// It is not the code.
    Wrong {
        /// Tries that remain.
        tries_left: u8,
    },
    /// There is no code that could be right.
    NoCode,
}

#[derive(Debug)]
struct Made {
    code: ResetCode,
    expires: Time,
    tries_left: u8,
}

/// All codes that work. At most one for each room that an administrator named.
#[derive(Debug, Default)]
pub struct ResetCodes {
    made: BTreeMap<RoomId, Made>,
}

impl ResetCodes {
    /// Makes a room's code, for [`RESET_CODE_LIFETIME`] from now on.
    pub fn make(&mut self, now: Time, room: RoomId, code: ResetCode) {
        self.made.retain(|_, made| made.expires > now);
        let expires = now + RESET_CODE_LIFETIME;
        self.made.insert(room, Made { code, expires, tries_left: RESET_CODE_TRIES });
    }

    /// Is this the room's code? It is used up when it is, and a try when it is not.
    pub fn take(&mut self, now: Time, room: RoomId, typed: &ResetCode) -> Result<(), NoReset> {
        let made = self.made.get_mut(&room).filter(|made| made.expires > now);
        let made = made.ok_or(NoReset::NoCode)?;
        if made.code == *typed {
            self.made.remove(&room);
            return Ok(());
        }
        made.tries_left -= 1;
        let tries_left = made.tries_left;
        if tries_left == 0 {
            self.made.remove(&room);
        }
        Err(NoReset::Wrong { tries_left })
    }

    /// Whatever was made for this room works no more.
    pub fn forget(&mut self, room: RoomId) {
        self.made.remove(&room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(5_000_000);

    fn code(n: u128) -> ResetCode {
        ResetCode::from_random(n)
    }

    fn with_code() -> (ResetCodes, RoomId) {
        let (mut codes, room) = (ResetCodes::default(), RoomId::from_random(1));
        codes.make(NOW, room, code(1));
        (codes, room)
    }

    #[test]
    fn a_code_works_once_and_in_its_room() {
        let (mut codes, room) = with_code();
        let other = RoomId::from_random(2);
        assert_eq!(codes.take(NOW, other, &code(1)), Err(NoReset::NoCode));
        assert_eq!(codes.take(NOW, room, &code(1)), Ok(()));
        assert_eq!(codes.take(NOW, room, &code(1)), Err(NoReset::NoCode));
    }

    #[test]
    fn a_code_ends_after_a_quarter_of_an_hour() {
        let (mut codes, room) = with_code();
        let late = NOW + RESET_CODE_LIFETIME;
        assert_eq!(codes.take(late, room, &code(1)), Err(NoReset::NoCode));
    }

    #[test]
    fn five_wrong_ones_and_the_right_one_is_worth_nothing() {
        let (mut codes, room) = with_code();
        for tries_left in [4, 3, 2, 1, 0] {
            assert_eq!(codes.take(NOW, room, &code(9)), Err(NoReset::Wrong { tries_left }));
        }
        assert_eq!(codes.take(NOW, room, &code(1)), Err(NoReset::NoCode));
        codes.make(NOW, room, code(2));
        assert_eq!(codes.take(NOW, room, &code(2)), Ok(()), "a new one is a new beginning");
    }

    #[test]
    fn a_new_code_takes_the_place_of_the_old_one_and_the_old_ones_are_forgotten() {
        let (mut codes, room) = with_code();
        codes.make(NOW, room, code(2));
        assert_eq!(codes.take(NOW, room, &code(1)), Err(NoReset::Wrong { tries_left: 4 }));
        codes.make(NOW + RESET_CODE_LIFETIME, RoomId::from_random(2), code(3));
        assert_eq!(codes.made.len(), 1);
    }
}
