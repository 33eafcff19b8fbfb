//! Links: hello, newcomers and their codes, certificates, losing and ending links.

use super::lobby::LobbyAnswer;
use super::{
    BundleFile, CallNote, CloseReason, LinkId, Output, Party, Peer, RequestId, Stage, Switchboard,
};
use conclave_directory::awaited::LONGEST_SERIAL;
use conclave_directory::{KeyFingerprint, RoomStatus};
use conclave_link_protocol::VERSIONS;
use conclave_link_protocol::message::{
    CloudEvent, Greeting, Hello, Refusal, Response, RoomEvent, RoomIdentity, RoomRequest, Welcome,
};
use conclave_meeting::Held;
use conclave_types::{OrganisationId, Redacted, RoomId};

/// A room that may not link asks again after an hour: somebody has to act first.
const RETRY_REFUSED_S: u32 = 3_600;

/// A room that came at a bad moment asks again after half a minute.
const RETRY_BUSY_S: u32 = 30;

impl Switchboard {
    pub(super) fn hello(&mut self, link: LinkId, peer: Peer, hello: Hello) {
        let version = common_version(hello.versions);
        let refusal = match peer {
            _ if self.stage == Stage::Stopping => Some((Refusal::Busy, RETRY_BUSY_S)),
            _ if version.is_none() => Some((Refusal::Version, RETRY_REFUSED_S)),
            // By our clock, which may be wrong: the room compares with its own, and comes back soon.
            Peer::Unfit(reason @ (Refusal::Expired | Refusal::Other)) => {
                Some((reason, RETRY_BUSY_S))
            }
            Peer::Unfit(reason) => Some((reason, RETRY_REFUSED_S)),
            Peer::Newcomer { spki_der } => self.newcomer(link, spki_der, hello.serial),
            Peer::Enrolled { room, spki_der } => self.enrolled(link, room, spki_der, hello),
        };
        if let Some((reason, retry_after_s)) = refusal {
            self.tally.refused(reason);
            tracing::info!(%link, ?reason, "link refused");
            self.links.insert(link, Party::Leaving);
            let greeting = Greeting::Refused { reason, retry_after_s };
            self.outputs.push_back(Output::Greet { link, greeting });
            self.outputs.push_back(Output::Close { link, reason: CloseReason::Refused });
        }
    }

    fn newcomer(
        &mut self,
        link: LinkId,
        spki_der: Vec<u8>,
        serial: String,
    ) -> Option<(Refusal, u32)> {
        let key = KeyFingerprint::of(&spki_der);
        let random = &mut self.parts.random;
        let mut code_bits = || random() as u64;
        let Ok(issued) = self.activation.arrived(self.now, key, &mut code_bits) else {
            return Some((Refusal::Busy, RETRY_BUSY_S));
        };
        if let Some(old) = self.newcomers.insert(key, link) {
            self.end_link(old, CloseReason::Replaced);
        }
        let serial: String =
            serial.chars().filter(|c| !c.is_control()).take(LONGEST_SERIAL).collect();
        self.tally.newcomer();
        tracing::info!(%link, ?key, serial, "a newcomer waits for its activation");
        self.links.insert(link, Party::Newcomer { key, spki_der, serial });
        let expires_in_s = whole_seconds(issued.expires_in);
        let greeting = Greeting::Newcomer { code: issued.code, expires_in_s };
        self.outputs.push_back(Output::Greet { link, greeting });
        self.awaited_moved(link);
        self.enrol_if_awaited(link);
        None
    }

