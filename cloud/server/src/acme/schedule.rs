//! When a certificate is asked for: at once without one, at two thirds of its life, and after a failure again, later each time.
//!
//! Without clock and randomness: both are given.

use crate::console::certificate::Life;
use conclave_types::UnixTime;
use std::time::Duration;

/// The first pause after a failure. Let's Encrypt refuses an account after five failures of one name in an hour: with this
/// pause and its doubling there are three at most.
const FIRST_PAUSE: Duration = Duration::from_secs(10 * 60);

/// The longest pause. A certificate of six days, the shortest that are given, has two days left when it is due.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);

/// The pause after a certificate that is due as soon as it comes: the clock of this machine, or the authority's, is wrong by months.
/// Let's Encrypt gives five of the same names in a week.
const BETWEEN: Duration = Duration::from_secs(2 * 86_400);

/// How long to sleep at most before the clock is looked at again: it may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);

/// When another one is asked for. Let's Encrypt's advice for those of 90 days is 30 before their end.
fn due(life: Life) -> UnixTime {
    let length = life.ends.0.saturating_sub(life.begins.0);
    UnixTime(life.begins.0.saturating_add(length / 3 * 2))
}

/// When to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Of the certificate that there is.
    life: Option<Life>,
    /// How often it failed in a row.
    failures: u32,
    /// Not before this.
    resting: Option<UnixTime>,
}

impl Schedule {
    /// With the life of the certificate that is kept; `None`: there is none, or one for other names.
    pub fn new(life: Option<Life>) -> Schedule {
        Schedule { life, failures: 0, resting: None }
    }

    /// How long to wait before the next look; zero: ask now.
    pub fn wait(&self, now: UnixTime) -> Duration {
        let due = self.life.map_or(now, due);
        // No pause is longer: one that seems so is of a clock that was set back since, and is over.
        let resting = self.resting.filter(|until| *until <= now.after(BETWEEN));
        let at = due.0.max(resting.map_or(0, |until| until.0));
        Duration::from_secs(at.saturating_sub(now.0)).min(LONGEST_SLEEP)
    }

    /// A certificate came.
    pub fn got(&mut self, now: UnixTime, life: Life) {
        *self = Schedule { life: Some(life), failures: 0, resting: Some(now.after(BETWEEN)) };
    }

    /// None came. `chance` is any number: it scatters the clouds of one authority. When it is asked again.
    pub fn failed(&mut self, now: UnixTime, chance: u32) -> UnixTime {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        // From the whole pause to a quarter more: never sooner than the authority's limits allow for.
        let scattered = u64::from(chance) * (pause.as_secs() / 4) / u64::from(u32::MAX);
        let until = now.after(pause + Duration::from_secs(scattered));
        self.resting = Some(until);
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;
    const NOW: UnixTime = UnixTime(1_796_025_600);

    fn life(days: u64) -> Life {
        Life { begins: NOW, ends: UnixTime(NOW.0 + days * DAY) }
    }

    /// When it asks, if it always sleeps as long as it says.
    fn asks(schedule: &Schedule, mut now: UnixTime) -> UnixTime {
        loop {
            let wait = schedule.wait(now);
            if wait.is_zero() {
                return now;
            }
            assert!(wait <= LONGEST_SLEEP);
            now = now.after(wait);
        }
    }

    fn longest_rest() -> Duration {
        LONGEST_PAUSE + LONGEST_PAUSE / 4
    }

    #[test]
    fn without_a_certificate_it_asks_at_once_and_with_one_at_two_thirds_of_its_life() {
        assert_eq!(asks(&Schedule::new(None), NOW), NOW);
        for (days, due) in [(90, 60), (6, 4)] {
            let schedule = Schedule::new(Some(life(days)));
            assert_eq!(asks(&schedule, NOW), UnixTime(NOW.0 + due * DAY));
        }
        let over = Life { begins: UnixTime(NOW.0 - 9 * DAY), ends: UnixTime(NOW.0 - DAY) };
        assert_eq!(asks(&Schedule::new(Some(over)), NOW), NOW);
        let nonsense = Life { begins: NOW, ends: UnixTime(0) };
        assert_eq!(asks(&Schedule::new(Some(nonsense)), NOW), NOW);
    }

    #[test]
    fn failures_wait_longer_each_time_and_never_break_the_authoritys_limit() {
        for chance in [0, 1, u32::MAX / 2, u32::MAX] {
            let mut schedule = Schedule::new(None);
            let mut now = NOW;
            let mut asked = vec![NOW];
            for _ in 0..20 {
                assert_eq!(schedule.failed(now, chance), {
                    now = asks(&schedule, now);
                    now
                });
                asked.push(now);
            }
            let pauses: Vec<u64> = asked.windows(2).map(|two| two[1].0 - two[0].0).collect();
            assert!(pauses.windows(2).all(|two| two[0] <= two[1]), "{pauses:?}");
            assert!(pauses.iter().all(|pause| *pause <= longest_rest().as_secs()));
            let hour = |from: &UnixTime| {
                asked.iter().filter(|at| (from.0..from.0 + 3_600).contains(&at.0)).count()
            };
            assert!(asked.iter().map(hour).all(|count| count < 5), "{asked:?}");
        }
    }

    #[test]
    fn a_certificate_ends_the_waiting_and_so_does_a_clock_that_is_set_back() {
        let mut schedule = Schedule::new(None);
        schedule.failed(UnixTime(NOW.0 + 900 * DAY), 7);
        assert_eq!(asks(&schedule, NOW), NOW);
        schedule.got(NOW, life(90));
        assert_eq!(asks(&schedule, NOW), UnixTime(NOW.0 + 60 * DAY));
        assert_eq!(schedule.failures, 0);
    }

    #[test]
    fn a_wrong_clock_does_not_ask_for_one_certificate_after_the_other() {
        let ahead = UnixTime(NOW.0 + 900 * DAY);
        let mut schedule = Schedule::new(None);
        schedule.got(ahead, life(90));
        assert_eq!(asks(&schedule, ahead), ahead.after(BETWEEN));
    }
}
