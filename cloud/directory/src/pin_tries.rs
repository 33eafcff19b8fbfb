//! How often a PIN may be tried.
//!
//! Two things are wanted: guessing a 6-digit PIN in the link takes years, whatever a fleet of
//! hostile rooms does; and nobody can lock anybody else out. A limit per VMR alone would let one
//! room lock out all others; a limit per room alone would let a fleet share the work. So:
//!
//! - **Own delay.** Per room and VMR, [`FREE_TRIES`] tries are free, then the next one waits 30 s,
//!   60 s, 2 min … up to one hour. Six quiet hours forgive one failure; the right PIN forgives all.
//! - **Strangers share.** A room that never entered this VMR with its present PIN is a stranger
//!   there. A stranger that has spent its free tries waits, besides, [`STRANGER_INTERVAL`] for each
//!   *other* stranger that spent its own within [`STRANGER_MEMORY`]. Since the waiting grows with
//!   the crowd, this is a reserved turn and not a race: when its time has come, a room's try is
//!   looked at, however many others knock.
//! - **Nobody is locked out.** The free tries of a room are its own; nobody can spend them. A room
//!   that has entered before is no stranger and never waits for others. One hostile room costs a
//!   stranger who failed three times ten minutes, and only there. A new PIN wipes the slate.
//! - **Free tries of a stranger do not come back with time**, or a fleet would get them daily.
//!
//! The arithmetic, for a year (31.5 million seconds) and a 6-digit PIN (one million):
//!
//! | hostile rooms | waiting per room | tries in the year | half of all PINs after |
//! | --- | --- | --- | --- |
//! | 1 | 1 h | 8,770 | 57 years |
//! | 7 (the worst few) | 1 h | 61,300 | 8 years |
//! | 1,000 | 999 × 10 min = 6.9 days | 3,000 free + 52,100 | 9.5 years |
//!
//! A fleet of 1,000 has, after a whole year, a chance of 5.5 % to have met the PIN. Each of those
//! rooms had to be enrolled by an administrator, and its failures stand in the log under its id.
//!
//! A try is counted before the hash is computed, in the same transaction that looks whether it
//! is allowed: two tries at once are two tries.

use conclave_types::UnixTime;
use std::time::Duration;

/// Tries before a room has to wait. Three: a slip, a glance at the invitation, another slip.
pub const FREE_TRIES: u32 = 3;

/// The first waiting; each failure doubles it. Long enough to read the invitation again.
pub const FIRST_DELAY: Duration = Duration::from_secs(30);

/// The longest own waiting. Raised, a forgotten PIN spoils an afternoon; lowered, one room alone
/// guesses faster.
pub const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

/// One failure is forgiven for each such time without a try.
pub const FORGIVING_INTERVAL: Duration = Duration::from_secs(6 * 3_600);

/// What each other stranger adds to the waiting: the pace of all strangers together. Ten minutes
/// make 52,560 a year; lowered, a fleet guesses faster; raised, honest strangers wait longer.
pub const STRANGER_INTERVAL: Duration = Duration::from_secs(600);

/// For how long a stranger that failed slows the others. A week holds 1,008 turns of ten minutes,
/// so a fleet of 1,000 is fully counted; longer would remember honest slips for longer.
pub const STRANGER_MEMORY: Duration = Duration::from_secs(7 * 86_400);

/// More failures than this change nothing: the delay has reached its end.
const MOST_FAILURES: u32 = FREE_TRIES + 7;

/// What is remembered of one room at one VMR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// Failures not yet forgiven, 0 to 10.
    pub failures: u32,
    /// When it tried last.
    pub last: UnixTime,
    /// Whether it is known here.
    pub standing: Standing,
}

/// Whether a room has shown the present PIN of a VMR before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has not.
    Stranger,
    /// It has.
    Known,
}

/// Whether a PIN may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Try {
        /// What to remember, before the PIN is looked at.
        counted: Tries,
        /// Free tries that remain if this one is wrong.
        tries_left: u8,
    },
    /// Not yet.
    Wait(Duration),
}

/// May a room try a PIN now? `before` is what is remembered of it at this VMR; `other_strangers`
/// is how many other rooms there [count as strangers who failed](counts_as_failed_stranger).
pub fn judge(now: UnixTime, before: Option<Tries>, other_strangers: u32) -> Verdict {
    let before = before.unwrap_or(Tries { failures: 0, last: now, standing: Standing::Stranger });
    let failures = remaining(now, before);
    if failures >= FREE_TRIES {
        let own = (FIRST_DELAY * 2_u32.pow((failures - FREE_TRIES).min(7))).min(LONGEST_DELAY);
        let wait = match before.standing {
            Standing::Known => own,
            Standing::Stranger => own.max(STRANGER_INTERVAL.saturating_mul(other_strangers)),
        };
        // A clock that was set back must not make anybody wait longer than the rule says.
        let passed = before.last.until(now);
        if passed < wait {
            return Verdict::Wait(wait - passed);
        }
    }
    let counted = (failures + 1).min(MOST_FAILURES);
    Verdict::Try {
        counted: Tries { failures: counted, last: now, standing: before.standing },
        tries_left: FREE_TRIES.saturating_sub(counted) as u8,
    }
}

/// What to remember when the PIN was right.
pub fn entered(now: UnixTime) -> Tries {
    Tries { failures: 0, last: now, standing: Standing::Known }
}

/// Whether a room makes other strangers at the same VMR wait. The store counts by the same words.
pub fn counts_as_failed_stranger(now: UnixTime, tries: Tries) -> bool {
    tries.standing == Standing::Stranger
        && tries.failures >= FREE_TRIES
        && tries.last.until(now) < STRANGER_MEMORY
}

