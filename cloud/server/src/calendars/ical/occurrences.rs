//! When a room is taken: the meetings of a calendar, each time that they take place, within a window.

use super::events::{Contents, Event};
use super::times::{Moment, between};
use super::zones::Zones;
use super::{MOST_STEPS, MOST_TAKEN, TakenTime, Unreadable, repeats};
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use conclave_types::{TimeZone, UnixTime};
use std::collections::{BTreeMap, BTreeSet};

/// From when until when somebody wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// What ends later than this.
    pub from: UnixTime,
    /// What begins earlier than this.
    pub until: UnixTime,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Within {
    /// The times, by their beginning.
    pub taken: Vec<TakenTime>,
    /// How many meetings were not understood.
    pub unread: u32,
}

/// Looks into a calendar, or into the pieces of one. `zone` is the clock of whoever looks. `goes_on` is asked before each meeting;
/// once it says no, nothing more is looked at.
///
/// # Errors
/// It is no calendar, or more than is taken. One of several pieces that is none is counted.
pub fn within(
    pieces: &[impl AsRef<[u8]>],
    zone: Option<&TimeZone>,
    window: Window,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Within, Unreadable> {
    let zone = zone.and_then(|zone| zone.as_str().parse().ok()).unwrap_or(Tz::UTC);
    let span = (naive(window.from), naive(window.until));
    let (_, latest) = repeats::widened(span, TimeDelta::zero());
    let mut contents = Contents::new(zone);
    for piece in pieces {
        match contents.read(piece.as_ref(), latest) {
            Err(Unreadable::NoCalendar | Unreadable::Cut) if pieces.len() > 1 => {
                contents.unread = contents.unread.saturating_add(1);
            }
            read => read?,
        }
    }
    let mut found =
        Finding { span, steps: MOST_STEPS, within: Within::default(), seen: BTreeSet::new() };
    found.within.unread = contents.unread;
    found.all(&contents, goes_on)?;
    let Within { mut taken, unread } = found.within;
    taken.sort_by_key(|each| (each.starts_at, each.ends_at));
    Ok(Within { taken, unread })
}

/// Which ones of which series are otherwise than the others, by when they would begin; how often the last word was changed.
type Otherwise<'a> = BTreeMap<(&'a str, NaiveDateTime), u32>;

struct Finding {
    span: (NaiveDateTime, NaiveDateTime),
    steps: u32,
    within: Within,
    /// So that what stands in a calendar twice takes a time once.
    seen: BTreeSet<(String, NaiveDateTime)>,
}

impl Finding {
    fn all(
        &mut self,
        Contents { events, zones, .. }: &Contents,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), Unreadable> {
        // Of two about the same time the later one counts.
        let mut otherwise = Otherwise::new();
        for event in events {
            if let Some(instead_of) = &event.instead_of {
                let newest = otherwise.entry((&event.uid, zones.utc(instead_of))).or_default();
                *newest = (*newest).max(event.sequence);
            }
        }
        for event in events {
            if !goes_on() || self.steps == 0 {
                return Err(Unreadable::TooSlow);
            }
            match &event.instead_of {
                Some(instead_of) => {
                    let newest = otherwise.get(&(event.uid.as_str(), zones.utc(instead_of)));
                    if newest.is_none_or(|newest| *newest == event.sequence) {
                        self.one(event, zones);
                    }
                }
                None => self.series(event, zones, &otherwise),
            }
        }
        Ok(())
    }

    /// One of a series that is otherwise, or one that stands for itself.
    fn one(&mut self, event: &Event, zones: &Zones) {
        let Some(start) = event.start.as_ref().or(event.instead_of.as_ref()) else { return };
        let (utc, lasts) = (zones.utc(start), self::lasts(event, start, zones));
        self.take(event, zones, start, utc, lasts);
    }

    fn series(&mut self, event: &Event, zones: &Zones, otherwise: &Otherwise<'_>) {
        let Some(start) = &event.start else { return };
        let lasts = lasts(event, start, zones);
        let zone = zones.of(start);
        let first = start.written();
        let span = repeats::widened(self.span, lasts);
        let mut starts = BTreeSet::from([first]);
        for rule in &event.rules {
            match repeats::starts(rule, first, &zone, span, &mut self.steps) {
                Some(more) => starts.extend(more),
                None => self.within.unread = self.within.unread.saturating_add(1),
            }
        }
        let more = event.more.iter().map(|at| match at {
            Moment::Day(_) => at.written(),
            at => zone.local(zones.utc(at)),
        });
        starts.extend(more);
        let days: BTreeSet<_> = event
            .but
            .iter()
            .filter_map(|at| if let Moment::Day(day) = at { Some(*day) } else { None })
            .collect();
        let but = event.but.iter().filter(|at| !matches!(at, Moment::Day(_)));
        let but: BTreeSet<_> = but.map(|at| zones.utc(at)).collect();
        for local in starts {
            if local < span.0 || local > span.1 {
                continue;
            }
            let utc = zone.utc(local);
            let gone = but.contains(&utc)
                || days.contains(&local.date())
                || otherwise.contains_key(&(event.uid.as_str(), utc));
            if !gone {
                self.take(event, zones, start, utc, lasts);
            }
        }
    }

    fn take(
        &mut self,
        event: &Event,
        zones: &Zones,
        start: &Moment,
        utc: NaiveDateTime,
        lasts: TimeDelta,
    ) {
        if event.off || event.free {
            return;
        }
        let end = match start {
            // Days by the clock on the wall, however long they are.
            Moment::Day(_) => {
                let zone = zones.of(start);
                zone.local(utc).checked_add_signed(lasts).map(|end| zone.utc(end))
            }
            _ => utc.checked_add_signed(lasts),
        };
        let Some(end) = end.filter(|end| *end > utc) else { return };
        let (from, until) = self.span;
        if end <= from || utc >= until || self.within.taken.len() >= MOST_TAKEN {
            return;
        }
        if self.seen.insert((event.uid.clone(), utc)) {
            self.within.taken.push(TakenTime {
                starts_at: unix(utc),
                ends_at: unix(end),
                title: event.title(),
                number: event.number(),
                invitation: event.invitation(),
            });
        }
    }
}

/// How long one takes (RFC 5545, 3.6.1): until its end, for so long, a day when it has only days, nothing otherwise.
fn lasts(event: &Event, start: &Moment, zones: &Zones) -> TimeDelta {
    match (&event.end, event.lasts, start) {
        (Some(Moment::Day(end)), _, Moment::Day(start)) => {
            between(start.and_time(chrono::NaiveTime::MIN), end.and_time(chrono::NaiveTime::MIN))
                .max(TimeDelta::days(1))
        }
        (Some(end), _, start) => between(zones.utc(start), zones.utc(end)),
        (None, Some(lasts), _) => lasts,
        (None, None, Moment::Day(_)) => TimeDelta::days(1),
        (None, None, _) => TimeDelta::zero(),
    }
}

fn naive(at: UnixTime) -> NaiveDateTime {
    let seconds = i64::try_from(at.0).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, 0).map_or(NaiveDateTime::MAX, |at| at.naive_utc())
}

fn unix(at: NaiveDateTime) -> UnixTime {
    UnixTime(u64::try_from(at.and_utc().timestamp()).unwrap_or(0))
}

#[cfg(test)]
#[path = "occurrences_tests.rs"]
mod tests;
