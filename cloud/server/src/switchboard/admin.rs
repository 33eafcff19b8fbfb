//! What the command line asks.

use super::lists::Which;
use super::lobby::{LobbyAnswer, waiting_line};
use super::refused::Refused;
use super::vmrs::{act, in_words};
use super::{Caller, CloseReason, ControlId, JobId, LinkId, Output, Party, Switchboard};
use crate::control::{
    ControlAnswer, ControlRequest, MeetingLine, NewAppointment, NewVmr, ParticipantLine,
    RecordLine, RefusalCode, RoomLine,
};
use conclave_directory::usage::Span;
use conclave_directory::webhooks::EventKind;
use conclave_directory::{
    AwaitedDevice, CallRecord, ClaimError, EnrolError, PinHash, Room, RoomStatus,
};
use conclave_link_protocol::message::{CloudEvent, Order, RoomIdentity};
use conclave_meeting::{Input as Meet, MeetingSummary};
use conclave_types::{ActivationCode, DisplayName, OrganisationId, Pin, RoomId, Secret, VmrNumber};
use std::collections::BTreeMap;

/// The most administrators who wait for a hash at once.
const MOST_HASHING: usize = 16;

/// An administrator who waits for a PIN's hash.
pub(super) struct Waiting {
    id: ControlId,
    by: Caller,
    then: Then,
}

enum Then {
    Create(NewVmr),
    Call(NewAppointment),
    SetPin { number: VmrNumber },
}

pub(super) type Answered = Result<ControlAnswer, Refused>;

impl Switchboard {
    pub(super) fn control(&mut self, id: ControlId, by: Caller, request: ControlRequest) {
        let whose = by.organisation;
        self.asking = Some(by);
        let request = match request {
            ControlRequest::IfUnchanged { mark, request } => {
                if let Err(refused) = self.is_unchanged(whose, &mark, &request) {
                    self.settle(false);
                    return self.answer(id, Err(refused));
                }
                *request
            }
            request => request,
        };
        let answered = match request {
            ControlRequest::RoomClaim { code, name } => self.claim(whose, code, &name),
            ControlRequest::RoomList { part, state, needs, group, tag } => {
                self.room_list(whose, &part, Which { state, needs, group, tag })
            }
            ControlRequest::TagList => self.tag_list(whose),
            ControlRequest::RoomShow { room } => self
                .find_room(whose, &room)
                .map(|room| ControlAnswer::Room { room: self.whole_room_line(room) }),
            ControlRequest::RoomRename { room, name } => self.rename(whose, &room, &name),
            ControlRequest::RoomRevoke { room } => self.revoke(whose, &room),
            ControlRequest::RoomIdentify { room } => self.order(whose, &room, Order::Identify),
            ControlRequest::RoomRestart { room } => self.order(whose, &room, Order::Restart),
            ControlRequest::RoomFetch { room, what } => self.fetch(whose, &room, what),
            ControlRequest::RoomParcel { room, what } => {
                match self.show_parcel(id, whose, &room, what) {
                    Ok(()) => {
                        self.asking = None;
                        return;
                    }
                    Err(refused) => Err(refused),
                }
            }
            ControlRequest::VmrCreate { new, pin } => match (self.may_create(whose, &new), pin) {
                (Err(refused), _) => Err(refused),
                // Refused before the hash is computed, and looked at again after.
                (Ok(()), Some(pin)) => {
                    self.hash_pin(id, pin, Then::Create(new));
                    return;
                }
                (Ok(()), None) => self.create_vmr(whose, new, None),
            },
            ControlRequest::AppointmentAdd { new, pin } => {
                match (self.may_call(whose, &new), pin) {
                    (Err(refused), _) => Err(refused),
                    (Ok(()), Some(pin)) => {
                        self.hash_pin(id, pin, Then::Call(new));
                        return;
                    }
                    (Ok(()), None) => self.call_meeting(whose, new, None),
                }
            }
            ControlRequest::VmrList { part } => self.vmr_list(whose, &part),
            ControlRequest::VmrRemove { number } => self.remove_vmr(whose, &number),
            ControlRequest::VmrChange { number, name, capacity, lobby } => {
                self.change_vmr(whose, &number, name, capacity, lobby)
            }
            ControlRequest::VmrModerators { number, people } => {
                self.set_moderators(whose, &number, &people)
            }
            ControlRequest::VmrSetPin { number, pin: Some(pin) } => {
                match self.find_vmr(whose, &number) {
                    Ok(_) => {
                        self.hash_pin(id, pin, Then::SetPin { number });
                        return;
                    }
                    Err(refused) => Err(refused),
                }
            }
            ControlRequest::VmrSetPin { number, pin: None } => self.set_pin(whose, &number, None),
            ControlRequest::MeetingList => self.meeting_list(whose),
            ControlRequest::MeetingLetIn { number, who } => {
                self.answer_lobby(whose, &number, who, LobbyAnswer::LetIn)
            }
            ControlRequest::MeetingTurnAway { number, who } => {
                self.answer_lobby(whose, &number, who, LobbyAnswer::TurnAway)
            }
            ControlRequest::MeetingEnd { number } => self.end_meeting(whose, &number),
            ControlRequest::CallList { .. }
            | ControlRequest::PromoteBackup
            | ControlRequest::CertificateShow => {
                Err(Refused::because("this is not the switchboard's to answer"))
            }
            ControlRequest::RecordList { most } => self.record_list(whose, most),
            ControlRequest::Usage { from, until, ahead_s } => {
                self.usage(whose, Span { from, until }, ahead_s)
            }
            ControlRequest::OrganisationAdd { name } => self.add_organisation(name),
            ControlRequest::OrganisationList => self.organisation_list(),
            ControlRequest::OrganisationRename { organisation, name } => {
                self.rename_organisation(&organisation, name)
            }
            request @ (ControlRequest::RoomCalendarShow { .. }
            | ControlRequest::RoomCalendarSet { .. }
            | ControlRequest::RoomCalendarRead { .. }
            | ControlRequest::RoomCalendarRemove { .. }) => self.calendar_control(whose, request),
            request => self.webhook_control(whose, request),
        };
        self.settle(answered.is_ok());
        self.answer(id, answered);
    }

