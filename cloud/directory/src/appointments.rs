//! Meetings that are to be: when, and who is invited. What is dialled, what it is called, its PIN and whose it is are its
//! meeting room's.

use crate::repository::{AddVmrError, StoreError, Vmr};
use conclave_types::{DisplayName, EmailAddress, PersonId, RoomId, UnixTime, VmrId};

/// A meeting that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// Its meeting room, which is there for it alone.
    pub vmr: VmrId,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends; later than that.
    pub ends_at: UnixTime,
    /// The people of the organisation who are invited.
    pub people: Vec<PersonId>,
    /// The rooms that are invited.
    pub rooms: Vec<RoomId>,
    /// Who else is.
    pub guests: Vec<EmailAddress>,
    /// How often it was changed; 1 at first.
    pub revision: u32,
}

/// The meetings that are to be. One goes with its meeting room; people and rooms that go are not invited any more.
pub trait Appointments {
    /// All of them.
    fn appointments(&self) -> Result<Vec<Appointment>, StoreError>;
    /// Keeps a new one and its meeting room, both or neither.
    fn add_appointment(&mut self, vmr: &Vmr, new: &Appointment) -> Result<(), AddVmrError>;
    /// Keeps one as it is now, what its meeting room is called, and whether that has a lobby. `false` when it is not there.
    fn keep_appointment(
        &mut self,
        title: &DisplayName,
        lobby: bool,
        changed: &Appointment,
    ) -> Result<bool, StoreError>;
}
