//! How much rooms and meeting rooms were used, out of the records of calls.

use conclave_types::{DisplayName, OrganisationId, PersonId, RoomId, UnixTime, VmrNumber};

/// A span of time; it ends before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub from: UnixTime,
    /// When it is over.
    pub until: UnixTime,
}

/// How often and how long. A call counts with what of it lies within the span; one that goes on, until the span's end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Calls.
    pub calls: u64,
    /// Seconds in calls.
    pub seconds: u64,
}

/// How many calls were looked at when they had ended, and how many of these were good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Looked at.
    pub calls: u64,
    /// Good.
    pub good: u64,
}

/// How much an organisation's rooms and meeting rooms were used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// All calls.
    pub all: Amount,
    /// By room, with a name that it had; the longest first.
    pub rooms: Vec<(RoomId, DisplayName, Amount, Judged)>,
    /// By whoever had called meetings, and how many of these took place; the longest first.
    pub people: Vec<(PersonId, u64, Amount)>,
    /// By meeting room; `None`: meetings that somebody else had called, all together.
    pub vmrs: Vec<(Option<(VmrNumber, DisplayName)>, Amount)>,
    /// By the day on which calls began, counted from 1970-01-01; days without any are not there.
    pub days: Vec<(i64, Amount)>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Whose.
    pub organisation: OrganisationId,
    /// When.
    pub span: Span,
    /// How far the clock by which days begin is ahead of UTC, in seconds.
    pub ahead_s: i32,
    /// The most lines of each.
    pub most: u32,
}
