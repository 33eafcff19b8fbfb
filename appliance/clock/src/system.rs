//! The clocks of this machine.

use crate::Machine;
use clock_steering::unix::UnixClock;
use clock_steering::{Clock, LeapIndicator, TimeOffset};
use nix::time::ClockId;
use std::io;
use std::time::Duration;

const BILLION: i128 = 1_000_000_000;

/// The clocks of this machine. Setting them wants CAP_SYS_TIME.
#[derive(Debug)]
pub struct System;

/// CLOCK_MONOTONIC: the same in every process, and never set.
pub fn monotonic() -> io::Result<Duration> {
    Ok(ClockId::CLOCK_MONOTONIC.now()?.into())
}

impl Machine for System {
    fn monotonic(&self) -> io::Result<Duration> {
        monotonic()
    }

    fn wall(&self) -> io::Result<Duration> {
        Ok(ClockId::CLOCK_REALTIME.now()?.into())
    }

    fn step(&mut self, by_ns: i128) -> io::Result<()> {
        // By ADJ_SETOFFSET, which moves the clock from wherever it is by then. Nanoseconds are never below
        // zero: a quarter of a second back is one second back and three quarters forward.
        let too_far = |_| io::Error::other("the clock is too far off to be set");
        let seconds = by_ns.div_euclid(BILLION).try_into().map_err(too_far)?;
        let nanos = by_ns.rem_euclid(BILLION).try_into().map_err(too_far)?;
        UnixClock::CLOCK_REALTIME.step_clock(TimeOffset { seconds, nanos })?;
        Ok(())
    }

    fn is_right(&mut self, within: Duration) -> io::Result<()> {
        UnixClock::CLOCK_REALTIME.error_estimate_update(within, within)?;
        // Last: it also takes STA_UNSYNC away, and from then on the kernel copies this clock into the board's.
        UnixClock::CLOCK_REALTIME.set_leap_seconds(LeapIndicator::NoWarning)?;
        Ok(())
    }
}
