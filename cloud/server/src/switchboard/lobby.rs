//! Lobbies: who waits, and who may let them in or turn them away.
//!
//! The rules of waiting are [`conclave_meeting`]'s; here stands who keeps which lobby ([`Keeper`]), what rooms and
//! people ask of one, and what whoever waits is told. The decision: `docs/decisions/008-the-lobby.md`.

use super::admin::Answered;
use super::joins::Arrival;
use super::refused::Refused;
use super::tally::Outcome;
use super::vmrs::{act, in_words};
use super::{LinkId, RequestId, Switchboard, Topic};
use crate::control::{ControlAnswer, RefusalCode, WaitingLine};
use conclave_directory::access::Role;
use conclave_directory::{Sight, StoreError, Vmr};
use conclave_link_protocol::message::{
    AwayReason, CloudEvent, InLobby, NotLetIn, Response, Waiter,
};
use conclave_meeting::{Input as Meet, MOST_WAITING, RETURN, Standing, Why};
use conclave_types::{CallId, OrganisationId, ParticipantId, RoomId, UnixTime, VmrId, VmrNumber};

/// The most rooms that need not wait after a start of the cloud: as many as it has seats for.
const MOST_TAKEN_OUT: u32 = 1_000;

/// What somebody is to the lobby of a meeting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Manages the organisation; of a meeting room that is not hidden, and so the command line.
    Administrator,
    /// Made the meeting room, or has called the meeting.
    Owner,
    /// Is named as one of its moderators.
    Moderator,
    /// Is none of these, invited or not.
    Person,
    /// A room that is in the meeting of a meeting room.
    Room,
    /// A room that is invited to a called meeting and in it.
    InvitedRoom,
    /// A room that was let into a called meeting.
    Guest,
}

impl Keeper {
    /// Whether they are shown who waits, let in and turn away.
    pub(super) fn keeps(self) -> bool {
        match self {
            Keeper::Administrator | Keeper::Owner | Keeper::Moderator => true,
            // Its people were let in themselves: they know whom they wait for.
            Keeper::Room => true,
            Keeper::InvitedRoom => true,
            // Whom the organiser did not invite brings nobody else.
            Keeper::Guest | Keeper::Person => false,
        }
    }

    /// What a room may do about the lobby once it is in.
    pub(super) fn standing(self) -> Standing {
        if self.keeps() { Standing::Host } else { Standing::Guest }
    }
}

/// What whoever keeps a lobby does about those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LobbyAnswer {
    LetIn,
    TurnAway,
}

impl Switchboard {
    /// What whoever asks is to a meeting room's lobby.
    pub(super) fn keeper(&self, vmr: &Vmr) -> Result<Keeper, StoreError> {
        let Sight::Of(id) = self.sight() else {
            return Ok(if vmr.hidden { Keeper::Person } else { Keeper::Administrator });
        };
        if vmr.owner == Some(id) {
            return Ok(Keeper::Owner);
        }
        if vmr.moderators.contains(&id) {
            return Ok(Keeper::Moderator);
        }
        let person = self.parts.directory.person(vmr.organisation, id)?;
        let administrator = person.is_some_and(|person| person.role == Role::Administrator);
        Ok(if administrator && !vmr.hidden { Keeper::Administrator } else { Keeper::Person })
    }

    /// Somebody in the console or on the command line answers who waits.
    pub(super) fn answer_lobby(
        &mut self,
        whose: OrganisationId,
        number: &VmrNumber,
        mut who: Vec<ParticipantId>,
        answer: LobbyAnswer,
    ) -> Answered {
        let vmr = self.find_vmr_or_meeting(whose, number)?;
        if !self.keeper(&vmr)?.keeps() {
            return Ok(ControlAnswer::NotAllowed);
        }
        let waiting = self.meetings.waiting(vmr.id);
        if who.is_empty() {
            who = waiting.iter().map(|waiter| waiter.participant).collect();
        }
        let mut named: Vec<_> =
            waiting.iter().filter(|waiter| who.contains(&waiter.participant)).collect();
        if answer == LobbyAnswer::LetIn {
            let free = self.meetings.free_places(vmr.id, vmr.capacity);
            if free == 0 && !named.is_empty() {
                return Err(Refused::with(
                    RefusalCode::MeetingFull,
                    format!(
                        "the meeting in {number} has its {} participants: somebody has to leave first, or \
                         give the meeting room more places",
                        vmr.capacity
                    ),
                ));
            }
            named.sort_by_key(|waiter| who.iter().position(|id| *id == waiter.participant));
            named.truncate(free);
        }
        if !named.is_empty() {
            let names: Vec<String> = named.iter().map(|waiter| waiter.name.to_string()).collect();
            let names = if vmr.hidden { String::new() } else { names.join(", ") };
            let who = named.iter().map(|waiter| waiter.participant).collect();
            let what = match answer {
                LobbyAnswer::LetIn => "meeting.let_in",
                LobbyAnswer::TurnAway => "meeting.turn_away",
            };
            self.audit(act(&vmr, what), vmr.id, in_words(&vmr), names);
            tracing::info!(vmr = %vmr.id, ?answer, "somebody answers who waits");
            self.meet_lobby(&vmr, who, answer);
        }
        Ok(ControlAnswer::LobbyAnswered { waiting: self.waiting_lines(vmr.id) })
    }