    pub(super) fn pin_hashed(&mut self, job: JobId, hash: Option<PinHash>) {
        let Some(Waiting { id, by, then }) = self.hashing.remove(&job) else { return };
        let whose = by.organisation;
        self.asking = Some(by);
        let answered = match (hash, then) {
            (None, _) => Err(Refused::because("the PIN could not be hashed: see the cloud's log")),
            (hash, Then::Create(new)) => self.create_vmr(whose, new, hash),
            (hash, Then::Call(new)) => self.call_meeting(whose, new, hash),
            (hash, Then::SetPin { number }) => self.set_pin(whose, &number, hash.as_ref()),
        };
        self.settle(answered.is_ok());
        self.answer(id, answered);
    }

    pub(super) fn answer(&mut self, id: ControlId, answered: Answered) {
        let answer = answered.unwrap_or_else(ControlAnswer::from);
        self.outputs.push_back(Output::Answer { id, answer });
    }

    fn hash_pin(&mut self, id: ControlId, pin: Pin, then: Then) {
        // It goes on when the hash is there.
        let Some(by) = self.asking.take() else { return };
        if self.hashing.len() >= MOST_HASHING {
            self.answer(
                id,
                Err(Refused::with(RefusalCode::Busy, "the cloud is busy: try again in a moment")),
            );
            return;
        }
        let job = self.job();
        let salt = Secret::new(self.random().to_be_bytes());
        self.hashing.insert(job, Waiting { id, by, then });
        self.outputs.push_back(Output::HashPin { job, pin, salt });
    }

    fn claim(
        &mut self,
        whose: OrganisationId,
        code: ActivationCode,
        name: &DisplayName,
    ) -> Answered {
        let link = self.newcomer_with(code)?;
        // What was said of the device beforehand holds, but for the name: that is typed now.
        let awaited = self.awaited_at(whose, link).cloned();
        let room = self.enrol(whose, link, name, awaited)?;
        Ok(ControlAnswer::RoomClaimed { room: self.room_line(room) })
    }

    /// The link of the newcomer whose panel shows this code.
    pub(super) fn newcomer_with(&mut self, code: ActivationCode) -> Result<LinkId, Refused> {
        let key = self.activation.claim(self.now, code)?;
        Ok(self.newcomers.get(&key).copied().ok_or(ClaimError::NotConnected)?)
    }

