//! What is said of reading calendars, between whoever decides and whoever reads.

use super::{CalendarKind, CalendarTrouble, TakenTime, Window};
use crate::outgoing::{Trouble, WebAddress};
use conclave_types::{Redacted, RoomId, Secret, TimeZone};
use serde::{Deserialize, Serialize};

/// A calendar with all that is needed to read it. The address of a feed lets in whoever has it, so all of this is kept sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// How it is asked for.
    pub kind: CalendarKind,
    /// Where.
    pub address: WebAddress,
    /// Who asks, where the server wants to know.
    pub user: Option<Redacted<String>>,
    /// Their password there.
    pub password: Option<Secret<String>>,
}

/// By what a server says which state of a calendar it is (an entity tag, or CalDAV's).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(pub String);

/// A calendar that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// Whose it is.
    pub room: RoomId,
    /// Which reading this is: what comes of an earlier one does not count any more.
    pub number: u64,
    /// Where and how.
    pub calendar: Calendar,
    /// The state that is known; `None`: all of it is wanted.
    pub known: Option<Mark>,
    /// The room's clock; UTC when there is none.
    pub zone: Option<TimeZone>,
    /// Which days.
    pub window: Window,
}

/// What came of an errand.
#[derive(Debug)]
pub struct Read {
    /// Whose calendar.
    pub room: RoomId,
    /// Which errand.
    pub number: u64,
    /// What was found.
    pub outcome: Result<Found, CalendarTrouble>,
}

/// What was found in a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing that was not known.
    Unchanged,
    /// All of the days that were asked for.
    All {
        /// When the room is taken, by the beginning.
        taken: Vec<TakenTime>,
        /// How many meetings were not understood.
        unread: u32,
        /// Which state it is.
        mark: Option<Mark>,
    },
}

impl From<Trouble> for CalendarTrouble {
    fn from(trouble: Trouble) -> CalendarTrouble {
        match trouble {
            Trouble::NoHost => CalendarTrouble::NoHost,
            Trouble::NotAllowed => CalendarTrouble::NotAllowed,
            Trouble::NoConnection => CalendarTrouble::NoConnection,
            Trouble::Certificate { why } => CalendarTrouble::Certificate { detail: why },
            Trouble::NoHttp { why } => CalendarTrouble::NoAnswer { detail: why },
            Trouble::Slow { .. } => CalendarTrouble::Slow,
            Trouble::Long { .. } => CalendarTrouble::TooLarge,
        }
    }
}
