//! The meetings that the room is invited to and the times that its calendar takes, as the cloud told them last; and which of them
//! are today's.

use conclave_link_protocol::message::{AgendaEntry, CalendarEntry};
use conclave_panel_api::Meeting;
use conclave_types::{DisplayName, UnixTime, VmrNumber};

/// The most that are kept, whatever a cloud sends: more than a panel can list.
const MOST: usize = 100;

/// The time in the room, by its zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LocalTime {
    /// 0 to 23.
    pub hours: u8,
    /// 0 to 59.
    pub minutes: u8,
    /// The same moment for everybody.
    pub at: UnixTime,
    /// When the day is over.
    pub day_ends: UnixTime,
}

impl LocalTime {
    /// Minutes since midnight by the clock on the wall, 0 to 1,439.
    pub fn minute(&self) -> u16 {
        u16::from(self.hours) * 60 + u16::from(self.minutes)
    }
}

/// The meetings that the room is invited to, and its calendar.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    meetings: Vec<AgendaEntry>,
    calendar: Vec<CalendarEntry>,
}

impl Agenda {
    pub(crate) fn meetings_are(&mut self, mut entries: Vec<AgendaEntry>) {
        entries.truncate(MOST);
        self.meetings = entries;
    }

    pub(crate) fn calendar_is(&mut self, mut entries: Vec<CalendarEntry>) {
        entries.truncate(MOST);
        self.calendar = entries;
    }

    pub(crate) fn has(&self, number: &VmrNumber) -> bool {
        self.meetings.iter().any(|entry| entry.number == *number)
            || self.calendar.iter().any(|entry| entry.number.as_ref() == Some(number))
    }

    pub(crate) fn title(&self, number: &VmrNumber) -> Option<DisplayName> {
        let meeting = self.meetings.iter().find(|entry| entry.number == *number);
        meeting.map(|entry| entry.title.clone())
    }

    /// Today's that are not over, by their beginning.
    pub(crate) fn today(&self, time: &LocalTime) -> Vec<Meeting> {
        let meetings = self.meetings.iter().map(|entry| Meeting {
            number: Some(entry.number.clone()),
            title: Some(entry.title.clone()),
            starts_at: entry.starts_at,
            ends_at: entry.ends_at,
            organiser: entry.organiser.clone(),
            now: entry.starts_at <= time.at,
        });
        let calendar = self.calendar.iter().map(|entry| Meeting {
            number: entry.number.clone(),
            title: entry.title.clone(),
            starts_at: entry.starts_at,
            ends_at: entry.ends_at,
            organiser: None,
            now: entry.starts_at <= time.at,
        });
        let mut today: Vec<_> = meetings
            .chain(calendar)
            .filter(|each| each.ends_at > time.at && each.starts_at < time.day_ends)
            .collect();
        today.sort_by_key(|each| each.starts_at);
        today
    }
}

#[cfg(test)]
#[path = "agenda_tests.rs"]
mod tests;