    fn enrolled(
        &mut self,
        link: LinkId,
        id: RoomId,
        spki_der: Vec<u8>,
        hello: Hello,
    ) -> Option<(Refusal, u32)> {
        let room = match self.parts.directory.room(id) {
            Ok(Some(room)) => room,
            // Our certificate for a room that we do not have: the database is older than it.
            Ok(None) => return Some((Refusal::Revoked, RETRY_REFUSED_S)),
            Err(error) => {
                tracing::error!(room = %id, %error, "cannot look up a room");
                return Some((Refusal::Busy, RETRY_BUSY_S));
            }
        };
        if room.status == RoomStatus::Revoked || room.key != KeyFingerprint::of(&spki_der) {
            return Some((Refusal::Revoked, RETRY_REFUSED_S));
        }
        if let Some(old) = self.rooms.insert(id, link) {
            // The old connection is dead and we have not noticed yet. What it asked is lost.
            self.end_link(old, CloseReason::Replaced);
            self.meet(conclave_meeting::Input::LinkLost { room: id });
            self.rooms.insert(id, link);
        }
        self.tally.welcomed();
        let span = tracing::info_span!(parent: None, "link", %link, room = %id);
        span.in_scope(|| tracing::info!(software = hello.software, "room linked"));
        let name = room.name.clone();
        let organisation = room.organisation;
        self.links
            .insert(link, Party::Room { room: id, organisation, name: room.name, spki_der, span });
        // The greeting is the first word on a link; what the meeting has to say comes after it.
        let greeting_at = self.outputs.len();
        let held = hello.calls.iter().map(|held| Held {
            call: held.call,
            microphone: held.microphone,
            camera: held.camera,
        });
        self.resumed.clear();
        self.still_waiting.clear();
        self.meet(conclave_meeting::Input::LinkBack { room: id, held: held.collect() });
        let welcome = Welcome {
            version: common_version(hello.versions).unwrap_or(VERSIONS.0),
            room: RoomIdentity { room: id, name },
            directory: self.listing.entries(organisation),
            calls: std::mem::take(&mut self.resumed),
            waiting: std::mem::take(&mut self.still_waiting),
        };
        let greeting = Greeting::Welcome(Box::new(welcome));
        self.outputs.insert(greeting_at, Output::Greet { link, greeting });
        self.agenda_linked(id);
        self.calendar_linked(id);
        self.remind_of_reset(link, id);
        self.seen_linked(id, &hello.software);
        None
    }

    /// An organisation's list of meeting rooms changed: each of its linked rooms gets all of it.
    pub(super) fn push_directory(&mut self, whose: OrganisationId) {
        let listing = self.listing.entries(whose);
        for link in self.rooms.values().copied() {
            let is_theirs = |party: &Party| matches!(party, Party::Room { organisation, .. } if *organisation == whose);
            if !self.links.get(&link).is_some_and(is_theirs) {
                continue;
            }
            let event = CloudEvent::Directory(listing.clone());
            self.outputs.push_back(Output::Send { link, event });
        }
    }

    pub(super) fn renew_codes(&mut self) {
        let random = &mut self.parts.random;
        let mut code_bits = || random() as u64;
        for (key, issued) in self.activation.renew_expired(self.now, &mut code_bits) {
            if let Some(link) = self.newcomers.get(&key).copied() {
                let expires_in_s = whole_seconds(issued.expires_in);
                let event = CloudEvent::NewCode { code: issued.code, expires_in_s };
                self.outputs.push_back(Output::Send { link, event });
            }
        }
    }

    pub(super) fn request(&mut self, link: LinkId, id: RequestId, request: RoomRequest) {
        let room = match self.links.get(&link) {
            Some(Party::Room { room, .. }) => *room,
            Some(Party::Newcomer { .. }) => {
                let reason = "this device is not enrolled".to_owned();
                self.respond(link, id, Response::Failed { reason });
                return;
            }
            Some(Party::Leaving) | None => return,
        };
        match request {
            RoomRequest::Join(join) => self.join(link, id, room, join),
            RoomRequest::Leave { call } => {
                self.meet(conclave_meeting::Input::Left { room, call });
                self.respond(link, id, Response::Done);
            }
            RoomRequest::SetMedia { call, microphone, camera } => {
                let response = if self.meetings.call_of(room) == Some(call) {
                    Response::Done
                } else {
                    Response::Failed { reason: "this room is not in that call".to_owned() }
                };
                let switched = conclave_meeting::Input::Switched { room, call, microphone, camera };
                self.meet(switched);
                self.respond(link, id, response);
            }
            RoomRequest::LetIn { call, participants } => {
                let answer = LobbyAnswer::LetIn;
                self.room_answers_lobby((link, id, room), call, participants, answer);
            }
            RoomRequest::TurnAway { call, participants } => {
                let answer = LobbyAnswer::TurnAway;
                self.room_answers_lobby((link, id, room), call, participants, answer);
            }
            RoomRequest::RenewCertificate => self.renew_certificate(link, id, room),
            RoomRequest::Chunk { sha256, offset, length } => {
                self.chunk(link, id, room, (BundleFile::Bundle(sha256), offset, length));
            }
            RoomRequest::Sums { sha256, offset, length } => {
                self.chunk(link, id, room, (BundleFile::Sums(sha256), offset, length));
            }
            RoomRequest::MayReset { code } => self.may_reset(link, id, room, &code),
            RoomRequest::ResetDone(report) => self.reset_done(link, id, room, report),
            RoomRequest::Deliver(delivery) => self.piece_came(link, id, room, delivery),
            RoomRequest::Time => self.outputs.push_back(Output::TellTime { link, id }),
        }
    }

