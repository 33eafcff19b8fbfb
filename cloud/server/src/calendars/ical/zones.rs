//! Which moment a clock on a wall means: by the IANA's zones, by what Windows calls them, else by the rules that the calendar
//! brings itself (RFC 5545, 3.6.5).
//!
//! Clocks jump. Of a time that comes twice the first one is meant; a time that is left out is read as if the clock had not jumped
//! (RFC 5545, 3.3.5).

use super::lines::Line;
use super::repeats;
use super::times::Moment;
use super::windows;
use chrono::{LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// The most zones that a calendar brings.
const MOST_ZONES: usize = 200;

/// The most rules of one; those that tell the past year by year have a hundred.
const MOST_RULES: usize = 300;

/// The furthest that a clock is from UTC: no zone has 15 hours.
const FURTHEST_S: i32 = 15 * 3_600;

/// A clock on a wall.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// The IANA's.
    Known(Tz),
    /// The calendar's own: from when on, by the clock before, how many seconds it is ahead of UTC; and how many before the first.
    Own(Vec<(NaiveDateTime, i32)>, i32),
}

impl Zone {
    /// The moment by UTC.
    pub(super) fn utc(&self, at: NaiveDateTime) -> NaiveDateTime {
        match self {
            Zone::Known(zone) => match zone.from_local_datetime(&at) {
                LocalResult::Single(found) | LocalResult::Ambiguous(found, _) => found.naive_utc(),
                LocalResult::None => {
                    // A jump is an hour, most of the time; once it was a day.
                    let before = [3, 30].into_iter().find_map(|hours| {
                        let before = at.checked_sub_signed(TimeDelta::hours(hours))?;
                        zone.from_local_datetime(&before).earliest()
                    });
                    ahead(at, before.map_or(0, |before| before.offset().fix().local_minus_utc()))
                }
            },
            Zone::Own(changes, first) => {
                let known = changes.partition_point(|(from, _)| *from <= at);
                let by = known.checked_sub(1).and_then(|last| changes.get(last));
                ahead(at, by.map_or(*first, |(_, by)| *by))
            }
        }
    }

    /// What the clock shows at a moment by UTC.
    pub(super) fn local(&self, utc: NaiveDateTime) -> NaiveDateTime {
        match self {
            Zone::Known(zone) => zone.from_utc_datetime(&utc).naive_local(),
            Zone::Own(changes, first) => {
                let mut by = *first;
                for (from, to) in changes {
                    if utc < ahead(*from, by) {
                        break;
                    }
                    by = *to;
                }
                ahead(utc, -by)
            }
        }
    }
}

/// What UTC is when a clock that is so many seconds ahead of it shows this.
fn ahead(at: NaiveDateTime, seconds: i32) -> NaiveDateTime {
    at.checked_sub_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(at)
}

/// The zones of a calendar.
pub(super) struct Zones {
    /// Of what names none.
    floating: Zone,
    own: BTreeMap<String, Zone>,
}

impl Zones {
    pub(super) fn new(floating: Tz) -> Zones {
        Zones { floating: Zone::Known(floating), own: BTreeMap::new() }
    }

    /// The calendar says by which clock it is as a whole.
    pub(super) fn calendar_is_in(&mut self, name: &str) {
        if let Some(zone) = known(name) {
            self.floating = Zone::Known(zone);
        }
    }

    /// One that the calendar brings.
    pub(super) fn add(&mut self, draft: Draft, until: NaiveDateTime) {
        let Some(name) = draft.name.clone() else { return };
        if self.own.len() < MOST_ZONES
            && known(&name).is_none()
            && let Some(zone) = draft.zone(until)
        {
            self.own.insert(name, zone);
        }
    }

    /// That of a moment. One that nobody knows is that of whoever looks.
    pub(super) fn of(&self, moment: &Moment) -> Zone {
        match moment {
            Moment::Utc(_) => Zone::Known(Tz::UTC),
            Moment::Local(_, Some(name)) => match (known(name), self.own.get(name)) {
                (Some(zone), _) => Zone::Known(zone),
                (None, Some(own)) => own.clone(),
                (None, None) => self.floating.clone(),
            },
            Moment::Day(_) | Moment::Local(_, None) => self.floating.clone(),
        }
    }

