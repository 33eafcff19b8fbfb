//! The audit log: each order that changes something is in it, together with the change.
//!
//! An act says what it is about to do with [`Switchboard::audit`] before its first change; the directory
//! keeps both or neither. What is refused leaves no row.

use super::Switchboard;
use super::admin::Answered;
use super::words::Caller;
use crate::control::{AuditLine, ControlAnswer, ControlRequest};
use conclave_directory::audit::AuditRow;
use conclave_directory::{AuditCheck, AuditEntry};
use conclave_types::{OrganisationId, Redacted};
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
                Ok(ControlAnswer::Audit { rows: rows.into_iter().map(line).collect() })
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

fn line(row: AuditRow) -> AuditLine {
    let AuditRow { number, entry, hash } = row;
    let AuditEntry { at, organisation, who, source, act, subject, before, after } = entry;
    let hash = hash.to_string();
    AuditLine { number, at, organisation, who, source, act, subject, before, after, hash }
}
