//! Times of iCalendar (RFC 5545, 3.3.4 to 3.3.6): a day, a time by a clock on a wall, a time by UTC; how long something lasts.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// The longest that something lasts; what is written to last longer lasts so long.
const LONGEST_DAYS: i64 = 366;

/// When, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moment {
    /// All of a day, by the clock of whoever looks.
    Day(NaiveDate),
    /// By a clock on a wall: that of the zone with this name, or of whoever looks when it names none.
    Local(NaiveDateTime, Option<String>),
    /// By UTC.
    Utc(NaiveDateTime),
}

impl Moment {
    /// Reads a value; `zone` is what its parameter `TZID` says.
    pub(super) fn read(value: &str, zone: Option<&str>) -> Option<Moment> {
        let value = value.trim();
        let Some((day, time)) = value.split_once(['T', 't']) else {
            return day(value).map(Moment::Day);
        };
        let (time, utc) = match time.strip_suffix(['Z', 'z']) {
            Some(time) => (time, true),
            None => (time, false),
        };
        let at = self::day(day)?.and_time(clock(time)?);
        Some(match utc {
            true => Moment::Utc(at),
            false => Moment::Local(at, zone.map(str::to_owned)),
        })
    }

    /// What the clock says that it is written by; of a day its beginning.
    pub(super) fn written(&self) -> NaiveDateTime {
        match self {
            Moment::Day(day) => day.and_time(NaiveTime::MIN),
            Moment::Local(at, _) | Moment::Utc(at) => *at,
        }
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = figures(text, [4, 2, 2])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn clock(text: &str) -> Option<NaiveTime> {
    let [hour, minute, second] = figures(text, [2, 2, 2])?;
    // A leap second is the second before it: no calendar means it.
    NaiveTime::from_hms_opt(hour, minute, second.min(59))
}

/// Numbers of these lengths, one after the other and nothing else.
fn figures(text: &str, lengths: [usize; 3]) -> Option<[u32; 3]> {
    if text.len() != lengths.iter().sum::<usize>()
        || !text.bytes().all(|octet| octet.is_ascii_digit())
    {
        return None;
    }
    let mut rest = text;
    let mut found = [0; 3];
    for (number, length) in found.iter_mut().zip(lengths) {
        let (head, tail) = rest.split_at_checked(length)?;
        (*number, rest) = (head.parse().ok()?, tail);
    }
    Some(found)
}

/// Reads how long something lasts, such as `PT1H30M` or `P1W`; what goes back in time lasts nothing.
pub(super) fn duration(text: &str) -> Option<TimeDelta> {
    let text = text.trim().to_ascii_uppercase();
    let (back, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let mut seconds: i64 = 0;
    let mut number: Option<i64> = None;
    for c in text.strip_prefix('P')?.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(digit))?);
            continue;
        }
        let unit = match c {
            'T' if number.is_none() => continue,
            'W' => 7 * 86_400,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    if number.is_some() {
        return None;
    }
    Some(TimeDelta::seconds(if back { 0 } else { seconds.min(LONGEST_DAYS * 86_400) }))
}

/// From one moment on a clock to another one on the same, at most [`LONGEST_DAYS`].
pub(super) fn between(from: NaiveDateTime, until: NaiveDateTime) -> TimeDelta {
    (until - from).clamp(TimeDelta::zero(), TimeDelta::days(LONGEST_DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    #[test]
    fn moments_are_read_as_they_are_written() {
        let nine = at("2026-11-30 09:00:00");
        assert_eq!(Moment::read("20261130", None), Some(Moment::Day(nine.date())));
        assert_eq!(Moment::read("20261130T090000Z", Some("X")), Some(Moment::Utc(nine)));
        assert_eq!(Moment::read("20261130T090000", None), Some(Moment::Local(nine, None)));
        let paris = Some("Europe/Paris");
        let read = Moment::read("20261130T090000", paris);
        assert_eq!(read, Some(Moment::Local(nine, paris.map(str::to_owned))));
        let leap = Moment::read("20161231T235960Z", None).unwrap();
        assert_eq!(leap.written(), at("2016-12-31 23:59:59"));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "T",
            "2026113",
            "20261331",
            "20260230",
            "20261130T",
            "20261130T2500",
            "2026-11-30",
            "20261130T0900é0",
            "202611３0",
        ] {
            assert_eq!(Moment::read(text, None), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_and_bounded() {
        for (text, seconds) in [
            ("PT1H30M", 5_400),
            ("P1W", 7 * 86_400),
            ("P1DT2H3M4S", 86_400 + 7_384),
            ("+PT15M", 900),
            ("-PT15M", 0),
            ("P99999999W", LONGEST_DAYS * 86_400),
            ("P", 0),
        ] {
            assert_eq!(duration(text), Some(TimeDelta::seconds(seconds)), "{text}");
        }
        for text in
            ["", "1H", "PT1", "PTH", "P1X", "P99999999999999999999W", "P9223372036854775807W"]
        {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
