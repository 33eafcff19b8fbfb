//! The machine itself.

use crate::seats::{Link, Media, Meeting, Seat, Stage};
use crate::words::{Fact, Held, Input, MeetingSummary, NotAdmitted, Output, Visit, Why};
use conclave_types::{CallId, MeetingId, ParticipantId, RoomId, Ssrc, Time, VmrId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How much is on at the same time, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Meetings, at least 1.
    pub meetings: usize,
    /// Participants of all meetings together, at least 1.
    pub participants: usize,
}

impl Default for Limits {
    /// A thousand participants: each is a leg, and a media node opens a thousand. As many
    /// meetings: everybody may sit alone for a while. Raised beyond the node's legs, the last to
    /// come learn later, and less plainly, that there is no place; lowered, capacity lies idle.
    fn default() -> Limits {
        Limits { meetings: 1_000, participants: 1_000 }
    }
}

/// All meetings that are on. What an input costs grows with its own meeting, not with the others:
/// whatever has to be found by time or by id has an index.
#[derive(Debug, Default)]
pub struct Meetings {
    pub(crate) limits: Limits,
    pub(crate) meetings: BTreeMap<VmrId, Meeting>,
    /// Where each room sits, or is about to.
    pub(crate) rooms: BTreeMap<RoomId, (VmrId, CallId)>,
    /// Where each call is: one line per seat.
    pub(crate) calls: BTreeMap<CallId, VmrId>,
    pub(crate) ids: BTreeMap<MeetingId, VmrId>,
    /// The calls that wait in a lobby.
    pub(crate) lobby: BTreeSet<CallId>,
    /// Rooms whose call broke off: where they come in again without waiting, and until when.
    pub(crate) returning: BTreeMap<RoomId, (VmrId, Time)>,
    /// When seats are given up, if nothing changes.
    pub(crate) given_up: BTreeSet<(Time, CallId)>,
    /// When speakers are to be announced.
    pub(crate) announcements: BTreeSet<(Time, VmrId)>,
    /// Legs that are being opened for somebody who is gone meanwhile.
    pub(crate) unwanted: BTreeMap<CallId, (MeetingId, ParticipantId)>,
    pub(crate) outputs: VecDeque<Output>,
}

impl Meetings {
    /// No meeting is on.
    pub fn new() -> Meetings {
        Meetings::default()
    }

    /// No meeting is on, and never more than this.
    pub fn with_limits(limits: Limits) -> Meetings {
        Meetings { limits, ..Meetings::default() }
    }

