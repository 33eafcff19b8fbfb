//! The audit log: each order that changes something is in it, together with the change.
//!
//! An act says what it is about to do with [`Switchboard::audit`] before its first change; the directory
//! keeps both or neither. What is refused leaves no row.

use super::Switchboard;
use super::admin::Answered;
use super::words::Caller;
use crate::control::{AuditLine, ControlAnswer, ControlRequest};
use conclave_directory::audit::AuditRow;
use conclave_directory::{AuditCheck, AuditEntry, StoreError, Vmr};
use conclave_types::{DisplayName, OrganisationId, PersonId, Redacted, RoomId, VmrId};
use std::collections::BTreeMap;
use std::fmt::Display;

/// The most numbers of rows that are named when the log is not whole: enough to look at.
const MOST_WRONG: usize = 20;

impl Switchboard {
    /// Something is about to be done in the organisation of whoever asks.
    pub(super) fn audit(
        &mut self,
        act: &str,
        subject: impl Display,
        before: impl Display,
        after: impl Display,
    ) {
        let whose = self.asking.as_ref().map(|caller| caller.organisation);
        self.stage(whose, act, subject.to_string(), before.to_string(), after.to_string());
    }

    /// Something is about to be done that is no organisation's alone.
    pub(super) fn audit_installation(
        &mut self,
        act: &str,
        subject: impl Display,
        before: impl Display,
        after: impl Display,
    ) {
        self.stage(None, act, subject.to_string(), before.to_string(), after.to_string());
    }

    fn stage(
        &mut self,
        organisation: Option<OrganisationId>,
        act: &str,
        subject: String,
        before: String,
        after: String,
    ) {
        let Some(Caller { who, source, .. }) = self.asking.clone() else { return };
        if let Some(whose) = organisation {
            self.act_changes(whose, act);
        }
        let (at, act) = (self.wall, act.to_owned());
        let (before, after) = (Redacted(before), Redacted(after));
        let entry = AuditEntry { at, organisation, who, source, act, subject, before, after };
        self.parts.directory.stage(entry);
    }

    /// It was done, or it was not.
    pub(super) fn settle(&mut self, done: bool) {
        self.asking = None;
        if !done {
            self.parts.directory.drop_staged();
        } else if let Err(error) = self.parts.directory.keep_staged() {
            tracing::error!(%error, "what was done cannot be kept in the audit log");
        }
    }

    /// Something was done elsewhere, such as with the cloud's keys.
    pub fn note(&mut self, by: Caller, act: &str, subject: &str) {
        self.asking = Some(by);
        self.audit_installation(act, subject, "", "");
        self.settle(true);
    }

    /// What ids in these rows stand for today, as far as whoever asks may see it.
    fn names(&self, whose: OrganisationId, rows: &[AuditRow]) -> Result<Names, StoreError> {
        let mut names = Names::new();
        for id in rows.iter().flat_map(|row| [&row.entry.who, &row.entry.subject]) {
            if names.contains_key(id) {
                continue;
            }
            if let Some(name) = self.name(whose, id)? {
                names.insert(id.clone(), name);
            }
        }
        Ok(names)
    }

    fn name(&self, whose: OrganisationId, id: &str) -> Result<Option<DisplayName>, StoreError> {
        let directory = &self.parts.directory;
        if let Ok(id) = id.parse::<PersonId>() {
            return Ok(directory.person(whose, id)?.map(|person| person.name));
        }
        if let Ok(id) = id.parse::<RoomId>() {
            let room = directory.room(id)?.filter(|room| room.organisation == whose);
            return Ok(room.map(|room| room.name));
        }
        let Ok(id) = id.parse::<VmrId>() else { return Ok(None) };
        let sight = self.sight();
        let seen = |vmr: &Vmr| vmr.organisation == whose && vmr.seen_by(sight);
        Ok(directory.vmr_with_id(id)?.filter(seen).map(|vmr| vmr.name))
    }

    pub(super) fn audit_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::AuditList { installation, below, most } => {
                let whose = (!installation).then_some(whose);
                let rows =
                    self.parts.directory.audit_rows(whose, below.unwrap_or(u64::MAX), most)?;
                let names =
                    whose.map(|whose| self.names(whose, &rows)).transpose()?.unwrap_or_default();
                let lines = rows.into_iter().map(|row| line(row, &names));
                Ok(ControlAnswer::Audit { rows: lines.collect() })
            }
            ControlRequest::AuditCheck => {
                let AuditCheck { first, rows, end, mut wrong } =
                    self.parts.directory.check_audit()?;
                wrong.truncate(MOST_WRONG);
                let (last, hash) = (end.number, end.hash.to_string());
                Ok(ControlAnswer::AuditChecked { first, rows, last, hash, wrong })
            }
            request => self.person_control(whose, request),
        }
    }
}

/// What ids stand for today.
type Names = BTreeMap<String, DisplayName>;

fn line(row: AuditRow, names: &Names) -> AuditLine {
    let AuditRow { number, entry, hash } = row;
    let AuditEntry { at, organisation, who, source, act, subject, before, after } = entry;
    let hash = hash.to_string();
    let name = |id: &str| names.get(id).cloned();
    let (who_name, subject_name) = (name(&who), name(&subject));
    AuditLine {
        number,
        at,
        organisation,
        who,
        who_name,
        source,
        act,
        subject,
        subject_name,
        before,
        after,
        hash,
    }
}
