//! What is said of calendars: how one is asked for, what takes a room, why one cannot be read.

use super::Unreadable;
use conclave_types::{DisplayName, UnixTime, VmrId, VmrNumber};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a calendar is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalendarKind {
    /// A file that is published at an address.
    Feed,
    /// A collection of a CalDAV server (RFC 4791).
    Caldav,
}

impl CalendarKind {
    /// What people call it.
    pub fn words(self) -> &'static str {
        match self {
            CalendarKind::Feed => "iCalendar feed",
            CalendarKind::Caldav => "CalDAV",
        }
    }
}

/// A time when a room is taken, by its calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenTime {
    /// From when.
    pub starts_at: UnixTime,
    /// Until when; later than that.
    pub ends_at: UnixTime,
    /// What for; `None` when that is nobody's business, or not said.
    pub title: Option<DisplayName>,
    /// A number of Conclave's that stands in it, whatever it is worth.
    pub number: Option<VmrNumber>,
    /// The meeting whose invitation by the cloud it is.
    pub invitation: Option<VmrId>,
}

/// Why a calendar could not be read; what people are told by it tells them what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum CalendarTrouble {
    /// Nobody knows the host.
    #[error("nobody knows the host: look whether the address is right")]
    NoHost,
    /// The operator's configuration keeps from it.
    #[error(
        "this cloud may not ask that host: its operator can allow it ([outgoing] in cloud.toml)"
    )]
    NotAllowed,
    /// The host takes no connection.
    #[error(
        "the server takes no connection: look whether it runs, and whether a firewall is between"
    )]
    NoConnection,
    /// The host does not show that it is who it is named.
    #[error(
        "the server's certificate is not trusted ({detail}): its operator can add its CA ([outgoing] roots in cloud.toml)"
    )]
    Certificate {
        /// What is wrong with it.
        detail: String,
    },
    /// The host says nothing that is understood.
    #[error("the server gives no answer that can be understood ({detail})")]
    NoAnswer {
        /// What went wrong.
        detail: String,
    },
    /// It took too long.
    #[error("the server is too slow: it is asked again later")]
    Slow,
    /// It is larger than is taken.
    #[error("the calendar is too large: publish fewer days of it")]
    TooLarge,
    /// It is elsewhere now.
    #[error("the calendar has moved: set the address that the server names now")]
    Moved,
    /// The server wants another user, or another password.
    #[error("the server does not let this user in: look whether user and password are right")]
    NotLetIn,
    /// There is no calendar at the address.
    #[error("there is no calendar at this address: set the one that is published now")]
    Gone,
    /// The server refuses.
    #[error("the server answers with {status}: it is asked again later")]
    Status {
        /// Its status (RFC 9110, 15).
        status: u16,
    },
    /// There is something else at the address.
    #[error("what is at this address is no calendar: set the address of the iCalendar file (.ics)")]
    NoCalendar,
    /// There is a server at the address that speaks no CalDAV.
    #[error("what is at this address is no CalDAV collection: set the calendar's own address")]
    NoCaldav,
    /// The file breaks off.
    #[error("the calendar breaks off before its end: it is asked for again later")]
    Cut,
    /// It has too many meetings, or such that repeat without end.
    #[error("the calendar has more meetings than are read: publish fewer days of it")]
    TooMany,
    /// It is sealed with a key that is not there any more.
    #[error("the address cannot be opened with the cloud's key: set the calendar again")]
    Sealed,
}

impl From<Unreadable> for CalendarTrouble {
    fn from(unreadable: Unreadable) -> CalendarTrouble {
        match unreadable {
            Unreadable::NoCalendar => CalendarTrouble::NoCalendar,
            Unreadable::Cut => CalendarTrouble::Cut,
            Unreadable::TooMany | Unreadable::TooSlow => CalendarTrouble::TooMany,
        }
    }
}
