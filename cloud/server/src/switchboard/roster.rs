//! The rooms as lists show them, kept beside the database.
//!
//! A console that shows rooms asks again whenever one of them changes. Reading ten thousand rooms from the database
//! for each would keep the links waiting; kept here, a list costs what it shows. Nobody but the switchboard changes
//! rooms, so the two cannot differ.

use conclave_directory::Room;
use conclave_types::{OrganisationId, RoomId};
use std::collections::BTreeMap;

/// Where a room stands: by its name in small letters, and its id where names are the same.
type Place = (String, RoomId);

/// All rooms, by organisation and name.
#[derive(Debug, Default)]
pub(super) struct Roster {
    theirs: BTreeMap<OrganisationId, BTreeMap<Place, Room>>,
    places: BTreeMap<RoomId, (OrganisationId, Place)>,
}

impl Roster {
    pub(super) fn of(rooms: Vec<Room>) -> Roster {
        let mut roster = Roster::default();
        rooms.into_iter().for_each(|room| roster.set(room));
        roster
    }

    /// One is there, or is not as it was.
    pub(super) fn set(&mut self, room: Room) {
        self.remove(room.id);
        let place = (room.name.as_str().to_lowercase(), room.id);
        self.places.insert(room.id, (room.organisation, place.clone()));
        self.theirs.entry(room.organisation).or_default().insert(place, room);
    }

    pub(super) fn remove(&mut self, id: RoomId) {
        let Some((whose, place)) = self.places.remove(&id) else { return };
        if let Some(theirs) = self.theirs.get_mut(&whose) {
            theirs.remove(&place);
        }
    }

    /// One room.
    pub(super) fn get(&self, id: RoomId) -> Option<&Room> {
        let (whose, place) = self.places.get(&id)?;
        self.theirs.get(whose)?.get(place)
    }

    /// Whose a room is.
    pub(super) fn owner(&self, id: RoomId) -> Option<OrganisationId> {
        self.places.get(&id).map(|(whose, _)| *whose)
    }

    /// An organisation's, revoked or not, by name.
    pub(super) fn of_organisation(&self, whose: OrganisationId) -> impl Iterator<Item = &Room> {
        self.theirs.get(&whose).into_iter().flat_map(BTreeMap::values)
    }

    /// Everybody's.
    pub(super) fn all(&self) -> impl Iterator<Item = &Room> {
        self.theirs.values().flat_map(BTreeMap::values)
    }
}