    /// A moment by UTC.
    pub(super) fn utc(&self, moment: &Moment) -> NaiveDateTime {
        self.of(moment).utc(moment.written())
    }
}

/// By its name, with what some programs put before it: `/freeassociation.sourceforge.net/Europe/Paris`.
fn known(name: &str) -> Option<Tz> {
    let name = name.trim();
    let mut rest = name;
    loop {
        if let Ok(zone) = rest.parse() {
            return Some(zone);
        }
        match rest.split_once('/') {
            Some((_, after)) => rest = after,
            None => break,
        }
    }
    windows::iana(name)?.parse().ok()
}

/// A zone that is being read.
#[derive(Default)]
pub(super) struct Draft {
    name: Option<String>,
    known: Option<Tz>,
    rules: Vec<Rule>,
}

/// When clocks change, and to what.
#[derive(Default)]
struct Rule {
    from: Option<NaiveDateTime>,
    before: i32,
    to: i32,
    repeats: Option<String>,
    dates: Vec<NaiveDateTime>,
}

impl Draft {
    /// A line of the zone itself.
    pub(super) fn line(&mut self, line: &Line) {
        match line.name.as_str() {
            "TZID" => self.name = Some(line.value.trim().to_owned()),
            "X-LIC-LOCATION" => self.known = known(&line.value),
            _ => {}
        }
    }

    /// A rule begins.
    pub(super) fn rule(&mut self) {
        if self.rules.len() < MOST_RULES {
            self.rules.push(Rule::default());
        }
    }

    /// A line of the last rule.
    pub(super) fn line_of_rule(&mut self, line: &Line) {
        let Some(rule) = self.rules.last_mut() else { return };
        let moment = |value| Moment::read(value, None).map(|moment| moment.written());
        match line.name.as_str() {
            "DTSTART" => rule.from = moment(&line.value),
            "TZOFFSETFROM" => rule.before = offset(&line.value).unwrap_or(0),
            "TZOFFSETTO" => rule.to = offset(&line.value).unwrap_or(0),
            "RRULE" => rule.repeats = Some(line.value.clone()),
            "RDATE" => rule.dates.extend(line.value.split(',').take(MOST_RULES).filter_map(moment)),
            _ => {}
        }
    }

    fn zone(self, until: NaiveDateTime) -> Option<Zone> {
        if let Some(known) = self.known {
            return Some(Zone::Known(known));
        }
        let first = self.rules.iter().min_by_key(|rule| rule.from)?.before;
        let mut changes = Vec::new();
        for Rule { from, before, to, repeats, dates } in self.rules {
            let Some(from) = from else { continue };
            let own = Zone::Own(Vec::new(), before);
            let repeated = repeats.and_then(|rule| {
                repeats::starts(
                    &rule,
                    from,
                    &own,
                    (NaiveDateTime::MIN, until),
                    &mut MOST_CHANGES.clone(),
                )
            });
            let all = [from].into_iter().chain(repeated.into_iter().flatten()).chain(dates);
            changes.extend(all.map(|at| (at, to)));
        }
        changes.sort_unstable();
        changes.dedup();
        Some(Zone::Own(changes, first))
    }
}

/// The most changes of one rule that are looked at: twice a year since 1601, as Outlook begins.
const MOST_CHANGES: u32 = 1_000;