/// The failures that time has not forgiven.
fn remaining(now: UnixTime, tries: Tries) -> u32 {
    let quiet = tries.last.until(now).as_secs() / FORGIVING_INTERVAL.as_secs();
    let forgiven = u32::try_from(quiet).unwrap_or(u32::MAX);
    let floor = match tries.standing {
        Standing::Known => 0,
        Standing::Stranger => tries.failures.min(FREE_TRIES),
    };
    tries.failures.saturating_sub(forgiven).max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const YEAR: u64 = 365 * 86_400;

    fn failed(mut before: Option<Tries>, now: UnixTime) -> Option<Tries> {
        match judge(now, before, 0) {
            Verdict::Try { counted, .. } => before = Some(counted),
            Verdict::Wait(wait) => panic!("has to wait {wait:?}"),
        }
        before
    }

    #[test]
    fn three_tries_are_free_and_the_count_is_told() {
        let mut tries = None;
        for left in [2, 1, 0] {
            match judge(NOW, tries, 1_000) {
                Verdict::Try { counted, tries_left } => {
                    assert_eq!(tries_left, left);
                    tries = Some(counted);
                }
                wait => panic!("{wait:?}"),
            }
        }
        assert_eq!(judge(NOW, tries, 0), Verdict::Wait(FIRST_DELAY));
    }

    #[test]
    fn waiting_doubles_up_to_an_hour() {
        let mut tries = None;
        let mut now = NOW;
        for _ in 0..3 {
            tries = failed(tries, now);
        }
        for seconds in [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            assert_eq!(judge(now, tries, 0), Verdict::Wait(Duration::from_secs(seconds)));
            now = now.after(Duration::from_secs(seconds));
            tries = failed(tries, now);
        }
    }

    #[test]
    fn the_right_pin_and_quiet_hours_forgive() {
        let known = Some(entered(NOW));
        let mut tries = known;
        for _ in 0..4 {
            match judge(NOW.after(LONGEST_DELAY), tries, 1_000_000) {
                Verdict::Try { counted, .. } => tries = Some(counted),
                Verdict::Wait(wait) => assert_eq!(wait, FIRST_DELAY, "does not wait for others"),
            }
        }
        let rested = NOW.after(LONGEST_DELAY + FORGIVING_INTERVAL * 3);
        assert!(matches!(judge(rested, tries, 0), Verdict::Try { tries_left: 2, .. }));
    }

    #[test]
    fn a_stranger_gets_its_free_tries_once() {
        let mut tries = None;
        for _ in 0..3 {
            tries = failed(tries, NOW);
        }
        let later = NOW.after(Duration::from_secs(YEAR));
        assert!(matches!(judge(later, tries, 0), Verdict::Try { tries_left: 0, .. }));
        let tries = failed(tries, later);
        assert!(matches!(judge(later, tries, 0), Verdict::Wait(_)));
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_the_waiting() {
        let mut tries = None;
        for _ in 0..3 {
            tries = failed(tries, NOW);
        }
        let back = UnixTime(NOW.0 - 86_400);
        assert_eq!(judge(back, tries, 0), Verdict::Wait(FIRST_DELAY));
    }

    /// Every room of a hostile fleet tries as soon as it may, for a year. Returns how often.
    fn fleet(rooms: usize, days: u64) -> u64 {
        let mut memory: Vec<Option<Tries>> = vec![None; rooms];
        let mut all = 0;
        // Minutes are fine enough: no waiting but the first is shorter.
        for minute in 0..days * 1_440 {
            let now = NOW.after(Duration::from_secs(minute * 60));
            let counts = |tries: &Option<Tries>| {
                tries.is_some_and(|tries| counts_as_failed_stranger(now, tries))
            };
            let mut strangers = memory.iter().filter(|t| counts(t)).count();
            for tries in &mut memory {
                let was = counts(tries);
                while let Verdict::Try { counted, .. } =
                    judge(now, *tries, (strangers - usize::from(counts(tries))) as u32)
                {
                    *tries = Some(counted);
                    all += 1;
                    if counts(tries) && !was {
                        strangers += 1;
                        break;
                    }
                }
            }
        }
        all
    }

    #[test]
    fn one_hostile_room_needs_decades() {
        let tries = fleet(1, 365);
        assert!(tries < 10_000, "{tries} tries in a year");
    }

    #[test]
    fn the_worst_small_fleet_needs_years() {
        for rooms in [2, 6, 7, 8, 20] {
            let tries = fleet(rooms, 365);
            assert!(tries < 63_000, "{tries} tries in a year by {rooms} rooms");
        }
    }

    #[test]
    fn a_thousand_hostile_rooms_need_years() {
        // Four weeks cover the free tries and several rounds of everybody's turn.
        let tries = fleet(1_000, 28);
        let free = 1_000 * u64::from(FREE_TRIES);
        let a_year = free + (tries - free) * 365 / 28;
        assert!(a_year < 60_000, "{tries} tries in four weeks, {a_year} in a year");
    }

    #[test]
    fn an_honest_stranger_is_looked_at_under_attack() {
        let tries = (0..3).fold(None, |tries, _| failed(tries, NOW));
        assert!(matches!(judge(NOW, None, 1_000), Verdict::Try { .. }), "its own first tries");
        let turn = NOW.after(STRANGER_INTERVAL * 1_000);
        assert!(matches!(judge(turn, tries, 1_000), Verdict::Try { .. }), "its reserved turn");
        assert_eq!(
            judge(NOW, tries, 1),
            Verdict::Wait(STRANGER_INTERVAL),
            "one hostile room costs ten minutes"
        );
    }
}
