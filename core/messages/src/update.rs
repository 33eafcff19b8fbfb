//! Updates of the room's system: offers, the bundle in chunks, and how far a room is.
//!
//! 1. The room tells what it runs with [`crate::RoomEvent::Update`], on each new link and with each
//!    change.
//! 2. The cloud offers a release with [`crate::CloudEvent::Offer`], or takes its offer back with
//!    [`crate::CloudEvent::NoOffer`].
//! 3. The room fetches the bundle over the link it has: [`crate::RoomRequest::Sums`], to see what of it
//!    is there already, then [`crate::RoomRequest::Chunk`]. Both are answered by
//!    [`crate::Response::Chunk`] or [`crate::Response::NoChunk`]. It asks at its own pace.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use conclave_types::{BundleHash, Compatible, MaintenanceWindow, Version};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Octets of a bundle in one chunk at most. In base64 they are 43,692, so that a frame of 64 KiB
/// always holds them; larger ones would hold up a call's messages longer behind them.
pub const LONGEST_CHUNK: u32 = 32 * 1024;

/// One release of the room's system for one kind of board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its version, which its bundle carries too.
    pub version: Version,
    /// The boards that it is made for.
    pub compatible: Compatible,
    /// The bundle's hash.
    pub sha256: BundleHash,
    /// The bundle's length in octets, at least 1.
    pub size: u64,
    /// The security floor: once this release is committed, a room never goes below this version.
    pub floor: Version,
}

/// What a room should run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOffer {
    /// The release.
    pub release: Release,
    /// When the room may fetch, install and restart, by its own clock.
    pub window: MaintenanceWindow,
}

/// A piece of a bundle: at most [`LONGEST_CHUNK`] octets, in base64 on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece(pub Vec<u8>);

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())
    }
}

impl Serialize for Piece {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Piece, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let octets = STANDARD.decode(text).map_err(|_| Error::custom("a piece not in base64"))?;
        if octets.len() > LONGEST_CHUNK as usize {
            return Err(Error::custom("a piece longer than is ever asked for"));
        }
        Ok(Piece(octets))
    }
}

/// Why there is no chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum NoChunk {
    /// Too many rooms fetch at once.
    Busy {
        /// When to ask again, in seconds.
        retry_after_s: u32,
    },
    /// The cloud has no such bundle any more, or it is shorter.
    Gone,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

/// How far a room is with its update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateReport {
    /// What it runs now.
    pub running: Version,
    /// What its board is.
    pub compatible: Compatible,
    /// The version that [`UpdateReport::stage`] is about; `None` when it is about none.
    pub wanted: Option<Version>,
    /// How far it is.
    pub stage: UpdateStage,
}

/// How far a room is.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum UpdateStage {
    /// Nothing was offered, or it is running already.
    Idle,
    /// It waits for its maintenance window, or for people to leave.
    Waiting,
    /// The bundle is on its way.
    Fetching {
        /// 0 to 100.
        percent: u8,
    },
    /// Hash and signature are looked at.
    Checking,
    /// It is written to the other slot.
    Installing {
        /// 0 to 100.
        percent: u8,
    },
    /// It is installed, and the room waits for a moment to restart.
    Ready,
    /// The room restarts.
    Restarting,
    /// The new system runs, and has to show that it works.
    Proving,
    /// The new system works and stays.
    Committed,
    /// Nothing was changed.
    NotInstalled {
        /// Why.
        fault: UpdateFault,
        /// More, for IT, in English.
        detail: String,
    },
    /// The new system did not work; the room runs the old one again.
    FellBack {
        /// Why.
        fault: UpdateFault,
        /// More, for IT, in English.
        detail: String,
    },
    /// A stage that this build does not know.
    #[serde(other)]
    Other,
}

/// What was wrong with an update.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateFault {
    /// It is below the room's security floor.
    BelowFloor,
    /// It is made for another board.
    WrongBoard,
    /// It did not work in this room before.
    TriedBefore,
    /// What came is not what was offered.
    Damaged,
    /// The room's disk did not take it.
    Disk,
    /// The room's installer refused it: its signature, most likely.
    Refused,
    /// Installing broke off.
    Installing,
    /// The new system drew no panel.
    Panel,
    /// The new system's camera gave no pictures.
    Camera,
    /// The new system's microphone gave no sound.
    Microphone,
    /// The new system did not link.
    Link,
    /// The new system did not start, or ended before it had shown anything.
    NotStarted,
    /// The new system could not be marked as good.
    Committing,
    /// A fault that this build does not know.
    #[serde(other)]
    Other,
}

impl fmt::Display for UpdateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UpdateFault::BelowFloor => "it is below the room's security floor",
            UpdateFault::WrongBoard => "it is made for another board",
            UpdateFault::TriedBefore => "it did not work in this room before",
            UpdateFault::Damaged => "what came is not what was offered",
            UpdateFault::Disk => "the room's disk did not take it",
            UpdateFault::Refused => "the room's installer refused it",
            UpdateFault::Installing => "installing broke off",
            UpdateFault::Panel => "the panel was not drawn",
            UpdateFault::Camera => "the camera gave no pictures",
            UpdateFault::Microphone => "the microphone gave no sound",
            UpdateFault::Link => "the room did not link",
            UpdateFault::NotStarted => {
                "the new system did not start, or ended before it was proved"
            }
            UpdateFault::Committing => "the new system could not be marked as good",
            UpdateFault::Other => "a reason that this build does not know",
        })
    }
}
