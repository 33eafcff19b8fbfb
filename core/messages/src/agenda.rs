//! The meetings that a room is invited to.
//!
//! The cloud sends [`crate::CloudEvent::Agenda`] after its welcome, unless there are none, and again whenever the list
//! changes. Each welcome begins with an empty one. Which of them are today's is for the room to say: it knows its zone.

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
