//! Fetching what is missing of one file: what to ask for next, and what came.

use crate::{Fetched, MOST_OUTSTANDING, PACE};
use conclave_messages::{LONGEST_CHUNK, Piece};
use conclave_types::Time;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// A chunk that did not come is asked for again after this; with each further failure in a row it
/// doubles, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// A cloud that has trouble is not asked more often than this by each of its rooms.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// What to do with what came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Keep it.
    Keep(Piece),
    /// Nothing yet.
    Wait,
    /// It cannot be had.
    Gone,
}

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Fetch {
    size: u64,
    /// Octets that are not kept yet.
    left: u64,
    /// Came, and is not kept yet.
    keeping: usize,
    /// Never asked for.
    missing: VecDeque<Range<u64>>,
    /// Asked for, no answer yet: where it begins, and its octets.
    asked: BTreeMap<u64, u32>,
    /// To be asked for again.
    again: BTreeMap<u64, u32>,
    not_before: Time,
    failures: u32,
}

impl Fetch {
    /// Of a file of `size` octets, only these are missing.
    pub(crate) fn new(size: u64, missing: Vec<Range<u64>>) -> Fetch {
        Fetch {
            size,
            left: missing.iter().map(|range| range.end.saturating_sub(range.start)).sum(),
            keeping: 0,
            missing: missing.into(),
            asked: BTreeMap::new(),
            again: BTreeMap::new(),
            not_before: Time::ZERO,
            failures: 0,
        }
    }

    /// So many octets that came are kept.
    pub(crate) fn kept(&mut self, octets: u64) {
        self.keeping = self.keeping.saturating_sub(1);
        self.left = self.left.saturating_sub(octets);
    }

    /// All of it is kept.
    pub(crate) fn is_whole(&self) -> bool {
        self.left == 0
    }

    pub(crate) fn percent(&self) -> u8 {
        let have = u128::from(self.size.saturating_sub(self.left));
        u8::try_from(have * 100 / u128::from(self.size.max(1))).unwrap_or(100)
    }

    /// No answer that is still due will come: the link is gone.
    pub(crate) fn cut(&mut self) {
        self.again.append(&mut self.asked);
    }

    /// When [`Fetch::ask`] may have something; `None` while it waits for answers.
    pub(crate) fn due(&self) -> Option<Time> {
        let room = self.asked.len() + self.keeping < MOST_OUTSTANDING;
        let more = !self.again.is_empty() || room && !self.missing.is_empty();
        more.then_some(self.not_before)
    }

    /// The next chunk to ask for now: where it begins, and its octets.
    pub(crate) fn ask(&mut self, now: Time) -> Option<(u64, u32)> {
        self.due().filter(|due| *due <= now)?;
        let (offset, length) = self.again.pop_first().or_else(|| self.next())?;
        self.asked.insert(offset, length);
        self.not_before = now + PACE;
        Some((offset, length))
    }

    fn next(&mut self) -> Option<(u64, u32)> {
        let first = self.missing.front_mut()?;
        let offset = first.start;
        let left = first.end.saturating_sub(offset);
        let length = u32::try_from(left).unwrap_or(u32::MAX).min(LONGEST_CHUNK);
        first.start += u64::from(length);
        if first.start >= first.end {
            self.missing.pop_front();
        }
        Some((offset, length))
    }

    /// What came of asking.
    pub(crate) fn came(&mut self, now: Time, offset: u64, fetched: Fetched) -> Step {
        let Some(length) = self.asked.remove(&offset) else {
            // From before a cut.
            return Step::Wait;
        };
        match fetched {
            Fetched::Piece(piece) if piece.0.len() == length as usize => {
                self.failures = 0;
                self.keeping += 1;
                Step::Keep(piece)
            }
            Fetched::Gone => Step::Gone,
            Fetched::Busy { retry_after } => self.later(now, (offset, length), retry_after),
            // A piece of another length is as good as none.
            Fetched::Piece(_) | Fetched::Lost => {
                let wait = FIRST_WAIT * 2_u32.pow(self.failures.min(6));
                self.failures += 1;
                self.later(now, (offset, length), wait)
            }
        }
    }

    fn later(&mut self, now: Time, (offset, length): (u64, u32), wait: Duration) -> Step {
        self.again.insert(offset, length);
        self.not_before = self.not_before.max(now + wait.min(LONGEST_WAIT));
        Step::Wait
    }
}
