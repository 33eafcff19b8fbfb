//! How much rooms and meeting rooms were used.

use super::Switchboard;
use super::admin::Answered;
use super::refused::Refused;
use crate::control::{ControlAnswer, DayLine, RefusalCode, UsageLine, UsedLine};
use conclave_directory::usage::{Amount, Judged, Span, Usage, Wanted};
use conclave_types::{DisplayName, OrganisationId, PersonId};
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time that is looked at: a year, and the day on which it ends.
const LONGEST: Duration = Duration::from_secs(367 * 86_400);

/// The most lines of each kind.
const MOST: u32 = 1_000;

/// Clocks are at most so far ahead of UTC, or behind it.
const FURTHEST_AHEAD_S: u32 = 15 * 3_600;

impl Switchboard {
    pub(super) fn usage(&self, whose: OrganisationId, span: Span, ahead_s: i32) -> Answered {
        let Span { from, until } = span;
        if until <= from || from.until(until) > LONGEST || ahead_s.unsigned_abs() > FURTHEST_AHEAD_S
        {
            return Err(Refused::with(
                RefusalCode::Span,
                "the time to look at ends after it begins, and is a year at most",
            ));
        }
        // What has not been does not count.
        let span = Span { from, until: until.min(self.wall.max(from)) };
        let wanted = Wanted { organisation: whose, span, ahead_s, most: MOST };
        let Usage { all, rooms, people, vmrs, days } =
            self.parts.directory.usage(wanted, self.sight())?;
        let rooms = rooms.into_iter().map(|(id, name, amount, Judged { calls, good })| {
            let name = self.roster.get(id).map_or(name, |room| room.name.clone());
            let (judged, good) = (Some(calls), Some(good));
            UsedLine { room: Some(id), judged, good, ..used(Some(name), amount) }
        });
        let named: BTreeMap<PersonId, DisplayName> = match people.is_empty() {
            true => BTreeMap::new(),
            false => {
                let all = self.parts.directory.people(whose)?.into_iter();
                all.map(|person| (person.id, person.name)).collect()
            }
        };
        let people = people.into_iter().map(|(id, meetings, amount)| UsedLine {
            person: Some(id),
            meetings: Some(meetings),
            ..used(named.get(&id).cloned(), amount)
        });
        let vmrs = vmrs.into_iter().map(|(which, amount)| match which {
            Some((number, name)) => UsedLine { number: Some(number), ..used(Some(name), amount) },
            None => used(None, amount),
        });
        let days = days.into_iter().map(|(day, Amount { calls, seconds })| DayLine {
            day: written(day),
            calls,
            seconds,
        });
        let usage = UsageLine {
            from,
            until,
            calls: all.calls,
            seconds: all.seconds,
            rooms: rooms.collect(),
            people: people.collect(),
            vmrs: vmrs.collect(),
            days: days.collect(),
        };
        Ok(ControlAnswer::Usage { usage: Box::new(usage) })
    }
}

fn used(name: Option<DisplayName>, amount: Amount) -> UsedLine {
    let Amount { calls, seconds } = amount;
    UsedLine {
        name,
        number: None,
        room: None,
        person: None,
        meetings: None,
        calls,
        seconds,
        judged: None,
        good: None,
    }
}

/// A day, counted from 1970-01-01.
fn written(day: i64) -> String {
    let moment = day.checked_mul(86_400).map(time::OffsetDateTime::from_unix_timestamp);
    moment.and_then(Result::ok).map_or_else(|| "?".to_owned(), |moment| moment.date().to_string())
}
