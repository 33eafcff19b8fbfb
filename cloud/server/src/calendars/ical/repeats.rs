//! When something that repeats begins (RFC 5545, 3.3.10), within a bound of steps.
//!
//! The rule is followed on the clock on the wall, which knows no jumps; each beginning is put into UTC afterwards, by
//! [`Zone::utc`]. What repeats within a day is not followed: no meeting does, and such rules are how a calendar keeps a program busy
//! for ever.

use super::times::Moment;
use super::zones::Zone;
use chrono::{NaiveDateTime, TimeDelta, TimeZone as _};
use rrule::{Frequency, RRule, RRuleSet, Tz, Unvalidated};

/// The most octets of a rule.
const LONGEST_RULE: usize = 500;

/// The most beginnings within one day that a rule may name.
const MOST_A_DAY: usize = 24;

/// The beginnings by the clock of `zone`, from the first one of `window` to the last one in it; not `first` itself, unless the
/// rule says so. `steps` counts down for each that is looked at. `None`: the rule is none that is followed.
pub(super) fn starts(
    rule: &str,
    first: NaiveDateTime,
    zone: &Zone,
    (from, until): (NaiveDateTime, NaiveDateTime),
    steps: &mut u32,
) -> Option<Vec<NaiveDateTime>> {
    let (rule, last) = read(rule, zone)?;
    let last = last.map_or(until, |last| last.min(until));
    if last < first {
        return Some(Vec::new());
    }
    let utc = |at: NaiveDateTime| Tz::UTC.from_utc_datetime(&at);
    // The crate stops by itself at what is later.
    let rule = rule.until(utc(last)).validate(utc(first)).ok()?;
    let set = RRuleSet::new(utc(first)).rrule(rule).limit();
    let mut found = Vec::new();
    for at in &set {
        let at = at.naive_utc();
        *steps = steps.checked_sub(1)?;
        if at > last {
            break;
        }
        if at >= from {
            found.push(at);
        }
    }
    Some(found)
}

/// The rule, and when it ends by the clock on the wall.
fn read(text: &str, zone: &Zone) -> Option<(RRule<Unvalidated>, Option<NaiveDateTime>)> {
    if text.len() > LONGEST_RULE || !text.is_ascii() {
        return None;
    }
    let text = text.trim().to_ascii_uppercase();
    let is_end = |part: &&str| part.trim_start().starts_with("UNTIL=");
    let last = text.split(';').find(is_end).and_then(|part| part.split_once('='));
    let last = match last {
        None => None,
        Some((_, value)) => Some(match Moment::read(value, None)? {
            Moment::Utc(at) => zone.local(at),
            // The whole of the day counts.
            Moment::Day(day) => day.and_hms_opt(23, 59, 59)?,
            Moment::Local(at, _) => at,
        }),
    };
    let parts = text.split(';').filter(|part| !is_end(part) && !part.trim().is_empty());
    let rule: RRule<Unvalidated> = parts.collect::<Vec<_>>().join(";").parse().ok()?;
    let a_day = [rule.get_by_hour().len(), rule.get_by_minute().len(), rule.get_by_second().len()];
    let a_day = a_day.into_iter().map(|count| count.max(1)).product::<usize>();
    let slow = matches!(
        rule.get_freq(),
        Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily
    );
    (slow && a_day <= MOST_A_DAY).then_some((rule, last))
}

/// A little before and after a window by UTC, by whatever clock.
pub(super) fn widened(
    (from, until): (NaiveDateTime, NaiveDateTime),
    lasts: TimeDelta,
) -> (NaiveDateTime, NaiveDateTime) {
    let day = TimeDelta::days(2);
    (
        from.checked_sub_signed(day + lasts).unwrap_or(NaiveDateTime::MIN),
        until.checked_add_signed(day).unwrap_or(NaiveDateTime::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn followed(rule: &str, first: &str, steps: u32) -> Option<Vec<String>> {
        let zone = Zone::Known(chrono_tz::Tz::Europe__Paris);
        let window = (at("2026-11-30 00:00"), at("2026-12-14 00:00"));
        let found = starts(rule, at(first), &zone, window, &mut steps.clone());
        found.map(|all| all.iter().map(|at| at.format("%m-%d %H:%M").to_string()).collect())
    }

    #[test]
    fn rules_are_followed_within_the_window() {
        for (rule, first, found) in [
            (
                "FREQ=WEEKLY;BYDAY=MO,TH",
                "2024-01-01 09:00",
                vec!["11-30", "12-03", "12-07", "12-10"],
            ),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-11-16 09:00", vec!["11-30"]),
            ("FREQ=DAILY;COUNT=3", "2026-11-29 09:00", vec!["11-30", "12-01"]),
            ("FREQ=MONTHLY;BYDAY=1TU", "2020-01-07 09:00", vec!["12-01"]),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2020-01-31 09:00", vec!["11-30"]),
            ("FREQ=YEARLY", "2001-12-05 09:00", vec!["12-05"]),
            // By UTC, which is an hour behind: the one at nine in Paris is the last.
            ("FREQ=DAILY;UNTIL=20261201T080000Z", "2026-11-30 09:00", vec!["11-30", "12-01"]),
            ("FREQ=DAILY;UNTIL=20261201", "2026-11-30 09:00", vec!["11-30", "12-01"]),
            ("freq=daily;until=20261130t090000", "2026-11-30 09:00", vec!["11-30"]),
            ("FREQ=DAILY;UNTIL=20251130", "2026-11-30 09:00", vec![]),
        ] {
            let found: Vec<_> = found.iter().map(|day| format!("{day} 09:00")).collect();
            assert_eq!(followed(rule, first, 10_000), Some(found), "{rule}");
        }
    }

    #[test]
    fn rules_that_would_go_on_for_ever_are_not_followed() {
        for rule in [
            "FREQ=SECONDLY",
            "FREQ=MINUTELY;COUNT=5",
            "FREQ=HOURLY",
            "FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=0,1,2,3,4",
            "FREQ=DAILY;UNTIL=never",
            "FREQ=EVERY",
            "",
            "FREQ=DAILY;FREQ",
            "FREQ=DAILY;INTERVAL=99999999999",
            "FREQ=DAILY;BYDAY=é",
        ] {
            assert_eq!(followed(rule, "2026-11-30 09:00", 10_000), None, "{rule}");
        }
        assert_eq!(followed("FREQ=DAILY", "1970-01-01 09:00", 100), None, "more steps than that");
        let never = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30";
        assert_eq!(followed(never, "2026-11-30 09:00", 10_000), Some(vec![]));
        assert_eq!(followed("FREQ=DAILY;INTERVAL=0", "2026-11-30 09:00", 10_000), Some(vec![]));
    }
}
