//! What is not kept for ever: records of calls and rows of the audit log after their time, and rooms that were
//! revoked.
//!
//! Both go by themselves, once a day. An administrator may have them go sooner, and have a revoked
//! room forgotten. These are changes like all others: the list beside the database has them too.

use super::admin::{Answered, no_room};
use super::refused::Refused;
use super::{Parts, Switchboard};
use crate::control::{ControlAnswer, ControlRequest};
use conclave_directory::{Room, RoomStatus};
use conclave_types::{OrganisationId, RoomId, Time, UnixTime};
use std::time::Duration;

/// The first look for old records comes this long after the start: the clock of a machine that has just
/// started may be ahead until something sets it right, and what is removed does not come back.
pub(super) const FIRST: Duration = Duration::from_secs(3_600);

/// Then they are looked for this often: a record stays for a day longer at most.
pub(super) const DAILY: Duration = Duration::from_secs(86_400);

/// A disk that lets nothing be written is tried again after this.
const AGAIN: Duration = Duration::from_secs(3_600);

/// How far ahead a day may lie that an administrator names: tomorrow's stands for all that is over,
/// one beyond it is a slip of the finger.
const AHEAD: Duration = Duration::from_secs(86_400);

/// When records are looked at next, and how old they may get.
pub(super) struct Removal {
    keep: Duration,
    keep_audit: Duration,
    pub(super) next: Time,
}

impl Removal {
    pub(super) fn of(parts: &Parts) -> Removal {
        let Parts { keep_records: keep, keep_audit, .. } = *parts;
        Removal { keep, keep_audit, next: Time::ZERO + FIRST }
    }
}

/// The day, by UTC, for the audit log.
fn day(at: UnixTime) -> String {
    let moment = i64::try_from(at.0).ok().map(time::OffsetDateTime::from_unix_timestamp);
    moment.and_then(Result::ok).map_or_else(|| "?".to_owned(), |moment| moment.date().to_string())
}

impl Switchboard {
    pub(super) fn removal_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::RecordRemove { before } => self.remove_records(whose, before),
            ControlRequest::RoomForget { room } => self.forget(whose, &room),
            request => self.reset_control(whose, request),
        }
    }

    /// Removes the records whose time is over.
    pub(super) fn remove_old_records(&mut self) {
        let before = |keep: Duration| UnixTime(self.wall.0.saturating_sub(keep.as_secs()));
        let (records, rows) = (before(self.removal.keep), before(self.removal.keep_audit));
        let directory = &mut self.parts.directory;
        let removed = directory
            .remove_records(None, records)
            .and_then(|records| Ok((records, directory.remove_audit(rows)?)));
        let removed = removed.and_then(|both| self.remove_old_sessions().map(|_| both));
        let removed = removed.and_then(|both| self.remove_old_appointments().map(|()| both));
        let removed = removed.and_then(|both| self.remove_old_awaited().map(|()| both));
        let after = match removed {
            Ok((0, 0)) => DAILY,
            Ok((records, audit)) => {
                tracing::info!(
                    records,
                    audit,
                    "records of calls and audit rows removed after their time"
                );
                DAILY
            }
            Err(error) => {
                tracing::error!(%error, "cannot remove what is old, trying again in an hour");
                AGAIN
            }
        };
        self.removal.next = self.now + after;
    }

    fn remove_records(&mut self, whose: OrganisationId, before: UnixTime) -> Answered {
        if before > self.wall.after(AHEAD) {
            return Err(Refused::because(
                "that day is still to come: name one up to tomorrow's, which removes the records of \
                 all calls that are over"
                    .to_owned(),
            ));
        }
        self.audit("record.remove", "", format!("calls that ended before {}", day(before)), "");
        let removed = self.parts.directory.remove_records(Some(whose), before)?;
        tracing::info!(removed, "records of calls removed by an administrator");
        Ok(ControlAnswer::RecordsRemoved { removed, before })
    }

    fn forget(&mut self, whose: OrganisationId, room: &str) -> Answered {
        let room = self.revoked_room(whose, room)?;
        self.audit("room.forget", room.id, &room.name, "");
        if !self.parts.directory.forget_room(room.id)? {
            return Err(no_room(&room.id.to_string()));
        }
        self.roster.remove(room.id);
        self.seen.remove(&room.id);
        self.settings.room_gone(room.id);
        self.nobody_invites(None, Some(room.id));
        self.calendars.forget(room.id);
        tracing::info!(room = %room.id, "room forgotten");
        // What is known of it here would be kept again with the next change.
        self.update_room_gone(room.id);
        Ok(ControlAnswer::RoomForgotten { room: self.room_line(room) })
    }

    /// By id, or by name among those that are revoked.
    fn revoked_room(&self, whose: OrganisationId, room: &str) -> Result<Room, Refused> {
        let id = room.parse::<RoomId>().ok();
        let is_meant = |candidate: &Room| match id {
            Some(id) => candidate.id == id,
            None => candidate.name.as_str() == room.trim(),
        };
        let meant = self.rooms_of(whose).into_iter().filter(is_meant);
        let (mut revoked, active): (Vec<Room>, Vec<Room>) =
            meant.partition(|room| room.status == RoomStatus::Revoked);
        match (revoked.pop(), revoked.is_empty(), active.is_empty()) {
            (Some(room), true, _) => Ok(room),
            (Some(_), false, _) => Err(Refused::because(format!(
                "several rooms that were revoked are called '{room}': give the id of the one that is \
                 meant, see 'conclave-cloud room list'"
            ))),
            (None, _, false) => Err(Refused::because(format!(
                "the room '{room}' is in service: take it out with 'conclave-cloud room revoke' \
                 first, then have it forgotten"
            ))),
            (None, _, true) => Err(no_room(room)),
        }
    }
}
