//! What requests are about: for whom settings are, which part of a list, what is to be made.

use crate::calendars::CalendarKind;
use conclave_types::{DisplayName, Redacted, Secret, UnixTime, VmrNumber};
use serde::{Deserialize, Serialize};

/// What something is set for: one room, or the rooms of a group, or those of the organisation when neither is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFor {
    /// The group's id or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The room's id or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
}

/// Which lines of a list of devices are awaited.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// None: it is only looked at.
    #[default]
    None,
    /// All, when nothing is wrong with any of them; otherwise none.
    All,
    /// Those with which nothing is wrong.
    Right,
}

/// What a room sends when it is asked to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ParcelKind {
    /// Its last log lines, with how its parts are: a text.
    Logs,
    /// A picture of what its panel shows: a PNG.
    PanelPicture,
}

impl ParcelKind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            ParcelKind::Logs => "logs",
            ParcelKind::PanelPicture => "panel_picture",
        }
    }
}

impl std::str::FromStr for ParcelKind {
    type Err = String;
    fn from_str(text: &str) -> Result<ParcelKind, String> {
        match text.trim() {
            "logs" => Ok(ParcelKind::Logs),
            "panel_picture" | "panel-picture" => Ok(ParcelKind::PanelPicture),
            _ => Err("a room sends 'logs' or a 'panel-picture'".to_owned()),
        }
    }
}

/// A part of a list that may be long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What the lines have in one of their texts; all when it is empty.
    #[serde(default)]
    pub q: String,
    /// How many of those come before it.
    #[serde(default)]
    pub skip: u32,
    /// At most so many; all when it is left out.
    #[serde(default)]
    pub most: Option<u32>,
}

/// A virtual meeting room that is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVmr {
    /// What is dialled; the cloud gives it a number when it is left out.
    #[serde(default)]
    pub number: Option<VmrNumber>,
    /// What it is called.
    pub name: DisplayName,
    /// The most participants at once.
    pub capacity: u32,
    /// Whether only whoever makes it and its moderators find it.
    #[serde(default)]
    pub hidden: bool,
    /// Whether it is gone after its meeting.
    #[serde(default)]
    pub once: bool,
    /// Whether whoever comes waits until somebody lets them in.
    #[serde(default)]
    pub lobby: bool,
    /// Who sees it besides, when it is hidden: ids or addresses.
    #[serde(default)]
    pub moderators: Vec<Redacted<String>>,
}

/// A meeting that is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAppointment {
    /// What it is called.
    pub title: DisplayName,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// The rooms that are invited: their ids or names.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// The people who are: ids or addresses. An address need not be that of somebody with an account.
    #[serde(default)]
    pub people: Vec<Redacted<String>>,
    /// Whether whoever is not invited waits until somebody lets them in.
    #[serde(default)]
    pub lobby: bool,
}

/// A calendar that a room is to have. It is kept sealed, and only its host and the user are shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCalendar {
    /// How it is asked for.
    pub kind: CalendarKind,
    /// Its address: `https://`, or `webcal://`, which means the same.
    pub address: Secret<String>,
    /// Who asks, where its server wants to know.
    #[serde(default)]
    pub user: Option<Redacted<String>>,
    /// Their password there.
    #[serde(default)]
    pub password: Option<Secret<String>>,
}

impl NewVmr {
    /// One of the organisation that everybody finds and that stays.
    pub fn plain(number: VmrNumber, name: DisplayName, capacity: u32) -> NewVmr {
        let number = Some(number);
        let (hidden, once, lobby) = (false, false, false);
        NewVmr { number, name, capacity, hidden, once, lobby, moderators: Vec::new() }
    }
}

/// What to do with a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutChange {
    /// Take no more rooms until it is resumed.
    Stop,
    /// Go on; those that failed so far are forgiven.
    Resume,
    /// End it for good.
    Withdraw,
}