    /// Takes in what happened at `now`. Seats whose time is over go first.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.expire(now);
        match input {
            Input::Wake => {}
            Input::Arrived(vmr, visit) => self.arrive(now, vmr, visit),
            Input::LetIn { vmr, who } => self.let_in(vmr, &who),
            Input::TurnAway { vmr, who } => self.turn_away(now, vmr, &who),
            Input::WasIn { vmr, room } => self.may_return(now, vmr, room),
            Input::LegOpened { call, audio, video } => self.leg_opened(now, call, audio, video),
            Input::LegRefused { call } => self.leg_refused(call),
            Input::Left { room, call } => {
                if self.call_of(room) == Some(call) {
                    self.vacate(now, room, Why::Left);
                }
            }
            Input::Switched { room, call, microphone, camera } => {
                self.switch(room, Held { call, microphone, camera });
            }
            Input::LinkLost { room } => self.link_lost(now, room),
            Input::LinkBack { room, held } => self.link_back(now, room, &held),
            Input::MediaFlowing { meeting, participant } => {
                self.set_media(meeting, participant, Media::Flowing);
            }
            Input::MediaSilent { meeting, participant } => {
                self.set_media(meeting, participant, Media::Silent { since: now });
            }
            Input::Loudest { meeting, participant } => {
                self.loudest(meeting, participant);
            }
            Input::Renamed { room, name } => self.rename(room, name),
            Input::RoomRevoked { room } => self.vacate(now, room, Why::Revoked),
            Input::VmrRemoved { vmr } => self.end(vmr, Why::VmrRemoved),
            Input::Closed { vmr } => {
                self.returning.retain(|_, (theirs, _)| *theirs != vmr);
                self.end(vmr, Why::Closed);
            }
            Input::Stopping => {
                for vmr in self.meetings.keys().copied().collect::<Vec<_>>() {
                    self.end(vmr, Why::CloudStopped);
                }
            }
        }
        self.announce_speakers(now);
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Wake`] if nothing happens before.
    pub fn deadline(&self) -> Option<Time> {
        let seat = self.given_up.first().map(|(at, _)| *at);
        let speaker = self.announcements.first().map(|(at, _)| *at);
        seat.into_iter().chain(speaker).min()
    }

    /// How many meetings somebody is in, or entering, or waits for.
    pub fn len(&self) -> usize {
        self.meetings.len()
    }

    /// Whether no meeting is on.
    pub fn is_empty(&self) -> bool {
        self.meetings.is_empty()
    }

    /// How many are in meetings, or entering one.
    pub fn participants(&self) -> usize {
        self.calls.len() - self.lobby.len()
    }

    /// The meeting that is on in a virtual meeting room, or that somebody is entering.
    pub fn meeting_in(&self, vmr: VmrId) -> Option<MeetingId> {
        let meeting = self.meetings.get(&vmr)?;
        meeting.seats.iter().any(|seat| !seat.waits()).then_some(meeting.id)
    }

    /// The meeting that is on in a virtual meeting room, or that somebody is entering or waits for.
    pub fn meeting_or_lobby_in(&self, vmr: VmrId) -> Option<MeetingId> {
        self.meetings.get(&vmr).map(|meeting| meeting.id)
    }

    /// The call that a room is in, or about to be in, or waits by.
    pub fn call_of(&self, room: RoomId) -> Option<CallId> {
        self.rooms.get(&room).map(|(_, call)| *call)
    }

    /// The meetings that somebody is in or waits for.
    pub fn summaries(&self) -> Vec<MeetingSummary> {
        let summary = |(vmr, meeting): (&VmrId, &Meeting)| MeetingSummary {
            meeting: meeting.id,
            vmr: *vmr,
            attendance: meeting
                .seats
                .iter()
                .filter(|seat| seat.is_in())
                .map(|seat| seat.attendance(meeting.id))
                .collect(),
            waiting: meeting.waiting(),
        };
        let shown = |s: &MeetingSummary| !s.attendance.is_empty() || !s.waiting.is_empty();
        self.meetings.iter().map(summary).filter(shown).collect()
    }

    fn leg_opened(&mut self, now: Time, call: CallId, audio: Ssrc, video: Ssrc) {
        if let Some((meeting, participant)) = self.unwanted.remove(&call) {
            self.outputs.push_back(Output::CloseLeg { meeting, participant });
            return;
        }
        let Some((vmr, seat)) = self.coming(call) else { return };
        let link = Link::Up;
        let media = Media::Silent { since: now };
        seat.stage = Stage::In { audio, video, link, media };
        let (room, participant) = (seat.visit.room, seat.visit.participant);
        let Some(meeting) = self.meetings.get_mut(&vmr) else { return };
        if !meeting.recorded {
            meeting.recorded = true;
            self.outputs.push_back(Output::Record(Fact::Started { meeting: meeting.id, vmr }));
        }
        let joined = meeting.seats.iter().find(|seat| seat.visit.call == call);
        if let Some(seat) = joined {
            let attendance = seat.attendance(meeting.id);
            self.outputs.push_back(Output::Record(Fact::Joined(attendance)));
        }
        meeting.revision += 1;
        let roster = meeting.roster();
        self.outputs.push_back(Output::Admitted { call, room, participant, roster });
        self.show_lobby_to(vmr, call);
        self.schedule(call);
        self.tell_roster(vmr, Some(call));
    }

    fn leg_refused(&mut self, call: CallId) {
        if self.unwanted.remove(&call).is_some() {
            return;
        }
        let Some((vmr, seat)) = self.coming(call) else { return };
        let room = seat.visit.room;
        self.outputs.push_back(Output::Refused { call, room, why: NotAdmitted::NoLeg });
        self.rooms.remove(&room);
        self.calls.remove(&call);
        if let Some(meeting) = self.meetings.get_mut(&vmr) {
            meeting.seats.retain(|seat| seat.visit.call != call);
        }
        self.dissolve_if_empty(vmr);
    }

    fn switch(&mut self, room: RoomId, set: Held) {
        let Some((vmr, seat)) = self.seat_of(room) else { return };
        if seat.visit.call != set.call || !seat.set_switches(set) {
            return;
        }
        self.changed(vmr, None);
    }

    fn link_lost(&mut self, now: Time, room: RoomId) {
        let Some((_, seat)) = self.seat_of(room) else { return };
        match &mut seat.stage {
            // The answer would have nowhere to go: the request died with its link.
            Stage::Coming => self.vacate(now, room, Why::LinkLost),
            Stage::In { link: Link::Lost { .. }, .. }
            | Stage::Waiting { link: Link::Lost { .. }, .. } => {}
            Stage::In { link, .. } | Stage::Waiting { link, .. } => {
                *link = Link::Lost { since: now };
                let call = seat.visit.call;
                self.schedule(call);
            }
        }
    }

    fn link_back(&mut self, now: Time, room: RoomId, held: &[Held]) {
        let Some((vmr, seat)) = self.seat_of(room) else { return };
        let call = seat.visit.call;
        let held = held.iter().find(|held| held.call == call);
        match (&mut seat.stage, held) {
            (Stage::In { link, .. }, Some(held)) => {
                *link = Link::Up;
                let changed = seat.set_switches(*held);
                self.schedule(call);
                if changed {
                    self.changed(vmr, Some(call));
                }
                let Some(meeting) = self.meetings.get(&vmr) else { return };
                let roster = meeting.roster();
                self.outputs.push_back(Output::Resumed { call, room, roster });
                if let Some(participant) = meeting.announced {
                    let participant = Some(participant);
                    self.outputs.push_back(Output::Speaking { call, room, participant });
                }
                self.show_lobby_to(vmr, call);
            }
            (Stage::Waiting { link, let_in, .. }, Some(held)) => {
                *link = Link::Up;
                let let_in = *let_in;
                let _ = seat.set_switches(*held);
                self.schedule(call);
                self.outputs.push_back(Output::StillWaits { call, room });
                if let_in {
                    self.come_in(vmr, call);
                }
            }
            // It left while it was away, or never learned that it was in.
            _ => self.vacate(now, room, Why::Left),
        }
    }

    fn set_media(&mut self, meeting: MeetingId, participant: ParticipantId, now_it_is: Media) {
        let vmr = self.ids.get(&meeting);
        let Some(meeting) = vmr.and_then(|vmr| self.meetings.get_mut(vmr)) else { return };
        let seat = meeting.seats.iter_mut().find(|seat| seat.visit.participant == participant);
        let Some(Seat { stage: Stage::In { media, .. }, visit, .. }) = seat else { return };
        // A second report of silence must not stretch the first one's grace.
        if *media == Media::Flowing || now_it_is == Media::Flowing {
            *media = now_it_is;
            let call = visit.call;
            self.schedule(call);
        }
    }

    fn rename(&mut self, room: RoomId, name: conclave_types::DisplayName) {
        let Some((vmr, seat)) = self.seat_of(room) else { return };
        if seat.visit.name != name {
            seat.visit.name = name;
            match seat.stage {
                Stage::In { .. } => self.changed(vmr, None),
                Stage::Waiting { .. } => self.lobby_changed(vmr),
                Stage::Coming => {}
            }
        }
    }

    /// Ends every call of a meeting. Each is told only its own end: the roster is of no use any more.
    fn end(&mut self, vmr: VmrId, why: Why) {
        let Some(mut meeting) = self.meetings.remove(&vmr) else { return };
        self.ids.remove(&meeting.id);
        if let Some(due) = meeting.due {
            self.announcements.remove(&(due, vmr));
        }
        let waited = meeting.seats.iter().any(Seat::waits);
        for seat in std::mem::take(&mut meeting.seats) {
            self.rooms.remove(&seat.visit.room);
            self.dismiss(meeting.id, seat, why);
        }
        if waited {
            self.outputs.push_back(Output::LobbyChanged { vmr });
        }
        if meeting.recorded {
            self.outputs.push_back(Output::Record(Fact::Ended { vmr, meeting: meeting.id }));
        }
    }

    /// Takes a room out of the meeting it is in.
    pub(crate) fn vacate(&mut self, now: Time, room: RoomId, why: Why) {
        if let Some((vmr, call)) = self.rooms.remove(&room) {
            self.empty_seat(now, vmr, call, why);
        }
    }

    pub(crate) fn empty_seat(&mut self, now: Time, vmr: VmrId, call: CallId, why: Why) {
        let Some(meeting) = self.meetings.get_mut(&vmr) else { return };
        let Some(at) = meeting.seats.iter().position(|seat| seat.visit.call == call) else {
            return;
        };
        let seat = meeting.seats.remove(at);
        let (was_in, waited, room) = (seat.is_in(), seat.waits(), seat.visit.room);
        if meeting.speaker == Some(seat.visit.participant) {
            meeting.speaker = None;
        }
        let id = meeting.id;
        self.schedule_announcement(vmr);
        self.dismiss(id, seat, why);
        if was_in {
            self.changed(vmr, None);
        }
        if waited {
            self.lobby_changed(vmr);
        } else if matches!(why, Why::LinkLost | Why::MediaLost) {
            self.may_return(now, vmr, room);
        }
        self.dissolve_if_empty(vmr);
    }

    /// Says the last words for one seat.
    pub(crate) fn dismiss(&mut self, meeting: MeetingId, seat: Seat, why: Why) {
        let Visit { call, participant, room, .. } = seat.visit;
        self.calls.remove(&call);
        if let Some(due) = seat.due {
            self.given_up.remove(&(due, call));
        }
        match seat.stage {
            Stage::Waiting { link, .. } => {
                self.lobby.remove(&call);
                if link == Link::Up && !matches!(why, Why::Left | Why::Replaced) {
                    self.outputs.push_back(Output::TurnedAway { call, room, why });
                }
            }
            Stage::Coming => {
                self.unwanted.insert(call, (meeting, participant));
                // Whoever waits for an answer gets one; a lost link swallows it.
                let why = NotAdmitted::NoLeg;
                self.outputs.push_back(Output::Refused { call, room, why });
            }
            Stage::In { link, .. } => {
                self.outputs.push_back(Output::CloseLeg { meeting, participant });
                self.outputs.push_back(Output::Record(Fact::Left { room, call, why }));
                if link == Link::Up && !matches!(why, Why::Left | Why::Replaced) {
                    self.outputs.push_back(Output::Ended { call, room, why });
                }
            }
        }
    }

    /// Ends a meeting that nobody is in any more, for those who wait too. One that nobody was in yet goes on
    /// while somebody waits for it.
    fn dissolve_if_empty(&mut self, vmr: VmrId) {
        let over = |meeting: &Meeting| {
            let waits = meeting.seats.iter().all(Seat::waits);
            meeting.seats.is_empty() || (meeting.recorded && waits)
        };
        if self.meetings.get(&vmr).is_some_and(over) {
            self.end(vmr, Why::Closed);
        }
    }

    /// A participant changed: the next revision, for everybody but one.
    fn changed(&mut self, vmr: VmrId, except: Option<CallId>) {
        if let Some(meeting) = self.meetings.get_mut(&vmr) {
            meeting.revision += 1;
            self.tell_roster(vmr, except);
        }
    }

    fn tell_roster(&mut self, vmr: VmrId, except: Option<CallId>) {
        let Some(meeting) = self.meetings.get(&vmr) else { return };
        let roster = meeting.roster();
        for seat in meeting.linked().filter(|seat| Some(seat.visit.call) != except) {
            self.outputs.push_back(Output::Roster {
                call: seat.visit.call,
                room: seat.visit.room,
                roster: roster.clone(),
            });
        }
    }

    fn expire(&mut self, now: Time) {
        while let Some((_, call)) = self.given_up.first().copied().filter(|d| d.0 <= now) {
            let over = self.seat_with(call).and_then(|seat| {
                let (_, why) = seat.deadline()?;
                Some((seat.visit.room, why))
            });
            match over {
                Some((room, why)) => self.vacate(now, room, why),
                // Every line belongs to a seat; without one there is nothing to give up.
                None => drop(self.given_up.pop_first()),
            }
        }
    }

    /// Notes when a seat is given up. To be called whenever its link or its media changed.
    pub(crate) fn schedule(&mut self, call: CallId) {
        let Some(seat) = self.seat_with(call) else { return };
        let due = seat.deadline().map(|(at, _)| at);
        let before = std::mem::replace(&mut seat.due, due);
        if let Some(at) = before {
            self.given_up.remove(&(at, call));
        }
        if let Some(at) = due {
            self.given_up.insert((at, call));
        }
    }

    pub(crate) fn seat_with(&mut self, call: CallId) -> Option<&mut Seat> {
        let vmr = self.calls.get(&call)?;
        let seats = &mut self.meetings.get_mut(vmr)?.seats;
        seats.iter_mut().find(|seat| seat.visit.call == call)
    }

    pub(crate) fn seat_of(&mut self, room: RoomId) -> Option<(VmrId, &mut Seat)> {
        let (vmr, call) = *self.rooms.get(&room)?;
        let seats = &mut self.meetings.get_mut(&vmr)?.seats;
        Some((vmr, seats.iter_mut().find(|seat| seat.visit.call == call)?))
    }

    fn coming(&mut self, call: CallId) -> Option<(VmrId, &mut Seat)> {
        let vmr = *self.calls.get(&call)?;
        let seat = self.seat_with(call)?;
        matches!(seat.stage, Stage::Coming).then_some((vmr, seat))
    }
}
