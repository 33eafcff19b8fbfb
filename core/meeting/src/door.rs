//! Coming: to a seat, to the lobby, or to nothing.

use crate::lobby::MOST_WAITING;
use crate::machine::Meetings;
use crate::seats::{Link, Meeting, Seat, Stage};
use crate::words::{Entrance, NotAdmitted, Output, Visit, Vmr, Why};
use conclave_types::{RoomId, Time, VmrId};

impl Meetings {
    pub(crate) fn arrive(&mut self, now: Time, vmr: Vmr, mut visit: Visit) {
        let room = visit.room;
        let waits = vmr.entrance == Entrance::Lobby && !self.returns(now, vmr.vmr, room);
        let seats = self.meetings.get(&vmr.vmr).into_iter().flat_map(|meeting| &meeting.seats);
        let (taken, waiting): (Vec<_>, Vec<_>) =
            seats.filter(|seat| seat.visit.room != room).partition(|seat| seat.takes_place());
        let refused = if waits && waiting.len() >= MOST_WAITING {
            Some(NotAdmitted::LobbyFull)
        } else if !waits && taken.len() >= vmr.capacity as usize {
            Some(NotAdmitted::Full { capacity: vmr.capacity })
        } else if !self.has_place(vmr.vmr, room) {
            Some(NotAdmitted::CloudFull)
        } else {
            None
        };
        if let Some(why) = refused {
            self.outputs.push_back(Output::Refused { call: visit.call, room, why });
            return;
        }
        self.returning.remove(&room);
        let before = self.rooms.insert(visit.room, (vmr.vmr, visit.call));
        self.calls.insert(visit.call, vmr.vmr);
        let ids = &mut self.ids;
        let meeting = self.meetings.entry(vmr.vmr).or_insert_with(|| {
            ids.insert(visit.meeting, vmr.vmr);
            Meeting::new(visit.meeting)
        });
        visit.meeting = meeting.id;
        let Visit { call, participant, .. } = visit;
        let stage = if waits {
            self.lobby.insert(call);
            self.outputs.push_back(Output::Waits { call, room });
            Stage::Waiting { since: now, link: Link::Up, let_in: false }
        } else {
            let meeting = meeting.id;
            self.outputs.push_back(Output::OpenLeg { meeting, participant, call });
            Stage::Coming
        };
        meeting.seats.push(Seat { visit, stage, due: None });
        self.schedule(call);
        if let Some((old_vmr, old_call)) = before {
            self.empty_seat(now, old_vmr, old_call, Why::Replaced);
        }
        if waits {
            self.lobby_changed(vmr.vmr);
        }
    }

    /// Whether the cloud has a place for a room, which gives up the one that it has.
    fn has_place(&self, vmr: VmrId, room: RoomId) -> bool {
        let present = self.rooms.get(&room).map(|(vmr, _)| *vmr);
        let others = self.calls.len() - usize::from(present.is_some());
        let alone = |meeting: &Meeting| meeting.seats.iter().all(|seat| seat.visit.room == room);
        let ending = present.and_then(|vmr| self.meetings.get(&vmr)).is_some_and(alone);
        let meetings = self.meetings.len() - usize::from(ending);
        others < self.limits.participants
            && (self.meetings.contains_key(&vmr) || meetings < self.limits.meetings)
    }
}