/// Seconds ahead of UTC, written `+0100` or `-053045` (RFC 5545, 3.3.14).
fn offset(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let of =
        |from: usize| digits.get(from..from + 2).map_or(Some(0), |two| two.parse::<i32>().ok());
    let seconds = sign * (of(0)? * 3_600 + of(2)? * 60 + of(4)?);
    (seconds.abs() <= FURTHEST_S).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines;
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn moment(value: &str, zone: &str) -> Moment {
        Moment::read(value, Some(zone)).unwrap()
    }

    #[test]
    fn zones_are_known_by_the_ianas_names_and_by_those_of_windows() {
        let zones = Zones::new(Tz::UTC);
        for name in [
            "Europe/Paris",
            "Romance Standard Time",
            "/freeassociation.sourceforge.net/Europe/Paris",
            "/mozilla.org/20050126_1/Europe/Paris",
        ] {
            let winter = zones.utc(&moment("20261130T090000", name));
            let summer = zones.utc(&moment("20260730T090000", name));
            assert_eq!(
                (winter, summer),
                (at("2026-11-30 08:00"), at("2026-07-30 07:00")),
                "{name}"
            );
        }
    }

    #[test]
    fn what_names_no_zone_or_an_unknown_one_is_by_the_clock_of_whoever_looks() {
        let mut zones = Zones::new(Tz::Asia__Tokyo);
        assert_eq!(zones.utc(&moment("20261130T090000", "Nowhere")), at("2026-11-30 00:00"));
        let day = Moment::read("20261130", None).unwrap();
        assert_eq!(zones.utc(&day), at("2026-11-29 15:00"));
        zones.calendar_is_in("Europe/London");
        assert_eq!(zones.utc(&day), at("2026-11-30 00:00"));
        zones.calendar_is_in("Nowhere");
        assert_eq!(zones.utc(&day), at("2026-11-30 00:00"));
    }

    #[test]
    fn a_time_that_is_left_out_is_read_as_before_the_jump_and_one_that_comes_twice_is_the_first() {
        let paris = Zone::Known(Tz::Europe__Paris);
        assert_eq!(paris.utc(at("2026-03-29 02:30")), at("2026-03-29 01:30"));
        assert_eq!(paris.utc(at("2026-10-25 02:30")), at("2026-10-25 00:30"));
        // Samoa left out a day.
        let apia = Zone::Known(Tz::Pacific__Apia);
        assert_eq!(apia.utc(at("2011-12-30 12:00")), at("2011-12-30 22:00"));
    }

    /// As Outlook writes one that it calls by a name of its own.
    const OUTLOOK: &str = "TZID:Our own\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
        RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\n\
        TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\n";

    fn draft(text: &str) -> Draft {
        let mut draft = Draft::default();
        let mut inside = false;
        for line in lines(text.as_bytes()) {
            match (line.name.as_str(), inside) {
                ("BEGIN", _) => {
                    inside = true;
                    draft.rule();
                }
                ("END", _) => inside = false,
                (_, true) => draft.line_of_rule(&line),
                (_, false) => draft.line(&line),
            }
        }
        draft
    }

    #[test]
    fn a_zone_that_only_the_calendar_knows_follows_its_rules() {
        let mut zones = Zones::new(Tz::UTC);
        zones.add(draft(OUTLOOK), at("2027-01-01 00:00"));
        let paris = Zone::Known(Tz::Europe__Paris);
        for text in ["2026-11-30 09:00", "2026-07-30 09:00", "2026-03-29 04:00", "2026-03-28 01:00"]
        {
            let Moment::Local(..) = moment("20261130T090000", "Our own") else { panic!() };
            let own = zones.of(&moment("20261130T090000", "Our own"));
            assert_eq!(own.utc(at(text)), paris.utc(at(text)), "{text}");
            assert_eq!(own.local(paris.utc(at(text))), at(text), "{text}");
        }
    }

    #[test]
    fn lies_about_zones_do_no_harm() {
        for text in [
            "TZID:X\n",
            "TZID:X\nBEGIN:STANDARD\nEND:STANDARD\n",
            "TZID:X\nBEGIN:STANDARD\nDTSTART:99991231T235959\nTZOFFSETFROM:+9999\nTZOFFSETTO:-0é\nRRULE:FREQ=SECONDLY\n",
            "TZID:X\nBEGIN:STANDARD\nDTSTART:00010101T000000\nTZOFFSETTO:+1400\nRRULE:FREQ=DAILY\nRDATE:,,x,20260101\n",
        ] {
            let mut zones = Zones::new(Tz::UTC);
            zones.add(draft(text), at("2027-01-01 00:00"));
            zones.utc(&moment("20261130T090000", "X"));
        }
        assert_eq!(offset("+0530"), Some(19_800));
        assert_eq!(offset("-033045"), Some(-12_645));
        assert_eq!(
            (offset("0100"), offset("+1600"), offset(""), offset("é")),
            (None, None, None, None)
        );
    }
}
