//! Joining: number, PIN, lobby, seat, leg, answer.
//!
//! The PIN comes before everything that could tell something about the meeting, so a room without
//! it does not even learn that the meeting is full.

use super::appointments::Dialled;
use super::links::whole_seconds;
use super::lobby::Keeper;
use super::tally::Outcome;
use super::{JobId, LinkId, MediaEvent, Output, Party, PinOutcome, RequestId, Switchboard};
use conclave_directory::pin_tries::Verdict;
use conclave_directory::{StoreError, Vmr};
use conclave_link_protocol::message::{Join, JoinRefusal, Response};
use conclave_meeting::{Entrance, Input as Meet, Visit};
use conclave_types::{
    CallId, DisplayName, MediaLeg, MeetingId, OrganisationId, ParticipantId, RoomId, SrtpProfile,
};

/// The most PINs that wait for their hash. Each takes some 20 ms of one core; at 64 the last one
/// waits about a second, and whoever comes then is told to try again.
const MOST_CHECKS: usize = 64;

/// A PIN that is being looked at.
pub(super) struct Check {
    pub(super) link: LinkId,
    id: RequestId,
    room: RoomId,
    join: Join,
    vmr: Vmr,
    tries_left: u8,
}

/// A room that passed the door and waits for its leg, or in the lobby.
pub(super) struct Arrival {
    pub(super) room: RoomId,
    pub(super) link: LinkId,
    /// The request that waits for its answer; `None` once that was answered: it waits.
    pub(super) id: Option<RequestId>,
    pub(super) room_name: DisplayName,
    pub(super) vmr_name: DisplayName,
    pub(super) hidden: bool,
    pub(super) meeting: Option<MeetingId>,
    pub(super) profiles: Vec<SrtpProfile>,
    pub(super) leg: Option<Box<MediaLeg>>,
}

impl Switchboard {
    pub(super) fn join(&mut self, link: LinkId, id: RequestId, room: RoomId, join: Join) {
        // One at a time: a second guess must not run beside the first.
        let busy = self.checks.values().any(|check| check.room == room)
            || self.arrivals.values().any(|arrival| arrival.link == link);
        if !self.paces.may(self.now, room) {
            tracing::warn!(%room, "a room joins more often than anybody can: held back");
            self.not_joined(link, id, Outcome::TooOften);
            return;
        }
        if busy || join.profiles.is_empty() || self.checks.len() >= MOST_CHECKS {
            self.not_joined(link, id, Outcome::Refused(JoinRefusal::Busy));
            return;
        }
        let Some(Party::Room { organisation, .. }) = self.links.get(&link) else { return };
        match self.door(*organisation, room, &join) {
            Ok(Door::Open(vmr, dialled)) => self.arrive((link, id, room), &vmr, dialled, join),
            Ok(Door::Shut(refusal)) => self.not_joined(link, id, Outcome::Refused(refusal)),
            Ok(Door::Ask { vmr, tries_left }) => {
                let (Some(pin), Some(hash)) = (join.pin.clone(), vmr.pin.clone()) else { return };
                let job = self.job();
                self.outputs.push_back(Output::CheckPin { job, pin, hash });
                self.checks.insert(job, Check { link, id, room, join, vmr, tries_left });
            }
            Err(error) => {
                tracing::error!(%room, %error, "a join could not be looked at");
                self.not_joined(link, id, Outcome::NotKept);
            }
        }
    }

    fn door(
        &mut self,
        whose: OrganisationId,
        room: RoomId,
        join: &Join,
    ) -> Result<Door, StoreError> {
        let listed_only = self.dials_listed_only(whose, room);
        let directory = &mut self.parts.directory;
        let mut found = directory.vmr(whose, &join.number)?;
        let dialled = found.as_ref().map_or(Dialled::Plain, |vmr| {
            let on = self.meetings.meeting_in(vmr.id).is_some();
            self.appointments.to(vmr.id, room, self.wall, on)
        });
        match dialled {
            Dialled::Invited => {
                let open = |vmr| Door::Open(vmr, dialled);
                return Ok(found.map_or(Door::Shut(JoinRefusal::NotFound), open));
            }
            Dialled::Over => found = None,
            Dialled::Plain => {}
        }
        // What the room is not shown it may have guessed: it waits before it learns whether it guessed right.
        if found.as_ref().is_none_or(|vmr| vmr.hidden) {
            let wait = self.wrong_numbers.wait(self.now, whose, room);
            if !wait.is_zero() {
                tracing::warn!(%room, "a room dials wrong numbers: held back");
                let seconds = whole_seconds(wait);
                return Ok(Door::Shut(JoinRefusal::TooManyNumbers { seconds }));
            }
        }
        // What a room may not dial is not there for it.
        let Some(vmr) = found.filter(|vmr| !(vmr.hidden && listed_only)) else {
            self.wrong_numbers.wrong(self.now, whose, room);
            return Ok(Door::Shut(JoinRefusal::NotFound));
        };
        Ok(match (&vmr.pin, &join.pin) {
            (None, _) => Door::Open(vmr, dialled),
            (Some(_), None) => Door::Shut(JoinRefusal::PinNeeded),
            (Some(_), Some(_)) => match directory.begin_try(room, vmr.id, self.wall)? {
                Verdict::Try { tries_left, .. } => Door::Ask { vmr, tries_left },
                Verdict::Wait(wait) => {
                    Door::Shut(JoinRefusal::Wait { seconds: whole_seconds(wait) })
                }
            },
        })
    }

