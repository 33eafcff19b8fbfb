//! The lobby: what whoever waits is told, and whoever may let them in.

use conclave_types::{CallId, DisplayName, ParticipantId};
use serde::{Deserialize, Serialize};

/// The body of [`Response::InLobby`](crate::Response::InLobby).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InLobby {
    /// By which call the room waits; the same that it is in by later.
    pub call: CallId,
    /// The meeting room's name.
    pub name: DisplayName,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// What they will be in the meeting.
    pub participant: ParticipantId,
    /// Their name.
    pub name: DisplayName,
}

/// Why whoever waited is not in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwayReason {
    /// Somebody turned them away.
    TurnedAway,
    /// Nobody let them in for too long.
    NobodyCame,
    /// The meeting is over, or its meeting room was removed.
    Ended,
    /// They were let in, and the cloud could not carry the call.
    Busy,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

/// Why not all were let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum NotLetIn {
    /// There are no more seats; who is left waits on.
    Full {
        /// How many there are.
        capacity: u32,
    },
    /// This room is not in that call, or may not let others in.
    MayNot,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}
