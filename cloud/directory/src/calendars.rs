//! The calendars of rooms: where each is, sealed. What stands in them is nowhere but in them.

use crate::repository::StoreError;
use conclave_types::{RoomId, UnixTime};
use std::fmt;

/// Where a room's calendar is.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomCalendar {
    /// Whose it is; a room has one at most.
    pub room: RoomId,
    /// Where it is and what lets somebody in, sealed by whoever keeps it.
    pub sealed: Vec<u8>,
    /// Since when it is this one.
    pub set_at: UnixTime,
}

impl fmt::Debug for RoomCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomCalendar({}, {:?})", self.room, self.set_at)
    }
}

/// The calendars of rooms. One goes with its room.
pub trait Calendars {
    /// All of them.
    fn calendars(&self) -> Result<Vec<RoomCalendar>, StoreError>;
    /// Keeps one in the place of the one before. `false` when the room is not there.
    fn keep_calendar(&mut self, calendar: &RoomCalendar) -> Result<bool, StoreError>;
    /// Forgets one. `false` when there is none.
    fn remove_calendar(&mut self, room: RoomId) -> Result<bool, StoreError>;
}