    fn renew_certificate(&mut self, link: LinkId, id: RequestId, room: RoomId) {
        let Some(Party::Room { spki_der, .. }) = self.links.get(&link) else { return };
        let signed = self.parts.certifier.sign(room, spki_der, self.wall);
        let response = match signed {
            Ok(signed) => {
                match self.parts.directory.certificate_signed(room, signed.expires) {
                    Ok(()) => {}
                    // The date is for people; the certificate is good without it.
                    Err(error) => {
                        tracing::error!(%room, %error, "cannot note the new certificate");
                    }
                }
                self.look_up_again(room);
                tracing::info!(%room, "certificate renewed");
                Response::Certificate(signed.chain)
            }
            Err(error) => {
                tracing::error!(%room, error = &error as &dyn std::error::Error, "cannot renew");
                Response::Failed { reason: "the cloud cannot sign certificates now".to_owned() }
            }
        };
        self.respond(link, id, response);
    }

    pub(super) fn event(&mut self, link: LinkId, event: RoomEvent) {
        let Some(Party::Room { room, .. }) = self.links.get(&link) else { return };
        match event {
            RoomEvent::Health { part, working, detail } => {
                let (room, detail) = (*room, Redacted(detail));
                self.seen_part(room, &part, working);
                let part = super::tally::part(&part);
                if working {
                    self.tally.parts_mended += 1;
                    tracing::info!(%room, part, "a part of the room works again");
                    return;
                }
                self.tally.broke(part);
                tracing::warn!(%room, part, ?detail, "a part of the room does not work");
                if let Some(call) = self.meetings.call_of(room) {
                    let broke = CallNote::PartBroke { call, part };
                    self.outputs.push_back(Output::Note(Box::new(broke)));
                }
            }
            RoomEvent::Update(report) => {
                let room = *room;
                self.updated(room, report);
            }
            RoomEvent::Settings(report) => {
                let room = *room;
                self.settings_told(link, room, report);
            }
            RoomEvent::OrderDone(report) => {
                let room = *room;
                self.order_done(room, report);
            }
            RoomEvent::Condition(condition) => {
                let room = *room;
                self.seen_condition(room, condition);
            }
        }
    }

    pub(super) fn closed(&mut self, link: LinkId) {
        self.awaited_moved(link);
        match self.links.remove(&link) {
            Some(Party::Room { room, .. }) => {
                self.rooms.remove(&room);
                self.settings.link_ended(room);
                self.appointments.link_ended(room);
                self.calendars.link_ended(room);
                self.order_link_ended(room);
                tracing::info!("room not linked any more");
                let linked = self.rooms.len();
                self.paces.forget(self.now, linked);
                self.changes.forget(self.now, linked);
                self.update_link_lost(room);
                self.meet(conclave_meeting::Input::LinkLost { room });
                self.seen_leave(room);
            }
            Some(Party::Newcomer { key, .. }) => {
                self.newcomers.remove(&key);
                self.activation.gone(key);
            }
            Some(Party::Leaving) | None => {}
        }
        self.checks.retain(|_, check| check.link != link);
    }

    /// Ends a link from our side. What it still says is not heard.
    pub(super) fn end_link(&mut self, link: LinkId, reason: CloseReason) {
        self.awaited_moved(link);
        let Some(party) = self.links.insert(link, Party::Leaving) else {
            self.links.remove(&link);
            return;
        };
        match party {
            Party::Room { room, .. } => {
                self.rooms.remove(&room);
                self.settings.link_ended(room);
                self.appointments.link_ended(room);
                self.calendars.link_ended(room);
                self.order_link_ended(room);
                self.update_link_lost(room);
                self.seen_leave(room);
            }
            Party::Newcomer { key, .. } => {
                if self.newcomers.get(&key) == Some(&link) {
                    self.newcomers.remove(&key);
                    self.activation.gone(key);
                }
            }
            Party::Leaving => return,
        }
        self.checks.retain(|_, check| check.link != link);
        self.outputs.push_back(Output::Close { link, reason });
    }

    /// Answers a request, unless its link is gone or on its way out.
    pub(super) fn respond(&mut self, link: LinkId, id: RequestId, response: Response) {
        if matches!(self.links.get(&link), None | Some(Party::Leaving)) {
            return;
        }
        self.outputs.push_back(Output::Respond { link, id, response });
    }
}

/// The highest version that both ends speak.
fn common_version((oldest, newest): (u16, u16)) -> Option<u16> {
    let highest = newest.min(VERSIONS.1);
    (highest >= oldest.max(VERSIONS.0)).then_some(highest)
}

/// Whole seconds, rounded up, so that nothing is shown as over before it is.
pub(super) fn whole_seconds(span: std::time::Duration) -> u32 {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
