//! Turns what the meetings say into messages on links, commands to the media node, and records.

use super::joins::Arrival;
use super::tally::Outcome;
use super::{CallNote, Output, RECORD_RETRY, Switchboard, Topic};
use crate::calls::JudgedCall;
use conclave_directory::{LeftWhy, RecordEntry, StoreError};
use conclave_link_protocol::message::{
    AwayReason, CloudEvent, EndReason, JoinRefusal, Joined, Participant, Response, ResumedCall,
    Roster,
};
use conclave_meeting::{Fact, Input as Meet, NotAdmitted, Output as Met, Why};
use conclave_types::{CallId, DisplayName, ParticipantId, RoomId};

impl Switchboard {
    /// Tells the meetings what happened and does what they want.
    pub(super) fn meet(&mut self, input: Meet) {
        self.meetings.handle(self.now, input);
        while let Some(output) = self.meetings.poll_output() {
            self.met(output);
        }
        self.write_new_records();
        self.remove_used_up();
    }

    fn met(&mut self, output: Met) {
        match output {
            Met::OpenLeg { meeting, participant, call } => {
                if let Some(arrival) = self.lobby.remove(&call) {
                    self.arrivals.insert(call, arrival);
                }
                let Some(arrival) = self.arrivals.get_mut(&call) else { return };
                arrival.meeting = Some(meeting);
                if let Some(span) = self.spans.get(&call) {
                    span.record("meeting", tracing::field::display(meeting));
                }
                let profiles = arrival.profiles.clone();
                self.opening.insert(participant, call);
                self.outputs.push_back(Output::OpenLeg { meeting, participant, profiles });
            }
            Met::CloseLeg { meeting, participant } => {
                self.outputs.push_back(Output::CloseLeg { meeting, participant });
            }
            Met::Admitted { call, room, participant, roster } => {
                self.admitted(call, room, participant, roster);
            }
            Met::Waits { call, room: _ } => self.waits(call),
            Met::StillWaits { call, room: _ } => self.still_waiting.push(call),
            Met::TurnedAway { call, room, why } => self.turned_away(call, room, why),
            Met::Lobby { call, room, waiting } => self.show_lobby(call, room, waiting),
            Met::LobbyChanged { vmr } => self.lobby_changed(vmr),
            Met::Refused { call, room, why } => {
                let span = self.spans.remove(&call);
                let Some(arrival) = self.arrivals.remove(&call) else { return };
                let outcome = match why {
                    NotAdmitted::Full { capacity } => {
                        Outcome::Refused(JoinRefusal::Full { capacity })
                    }
                    NotAdmitted::LobbyFull => Outcome::Refused(JoinRefusal::LobbyFull),
                    NotAdmitted::CloudFull => Outcome::CloudFull,
                    NotAdmitted::NoLeg => Outcome::NoLeg,
                };
                let _within = span.as_ref().map(tracing::Span::enter);
                if outcome == Outcome::CloudFull {
                    tracing::warn!("no place for another call: see 'Limits' in docs/operator.md");
                }
                self.not_entered(call, room, &arrival, outcome);
            }
            Met::Resumed { call, room: _, roster } => {
                self.tally.calls_resumed += 1;
                self.resumed.push(ResumedCall { call, roster: on_wire(roster) });
            }
            Met::Roster { call, room, roster } => {
                self.tell(room, CloudEvent::Roster { call, roster: on_wire(roster) });
            }
            Met::Speaking { call, room, participant } => {
                self.tell(room, CloudEvent::Speaking { call, participant });
            }
            Met::Ended { call, room, why } => {
                self.tell(room, CloudEvent::CallEnded { call, reason: reason(why) });
            }
            Met::Record(fact) => self.record(fact),
        }
    }

