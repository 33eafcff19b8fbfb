//! Factory resets: asked for in the room or in the cloud, and what came of them.
//!
//! In the room:
//! 1. An administrator has the cloud make a code and tells it to whoever stands at the panel.
//! 2. The panel's pad takes it, and the room asks with [`crate::RoomRequest::MayReset`]. The answer
//!    is [`crate::Response::MayReset`] with the reset's number, or [`crate::Response::MayNotReset`].
//! 3. The person confirms. The room erases what it keeps and tells what it did with
//!    [`crate::RoomRequest::ResetDone`]: the cloud notes it and revokes the room's certificate.
//!
//! In the cloud: an administrator orders it, and the room hears [`crate::CloudEvent::Reset`] at once or
//! with its next link, and again with each one until it is done; then as in step 3.

use conclave_types::ResetNumber;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a room may not be reset with this code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum ResetRefusal {
    /// It is not the code.
    WrongCode {
        /// Further tries before the code is worth nothing.
        tries_left: u8,
    },
    /// No code is good for this room: none was made, or it is too old, or used, or was tried too often.
    NoCode,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

/// What a reset came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetReport {
    /// Which reset.
    pub number: ResetNumber,
    /// What became of what the room kept.
    pub outcome: ResetOutcome,
}

/// What became of what a room kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetOutcome {
    /// Header and key slots of its encrypted partition are overwritten, and the key that lies on a
    /// board without a TPM.
    PartitionErased,
    /// The content of its data folder is overwritten and removed: a room that is not an image.
    FolderErased,
    /// It could not be erased; what it kept may be there in whole or in part.
    NotErased,
    /// An outcome that this build does not know.
    #[serde(other)]
    Other,
}

impl fmt::Display for ResetOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResetOutcome::PartitionErased => "the keys of its data partition",
            ResetOutcome::FolderErased => "the content of its data folder",
            ResetOutcome::NotErased => "nothing for certain: it could not be erased",
            ResetOutcome::Other => "what this build does not know",
        })
    }
}
