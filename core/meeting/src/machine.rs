//! The machine itself.

use crate::words::{
    Attendance, Fact, Held, Input, MeetingSummary, NotAdmitted, Output, Roster, RosterLine, Visit,
    Vmr, Why,
};
use conclave_types::{CallId, MeetingId, ParticipantId, RoomId, Ssrc, Time, VmrId};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long a seat is kept when the link is gone and media still flows.
/// Two minutes: longer than the longest pause between a room's attempts to reconnect. Raised, a
/// room that was carried off stays on the roster; lowered, a cloud behind a slow proxy drops calls.
pub const LINK_GRACE: Duration = Duration::from_secs(120);

/// How long a seat is kept when no packet comes though the link is up.
/// A minute: whoever blocks UDP should see the reason while they still stand at the panel, and a
/// room that changes its camera or its network should not lose the call.
pub const MEDIA_GRACE: Duration = Duration::from_secs(60);

/// How long a seat is kept when link and media are both gone.
/// Fifteen seconds: a cable pulled and put back, but no ghost on everybody's roster.
pub const SILENCE_GRACE: Duration = Duration::from_secs(15);

/// The shortest time between two announcements of the speaker in one meeting.
/// Half a second: a frame that jumps faster than that is no help to anybody.
pub const SPEAKER_INTERVAL: Duration = Duration::from_millis(500);

/// All meetings that are on.
#[derive(Debug, Default)]
pub struct Meetings {
    meetings: BTreeMap<VmrId, Meeting>,
    /// Where each room sits, or is about to.
    rooms: BTreeMap<RoomId, (VmrId, CallId)>,
    /// Legs that are being opened for somebody who is gone meanwhile.
    unwanted: BTreeMap<CallId, (MeetingId, ParticipantId)>,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
struct Meeting {
    id: MeetingId,
    revision: u64,
    recorded: bool,
    /// In the order of arrival.
    seats: Vec<Seat>,
    speaker: Option<ParticipantId>,
    announced: Option<ParticipantId>,
    announced_at: Option<Time>,
}

#[derive(Debug)]
struct Seat {
    visit: Visit,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Its leg is being opened.
    Coming,
    /// It is in the meeting.
    In { audio: Ssrc, video: Ssrc, link: Link, media: Media },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Up,
    Lost { since: Time },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Flowing,
    Silent { since: Time },
}

impl Meetings {
    /// No meeting is on.
    pub fn new() -> Meetings {
        Meetings::default()
    }

    /// Takes in what happened at `now`. Seats whose time is over go first.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.expire(now);
        match input {
            Input::Wake => {}
            Input::Arrived(vmr, visit) => self.arrive(vmr, visit),
            Input::LegOpened { call, audio, video } => self.leg_opened(now, call, audio, video),
            Input::LegRefused { call } => self.leg_refused(call),
            Input::Left { room, call } => {
                if self.call_of(room) == Some(call) {
                    self.vacate(room, Why::Left);
                }
            }
            Input::Switched { room, call, microphone, camera } => {
                self.switch(room, Held { call, microphone, camera });
            }
            Input::LinkLost { room } => self.link_lost(now, room),
            Input::LinkBack { room, held } => self.link_back(room, &held),
            Input::MediaFlowing { meeting, participant } => {
                self.set_media(meeting, participant, Media::Flowing);
            }
            Input::MediaSilent { meeting, participant } => {
                self.set_media(meeting, participant, Media::Silent { since: now });
            }
            Input::Loudest { meeting, participant } => {
                if let Some(meeting) = self.meetings.values_mut().find(|m| m.id == meeting) {
                    meeting.speaker = participant.filter(|p| meeting.has(*p));
                }
            }
            Input::Renamed { room, name } => self.rename(room, name),
            Input::RoomRevoked { room } => self.vacate(room, Why::Revoked),
            Input::VmrRemoved { vmr } => self.end(vmr, Why::VmrRemoved),
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
        let seats = self.meetings.values().flat_map(|m| &m.seats).filter_map(Seat::deadline);
        let speakers = self.meetings.values().filter_map(Meeting::announcement_due);
        seats.map(|(at, _)| at).chain(speakers).min()
    }

    /// The call that a room is in, or about to be in.
    pub fn call_of(&self, room: RoomId) -> Option<CallId> {
        self.rooms.get(&room).map(|(_, call)| *call)
    }