    pub(super) fn pin_checked(&mut self, job: JobId, outcome: PinOutcome) {
        // The link may be gone meanwhile; then nobody waits for this.
        let Some(Check { link, id, room, join, vmr, tries_left }) = self.checks.remove(&job) else {
            return;
        };
        if outcome == PinOutcome::Wrong {
            tracing::warn!(%room, vmr = %vmr.id, tries_left, "wrong PIN");
            let wrong = JoinRefusal::WrongPin { tries_left };
            self.not_joined(link, id, Outcome::Refused(wrong));
            return;
        }
        let entered = self.parts.directory.vmr_with_id(vmr.id).and_then(|now| match now {
            Some(now) if now.pin == vmr.pin => {
                self.parts.directory.entered(room, vmr.id, self.wall)?;
                Ok(Ok(now))
            }
            // Removed, or given another PIN, while this one was looked at.
            Some(_) => Ok(Err(JoinRefusal::WrongPin { tries_left })),
            None => Ok(Err(JoinRefusal::NotFound)),
        });
        match entered {
            // Rooms that are invited are not asked for a PIN.
            Ok(Ok(vmr)) => self.arrive((link, id, room), &vmr, Dialled::Plain, join),
            Ok(Err(refusal)) => self.not_joined(link, id, Outcome::Refused(refusal)),
            Err(error) => {
                tracing::error!(%room, %error, "a right PIN could not be noted");
                self.not_joined(link, id, Outcome::NotKept);
            }
        }
    }

    fn arrive(
        &mut self,
        (link, id, room): (LinkId, RequestId, RoomId),
        vmr: &Vmr,
        dialled: Dialled,
        join: Join,
    ) {
        let keeper = match (self.appointments.has(vmr.id), dialled) {
            (false, _) => Keeper::Room,
            (true, Dialled::Invited) => Keeper::InvitedRoom,
            (true, _) => Keeper::Guest,
        };
        let waits = vmr.lobby && keeper != Keeper::InvitedRoom;
        if waits && !join.lobby {
            tracing::warn!(
                %room, vmr = %vmr.id,
                "a meeting has a lobby, and this room's software is too old to wait in one: update the room"
            );
            self.not_joined(link, id, Outcome::Refused(JoinRefusal::LobbyUnsupported));
            return;
        }
        let Some(Party::Room { name, span, .. }) = self.links.get(&link) else { return };
        let (name, link_span) = (name.clone(), span.clone());
        let visit = Visit {
            call: CallId::from_random(self.random()),
            participant: ParticipantId::from_random(self.random()),
            meeting: MeetingId::from_random(self.random()),
            room,
            name,
            standing: keeper.standing(),
            microphone: join.microphone,
            camera: join.camera,
        };
        let span = tracing::info_span!(
            parent: &link_span,
            "call",
            call = %visit.call,
            vmr = %vmr.id,
            meeting = tracing::field::Empty,
            leg = tracing::field::Empty,
        );
        self.spans.insert(visit.call, span);
        let arrival = Arrival {
            room,
            link,
            id: Some(id),
            room_name: visit.name.clone(),
            vmr_name: vmr.name.clone(),
            hidden: vmr.hidden,
            meeting: None,
            profiles: join.profiles,
            leg: None,
        };
        self.arrivals.insert(visit.call, arrival);
        let entrance = if waits { Entrance::Lobby } else { Entrance::Open };
        let door = conclave_meeting::Vmr { vmr: vmr.id, capacity: vmr.capacity, entrance };
        self.meet(Meet::Arrived(door, visit));
    }

    pub(super) fn leg_opened(&mut self, participant: ParticipantId, leg: Option<Box<MediaLeg>>) {
        let Some(call) = self.opening.remove(&participant) else { return };
        match leg {
            Some(leg) => {
                let (audio, video) = (leg.audio, leg.video);
                if let Some(arrival) = self.arrivals.get_mut(&call) {
                    arrival.leg = Some(leg);
                }
                self.meet(Meet::LegOpened { call, audio, video });
            }
            None => {
                tracing::error!(%call, "the media node opened no leg");
                self.meet(Meet::LegRefused { call });
            }
        }
    }

    pub(super) fn media(&mut self, event: MediaEvent) {
        self.meet(match event {
            MediaEvent::Flowing { meeting, participant } => {
                Meet::MediaFlowing { meeting, participant }
            }
            MediaEvent::Silent { meeting, participant } => {
                Meet::MediaSilent { meeting, participant }
            }
            MediaEvent::Loudest { meeting, participant } => Meet::Loudest { meeting, participant },
        });
    }

    pub(super) fn not_joined(&mut self, link: LinkId, id: RequestId, outcome: Outcome) {
        self.tally.join(outcome);
        tracing::debug!(%link, ?outcome, "not joined");
        self.respond(link, id, Response::NotJoined(outcome.refusal()));
    }
}

/// What stands at a meeting room's door.
enum Door {
    Open(Vmr, Dialled),
    Shut(JoinRefusal),
    Ask { vmr: Vmr, tries_left: u8 },
}
