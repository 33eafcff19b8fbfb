//! How a call went, as it stands in the file, travels to the command line and is printed.

use conclave_types::{CallId, DisplayName, LegId, MeetingId, RoomId, UnixTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How one call went; one line of the file, one line of `conclave-cloud calls`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallLine {
    /// Which call.
    pub call: CallId,
    /// In which meeting.
    pub meeting: MeetingId,
    /// Over which leg.
    pub leg: LegId,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub room_name: DisplayName,
    /// The meeting room's name then.
    pub vmr_name: DisplayName,
    /// When it began.
    pub joined_at: UnixTime,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// Why it ended: the word of the records.
    pub why: String,
    /// What came of its packets.
    pub quality: Quality,
    /// All of it in one sentence, for people.
    pub verdict: String,
}

/// What came of a call's packets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// RTP packets that came from the room.
    pub received: u64,
    /// Lost on the way from the room, those that were sent again included.
    pub lost: u64,
    /// Of these, the ones that were not sent again in time: the picture or the voice broke.
    pub unrepaired: u64,
    /// Packets that the cloud asked for again.
    pub asked: u64,
    /// Keyframes that the cloud asked for.
    pub keyframes_asked: u64,
    /// RTP packets sent to the room.
    pub sent: u64,
    /// Lost on the way to the room, by its reports.
    pub lost_to_room: u64,
    /// Packets sent to the room again.
    pub resent: u64,
    /// Packets to the room that a limit dropped.
    pub dropped: u64,
    /// The highest jitter of the room's picture that was seen, in milliseconds.
    pub jitter_ms: u64,
    /// The longest round trip that was seen, in milliseconds; `None` when none was measured.
    pub round_trip_ms: Option<u64>,
    /// For how many seconds nothing came from the room, to the next look.
    pub silent_s: u64,
    /// The worst moment, where packets were lost at all.
    pub worst: Option<Worst>,
    /// Parts of the room that broke meanwhile, and how often.
    pub broken: BTreeMap<String, u32>,
}

/// The worst moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    /// Seconds from the beginning of the call.
    pub at_s: u64,
    /// On which way.
    pub way: Way,
    /// Per cent of the packets that were lost then.
    pub lost_percent: f64,
}

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From the room to the cloud.
    FromRoom,
    /// From the cloud to the room.
    ToRoom,
}
