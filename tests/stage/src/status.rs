//! A room's `status.json`, as far as the stage needs it. Unknown fields are ignored.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The room at a glance.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// The link: `"up"`, or what is wrong.
    pub link: Value,
    /// The call, while there is one.
    pub call: Option<CallStatus>,
    /// What the media path reports.
    pub media: MediaStatus,
    /// The board, when the room has one.
    pub board: Option<BoardStatus>,
}

/// The call that a room is in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CallStatus {
    /// Its id.
    pub call: String,
    /// The room's participant id.
    pub me: String,
    /// The roster's revision.
    pub revision: u64,
    /// `good`, `link_lost` or `rejoining`.
    pub health: String,
}

/// The room's small parts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BoardStatus {
    /// `off`, `green` or `red`.
    pub light: String,
    /// `somebody`, `nobody`, or nothing while no sensor has said.
    pub presence: Option<String>,
    /// `hot`, `very_hot`, or nothing.
    pub heat: Option<String>,
    /// Parts that do not work, and why.
    pub missing: BTreeMap<String, String>,
}

/// The media path.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MediaStatus {
    /// The encoder that passed its trial.
    pub encoder: Option<String>,
    /// Lines of the camera's picture; 0 while there is none.
    pub camera_height: u32,
    /// What the loudspeaker played over the last second, in dBFS; -127 is silence.
    pub played_dbfs: Option<f64>,
    /// How packets are protected, in a call.
    pub srtp_profile: Option<String>,
    /// The call's socket.
    pub network: Option<NetworkStatus>,
    /// The others in the call.
    pub participants: Vec<Remote>,
}

/// What went over a call's socket.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct NetworkStatus {
    /// RTP packets that went out.
    pub packets_sent: u64,
    /// RTP packets that authenticated.
    pub packets_received: u64,
    /// Packets that did not.
    pub rejected: u64,
    /// Packets that had been received before.
    pub replayed: u64,
}

/// How another participant's media arrives.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Remote {
    /// Who.
    pub participant: String,
    /// From the call's start to their first decoded picture, in ms.
    pub first_picture_ms: Option<u64>,
    /// Their picture's width in pixels.
    pub width: u32,
    /// Their picture's height in pixels.
    pub height: u32,
    /// Pictures decoded per second.
    pub fps: f64,
    /// Their picture's packets.
    pub video: Stream,
    /// Their voice's packets.
    pub audio: Stream,
}

/// The packets of one source.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// That arrived.
    pub received: u64,
    /// That should have and have not.
    pub lost: u64,
}

impl Status {
    /// Reads the file; `None` while it is not there.
    pub fn read(file: &Path) -> Result<Option<Status>> {
        let Ok(text) = std::fs::read_to_string(file) else { return Ok(None) };
        let status = serde_json::from_str(&text);
        status.map(Some).with_context(|| format!("{} is no status: {text}", file.display()))
    }
}