    /// The meetings that somebody is in.
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
        };
        self.meetings.iter().map(summary).filter(|s| !s.attendance.is_empty()).collect()
    }

    fn arrive(&mut self, vmr: Vmr, mut visit: Visit) {
        let taken = self.meetings.get(&vmr.vmr).map_or(0, |meeting| {
            meeting.seats.iter().filter(|seat| seat.visit.room != visit.room).count()
        });
        if taken >= vmr.capacity as usize {
            let why = NotAdmitted::Full { capacity: vmr.capacity };
            self.outputs.push_back(Output::Refused { call: visit.call, room: visit.room, why });
            return;
        }
        let before = self.rooms.insert(visit.room, (vmr.vmr, visit.call));
        let meeting = self.meetings.entry(vmr.vmr).or_insert_with(|| Meeting::new(visit.meeting));
        visit.meeting = meeting.id;
        self.outputs.push_back(Output::OpenLeg {
            meeting: meeting.id,
            participant: visit.participant,
            call: visit.call,
        });
        meeting.seats.push(Seat { visit, stage: Stage::Coming });
        if let Some((old_vmr, old_call)) = before {
            self.empty_seat(old_vmr, old_call, Why::Replaced);
        }
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
            Stage::Coming => self.vacate(room, Why::LinkLost),
            Stage::In { link: Link::Lost { .. }, .. } => {}
            Stage::In { link, .. } => *link = Link::Lost { since: now },
        }
    }

    fn link_back(&mut self, room: RoomId, held: &[Held]) {
        let Some((vmr, seat)) = self.seat_of(room) else { return };
        let call = seat.visit.call;
        let held = held.iter().find(|held| held.call == call);
        match (&mut seat.stage, held) {
            (Stage::In { link, .. }, Some(held)) => {
                *link = Link::Up;
                if seat.set_switches(*held) {
                    self.changed(vmr, Some(call));
                }
                let Some(meeting) = self.meetings.get(&vmr) else { return };
                let roster = meeting.roster();
                self.outputs.push_back(Output::Resumed { call, room, roster });
                if let Some(participant) = meeting.announced {
                    let participant = Some(participant);
                    self.outputs.push_back(Output::Speaking { call, room, participant });
                }
            }
            // It left while it was away, or never learned that it was in.
            _ => self.vacate(room, Why::Left),
        }
    }

    fn set_media(&mut self, meeting: MeetingId, participant: ParticipantId, now_it_is: Media) {
        let Some(meeting) = self.meetings.values_mut().find(|m| m.id == meeting) else { return };
        let seat = meeting.seats.iter_mut().find(|seat| seat.visit.participant == participant);
        let Some(Seat { stage: Stage::In { media, .. }, .. }) = seat else { return };
        // A second report of silence must not stretch the first one's grace.
        if *media == Media::Flowing || now_it_is == Media::Flowing {
            *media = now_it_is;
        }
    }

    fn rename(&mut self, room: RoomId, name: conclave_types::DisplayName) {
        let Some((vmr, seat)) = self.seat_of(room) else { return };
        if seat.visit.name != name {
            seat.visit.name = name;
            if seat.is_in() {
                self.changed(vmr, None);
            }
        }
    }

    /// Ends every call of a meeting. Each is told only its own end: the roster is of no use any more.
    fn end(&mut self, vmr: VmrId, why: Why) {
        let Some(mut meeting) = self.meetings.remove(&vmr) else { return };
        for seat in std::mem::take(&mut meeting.seats) {
            self.rooms.remove(&seat.visit.room);
            self.dismiss(meeting.id, seat, why);
        }
        if meeting.recorded {
            self.outputs.push_back(Output::Record(Fact::Ended { meeting: meeting.id }));
        }
    }

    /// Takes a room out of the meeting it is in.
    fn vacate(&mut self, room: RoomId, why: Why) {
        if let Some((vmr, call)) = self.rooms.remove(&room) {
            self.empty_seat(vmr, call, why);
        }
    }

    fn empty_seat(&mut self, vmr: VmrId, call: CallId, why: Why) {
        let Some(meeting) = self.meetings.get_mut(&vmr) else { return };
        let Some(at) = meeting.seats.iter().position(|seat| seat.visit.call == call) else {
            return;
        };
        let seat = meeting.seats.remove(at);
        let was_in = seat.is_in();
        if meeting.speaker == Some(seat.visit.participant) {
            meeting.speaker = None;
        }
        let id = meeting.id;
        self.dismiss(id, seat, why);
        if was_in {
            self.changed(vmr, None);
        }
        self.dissolve_if_empty(vmr);
    }

    /// Says the last words for one seat.
    fn dismiss(&mut self, meeting: MeetingId, seat: Seat, why: Why) {
        let Visit { call, participant, room, .. } = seat.visit;
        match seat.stage {
            Stage::Coming => {
                self.unwanted.insert(call, (meeting, participant));
                // Whoever waits for an answer gets one; a lost link swallows it.
                let why = NotAdmitted::NoLeg;
                self.outputs.push_back(Output::Refused { call, room, why });
            }
            Stage::In { link, .. } => {
                self.outputs.push_back(Output::CloseLeg { meeting, participant });
                self.outputs.push_back(Output::Record(Fact::Left { call, why }));
                if link == Link::Up && !matches!(why, Why::Left | Why::Replaced) {
                    self.outputs.push_back(Output::Ended { call, room, why });
                }
            }
        }
    }

    fn dissolve_if_empty(&mut self, vmr: VmrId) {
        if self.meetings.get(&vmr).is_some_and(|meeting| meeting.seats.is_empty()) {
            self.end(vmr, Why::Left);
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

    fn announce_speakers(&mut self, now: Time) {
        for meeting in self.meetings.values_mut() {
            if meeting.announcement_due().is_none_or(|due| due > now) {
                continue;
            }
            meeting.announced = meeting.speaker;
            meeting.announced_at = Some(now);
            for seat in meeting.linked() {
                self.outputs.push_back(Output::Speaking {
                    call: seat.visit.call,
                    room: seat.visit.room,
                    participant: meeting.speaker,
                });
            }
        }
    }

    fn expire(&mut self, now: Time) {
        loop {
            let over = self.meetings.values().flat_map(|m| &m.seats).find_map(|seat| {
                let (at, why) = seat.deadline()?;
                (at <= now).then_some((seat.visit.room, why))
            });
            match over {
                Some((room, why)) => self.vacate(room, why),
                None => return,
            }
        }
    }

    fn seat_of(&mut self, room: RoomId) -> Option<(VmrId, &mut Seat)> {
        let (vmr, call) = *self.rooms.get(&room)?;
        let seats = &mut self.meetings.get_mut(&vmr)?.seats;
        Some((vmr, seats.iter_mut().find(|seat| seat.visit.call == call)?))
    }

    fn coming(&mut self, call: CallId) -> Option<(VmrId, &mut Seat)> {
        self.meetings.iter_mut().find_map(|(vmr, meeting)| {
            let seat = meeting.seats.iter_mut().find(|seat| seat.visit.call == call)?;
            (!seat.is_in()).then_some((*vmr, seat))
        })
    }
}

impl Meeting {
    fn new(id: MeetingId) -> Meeting {
        Meeting {
            id,
            revision: 0,
            recorded: false,
            seats: Vec::new(),
            speaker: None,
            announced: None,
            announced_at: None,
        }
    }

    fn has(&self, participant: ParticipantId) -> bool {
        self.seats.iter().any(|seat| seat.visit.participant == participant && seat.is_in())
    }

    fn linked(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| matches!(seat.stage, Stage::In { link: Link::Up, .. }))
    }

    /// When the speaker is to be announced; `None` when everybody knows.
    fn announcement_due(&self) -> Option<Time> {
        let due = self.announced_at.map_or(Time::ZERO, |at| at + SPEAKER_INTERVAL);
        (self.speaker != self.announced).then_some(due)
    }

    fn roster(&self) -> Roster {
        let lines = self.seats.iter().filter_map(Seat::line).collect();
        Roster { revision: self.revision, lines }
    }
}