    /// Makes a room of the newcomer at this link, and tells it.
    pub(super) fn enrol(
        &mut self,
        whose: OrganisationId,
        link: LinkId,
        name: &DisplayName,
        awaited: Option<AwaitedDevice>,
    ) -> Result<Room, Refused> {
        let Some(Party::Newcomer { key, spki_der, serial }) = self.links.get(&link) else {
            return Err(ClaimError::NotConnected.into());
        };
        let key = *key;
        // A device that is a room already lost its certificate, or never received it: it gets
        // another one for the same room.
        let before = self.parts.directory.room_with_key(key)?;
        if before.as_ref().is_some_and(|room| room.organisation != whose) {
            return Err(EnrolError::KeyTaken.into());
        }
        let id = match (&before, &awaited) {
            (Some(room), _) => room.id,
            (None, Some(awaited)) => awaited.room,
            (None, None) => RoomId::from_random((self.parts.random)()),
        };
        let signed = self.parts.certifier.sign(id, spki_der, self.wall)?;
        let room = Room {
            id,
            organisation: whose,
            name: name.clone(),
            serial: serial.clone(),
            key,
            certificate_expires: signed.expires,
            status: RoomStatus::Active,
            enrolled_at: before.as_ref().map_or(self.wall, |room| room.enrolled_at),
        };
        let was = before.as_ref().map(|room| room.name.to_string()).unwrap_or_default();
        self.audit("room.enrol", id, was, format!("{name}, serial number {}", room.serial));
        match (&before, awaited) {
            (Some(_), _) => {
                self.parts.directory.rename_room(id, name)?;
                self.parts.directory.certificate_signed(id, signed.expires)?;
            }
            (None, Some(awaited)) => {
                self.parts.directory.enrol_awaited(&room, &awaited)?;
                self.awaited.remove(awaited.room);
                self.settings.placed(id, awaited.place);
            }
            (None, None) => self.parts.directory.enrol(&room)?,
        }
        self.look_up_again(id);
        self.activation.used(key);
        tracing::info!(room = %id, ?key, "room enrolled");
        self.tell_of_room(room.clone(), EventKind::RoomEnrolled);
        let identity = RoomIdentity { room: id, name: name.clone() };
        let event = CloudEvent::Activated { room: identity, certificate: signed.chain };
        self.outputs.push_back(Output::Send { link, event });
        self.end_link(link, CloseReason::Activated);
        Ok(room)
    }

    fn rename(&mut self, whose: OrganisationId, room: &str, name: &DisplayName) -> Answered {
        let mut room = self.find_room(whose, room)?;
        let id = room.id;
        self.audit("room.rename", id, &room.name, name);
        if !self.parts.directory.rename_room(id, name)? {
            return Err(revoked(&room));
        }
        self.look_up_again(id);
        tracing::info!(room = %id, "room renamed");
        room.name = name.clone();
        if let Some(link) = self.rooms.get(&id).copied() {
            if let Some(Party::Room { name: known, .. }) = self.links.get_mut(&link) {
                *known = name.clone();
            }
            let event = CloudEvent::Room(RoomIdentity { room: id, name: name.clone() });
            self.outputs.push_back(Output::Send { link, event });
        }
        self.meet(Meet::Renamed { room: id, name: name.clone() });
        Ok(ControlAnswer::RoomRenamed { room: self.room_line(room) })
    }

    fn revoke(&mut self, whose: OrganisationId, room: &str) -> Answered {
        let mut room = self.find_room(whose, room)?;
        self.audit("room.revoke", room.id, &room.name, "");
        if !self.parts.directory.revoke_room(room.id, self.wall)? {
            return Err(revoked(&room));
        }
        room.status = RoomStatus::Revoked;
        tracing::info!(room = %room.id, "room revoked");
        self.shut_out(room.id);
        self.tell_of_room(room.clone(), EventKind::RoomRevoked);
        Ok(ControlAnswer::RoomRevoked { room: self.room_line(room) })
    }

    /// A room was changed in the directory.
    pub(super) fn look_up_again(&mut self, id: RoomId) {
        match self.parts.directory.room(id) {
            Ok(Some(room)) => self.roster.set(room),
            Ok(None) => self.roster.remove(id),
            // It is listed as it was until the next start.
            Err(error) => tracing::error!(room = %id, %error, "cannot look up a room"),
        }
    }

    /// All of an organisation, revoked or not, by name.
    pub(super) fn rooms_of(&self, whose: OrganisationId) -> Vec<Room> {
        self.roster.of_organisation(whose).cloned().collect()
    }

    /// By id, or by name among those that are active. Another organisation's is not there.
    pub(super) fn find_room(&self, whose: OrganisationId, room: &str) -> Result<Room, Refused> {
        let found = match room.parse::<RoomId>() {
            Ok(id) => self.parts.directory.room(id)?.filter(|room| room.organisation == whose),
            Err(_) => self.rooms_of(whose).into_iter().find(|candidate| {
                candidate.status == RoomStatus::Active && candidate.name.as_str() == room.trim()
            }),
        };
        found.ok_or_else(|| no_room(room))
    }