    fn admitted(
        &mut self,
        call: CallId,
        room: RoomId,
        participant: ParticipantId,
        roster: conclave_meeting::Roster,
    ) {
        self.write_new_records();
        let Some(arrival) = self.arrivals.remove(&call) else { return };
        let meeting = arrival.meeting;
        let (Some(leg), Some(meeting), false) =
            (arrival.leg.clone(), meeting, self.unrecorded_calls.remove(&call))
        else {
            // It could not be recorded, so it does not take place.
            self.not_entered(call, room, &arrival, Outcome::NotKept);
            self.meetings.handle(self.now, Meet::Left { room, call });
            return;
        };
        let span = self.spans.get(&call).cloned().unwrap_or(tracing::Span::none());
        span.record("leg", tracing::field::display(leg.leg));
        let within = span.enter();
        tracing::info!(%room, %participant, "room joined");
        drop(within);
        self.tally.join(Outcome::Joined);
        let began = CallNote::Began {
            call,
            room,
            room_name: arrival.room_name,
            vmr_name: if arrival.hidden { unnamed() } else { arrival.vmr_name.clone() },
            meeting,
            participant,
            leg: leg.leg,
            at: self.wall,
            now: self.now,
            span,
        };
        self.outputs.push_back(Output::Note(Box::new(began)));
        let joined = Joined {
            call,
            name: arrival.vmr_name,
            participant,
            leg: *leg,
            roster: on_wire(roster),
        };
        let joined = Box::new(joined);
        match arrival.id {
            Some(id) => self.respond(arrival.link, id, Response::Joined(joined)),
            // It was answered that it waits.
            None => {
                self.tell(room, CloudEvent::Admitted(joined));
                self.room_changed(room, &[Topic::Lobbies]);
            }
        }
    }

    /// A room that passed the door, and perhaps waited, is not in.
    fn not_entered(&mut self, call: CallId, room: RoomId, arrival: &Arrival, outcome: Outcome) {
        match arrival.id {
            Some(id) => self.not_joined(arrival.link, id, outcome),
            None => {
                self.tally.join(outcome);
                self.tell(room, CloudEvent::NotAdmitted { call, reason: AwayReason::Busy });
            }
        }
    }

    pub(super) fn tell(&mut self, room: RoomId, event: CloudEvent) {
        if let Some(link) = self.rooms.get(&room).copied() {
            self.outputs.push_back(Output::Send { link, event });
        }
    }

