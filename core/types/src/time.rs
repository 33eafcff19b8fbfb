//! Two kinds of time: one that only measures distances, one that a calendar knows.

use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on a monotonic clock: microseconds since the shell that reads the clock started.
///
/// Pure machines receive it and hand back deadlines in it; they never read a clock themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The moment the shell started.
    pub const ZERO: Time = Time(0);

    /// The moment that lies this many microseconds after the start.
    pub const fn from_micros(micros: u64) -> Time {
        Time(micros)
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(micros))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, span: Duration) -> Time {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Time(self.0.saturating_sub(micros))
    }
}

/// A moment on the calendar: whole seconds since 1970-01-01 00:00 UTC. For what is stored or shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The moment `span` later, in whole seconds.
    pub fn after(self, span: Duration) -> UnixTime {
        UnixTime(self.0.saturating_add(span.as_secs()))
    }

    /// How far `later` lies ahead; zero when it has passed.
    pub fn until(self, later: UnixTime) -> Duration {
        Duration::from_secs(later.0.saturating_sub(self.0))
    }
}

/// A moment on the calendar to the millisecond: since 1970-01-01 00:00 UTC, leap seconds left out, as a
/// system's clock counts. For setting clocks; what is stored or shown needs [`UnixTime`] alone.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// 2026-01-01: no clock is set to before it. There was no program of ours then.
    pub const EARLIEST: UnixMillis = UnixMillis(1_767_225_600_000);
    /// 2100-01-01: nor to this and after. Far beyond any room's life, and far from where any count overflows.
    pub const LATEST: UnixMillis = UnixMillis(4_102_444_800_000);

    /// The same, in whole milliseconds; one before 1970 is 1970.
    pub fn since_1970(span: Duration) -> UnixMillis {
        UnixMillis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    /// Whether a clock may be set to it, by a system that was built at `built`.
    pub fn may_be_set(self, built: UnixMillis) -> bool {
        (UnixMillis::EARLIEST.max(built)..UnixMillis::LATEST).contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_the_start_is_the_start() {
        assert_eq!(Time::from_micros(5) - Duration::from_secs(1), Time::ZERO);
        assert_eq!(Time::ZERO.since(Time::from_micros(9)), Duration::ZERO);
    }

    #[test]
    fn a_clock_is_set_to_a_time_between_the_systems_making_and_2100() {
        let built = UnixMillis(1_795_910_400_000);
        let cases = [
            (UnixMillis(0), UnixMillis(0), false),
            (UnixMillis(UnixMillis::EARLIEST.0 - 1), UnixMillis(0), false),
            (UnixMillis::EARLIEST, UnixMillis(0), true),
            (UnixMillis::EARLIEST, built, false),
            (built, built, true),
            (UnixMillis(UnixMillis::LATEST.0 - 1), built, true),
            (UnixMillis::LATEST, built, false),
            (UnixMillis(u64::MAX), UnixMillis(0), false),
        ];
        for (at, built, may) in cases {
            assert_eq!(at.may_be_set(built), may, "{at:?} {built:?}");
        }
        assert_eq!(UnixMillis::since_1970(Duration::MAX), UnixMillis(u64::MAX));
    }
}