    /// Ends the meeting in a meeting room. Whoever was in may come again.
    fn end_meeting(&mut self, whose: OrganisationId, number: &VmrNumber) -> Answered {
        let vmr = self.find_vmr_or_meeting(whose, number)?;
        let Some(meeting) = self.meetings.meeting_or_lobby_in(vmr.id) else {
            return Err(Refused::with(
                RefusalCode::NoMeeting,
                format!("no meeting is on in {number}: see 'conclave-cloud meeting list'"),
            ));
        };
        self.audit(act(&vmr, "meeting.end"), meeting, in_words(&vmr), "");
        tracing::info!(vmr = %vmr.id, %meeting, "meeting ended by an administrator");
        self.meet(Meet::Closed { vmr: vmr.id });
        Ok(ControlAnswer::MeetingEnded { vmr: self.vmr_line(vmr)? })
    }

    /// Those that whoever asks may let others into: of an administrator all that are not hidden from them.
    fn meeting_list(&self, whose: OrganisationId) -> Answered {
        let mut vmrs = BTreeMap::new();
        for MeetingSummary { vmr, .. } in self.meetings.summaries() {
            let found = self.parts.directory.vmr_with_id(vmr)?;
            if let Some(vmr) = found.filter(|vmr| vmr.organisation == whose)
                && self.keeper(&vmr)?.keeps()
            {
                vmrs.insert(vmr.id, vmr);
            }
        }
        let line = |summary: MeetingSummary| {
            let vmr = vmrs.get(&summary.vmr)?;
            let participant = |a: conclave_meeting::Attendance| ParticipantLine {
                room: a.room,
                name: a.name,
                call: a.call,
            };
            Some(MeetingLine {
                meeting: summary.meeting,
                number: vmr.number.clone(),
                name: vmr.name.clone(),
                participants: summary.attendance.into_iter().map(participant).collect(),
                waiting: summary.waiting.into_iter().map(waiting_line).collect(),
            })
        };
        let meetings = self.meetings.summaries().into_iter().filter_map(line).collect();
        Ok(ControlAnswer::Meetings { meetings })
    }

    fn record_list(&self, whose: OrganisationId, most: u32) -> Answered {
        let line = |record: CallRecord| RecordLine {
            call: record.call,
            meeting: record.meeting,
            number: record.vmr_number,
            vmr_name: record.vmr_name,
            room: record.room,
            room_name: record.name,
            joined_at: record.joined_at,
            left_at: record.left.map(|(at, _)| at),
            why: record.left.map(|(_, why)| why.words().to_owned()),
            reason: record.left.map(|(_, why)| why.as_str().to_owned()),
            troubles: record
                .troubles
                .map(|all| all.into_iter().map(|trouble| trouble.as_str().to_owned()).collect()),
        };
        let records = self.parts.directory.call_records(whose, self.sight(), most)?;
        Ok(ControlAnswer::Records { records: records.into_iter().map(line).collect() })
    }

    /// With what lists leave out.
    fn whole_room_line(&self, room: Room) -> RoomLine {
        let condition = self.seen.get(&room.id).and_then(|seen| seen.condition.clone());
        let parcels = self.parcel_lines(room.id);
        RoomLine { condition, parcels, ..self.room_line(room) }
    }

    pub(super) fn room_line(&self, room: Room) -> RoomLine {
        let state = self.state_of(room.id, room.status);
        let seen = self.seen.get(&room.id);
        let broken = seen.into_iter().flat_map(|seen| &seen.broken);
        RoomLine {
            mark: self.mark_of_room(&room),
            group: self.settings.group(room.id).map(|group| group.name.clone()),
            place: self.settings.place(room.id).cloned(),
            tags: self.settings.tags(room.id).to_vec(),
            settings: self.settings_in_force(room.organisation, room.id),
            order: self.order_line(room.id).map(Box::new),
            since: seen.map(|seen| seen.since),
            software: seen.map(|seen| seen.software.clone()),
            broken: broken.map(|&part| part.to_owned()).collect(),
            condition: None,
            parcels: Vec::new(),
            room: room.id,
            name: room.name,
            serial: room.serial,
            state,
            enrolled_at: room.enrolled_at,
            certificate_expires: room.certificate_expires,
        }
    }
}

pub(super) fn no_room(room: &str) -> Refused {
    Refused::with(
        RefusalCode::Gone,
        format!("there is no room '{room}': see 'conclave-cloud room list'"),
    )
}

fn revoked(room: &Room) -> Refused {
    Refused::with(
        RefusalCode::RoomRevoked,
        format!("the room '{}' was revoked; enrol the device again to use it", room.name),
    )
}