    fn record(&mut self, fact: Fact) {
        let at = self.wall;
        const SHOWN: &[Topic] =
            &[Topic::Meetings, Topic::Appointments, Topic::Rooms, Topic::Records];
        match &fact {
            Fact::Joined(attendance) => {
                self.new_calls.push(attendance.call);
                self.room_changed(attendance.room, SHOWN);
            }
            Fact::Left { room, .. } => self.room_changed(*room, SHOWN),
            Fact::Started { .. } | Fact::Ended { .. } => {}
        }
        let entry = match fact {
            Fact::Started { meeting, vmr } => match self.parts.directory.vmr_with_id(vmr) {
                Ok(Some(found)) => {
                    self.tell_of_meeting(meeting, &found);
                    let called = self.appointments.has(vmr);
                    RecordEntry::Started {
                        meeting,
                        organisation: found.organisation,
                        vmr,
                        number: found.number,
                        name: found.name,
                        // That a meeting took place which somebody had called, the organisation's reports say.
                        hidden: found.hidden && !called,
                        organiser: found.owner.filter(|_| called),
                        at,
                    }
                }
                // Without its line the joining is refused, which is what follows.
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "cannot look up the meeting room of a meeting");
                    return;
                }
            },
            Fact::Joined(a) => {
                self.note_call(&a);
                RecordEntry::Joined {
                    call: a.call,
                    meeting: a.meeting,
                    room: a.room,
                    name: a.name,
                    at,
                }
            }
            Fact::Left { call, why, .. } => {
                let span = self.spans.remove(&call).unwrap_or(tracing::Span::none());
                span.in_scope(|| tracing::debug!(?why, "room left"));
                let (why, now) = (left_why(why), self.now);
                self.tally.ended(why);
                self.tell_of_calls_end(call, why);
                self.outputs.push_back(Output::Note(Box::new(CallNote::Ended { call, why, now })));
                RecordEntry::Left { call, why, at }
            }
            Fact::Ended { vmr, meeting } => {
                self.used_up.push(vmr);
                self.tell_of_meetings_end(meeting);
                RecordEntry::Ended { meeting, at }
            }
        };
        self.unrecorded.push_back(entry);
        self.new_records = true;
    }

    /// Writes what one input brought, in one change. A call that could not be written is not to
    /// take place, so its line does not wait.
    fn write_new_records(&mut self) {
        if !std::mem::take(&mut self.new_records) {
            return;
        }
        self.write_records();
        let new = std::mem::take(&mut self.new_calls);
        if !self.unrecorded.is_empty() {
            self.unrecorded.retain(
                |entry| !matches!(entry, RecordEntry::Joined { call, .. } if new.contains(call)),
            );
            self.unrecorded_calls.extend(new);
        }
    }

    /// How a call went stands in its record.
    pub(super) fn call_judged(&mut self, JudgedCall { call, room, troubles }: JudgedCall) {
        self.unrecorded.push_back(RecordEntry::Judged { call, troubles });
        self.write_records();
        self.room_changed(room, &[Topic::Records]);
    }

    /// Closes the records of calls that the last stop cut off, once.
    pub(super) fn close_dangling(&mut self) -> Result<(), StoreError> {
        if self.dangling {
            let closed = self.parts.directory.close_dangling(self.wall)?;
            if closed > 0 {
                tracing::info!(closed, "closed the records of calls that the last stop cut off");
            }
            self.dangling = false;
        }
        Ok(())
    }

    /// Writes what waits. What cannot be written waits on, to be tried again: only calls that
    /// were acknowledged can wait here, so their number is bounded by the calls that are on.
    pub(super) fn write_records(&mut self) {
        let closed = self.close_dangling();
        let entries = self.unrecorded.make_contiguous();
        match closed.and_then(|()| self.parts.directory.keep(entries)) {
            Ok(()) => {
                self.unrecorded.clear();
                self.retry_records_at = None;
            }
            Err(error) => {
                self.tally.records_failed += 1;
                let waiting = self.unrecorded.len();
                tracing::error!(%error, waiting, "cannot keep call records, trying again soon");
                self.retry_records_at = Some(self.now + RECORD_RETRY);
            }
        }
    }
}

/// In the log of calls, which the operator reads, a hidden meeting room has no name.
fn unnamed() -> DisplayName {
    "·".parse().unwrap_or_else(|_| unreachable!("a dot is a name"))
}

fn on_wire(roster: conclave_meeting::Roster) -> Roster {
    let participant = |line: conclave_meeting::RosterLine| Participant {
        participant: line.participant,
        name: line.name,
        microphone: line.microphone,
        camera: line.camera,
        audio: line.audio,
        video: line.video,
    };
    Roster {
        revision: roster.revision,
        participants: roster.lines.into_iter().map(participant).collect(),
    }
}

/// What a room is told; its panel has words for each.
fn reason(why: Why) -> EndReason {
    match why {
        Why::Left | Why::Replaced | Why::Revoked | Why::Closed => EndReason::Ended,
        // Only of whoever was never in, who is told otherwise.
        Why::TurnedAway | Why::NobodyCame => EndReason::Ended,
        Why::VmrRemoved => EndReason::Removed,
        Why::LinkLost | Why::MediaLost => EndReason::MediaLost,
        Why::CloudStopped => EndReason::Unknown,
    }
}

fn left_why(why: Why) -> LeftWhy {
    match why {
        Why::Left => LeftWhy::Left,
        Why::Replaced => LeftWhy::Replaced,
        Why::LinkLost => LeftWhy::LinkLost,
        Why::MediaLost => LeftWhy::MediaLost,
        Why::VmrRemoved => LeftWhy::VmrRemoved,
        Why::Closed => LeftWhy::Closed,
        // Only of whoever was never in, of whom no record tells.
        Why::TurnedAway | Why::NobodyCame => LeftWhy::Closed,
        Why::Revoked => LeftWhy::Revoked,
        Why::CloudStopped => LeftWhy::CloudStopped,
    }
}
