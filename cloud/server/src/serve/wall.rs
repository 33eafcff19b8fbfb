//! Notices when somebody sets the clock of the cloud's machine: rooms have no other one to go by.

use conclave_types::{Time, UnixTime};

/// Seconds between what a calendar and what a measuring clock say went by, that are worth a line. A clock that is
/// kept right by small steps stays below, whoever sets one by hand does not.
const WORTH_SAYING_S: u64 = 5;

/// Compares the two clocks.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The calendar's reading at [`Time::ZERO`], as the last look found it.
    start_s: Option<i128>,
}

impl Watch {
    /// Seconds by which the calendar's clock was set forward since the last look; below zero, back.
    pub(super) fn look(&mut self, now: Time, wall: UnixTime) -> Option<i128> {
        let start_s = i128::from(wall.0) - i128::from(now.as_micros() / 1_000_000);
        let by_s = start_s - self.start_s.replace(start_s)?;
        (by_s.unsigned_abs() > u128::from(WORTH_SAYING_S)).then_some(by_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_once_and_one_that_goes_on_never() {
        let mut watch = Watch::default();
        let at = |s: u64| Time::from_micros(s * 1_000_000);
        assert_eq!(watch.look(at(0), UnixTime(1_800_000_000)), None);
        assert_eq!(watch.look(at(86_400), UnixTime(1_800_086_401)), None);
        assert_eq!(watch.look(at(86_401), UnixTime(1_800_090_002)), Some(3600));
        assert_eq!(watch.look(at(86_402), UnixTime(1_800_090_003)), None);
        assert_eq!(watch.look(at(86_402), UnixTime(0)), Some(-1_800_090_003));
        assert_eq!(watch.look(at(86_403), UnixTime(u64::MAX)), Some(i128::from(u64::MAX) - 1));
    }
}
