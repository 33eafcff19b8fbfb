//! What two people change at the same time: the second is told.
//!
//! A room, a meeting room, a person has a mark, made of all that can be changed of it. Whoever changes one may say which mark
//! they have seen; when it has another one by now, nothing is done. So nothing has to be counted or kept, and whatever is
//! changed counts, by whatever way. Settings and meetings that are to be have revisions of their own.

use super::Switchboard;
use super::refused::Refused;
use crate::control::{ControlRequest, RefusalCode};
use conclave_directory::{Person, PinHash, Room, Vmr};
use conclave_types::OrganisationId;
use ring::digest::{Context, SHA256};

/// Makes a mark: the first eight octets of the SHA-256 of some texts, each with its length in front, in hexadecimal digits.
/// Two that differ have the same one by a chance of 1 in 2⁶⁴.
fn mark(texts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(&text.len().to_be_bytes());
        context.update(text.as_bytes());
    }
    let digest = context.finish();
    digest.as_ref().iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

pub(super) fn mark_of_vmr(vmr: &Vmr) -> String {
    let pin = vmr.pin.as_ref().map(PinHash::as_phc).unwrap_or_default();
    let moderators: Vec<String> = vmr.moderators.iter().map(ToString::to_string).collect();
    let id = vmr.id.to_string();
    mark(&[&id, vmr.name.as_str(), &vmr.capacity.to_string(), pin, &moderators.join(" ")])
}

pub(super) fn mark_of_person(person: &Person) -> String {
    let Person { id, name, role, standing, .. } = person;
    mark(&[&id.to_string(), name.as_str(), role.as_str(), standing.as_str()])
}

impl Switchboard {
    pub(super) fn mark_of_room(&self, room: &Room) -> String {
        let group = self.settings.group(room.id).map(|group| group.id.to_string());
        let place = self.settings.place(room.id).map(ToString::to_string);
        let mut texts = vec![room.id.to_string(), room.name.to_string()];
        texts.extend([group.unwrap_or_default(), place.unwrap_or_default()]);
        texts.extend(self.settings.tags(room.id).iter().map(ToString::to_string));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        mark(&texts)
    }

    /// Whether what this would change is as it was when it had the mark.
    pub(super) fn is_unchanged(
        &self,
        whose: OrganisationId,
        seen: &str,
        request: &ControlRequest,
    ) -> Result<(), Refused> {
        let now = match request {
            ControlRequest::RoomRename { room, .. } | ControlRequest::RoomPlace { room, .. } => {
                self.mark_of_room(&self.find_room(whose, room)?)
            }
            ControlRequest::VmrChange { number, .. }
            | ControlRequest::VmrSetPin { number, .. }
            | ControlRequest::VmrModerators { number, .. } => {
                mark_of_vmr(&self.find_vmr(whose, number)?)
            }
            ControlRequest::PersonChange { person, .. } => {
                mark_of_person(&self.find_person(whose, person)?)
            }
            _ => {
                return Err(Refused::because(
                    "a mark goes with what changes a room, a meeting room or a person",
                ));
            }
        };
        match now == seen {
            true => Ok(()),
            false => Err(Refused::with(
                RefusalCode::ChangedMeanwhile,
                "somebody else changed this meanwhile: look at it, then change it again",
            )),
        }
    }
}
