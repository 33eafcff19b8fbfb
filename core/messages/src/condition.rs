//! How a room is: what stands in it and whether that works, how warm it is, how full its disk, what went wrong last.
//!
//! The room tells all of it ([`crate::RoomEvent::Condition`]) soon after each link and when it changes, at a pace of its
//! own. It is for people: no text in it names a person, a room or a meeting.

use conclave_types::UnixTime;
use serde::{Deserialize, Serialize};

/// How a room is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Condition {
    /// Its cameras, microphones, loudspeakers and displays.
    #[serde(default)]
    pub devices: Vec<RoomDevice>,
    /// How many touch panels draw what they are given.
    #[serde(default)]
    pub panels: u8,
    /// Inside the device, in degrees Celsius; `None` where nothing measures it.
    #[serde(default)]
    pub temperature_c: Option<i16>,
    /// Of the partition that keeps what the room keeps.
    #[serde(default)]
    pub disk: Option<DiskSpace>,
    /// What went wrong last, the newest first.
    #[serde(default)]
    pub troubles: Vec<PastTrouble>,
}

/// A device for picture or sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RoomDevice {
    /// What it is.
    pub kind: DeviceKind,
    /// As its driver calls it, or as the room's configuration does.
    pub name: String,
    /// Whether it works.
    pub state: DeviceState,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A loudspeaker.
    Loudspeaker,
    /// A front display.
    Display,
    /// One that this build does not know.
    #[serde(other)]
    Other,
}

/// Whether a device works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// It does.
    Working,
    /// It does not.
    Broken,
    /// Nobody knows yet.
    #[serde(other)]
    Unknown,
}

/// How full a disk is, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DiskSpace {
    /// That may still be written.
    pub free: u64,
    /// In all.
    pub size: u64,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastTrouble {
    /// When it did last, by the room's clock.
    pub at: UnixTime,
    /// A line of the room's log, English.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_room_says_besides_takes_nothing_away() {
        let newer = r#"{"devices":[{"kind":"hologram","name":"x","state":"flickers","watts":3}],
            "panels":1,"temperature_c":48,"mood":"good"}"#;
        let read: Condition = serde_json::from_str(newer).unwrap();
        let device = RoomDevice {
            kind: DeviceKind::Other,
            name: "x".to_owned(),
            state: DeviceState::Unknown,
        };
        let known = Condition {
            devices: vec![device],
            panels: 1,
            temperature_c: Some(48),
            ..Condition::default()
        };
        assert_eq!(read, known);
        assert_eq!(serde_json::from_str::<Condition>("{}").unwrap(), Condition::default());
    }
}
