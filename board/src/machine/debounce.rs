//! A contact that bounces: what counts is a level that has stood for a while.

use super::Signal;
use conclave_types::Time;
use std::time::Duration;

/// One contact.
#[derive(Debug, Clone)]
pub(super) struct Debounce {
    stands: Duration,
    /// What the line says, and since when. `None` while there is no line.
    now: Option<(Signal, Time)>,
    /// What was believed last; `None` until something was.
    believed: Option<Signal>,
}

/// A level that has stood long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) signal: Signal,
    /// When it began.
    pub(super) since: Time,
    /// Whether anything was known before. The first level after the line was found says what is, not
    /// what somebody did.
    pub(super) first: bool,
}

impl Debounce {
    /// A contact of whose line nothing is known yet; a level must stand for `stands`.
    pub(super) fn new(stands: Duration) -> Debounce {
        Debounce { stands, now: None, believed: None }
    }

    /// The line was found and says this.
    pub(super) fn found(&mut self, now: Time, signal: Signal) {
        self.now = Some((signal, now));
        self.believed = None;
    }

    /// The line is gone.
    pub(super) fn lost(&mut self) {
        *self = Debounce::new(self.stands);
    }

    /// The line changed. [`Debounce::step`] comes first, up to the same moment.
    pub(super) fn edge(&mut self, at: Time, signal: Signal) {
        if let Some((before, since)) = &mut self.now
            && *before != signal
        {
            // An edge may be told late, but never before what was told already.
            *since = at.max(*since);
            *before = signal;
        }
    }

    /// What has stood long enough by now, once.
    pub(super) fn step(&mut self, now: Time) -> Option<Settled> {
        let (signal, since) = self.now?;
        let due = self.deadline()?;
        if now < due {
            return None;
        }
        let first = self.believed.replace(signal).is_none();
        Some(Settled { signal, since, first })
    }

    /// When the present level will have stood long enough; `None` when it is believed already.
    pub(super) fn deadline(&self) -> Option<Time> {
        let (signal, since) = self.now?;
        (self.believed != Some(signal)).then(|| since + self.stands)
    }

    /// From when on the present level has stood long enough, when it is this one.
    pub(super) fn steady_from(&self, wanted: Signal) -> Option<Time> {
        let (signal, since) = self.now?;
        (signal == wanted).then(|| since + self.stands)
    }
}
