//! Who speaks loudest, told not too often.

use crate::machine::Meetings;
use crate::words::Output;
use conclave_types::{MeetingId, ParticipantId, Time, VmrId};

impl Meetings {
    pub(crate) fn loudest(&mut self, meeting: MeetingId, participant: Option<ParticipantId>) {
        let Some(vmr) = self.ids.get(&meeting).copied() else { return };
        if let Some(meeting) = self.meetings.get_mut(&vmr) {
            meeting.speaker = participant.filter(|p| meeting.has(*p));
        }
        self.schedule_announcement(vmr);
    }

    pub(crate) fn announce_speakers(&mut self, now: Time) {
        while let Some((due, vmr)) = self.announcements.first().copied().filter(|d| d.0 <= now) {
            self.announcements.remove(&(due, vmr));
            let Some(meeting) = self.meetings.get_mut(&vmr) else { continue };
            meeting.due = None;
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

    /// Notes when a meeting's speaker is announced. To be called whenever somebody else speaks.
    pub(crate) fn schedule_announcement(&mut self, vmr: VmrId) {
        let Some(meeting) = self.meetings.get_mut(&vmr) else { return };
        let due = meeting.announcement_due();
        let before = std::mem::replace(&mut meeting.due, due);
        if let Some(at) = before {
            self.announcements.remove(&(at, vmr));
        }
        if let Some(at) = due {
            self.announcements.insert((at, vmr));
        }
    }
}
