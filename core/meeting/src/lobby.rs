//! The lobby: who waits, who is let in, and who need not wait again.
//!
//! Whoever waits has a seat for its call and nothing else: no leg, no line on the roster, no place of the
//! meeting's capacity. The last two it gets when it is let in, and is told then.

use crate::machine::Meetings;
use crate::seats::{Link, Meeting, Stage};
use crate::words::{Output, Standing, Vmr, Waiter, Why};
use conclave_types::{CallId, ParticipantId, RoomId, Time, VmrId};
use std::time::Duration;

/// How long somebody waits before they are told that nobody came.
/// A quarter of an hour: whoever lets in may be late, or at the end of another meeting. Raised, a room stands before
/// the same sentence all morning, and its place in the lobby is taken; lowered, it is sent off while its host is on the
/// stairs.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The most who wait for one meeting. Fifty: more names than somebody at a panel reads, and with the longest
/// names their list fits into a frame of the link. Raised, it does not; lowered, the last ones of a large meeting
/// are told to come again though there are seats.
pub const MOST_WAITING: usize = 50;

/// How long a room whose call broke off comes in again without waiting.
/// Ten minutes: a cable, a switch that restarts, the cloud too. Raised, others sit in that room by then; lowered, a
/// fault of the network costs its people their seat.
pub const RETURN: Duration = Duration::from_secs(10 * 60);

impl Meeting {
    /// Who waits to be let in, in the order in which they came.
    pub(crate) fn waiting(&self) -> Vec<Waiter> {
        let waits = |stage: &Stage| matches!(stage, Stage::Waiting { let_in: false, .. });
        let seats = self.seats.iter().filter(|seat| waits(&seat.stage));
        seats
            .map(|seat| Waiter {
                participant: seat.visit.participant,
                room: seat.visit.room,
                name: seat.visit.name.clone(),
            })
            .collect()
    }
}

impl Meetings {
    /// Who waits in a meeting room's lobby, in the order in which they came.
    pub fn waiting(&self, vmr: VmrId) -> Vec<Waiter> {
        self.meetings.get(&vmr).map(Meeting::waiting).unwrap_or_default()
    }

    /// How many more a meeting room of so many places takes.
    pub fn free_places(&self, vmr: VmrId, capacity: u32) -> usize {
        let seats = self.meetings.get(&vmr).into_iter().flat_map(|meeting| &meeting.seats);
        (capacity as usize).saturating_sub(seats.filter(|seat| seat.takes_place()).count())
    }

    /// How many wait in all lobbies.
    pub fn waiting_in_all(&self) -> usize {
        self.lobby.len()
    }

    /// Whether a room is in a meeting, or entering one: not whether it waits for one.
    pub fn is_in(&self, room: RoomId) -> bool {
        self.rooms.get(&room).is_some_and(|(_, call)| !self.lobby.contains(call))
    }

    /// Where a room is in by this call and may let others in.
    pub fn hosts(&self, room: RoomId, call: CallId) -> Option<VmrId> {
        let (vmr, theirs) = *self.rooms.get(&room)?;
        let mut seats = self.meetings.get(&vmr)?.seats.iter();
        let seat = seats.find(|seat| seat.visit.call == call && theirs == call)?;
        (seat.is_in() && seat.visit.standing == Standing::Host).then_some(vmr)
    }

    /// Whether a room that arrives was let in already: its call broke off, or it comes anew from within.
    pub(crate) fn returns(&self, now: Time, vmr: VmrId, room: RoomId) -> bool {
        let within = self
            .rooms
            .get(&room)
            .is_some_and(|(at, call)| *at == vmr && !self.lobby.contains(call));
        let back = self.returning.get(&room);
        within || back.is_some_and(|(at, until)| *at == vmr && now < *until)
    }

    /// A room's call broke off.
    pub(crate) fn may_return(&mut self, now: Time, vmr: VmrId, room: RoomId) {
        if self.returning.len() >= self.limits.participants {
            self.returning.retain(|_, (_, until)| now < *until);
        }
        // With as many faults within ten minutes as the cloud has seats, the last ones wait again.
        if self.returning.len() < self.limits.participants {
            self.returning.insert(room, (vmr, now + RETURN));
        }
    }

    pub(crate) fn let_in(&mut self, vmr: Vmr, who: &[ParticipantId]) {
        let mut changed = false;
        for participant in who {
            if self.free_places(vmr.vmr, vmr.capacity) == 0 {
                break;
            }
            let Some(meeting) = self.meetings.get_mut(&vmr.vmr) else { return };
            let mut seats = meeting.seats.iter_mut();
            let Some(seat) = seats.find(|seat| seat.visit.participant == *participant) else {
                continue;
            };
            let call = seat.visit.call;
            let Stage::Waiting { link, let_in, .. } = &mut seat.stage else { continue };
            changed |= !std::mem::replace(let_in, true);
            // Without a link the answer would have nowhere to go: it comes in when it is back.
            if *link == Link::Up {
                self.come_in(vmr.vmr, call);
            }
        }
        if changed {
            self.lobby_changed(vmr.vmr);
        }
    }

    /// Somebody who was let in enters.
    pub(crate) fn come_in(&mut self, vmr: VmrId, call: CallId) {
        let Some(seat) = self.seat_with(call) else { return };
        seat.stage = Stage::Coming;
        let participant = seat.visit.participant;
        self.lobby.remove(&call);
        self.schedule(call);
        if let Some(meeting) = self.meetings.get(&vmr).map(|meeting| meeting.id) {
            self.outputs.push_back(Output::OpenLeg { meeting, participant, call });
        }
    }

    pub(crate) fn turn_away(&mut self, now: Time, vmr: VmrId, who: &[ParticipantId]) {
        for participant in who {
            let waiting = self.waiting(vmr);
            let waiter = waiting.iter().find(|waiter| waiter.participant == *participant);
            if let Some(waiter) = waiter {
                self.vacate(now, waiter.room, Why::TurnedAway);
            }
        }
    }

    /// Others wait than before: whoever may let them in is told.
    pub(crate) fn lobby_changed(&mut self, vmr: VmrId) {
        self.outputs.push_back(Output::LobbyChanged { vmr });
        let Some(meeting) = self.meetings.get(&vmr) else { return };
        let waiting = meeting.waiting();
        for seat in meeting.hosts() {
            self.outputs.push_back(Output::Lobby {
                call: seat.visit.call,
                room: seat.visit.room,
                waiting: waiting.clone(),
            });
        }
    }

    /// Somebody is in, or in again: if it may let in, it is told who waits. Nothing when nobody does: it holds no list of
    /// before, for a room forgets that with its link.
    pub(crate) fn show_lobby_to(&mut self, vmr: VmrId, call: CallId) {
        let Some(meeting) = self.meetings.get(&vmr) else { return };
        let waiting = meeting.waiting();
        let host = meeting.hosts().find(|seat| seat.visit.call == call);
        if let (Some(seat), false) = (host, waiting.is_empty()) {
            self.outputs.push_back(Output::Lobby { call, room: seat.visit.room, waiting });
        }
    }
}
