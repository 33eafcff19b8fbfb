//! Turns what the meetings say into messages on links, commands to the media node, and records.

use super::{Output, RECORD_RETRY, Switchboard};
use conclave_directory::{LeftWhy, RecordEntry};
use conclave_link_protocol::message::{
    CloudEvent, EndReason, JoinRefusal, Joined, Participant, Response, ResumedCall, Roster,
};
use conclave_meeting::{Fact, Input as Meet, NotAdmitted, Output as Met, Why};
use conclave_types::{CallId, ParticipantId, RoomId};

impl Switchboard {
    /// Tells the meetings what happened and does what they want.
    pub(super) fn meet(&mut self, input: Meet) {
        self.meetings.handle(self.now, input);
        while let Some(output) = self.meetings.poll_output() {
            self.met(output);
        }
    }

    fn met(&mut self, output: Met) {
        match output {
            Met::OpenLeg { meeting, participant, call } => {
                let Some(arrival) = self.arrivals.get(&call) else { return };
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
            Met::Refused { call, room: _, why } => {
                let Some(arrival) = self.arrivals.remove(&call) else { return };
                let refusal = match why {
                    NotAdmitted::Full { capacity } => JoinRefusal::Full { capacity },
                    NotAdmitted::NoLeg => JoinRefusal::Busy,
                };
                self.not_joined(arrival.link, arrival.id, refusal);
            }
            Met::Resumed { call, room: _, roster } => {
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
        let Some(arrival) = self.arrivals.remove(&call) else { return };
        let (Some(leg), false) = (arrival.leg, self.unrecorded_calls.remove(&call)) else {
            // It could not be recorded, so it does not take place.
            self.not_joined(arrival.link, arrival.id, JoinRefusal::Busy);
            self.meetings.handle(self.now, Meet::Left { room, call });
            return;
        };
        tracing::info!(%room, %call, leg = %leg.leg, "room joined");
        let joined = Joined {
            call,
            name: arrival.vmr_name,
            participant,
            leg: *leg,
            roster: on_wire(roster),
        };
        self.respond(arrival.link, arrival.id, Response::Joined(Box::new(joined)));
    }

    fn tell(&mut self, room: RoomId, event: CloudEvent) {
        if let Some(link) = self.rooms.get(&room).copied() {
            self.outputs.push_back(Output::Send { link, event });
        }
    }

    fn record(&mut self, fact: Fact) {
        let at = self.wall;
        let joining = match &fact {
            Fact::Joined(attendance) => Some(attendance.call),
            _ => None,
        };
        let entry = match fact {
            Fact::Started { meeting, vmr } => match self.parts.directory.vmr_with_id(vmr) {
                Ok(Some(found)) => RecordEntry::Started {
                    meeting,
                    vmr,
                    number: found.number,
                    name: found.name,
                    at,
                },
                // Without its line the joining is refused, which is what follows.
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "cannot look up the meeting room of a meeting");
                    return;
                }
            },
            Fact::Joined(a) => RecordEntry::Joined {
                call: a.call,
                meeting: a.meeting,
                room: a.room,
                name: a.name,
                at,
            },
            Fact::Left { call, why } => {
                tracing::info!(%call, ?why, "room left");
                RecordEntry::Left { call, why: left_why(why), at }
            }
            Fact::Ended { meeting } => RecordEntry::Ended { meeting, at },
        };
        self.unrecorded.push_back(entry);
        self.write_records();
        if let Some(call) = joining
            && !self.unrecorded.is_empty()
        {
            self.unrecorded.pop_back();
            self.unrecorded_calls.insert(call);
        }
    }

    /// Writes what waits. What cannot be written waits on, to be tried again: only calls that
    /// were acknowledged can wait here, so their number is bounded by the calls that are on.
    pub(super) fn write_records(&mut self) {
        let entries = self.unrecorded.make_contiguous();
        match self.parts.directory.keep(entries) {
            Ok(()) => {
                self.unrecorded.clear();
                self.retry_records_at = None;
            }
            Err(error) => {
                let waiting = self.unrecorded.len();
                tracing::error!(%error, waiting, "cannot keep call records, trying again soon");
                self.retry_records_at = Some(self.now + RECORD_RETRY);
            }
        }
    }
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
        Why::Left | Why::Replaced | Why::Revoked => EndReason::Ended,
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
        Why::Revoked => LeftWhy::Revoked,
        Why::CloudStopped => LeftWhy::CloudStopped,
    }
}
