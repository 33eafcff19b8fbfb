//! One look through rooms, meeting rooms, people and one's own meetings: of each as much as whoever looks may see.

use super::Switchboard;
use super::admin::Answered;
use super::lists::Which;
use crate::control::{ControlAnswer, ControlRequest, Part};
use conclave_directory::Sight;
use conclave_directory::access::{Action, allowed};
use conclave_types::OrganisationId;

/// The most that is found of each kind: whoever sees more than that types a letter more, or opens the list.
const MOST: u32 = 6;

impl Switchboard {
    pub(super) fn search(&mut self, whose: OrganisationId, q: String) -> Answered {
        let role = match self.sight() {
            Sight::Of(_) => Some(self.asking_person(whose)?.role),
            _ => None,
        };
        // On the cloud's own machine everything may be seen that is nobody's own.
        let may = |action| role.is_none_or(|role| allowed(role, action));
        let (rooms_too, people_too) = (may(Action::SeeRooms), may(Action::SeePeople));
        let (vmrs_too, own_too) = (
            may(Action::SeeMeetingRooms),
            role.is_some_and(|role| allowed(role, Action::SeeOwnMeetings)),
        );
        let (mut rooms, mut vmrs) = (Vec::new(), Vec::new());
        let (mut people, mut appointments) = (Vec::new(), Vec::new());
        if q.trim().is_empty() {
            return Ok(ControlAnswer::Found { rooms, vmrs, people, appointments });
        }
        let part = || Part { q: q.clone(), skip: 0, most: Some(MOST) };
        if rooms_too {
            let which = Which { state: None, needs: false, group: None, tag: None };
            if let ControlAnswer::Rooms { rooms: found, .. } =
                self.room_list(whose, &part(), which)?
            {
                rooms = found;
            }
        }
        if vmrs_too
            && let ControlAnswer::Vmrs { vmrs: found, .. } = self.vmr_list(whose, &part())?
        {
            vmrs = found;
        }
        if people_too
            && let ControlAnswer::People { people: found, .. } =
                self.person_control(whose, ControlRequest::PersonList { part: part() })?
        {
            people = found;
        }
        if own_too
            && let ControlAnswer::Appointments { appointments: found, .. } =
                self.appointment_list(whose, &part(), false)?
        {
            appointments = found;
        }
        Ok(ControlAnswer::Found { rooms, vmrs, people, appointments })
    }
}
