//! How rooms are set: for an organisation, a group of its rooms, or one room. The nearer counts.

use crate::repository::StoreError;
use crate::tags::Tag;
use conclave_types::{DisplayName, GroupId, OrganisationId, RoomId};
use std::fmt;
use std::str::FromStr;

/// What something is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingsOf {
    /// All rooms of an organisation.
    Organisation(OrganisationId),
    /// The rooms of a group.
    Group(GroupId),
    /// One room.
    Room(RoomId),
}

impl fmt::Display for SettingsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingsOf::Organisation(id) => id.fmt(f),
            SettingsOf::Group(id) => id.fmt(f),
            SettingsOf::Room(id) => id.fmt(f),
        }
    }
}

impl FromStr for SettingsOf {
    type Err = ();
    fn from_str(text: &str) -> Result<SettingsOf, ()> {
        let organisation = text.parse().map(SettingsOf::Organisation).ok();
        let group = || text.parse().map(SettingsOf::Group).ok();
        let room = || text.parse().map(SettingsOf::Room).ok();
        organisation.or_else(group).or_else(room).ok_or(())
    }
}

/// What is set for one of those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    /// For what.
    pub of: SettingsOf,
    /// What is set, as JSON; what it means is for whoever keeps it to say.
    pub document: String,
    /// How often it was changed; 1 at first.
    pub revision: u32,
}

/// A group of an organisation's rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its name, unlike that of any other of its organisation.
    pub name: DisplayName,
}

/// Where a room belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Its group.
    pub group: Option<GroupId>,
    /// Where it stands, in people's words: a building, a floor.
    pub place: Option<DisplayName>,
    /// By which it is found with others; at most [`Tag::MOST`].
    pub tags: Vec<Tag>,
}

/// Why a group is not added or renamed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Another one is called the same.
    #[error("another group has this name already: choose another one")]
    NameTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Settings, groups and places of rooms.
pub trait RoomSettings {
    /// All settings.
    fn room_settings(&self) -> Result<Vec<StoredSettings>, StoreError>;
    /// Keeps settings in place of what was kept for the same.
    fn keep_settings(&mut self, settings: &StoredSettings) -> Result<(), StoreError>;
    /// All groups, by name.
    fn groups(&self) -> Result<Vec<Group>, StoreError>;
    /// Keeps a new group.
    fn add_group(&mut self, group: &Group) -> Result<(), GroupError>;
    /// Gives one another name; `false` when it is not there.
    fn rename_group(&mut self, id: GroupId, name: &DisplayName) -> Result<bool, GroupError>;
    /// Removes one with its settings; its rooms are in no group then. `false` when it is not there.
    fn remove_group(&mut self, id: GroupId) -> Result<bool, StoreError>;
    /// Where rooms belong of which something was said.
    fn places(&self) -> Result<Vec<(RoomId, Place)>, StoreError>;
    /// Where a room belongs from now on.
    fn keep_place(&mut self, room: RoomId, place: &Place) -> Result<(), StoreError>;
}