impl Seat {
    fn is_in(&self) -> bool {
        matches!(self.stage, Stage::In { .. })
    }

    fn attendance(&self, meeting: MeetingId) -> Attendance {
        let Visit { call, room, ref name, .. } = self.visit;
        Attendance { meeting, call, room, name: name.clone() }
    }

    fn line(&self) -> Option<RosterLine> {
        let Stage::In { audio, video, .. } = self.stage else { return None };
        Some(RosterLine {
            participant: self.visit.participant,
            name: self.visit.name.clone(),
            microphone: self.visit.microphone,
            camera: self.visit.camera,
            audio,
            video,
        })
    }

    /// Takes over the switches; true when the others can see a change.
    fn set_switches(&mut self, set: Held) -> bool {
        let before = (self.visit.microphone, self.visit.camera);
        (self.visit.microphone, self.visit.camera) = (set.microphone, set.camera);
        before != (set.microphone, set.camera) && self.is_in()
    }

    /// When this seat is given up, and why, if nothing changes.
    fn deadline(&self) -> Option<(Time, Why)> {
        let Stage::In { link, media, .. } = self.stage else { return None };
        match (link, media) {
            (Link::Up, Media::Flowing) => None,
            (Link::Up, Media::Silent { since }) => Some((since + MEDIA_GRACE, Why::MediaLost)),
            (Link::Lost { since }, Media::Flowing) => Some((since + LINK_GRACE, Why::LinkLost)),
            (Link::Lost { since: link }, Media::Silent { since: media }) => {
                let both = link.max(media) + SILENCE_GRACE;
                let first = both.min(link + LINK_GRACE).min(media + MEDIA_GRACE);
                Some((first, Why::LinkLost))
            }
        }
    }
}
