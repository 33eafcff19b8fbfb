//! The audit log: who did what, when, from where, and what it was before and after.
//!
//! Rows are only ever added. Each carries a hash over all that it says and over the hash of the row
//! before it, so one that was changed, removed or put in between shows: [`Chain::takes`] refuses the
//! row after it. Rows go after their time from the oldest on; what is left begins with the number and
//! hash of the last that went.
//!
//! What such a chain does not show is that its newest rows were removed: the cloud's log has number and hash
//! of each row as it is written.

use crate::hex;
use conclave_types::{OrganisationId, Redacted, UnixTime};
use ring::digest::{Context, SHA256};
use std::fmt;

/// The most octets of one text in a row: a longer one is cut, and says so.
const LONGEST_TEXT: usize = 400;

/// What stands behind a text that was cut.
const CUT: &str = " […]";

/// Something that was done, before it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: UnixTime,
    /// In which organisation; `None` is the installation itself.
    pub organisation: Option<OrganisationId>,
    /// Who did it, such as `command line`.
    pub who: String,
    /// From where, such as `user 0 of this machine`.
    pub source: Redacted<String>,
    /// What was done, one word that never changes, such as `room.rename`.
    pub act: String,
    /// To what: an id or a number.
    pub subject: String,
    /// What it was before, where there is something to say.
    pub before: Redacted<String>,
    /// What it is now.
    pub after: Redacted<String>,
}

impl AuditEntry {
    /// The same, with no text longer than a row takes.
    pub(crate) fn fitting(mut self) -> AuditEntry {
        for text in [
            &mut self.who,
            &mut self.source.0,
            &mut self.act,
            &mut self.subject,
            &mut self.before.0,
            &mut self.after.0,
        ] {
            if text.len() > LONGEST_TEXT {
                let end =
                    (0..=LONGEST_TEXT - CUT.len()).rev().find(|at| text.is_char_boundary(*at));
                text.truncate(end.unwrap_or(0));
                text.push_str(CUT);
            }
        }
        self
    }
}

/// The hash of a row, and of all before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditHash([u8; 32]);

impl AuditHash {
    /// What the first row follows.
    pub const NONE: AuditHash = AuditHash([0; 32]);

    /// From its written form, 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<AuditHash> {
        hex::read(text).map(AuditHash)
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::written(&self.0))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number, counted from 1 without a gap.
    pub number: u64,
    /// What it says.
    pub entry: AuditEntry,
    /// Over all of it, and the row before.
    pub hash: AuditHash,
}

/// Where a chain has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The last row's number; 0 before the first.
    pub number: u64,
    /// Its hash.
    pub hash: AuditHash,
}

impl Chain {
    /// Before the first row.
    pub const BEGIN: Chain = Chain { number: 0, hash: AuditHash::NONE };

    /// Makes an entry the next row.
    pub(crate) fn add(&mut self, entry: AuditEntry) -> AuditRow {
        let entry = entry.fitting();
        let number = self.number + 1;
        let row = AuditRow { number, hash: hash(self.hash, number, &entry), entry };
        *self = Chain { number: row.number, hash: row.hash };
        row
    }

    /// Takes the next row as it was found; `false` when it is not the one that was written.
    pub fn takes(&mut self, row: &AuditRow) -> bool {
        let follows =
            row.number == self.number + 1 && row.hash == hash(self.hash, row.number, &row.entry);
        *self = Chain { number: row.number, hash: row.hash };
        follows
    }
}

/// SHA-256 over the hash before, the number and the time as u64, big endian, and then each text with its
/// length in octets before it, as u64: no two rows give the same octets.
fn hash(before: AuditHash, number: u64, entry: &AuditEntry) -> AuditHash {
    let mut context = Context::new(&SHA256);
    context.update(&before.0);
    context.update(&number.to_be_bytes());
    context.update(&entry.at.0.to_be_bytes());
    let organisation = entry.organisation.map(|id| id.to_string()).unwrap_or_default();
    for text in [
        &organisation,
        &entry.who,
        &entry.source.0,
        &entry.act,
        &entry.subject,
        &entry.before.0,
        &entry.after.0,
    ] {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    AuditHash(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(after: &str) -> AuditEntry {
        AuditEntry {
            at: UnixTime(1_800_000_000),
            organisation: Some(OrganisationId::FIRST),
            who: "command line".into(),
            source: Redacted("user 0".into()),
            act: "room.rename".into(),
            subject: "room-1".into(),
            before: Redacted("A".into()),
            after: Redacted(after.into()),
        }
    }

    fn rows() -> Vec<AuditRow> {
        let mut chain = Chain::BEGIN;
        ["B", "C", "D", "E"].into_iter().map(|after| chain.add(entry(after))).collect()
    }

    /// The numbers of those that do not follow.
    fn wrong(rows: &[AuditRow]) -> Vec<u64> {
        let mut chain = Chain::BEGIN;
        rows.iter().filter(|row| !chain.takes(row)).map(|row| row.number).collect()
    }

    #[test]
    fn rows_as_they_were_written_follow_each_other() {
        assert!(wrong(&rows()).is_empty());
        let last = rows().pop().unwrap();
        assert_eq!(AuditHash::from_hex(&last.hash.to_string()), Some(last.hash));
        assert_eq!(AuditHash::from_hex("é"), None);
    }

    #[test]
    fn a_row_that_is_missing_or_not_as_it_was_shows() {
        for at in 0..4 {
            let mut missing = rows();
            missing.remove(at);
            let shows = if at == 3 { vec![] } else { vec![at as u64 + 2] };
            assert_eq!(wrong(&missing), shows, "without row {}", at + 1);
            let changes: [fn(&mut AuditEntry); 8] = [
                |entry| entry.at = UnixTime(1),
                |entry| entry.organisation = None,
                |entry| entry.who.clear(),
                |entry| entry.source.0.push('1'),
                |entry| entry.act = "room.revoke".into(),
                |entry| entry.subject = "room-2".into(),
                |entry| entry.before.0.insert(0, ' '),
                |entry| entry.after.0 = "Z".into(),
            ];
            for change in changes {
                let mut changed = rows();
                change(&mut changed[at].entry);
                assert_eq!(wrong(&changed), [at as u64 + 1]);
            }
        }
        let mut moved = rows();
        moved[1].entry.before.0 = "AC".into();
        moved[1].entry.after.0 = String::new();
        assert_eq!(wrong(&moved), [2], "what moves from one text to the next is a change");
        let mut swapped = rows();
        swapped.swap(1, 2);
        assert!(!wrong(&swapped).is_empty());
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_says_so() {
        let mut chain = Chain::BEGIN;
        let row = chain.add(entry(&"é".repeat(LONGEST_TEXT)));
        assert!(row.entry.after.0.len() <= LONGEST_TEXT && row.entry.after.0.ends_with(CUT));
        assert_eq!(entry("short").fitting(), entry("short"));
    }
}
