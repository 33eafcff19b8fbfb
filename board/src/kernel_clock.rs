//! The kernel's time of an edge, in the time of the machine.
//!
//! Both clocks run alike (CLOCK_MONOTONIC) and begin elsewhere. An edge is heard some time after it
//! was, never before; so the least that the two ever differed by is the nearest to the truth.

use conclave_types::Time;
use std::time::Duration;

/// The distance between the two clocks, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct KernelClock {
    /// Our microseconds less the kernel's, at least so.
    ahead_us: Option<i64>,
}

impl KernelClock {
    /// When an edge was that is heard now: at `now` or before. `None` stands for an edge that nobody
    /// stamped, which is now.
    pub(crate) fn time(&mut self, now: Time, stamp: Option<Duration>) -> Time {
        let micros = |micros: u128| i64::try_from(micros).unwrap_or(i64::MAX);
        let Some(stamp_us) = stamp.map(|stamp| micros(stamp.as_micros())) else { return now };
        let differ = micros(now.as_micros().into()).saturating_sub(stamp_us);
        let ahead = self.ahead_us.map_or(differ, |least| least.min(differ));
        self.ahead_us = Some(ahead);
        Time::from_micros(u64::try_from(stamp_us.saturating_add(ahead)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_is_heard_late_counts_from_when_it_was() {
        let mut clock = KernelClock::default();
        let (at, stamp) = (Time::from_micros, |us| Some(Duration::from_micros(us)));
        assert_eq!(clock.time(at(1_000), stamp(900_500)), at(1_000));
        // Heard within less, so the first was heard late.
        assert_eq!(clock.time(at(2_000), stamp(901_900)), at(2_000));
        assert_eq!(clock.time(at(9_000), stamp(902_000)), at(2_100));
        assert_eq!(clock.time(at(9_000), stamp(902_001)), at(2_101));
        assert_eq!(clock.time(at(9_000), None), at(9_000));
        assert_eq!(clock.time(at(9_000), stamp(0)), Time::ZERO);
        assert_eq!(clock.time(at(9_000), Some(Duration::MAX)), at(9_000));
    }
}