    /// Somebody at the panel of a room does.
    pub(super) fn room_answers_lobby(
        &mut self,
        (link, id, room): (LinkId, RequestId, RoomId),
        call: CallId,
        mut who: Vec<ParticipantId>,
        answer: LobbyAnswer,
    ) {
        who.truncate(MOST_WAITING);
        let vmr = self.meetings.hosts(room, call).map(|vmr| self.parts.directory.vmr_with_id(vmr));
        let response = match vmr {
            Some(Ok(Some(vmr))) => {
                tracing::info!(%room, vmr = %vmr.id, ?answer, "a room answers who waits");
                self.meet_lobby(&vmr, who.clone(), answer);
                let waiting = self.meetings.waiting(vmr.id);
                if waiting.iter().any(|waiter| who.contains(&waiter.participant)) {
                    Response::NotLetIn(NotLetIn::Full { capacity: vmr.capacity })
                } else {
                    Response::Done
                }
            }
            Some(Err(error)) => {
                tracing::error!(%room, %error, "cannot look up the meeting room of a lobby");
                Response::Failed { reason: "the meeting room could not be looked up".to_owned() }
            }
            Some(Ok(None)) | None => Response::NotLetIn(NotLetIn::MayNot),
        };
        self.respond(link, id, response);
    }

    fn meet_lobby(&mut self, vmr: &Vmr, who: Vec<ParticipantId>, answer: LobbyAnswer) {
        self.meet(match answer {
            LobbyAnswer::LetIn => {
                let entrance = conclave_meeting::Entrance::Lobby;
                let door = conclave_meeting::Vmr { vmr: vmr.id, capacity: vmr.capacity, entrance };
                Meet::LetIn { vmr: door, who }
            }
            LobbyAnswer::TurnAway => Meet::TurnAway { vmr: vmr.id, who },
        });
    }

    /// A lobby was taken away: whoever waits in it comes in, as far as there are places.
    pub(super) fn open_lobby(&mut self, vmr: &Vmr) {
        let who = self.meetings.waiting(vmr.id).into_iter().map(|waiter| waiter.participant);
        self.meet_lobby(vmr, who.collect(), LobbyAnswer::LetIn);
    }

    pub(super) fn waiting_lines(&self, vmr: VmrId) -> Vec<WaitingLine> {
        self.meetings.waiting(vmr).into_iter().map(waiting_line).collect()
    }

    /// A room has to wait.
    pub(super) fn waits(&mut self, call: CallId) {
        let Some(mut arrival) = self.arrivals.remove(&call) else { return };
        if let Some(id) = arrival.id.take() {
            self.tally.join(Outcome::InLobby);
            let lobby = InLobby { call, name: arrival.vmr_name.clone() };
            self.respond(arrival.link, id, Response::InLobby(Box::new(lobby)));
        }
        self.lobby.insert(call, arrival);
    }

    /// A room that waited is not in.
    pub(super) fn turned_away(&mut self, call: CallId, room: RoomId, why: Why) {
        self.tally.join(Outcome::NotAdmitted);
        let reason = match why {
            Why::TurnedAway => AwayReason::TurnedAway,
            Why::NobodyCame => AwayReason::NobodyCame,
            Why::Closed | Why::VmrRemoved | Why::Revoked => AwayReason::Ended,
            // It asks again by itself when it is linked again.
            Why::CloudStopped => return,
            Why::Left | Why::Replaced | Why::LinkLost | Why::MediaLost => AwayReason::Other,
        };
        self.tell(room, CloudEvent::NotAdmitted { call, reason });
    }

    /// A room may let in who waits now.
    pub(super) fn show_lobby(
        &mut self,
        call: CallId,
        room: RoomId,
        waiting: Vec<conclave_meeting::Waiter>,
    ) {
        let waiter = |waiter: conclave_meeting::Waiter| Waiter {
            participant: waiter.participant,
            name: waiter.name,
        };
        let waiting = waiting.into_iter().map(waiter).collect();
        self.tell(room, CloudEvent::Lobby { call, waiting });
    }

    /// Others wait for a meeting than before: consoles are told, and what is kept of those who left is forgotten.
    pub(super) fn lobby_changed(&mut self, vmr: VmrId) {
        let gone = |(call, arrival): (&CallId, &Arrival)| {
            let waits = self.meetings.call_of(arrival.room) == Some(*call);
            (!waits).then_some((*call, arrival.room))
        };
        for (call, room) in self.lobby.iter().filter_map(gone).collect::<Vec<_>>() {
            self.lobby.remove(&call);
            self.spans.remove(&call);
            self.room_changed(room, &[Topic::Meetings, Topic::Lobbies]);
        }
        match self.parts.directory.vmr_with_id(vmr) {
            Ok(Some(vmr)) => {
                self.changed(vmr.organisation, Topic::Meetings);
                self.changed(vmr.organisation, Topic::Lobbies);
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "cannot look up the meeting room of a lobby"),
        }
    }

    /// The cloud starts: rooms that it took out of a meeting when it stopped do not wait when they come back.
    pub(super) fn expect_back(&mut self) -> Result<(), StoreError> {
        let since = UnixTime(self.wall.0.saturating_sub(RETURN.as_secs()));
        for (vmr, room) in self.parts.directory.taken_out(since, MOST_TAKEN_OUT)? {
            self.meetings.handle(self.now, Meet::WasIn { vmr, room });
        }
        Ok(())
    }
}

pub(super) fn waiting_line(waiter: conclave_meeting::Waiter) -> WaitingLine {
    let conclave_meeting::Waiter { participant, room, name } = waiter;
    WaitingLine { participant, room, name }
}
