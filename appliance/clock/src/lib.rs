//! Sets the machine's clock to what the room's cloud says: what conclave-clock does, and what the daemon
//! writes for it.
//!
//! 1. The daemon measures, decides, and writes a [`Target`]; it may not touch a clock.
//! 2. conclave-clock.path notices the file, conclave-clock reads it ([`read`]) and believes nothing that
//!    cannot be ([`set`]).
//! 3. The clock is moved by the difference, and the kernel told that it is right: it then copies it into the
//!    board's own clock, now and every eleven minutes (`CONFIG_RTC_SYSTOHC`; Linux, kernel/time/ntp.c),
//!    and stops when nothing has been heard for some nine hours.

#![forbid(unsafe_code)]

mod system;
mod target;

pub use system::{System, monotonic};
pub use target::{LONGEST, NoTarget, Target};

use conclave_types::UnixMillis;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// When the system was made: seconds since 1970, in digits. Each image has it.
pub const BUILT: &str = "/usr/lib/conclave/built";

/// How old a target may be. What starts this program is seconds late on a busy machine; a file that lies
/// there for longer was not meant for now.
const MOST_AGE: Duration = Duration::from_secs(600);

/// Octets of the file [`BUILT`] at most.
const LONGEST_BUILT: u64 = 24;

/// The machine's clocks. A test has others.
pub trait Machine {
    /// CLOCK_MONOTONIC.
    fn monotonic(&self) -> io::Result<Duration>;
    /// CLOCK_REALTIME, since 1970.
    fn wall(&self) -> io::Result<Duration>;
    /// Moves CLOCK_REALTIME forward by so many nanoseconds; below zero, back.
    fn step(&mut self, by_ns: i128) -> io::Result<()>;
    /// Tells the kernel that it is right to within that.
    fn is_right(&mut self, within: Duration) -> io::Result<()>;
}

