//! The meetings that a room is invited to, and the times that its calendar takes.
//!
//! The cloud sends [`crate::CloudEvent::Agenda`] after its welcome, unless there are none, and again whenever the list
//! changes; so it does with [`crate::CloudEvent::Calendar`]. Each welcome begins with empty lists. Which of them are today's is
//! for the room to say: it knows its zone.

use conclave_types::{DisplayName, UnixTime, VmrNumber};
use serde::{Deserialize, Serialize};

/// A meeting that a room is invited to. It is let in without a PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgendaEntry {
    /// What to dial.
    pub number: VmrNumber,
    /// What it is called.
    pub title: DisplayName,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// Who called it, by name.
    #[serde(default)]
    pub organiser: Option<DisplayName>,
}

/// A time that the room's own calendar takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEntry {
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// What for; `None` when that is nobody's business, or not said.
    #[serde(default)]
    pub title: Option<DisplayName>,
    /// What to dial; `None`: there is nothing to join. A PIN is asked for as of any number.
    #[serde(default)]
    pub number: Option<VmrNumber>,
}
