//! The meetings that the room is invited to, as the cloud told them last; and which of them are today's.

use conclave_link_protocol::message::AgendaEntry;
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

/// The meetings that the room is invited to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda(Vec<AgendaEntry>);

impl Agenda {
    pub(crate) fn of(mut entries: Vec<AgendaEntry>) -> Agenda {
        entries.truncate(MOST);
        entries.sort_by_key(|entry| entry.starts_at);
        Agenda(entries)
    }

    pub(crate) fn has(&self, number: &VmrNumber) -> bool {
        self.0.iter().any(|entry| entry.number == *number)
    }

    pub(crate) fn title(&self, number: &VmrNumber) -> Option<DisplayName> {
        self.0.iter().find(|entry| entry.number == *number).map(|entry| entry.title.clone())
    }

    /// Today's that are not over.
    pub(crate) fn today(&self, time: &LocalTime) -> Vec<Meeting> {
        let today = self
            .0
            .iter()
            .filter(|entry| entry.ends_at > time.at && entry.starts_at < time.day_ends);
        today
            .map(|entry| Meeting {
                number: entry.number.clone(),
                title: entry.title.clone(),
                starts_at: entry.starts_at,
                ends_at: entry.ends_at,
                organiser: entry.organiser.clone(),
                now: entry.starts_at <= time.at,
            })
            .collect()
    }
}

#[cfg(test)]
#[path = "agenda_tests.rs"]
mod tests;
