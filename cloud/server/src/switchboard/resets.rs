//! Factory resets: codes for those who stand in a room, orders from the cloud, and the receipts.
//!
//! An order stays until the room says what it did, whether the room is linked now or not. A room whose
//! memory is gone for good is revoked in the same change that keeps its receipt.

use super::admin::Answered;
use super::links::whole_seconds;
use super::refused::Refused;
use super::{CloseReason, LinkId, Output, RequestId, Switchboard};
use crate::control::{ControlAnswer, ControlRequest, RefusalCode, ResetLine};
use conclave_directory::{
    NoReset, RESET_CODE_LIFETIME, Reset, ResetOutcome, ResetWay, Room, RoomStatus,
};
use conclave_link_protocol::message::{
    CloudEvent, ResetOutcome as Said, ResetRefusal, ResetReport, Response,
};
use conclave_meeting::Input as Meet;
use conclave_types::{OrganisationId, ResetCode, ResetNumber, RoomId};

impl Switchboard {
    pub(super) fn reset_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::RoomResetCode { room } => {
                let room = self.active_room(whose, &room)?;
                self.audit("room.reset_code", room.id, &room.name, "");
                let code = ResetCode::from_random(self.random());
                self.reset_codes.make(self.now, room.id, code.clone());
                tracing::info!(room = %room.id, "a reset code was made");
                let expires_in_s = whole_seconds(RESET_CODE_LIFETIME);
                let room = Box::new(self.room_line(room));
                Ok(ControlAnswer::RoomResetCode { room, code, expires_in_s })
            }
            ControlRequest::RoomReset { room } => {
                let room = self.active_room(whose, &room)?;
                let reset = self.order_reset(&room)?;
                let linked = match self.rooms.get(&room.id).copied() {
                    Some(link) => {
                        let event = CloudEvent::Reset { number: reset.number };
                        self.outputs.push_back(Output::Send { link, event });
                        true
                    }
                    None => false,
                };
                Ok(ControlAnswer::RoomReset { reset: Box::new(reset_line(reset)), linked })
            }
            ControlRequest::RoomResetWithdraw { room } => {
                let room = self.find_room(whose, &room)?;
                if self.rooms.contains_key(&room.id) {
                    return Err(Refused::with(
                        RefusalCode::OrderHeard,
                        format!(
                            "the room '{}' is linked: it has heard the order, and nothing stops it",
                            room.name
                        ),
                    ));
                }
                self.audit("room.reset_withdraw", room.id, &room.name, "");
                if !self.parts.directory.withdraw_reset(room.id)? {
                    return Err(Refused::with(
                        RefusalCode::NoReset,
                        format!(
                            "no reset of '{}' waits: see 'conclave-cloud room resets'",
                            room.name
                        ),
                    ));
                }
                tracing::info!(room = %room.id, "the order to reset it is withdrawn");
                Ok(ControlAnswer::RoomResetWithdrawn { room: self.room_line(room) })
            }
            ControlRequest::RoomResets { most } => {
                let resets = self.parts.directory.resets(whose, most)?;
                Ok(ControlAnswer::Resets { resets: resets.into_iter().map(reset_line).collect() })
            }
            request => self.release_control(whose, request),
        }
    }

    /// The order that waits already, or a new one: asked twice, a room is reset once.
    fn order_reset(&mut self, room: &Room) -> Result<Reset, Refused> {
        if let Some(waiting) = self.parts.directory.ordered_reset(room.id)? {
            return Ok(waiting);
        }
        self.audit("room.reset", room.id, &room.name, "");
        let reset = self.new_reset(room, ResetWay::Cloud)?;
        tracing::warn!(room = %room.id, reset = %reset.number, "a reset is ordered");
        Ok(reset)
    }

    fn new_reset(&mut self, room: &Room, way: ResetWay) -> Result<Reset, Refused> {
        let mut number = ResetNumber::from_random(self.random());
        while self.parts.directory.reset(number)?.is_some() {
            number = ResetNumber::from_random(self.random());
        }
        let reset = Reset {
            number,
            organisation: room.organisation,
            room: room.id,
            name: room.name.clone(),
            serial: room.serial.clone(),
            key: room.key,
            way,
            asked_at: self.wall,
            told: None,
        };
        self.parts.directory.add_reset(&reset)?;
        Ok(reset)
    }

    fn active_room(&self, whose: OrganisationId, room: &str) -> Result<Room, Refused> {
        let room = self.find_room(whose, room)?;
        match room.status {
            RoomStatus::Active => Ok(room),
            RoomStatus::Revoked => Err(Refused::with(
                RefusalCode::RoomRevoked,
                format!(
                    "the room '{}' was revoked, so nothing reaches it: it is reset at its own panel, \
                     without a code",
                    room.name
                ),
            )),
        }
    }

    /// A room links: an order that waits for it is told now.
    pub(super) fn remind_of_reset(&mut self, link: LinkId, room: RoomId) {
        match self.parts.directory.ordered_reset(room) {
            Ok(Some(reset)) => {
                let event = CloudEvent::Reset { number: reset.number };
                self.outputs.push_back(Output::Send { link, event });
            }
            Ok(None) => {}
            // The next link asks again.
            Err(error) => tracing::error!(%room, %error, "cannot look whether it is to be reset"),
        }
    }

    /// Somebody at a room's panel typed a code.
    pub(super) fn may_reset(
        &mut self,
        link: LinkId,
        id: RequestId,
        room: RoomId,
        code: &ResetCode,
    ) {
        let response = match self.reset_codes.take(self.now, room, code) {
            Err(NoReset::Wrong { tries_left }) => {
                tracing::warn!(%room, tries_left, "wrong reset code");
                Response::MayNotReset(ResetRefusal::WrongCode { tries_left })
            }
            Err(NoReset::NoCode) => {
                tracing::warn!(%room, "a reset code where none is good");
                Response::MayNotReset(ResetRefusal::NoCode)
            }
            Ok(()) => match self.allow_reset(room) {
                Ok(number) => Response::MayReset { number },
                Err(Refused { reason, .. }) => {
                    tracing::error!(%room, reason, "a reset that is allowed cannot be kept");
                    Response::Failed { reason: "the cloud cannot keep it now".to_owned() }
                }
            },
        };
        self.respond(link, id, response);
    }

    fn allow_reset(&mut self, room: RoomId) -> Result<ResetNumber, Refused> {
        let room = self.parts.directory.room(room)?;
        let room =
            room.ok_or_else(|| Refused::because("the room is not there any more".to_owned()))?;
        let reset = self.new_reset(&room, ResetWay::Panel)?;
        tracing::warn!(room = %room.id, reset = %reset.number, "a reset is allowed at the panel");
        Ok(reset.number)
    }

    /// A room says what it did. What is kept is its word: a room that lies keeps its memory, and loses
    /// its certificate.
    pub(super) fn reset_done(
        &mut self,
        link: LinkId,
        id: RequestId,
        room: RoomId,
        report: ResetReport,
    ) {
        let ResetReport { number, outcome } = report;
        let outcome = match outcome {
            Said::PartitionErased => ResetOutcome::Partition,
            Said::FolderErased => ResetOutcome::Folder,
            Said::NotErased => ResetOutcome::NotErased,
            Said::Other => ResetOutcome::Other,
        };
        let directory = &mut self.parts.directory;
        let kept = match directory.reset(number) {
            Ok(Some(reset)) if reset.room != room => Ok(false),
            Ok(Some(reset)) if reset.told.is_some() => Ok(true),
            Ok(Some(_)) => directory.reset_told(number, outcome, self.wall).map(|()| true),
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        let response = match kept {
            Ok(true) => Response::Done,
            Ok(false) => Response::Failed { reason: "no reset has this number".to_owned() },
            Err(error) => {
                tracing::error!(%room, %error, "a receipt cannot be kept");
                Response::Failed { reason: "the cloud cannot keep it now".to_owned() }
            }
        };
        let done = response == Response::Done && outcome != ResetOutcome::NotErased;
        self.respond(link, id, response);
        if done {
            tracing::warn!(%room, reset = %number, erased = outcome.as_str(), "a room was reset");
            self.shut_out(room);
        } else {
            tracing::error!(%room, reset = %number, "a room could not be reset");
        }
    }

    /// A room that the directory has as revoked: nothing of it goes on.
    pub(super) fn shut_out(&mut self, room: RoomId) {
        self.look_up_again(room);
        self.reset_codes.forget(room);
        self.no_calendar(room);
        self.meet(Meet::RoomRevoked { room });
        self.update_room_gone(room);
        self.parcels_gone(room);
        if let Some(link) = self.rooms.get(&room).copied() {
            self.end_link(link, CloseReason::Revoked);
        }
    }
}

fn reset_line(reset: Reset) -> ResetLine {
    let Reset { number, organisation: _, room, name, serial, key, way, asked_at, told } = reset;
    let (told_at, outcome) = told.unzip();
    ResetLine {
        number,
        room,
        name,
        serial,
        key: key.to_string(),
        way: way.as_str().to_owned(),
        asked_at,
        told_at,
        outcome: outcome.map(|outcome| outcome.as_str().to_owned()),
    }
}
