//! Fetching one bundle: what to ask for next, and putting what comes in order.

use crate::{Fetched, MOST_OUTSTANDING, PACE};
use conclave_messages::{LONGEST_CHUNK, Piece, Release};
use conclave_types::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A chunk that did not come is asked for again after this; with each further failure in a row it
/// doubles, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// A cloud that has trouble is not asked more often than this by each of its rooms.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// What to do with what came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Append these, in this order.
    Append(Vec<(u64, Piece)>),
    /// Nothing yet.
    Wait,
    /// It cannot be had.
    Gone,
}

/// A bundle on its way.
#[derive(Debug)]
pub(crate) struct Fetch {
    size: u64,
    /// Octets on the disk; `None` until the file is open.
    have: Option<u64>,
    /// Octets that were handed out to be appended.
    appended: u64,
    /// Where the next chunk begins that was never asked for.
    next: u64,
    /// Asked for, no answer yet.
    asked: BTreeSet<u64>,
    /// Came before what stands before it.
    early: BTreeMap<u64, Piece>,
    /// To be asked for again.
    again: BTreeSet<u64>,
    not_before: Time,
    failures: u32,
}

impl Fetch {
    pub(crate) fn new(release: &Release) -> Fetch {
        Fetch {
            size: release.size,
            have: None,
            appended: 0,
            next: 0,
            asked: BTreeSet::new(),
            early: BTreeMap::new(),
            again: BTreeSet::new(),
            not_before: Time::ZERO,
            failures: 0,
        }
    }

    /// The file holds so much already.
    pub(crate) fn opened(&mut self, have: u64) {
        let have = have.min(self.size);
        (self.have, self.appended, self.next) = (Some(have), have, have);
        self.asked.clear();
        self.early.clear();
        self.again.clear();
    }

    pub(crate) fn written(&mut self, have: u64) {
        if self.have.is_some() {
            self.have = Some(have.min(self.appended));
        }
    }

    /// All of it is on the disk.
    pub(crate) fn is_whole(&self) -> bool {
        self.have == Some(self.size)
    }

    pub(crate) fn percent(&self) -> u8 {
        let have = u128::from(self.have.unwrap_or(0));
        u8::try_from(have * 100 / u128::from(self.size.max(1))).unwrap_or(100)
    }

    /// No answer that is still due will come: the link is gone.
    pub(crate) fn cut(&mut self) {
        self.again.append(&mut self.asked);
    }

    /// When [`Fetch::ask`] may have something; `None` while it waits for answers.
    pub(crate) fn due(&self) -> Option<Time> {
        self.wanted().map(|_| self.not_before)
    }

    /// The next chunk to ask for now: where it begins, and its octets.
    pub(crate) fn ask(&mut self, now: Time) -> Option<(u64, u32)> {
        if now < self.not_before {
            return None;
        }
        let offset = self.wanted()?;
        let length = self.length(offset);
        if !self.again.remove(&offset) {
            self.next = offset + u64::from(length);
        }
        self.asked.insert(offset);
        self.not_before = now + PACE;
        Some((offset, length))
    }

    /// What came of asking.
    pub(crate) fn came(&mut self, now: Time, offset: u64, fetched: Fetched) -> Step {
        if !self.asked.remove(&offset) {
            // From before a cut.
            return Step::Wait;
        }
        match fetched {
            Fetched::Piece(piece) if piece.0.len() == self.length(offset) as usize => {
                self.failures = 0;
                self.early.insert(offset, piece);
                let mut ready = Vec::new();
                while let Some(piece) = self.early.remove(&self.appended) {
                    let at = self.appended;
                    self.appended += piece.0.len() as u64;
                    ready.push((at, piece));
                }
                if ready.is_empty() { Step::Wait } else { Step::Append(ready) }
            }
            Fetched::Gone => Step::Gone,
            Fetched::Busy { retry_after } => self.later(now, offset, retry_after),
            // A piece of another length is as good as none.
            Fetched::Piece(_) | Fetched::Lost => {
                let wait = FIRST_WAIT * 2_u32.pow(self.failures.min(6));
                self.failures += 1;
                self.later(now, offset, wait)
            }
        }
    }

    fn later(&mut self, now: Time, offset: u64, wait: Duration) -> Step {
        self.again.insert(offset);
        self.not_before = self.not_before.max(now + wait.min(LONGEST_WAIT));
        Step::Wait
    }

    fn wanted(&self) -> Option<u64> {
        let have = self.have?;
        if let Some(offset) = self.again.first() {
            return Some(*offset);
        }
        let most = u64::from(LONGEST_CHUNK) * MOST_OUTSTANDING as u64;
        let room = self.asked.len() < MOST_OUTSTANDING && self.next - have < most;
        (self.next < self.size && room).then_some(self.next)
    }

    fn length(&self, offset: u64) -> u32 {
        let left = self.size.saturating_sub(offset);
        u32::try_from(left.min(u64::from(LONGEST_CHUNK))).unwrap_or(LONGEST_CHUNK)
    }
}