/// Why the clock is not set.
#[derive(Debug, thiserror::Error)]
pub enum NotSet {
    /// The file cannot be read.
    #[error("what the daemon wants cannot be read")]
    File(#[source] io::Error),
    /// There is something else in it.
    #[error("what the daemon wrote is no time to set the clock to")]
    NoTarget(#[from] NoTarget),
    /// It would be before the system was made, or after 2100.
    #[error("{} s after 1970 is no time to set a clock to", .0.0 / 1000)]
    Impossible(UnixMillis),
    /// It was measured at a moment that is still to come.
    #[error("it was measured in the future")]
    Ahead,
    /// It was measured long ago.
    #[error("it was measured {} s ago", .0.as_secs())]
    Stale(Duration),
    /// A clock cannot be read or set.
    #[error("the machine's clock cannot be set")]
    Clock(#[source] io::Error),
}

/// Reads what the daemon wants, and no more of it than such a file has.
pub fn read(path: &Path) -> Result<Target, NotSet> {
    let text = some_of(path, LONGEST).map_err(NotSet::File)?;
    Ok(text.parse()?)
}

/// When the system was made, by the file [`BUILT`]; the earliest time of all where there is none.
pub fn built(path: &Path) -> io::Result<UnixMillis> {
    let text = match some_of(path, LONGEST_BUILT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(UnixMillis::EARLIEST),
        text => text?,
    };
    let seconds: u64 = text.trim().parse().map_err(io::Error::other)?;
    Ok(UnixMillis(seconds.saturating_mul(1000)))
}

fn some_of(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} octets")));
    }
    Ok(text)
}

/// Sets the clock of a machine whose system was made at `built`; how far it went forward, in nanoseconds, below
/// zero back.
pub fn set(machine: &mut impl Machine, target: Target, built: UnixMillis) -> Result<i128, NotSet> {
    let now = machine.monotonic().map_err(NotSet::Clock)?;
    let age = now.checked_sub(target.monotonic).ok_or(NotSet::Ahead)?;
    if age > MOST_AGE {
        return Err(NotSet::Stale(age));
    }
    let right = Duration::from_millis(target.unix_ms.0).saturating_add(age);
    let right_ms = UnixMillis::since_1970(right);
    if !target.unix_ms.may_be_set(built) || !right_ms.may_be_set(built) {
        return Err(NotSet::Impossible(target.unix_ms));
    }
    let by_ns = nanoseconds(right) - nanoseconds(machine.wall().map_err(NotSet::Clock)?);
    machine.step(by_ns).map_err(NotSet::Clock)?;
    machine.is_right(Duration::from_millis(target.within_ms.into())).map_err(NotSet::Clock)?;
    Ok(by_ns)
}

fn nanoseconds(span: Duration) -> i128 {
    // 64 bits of seconds and their billionths have 94.
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_369_800_000;

    /// Clocks that stand still, so that nothing of this machine is set.
    struct Still {
        monotonic: Duration,
        wall_ns: i128,
        right: Option<Duration>,
        broken: bool,
    }

    impl Still {
        fn new(monotonic_ms: u64, wall_ms: u64) -> Still {
            Still {
                monotonic: Duration::from_millis(monotonic_ms),
                wall_ns: i128::from(wall_ms) * 1_000_000,
                right: None,
                broken: false,
            }
        }
    }

    impl Machine for Still {
        fn monotonic(&self) -> io::Result<Duration> {
            Ok(self.monotonic)
        }

        fn wall(&self) -> io::Result<Duration> {
            Ok(Duration::from_nanos(self.wall_ns as u64))
        }

        fn step(&mut self, by_ns: i128) -> io::Result<()> {
            if self.broken {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            self.wall_ns += by_ns;
            Ok(())
        }

        fn is_right(&mut self, within: Duration) -> io::Result<()> {
            self.right = Some(within);
            Ok(())
        }
    }

    fn target(monotonic_ms: u64, unix_ms: u64) -> Target {
        let monotonic = Duration::from_millis(monotonic_ms);
        Target { monotonic, unix_ms: UnixMillis(unix_ms), within_ms: 7 }
    }

    #[test]
    fn however_late_it_comes_the_clock_is_right() {
        for (wall, late) in [(0, 0), (NOON, 250), (NOON + 86_400_000, 9_000), (NOON - 1, 600_000)] {
            let mut machine = Still::new(5_000 + late, wall);
            let by_ns = set(&mut machine, target(5_000, NOON), UnixMillis(0)).unwrap();
            assert_eq!(machine.wall_ns, i128::from(NOON + late) * 1_000_000);
            assert_eq!(by_ns, i128::from(NOON + late) * 1_000_000 - i128::from(wall) * 1_000_000);
            assert_eq!(machine.right, Some(Duration::from_millis(7)));
        }
    }

    #[test]
    fn what_cannot_be_is_not_set() {
        let built = UnixMillis(NOON - 1000);
        let last = UnixMillis::LATEST.0;
        for (target, late) in [
            (target(5_000, NOON - 1001), 0),
            (target(5_000, 0), 0),
            (target(5_000, last), 0),
            (target(5_000, last - 1), 1),
            (target(5_000, u64::MAX), 0),
            (target(5_001, NOON), 0),
            (target(5_000, NOON), 600_001),
        ] {
            let mut machine = Still::new(5_000 + late, 77);
            assert!(set(&mut machine, target, built).is_err(), "{target:?}");
            assert_eq!((machine.wall_ns, machine.right), (77_000_000, None), "{target:?}");
        }
        let mut machine = Still::new(5_000, 77);
        set(&mut machine, target(5_000, NOON - 1000), built).unwrap();
        let mut machine = Still::new(5_000, 77);
        set(&mut machine, target(5_000, last - 1), built).unwrap();
    }

    #[test]
    fn a_clock_that_cannot_be_set_is_not_called_right() {
        let mut machine = Still { broken: true, ..Still::new(5_000, 77) };
        let refused = set(&mut machine, target(5_000, NOON), UnixMillis(0));
        assert!(matches!(refused, Err(NotSet::Clock(_))), "{refused:?}");
        assert_eq!(machine.right, None);
    }

    #[test]
    fn a_file_that_is_too_long_or_none_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        assert!(matches!(read(&path), Err(NotSet::File(_))));
        std::fs::write(&path, target(1, 2).to_string()).unwrap();
        assert_eq!(read(&path).unwrap(), target(1, 2));
        std::fs::write(&path, "x".repeat(LONGEST as usize)).unwrap();
        assert!(matches!(read(&path), Err(NotSet::NoTarget(NoTarget::Lines))));
        std::fs::write(&path, "x".repeat(LONGEST as usize + 1)).unwrap();
        assert!(matches!(read(&path), Err(NotSet::File(_))));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(read(&path), Err(NotSet::File(_))));
    }

    #[test]
    fn a_system_says_when_it_was_made_or_nobody_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("built");
        assert_eq!(built(&path).unwrap(), UnixMillis::EARLIEST);
        std::fs::write(&path, "1795369800\n").unwrap();
        assert_eq!(built(&path).unwrap(), UnixMillis(NOON));
        std::fs::write(&path, u64::MAX.to_string()).unwrap();
        assert_eq!(built(&path).unwrap(), UnixMillis(u64::MAX));
        for wrong in ["", "yesterday", "-1", "99999999999999999999999999"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(built(&path).is_err(), "{wrong}");
        }
    }
}
