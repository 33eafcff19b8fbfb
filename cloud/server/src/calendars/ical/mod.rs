//! What stands in an iCalendar file (RFC 5545) for the next days.
//!
//! ```text
//! octets ──> lines ──> events, zones ──> occurrences within a window
//! ```
//!
//! All of that is pure and bounded: octets by whoever brings them, meetings by [`MOST_EVENTS`], what repeats by [`MOST_STEPS`]. A
//! meeting that is not understood is counted and does not hide the others; what is no calendar, or half of one, is refused as a
//! whole. `caldav` has the words of CalDAV (RFC 4791), which carries such files. The fuzz target `calendars` is of this module.

pub mod caldav;
mod events;
mod lines;
mod numbers;
mod occurrences;
mod repeats;
mod times;
mod windows;
mod words;
mod zones;

pub use occurrences::{Window, Within, within};
pub use words::{CalendarKind, CalendarTrouble, TakenTime};

/// The most meetings that stand in one; a room that is booked each hour has ten thousand in four years.
pub const MOST_EVENTS: usize = 10_000;

/// The most beginnings of what repeats that are looked at, of all meetings together: twenty meetings a day, each day since 1998.
/// Raised, a calendar keeps a thread busy for longer.
pub const MOST_STEPS: u32 = 200_000;

/// The most times that are taken out of one; the rest is left out. One each half an hour for two weeks is 670.
pub const MOST_TAKEN: usize = 700;

/// Why something is no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is something else, a page for people perhaps.
    #[error("this is no calendar")]
    NoCalendar,
    /// It breaks off.
    #[error("the calendar breaks off before its end")]
    Cut,
    /// It has more than [`MOST_EVENTS`] meetings.
    #[error("the calendar has more than {MOST_EVENTS} meetings")]
    TooMany,
    /// What repeats in it takes more than is looked at.
    #[error("the calendar takes too long to read")]
    TooSlow,
}
