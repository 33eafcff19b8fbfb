//! IT looks at the panel: a picture of what it shows, for support.
//!
//! 1. The panel says so, for as long as a person needs to read it. What IT may not know is covered from then on: titles of
//!    meetings, and who called them. People see what IT will see.
//! 2. The panel hands its picture over, and it goes to the cloud.
//! 3. The panel says that it was done.
//!
//! No picture is made while something is typed there: even where digits show as dots, a key lights up under the finger.
//! Nor while people meet: names of meetings and people stand on the panel then.

use crate::delivery::Parcel;
use crate::room::Room;
use conclave_call::State;
use conclave_link_protocol::message::{LONGEST_DELIVERY, OrderOutcome};
use conclave_panel_api::{Look, Meeting, PicturePiece};
use conclave_types::Time;
use std::time::Duration;

/// So long it is said before the picture is made: two lines are read, and somebody can step in front of it.
const ANNOUNCED: Duration = Duration::from_secs(4);

/// So long the panel has to hand its picture over. A slow board compresses it for a second; the cloud waits for fifteen
/// in all.
const PATIENCE: Duration = Duration::from_secs(8);

/// So long it is said that it was done.
const SAID_AFTER: Duration = Duration::from_secs(5);

/// How far it is.
#[derive(Debug, Default)]
pub(crate) enum Looking {
    /// Nobody looks.
    #[default]
    Nobody,
    /// It is announced.
    Soon { number: u32, until: Time },
    /// The panel makes the picture.
    Now { number: u32, until: Time, picture: Parcel },
    /// It was handed over.
    Over { until: Time },
}

impl Looking {
    pub(crate) fn deadline(&self) -> Option<Time> {
        match self {
            Looking::Nobody => None,
            Looking::Soon { until, .. } | Looking::Now { until, .. } | Looking::Over { until } => {
                Some(*until)
            }
        }
    }

    /// What the panel is told.
    pub(crate) fn shown(&self) -> Option<Look> {
        match self {
            Looking::Nobody => None,
            Looking::Soon { .. } => Some(Look::Soon),
            Looking::Now { number, .. } => Some(Look::Picture { number: *number }),
            Looking::Over { .. } => Some(Look::Over),
        }
    }

    /// Whether what IT may not know is covered.
    pub(crate) fn covers(&self) -> bool {
        matches!(self, Looking::Soon { .. } | Looking::Now { .. })
    }
}

/// A meeting without what only those who are invited may know.
pub(crate) fn covered(meeting: Meeting) -> Meeting {
    Meeting { title: None, organiser: None, ..meeting }
}

impl Room {
    /// Why no picture may be made now, if so.
    fn hidden_from_it(&self) -> Option<OrderOutcome> {
        match self.call.state() {
            State::Idle if self.nothing_began() => None,
            State::Idle => Some(OrderOutcome::NotNow),
            _ => Some(OrderOutcome::InCall),
        }
    }

    /// IT wants a picture; what is said of that at once, if anything.
    pub(crate) fn look_begins(&mut self, now: Time, number: u32) -> Option<OrderOutcome> {
        if let Some(why) = self.hidden_from_it() {
            return Some(why);
        }
        if !self.condition.has_panel() {
            return Some(OrderOutcome::Failed);
        }
        self.looking = Looking::Soon { number, until: now + ANNOUNCED };
        None
    }

    /// Nobody is there any more to whom it could go.
    pub(crate) fn look_ends(&mut self) {
        if self.looking.covers() {
            self.looking = Looking::Nobody;
        }
    }

    pub(crate) fn look_tick(&mut self, now: Time) {
        if let Looking::Soon { number, .. } | Looking::Now { number, .. } = self.looking
            && let Some(why) = self.hidden_from_it()
        {
            self.looking = Looking::Nobody;
            self.order_ended(number, why);
        }
        if self.looking.deadline().is_none_or(|at| at > now) {
            return;
        }
        match std::mem::take(&mut self.looking) {
            Looking::Soon { number, .. } => {
                let picture = Parcel(Vec::new());
                self.looking = Looking::Now { number, until: now + PATIENCE, picture };
            }
            Looking::Now { number, .. } => self.order_ended(number, OrderOutcome::Failed),
            Looking::Over { .. } | Looking::Nobody => {}
        }
    }

    /// The panel hands over a piece. Of two panels the first one counts, as long as the other's picture differs in length;
    /// where it does not, what is mixed is refused as no picture, or is the same.
    pub(crate) fn picture_piece(&mut self, now: Time, piece: PicturePiece) {
        let Looking::Now { number, picture, .. } = &mut self.looking else { return };
        let PicturePiece { number: of, offset, total, octets } = piece;
        let fits = of == *number
            && offset as usize == picture.0.len()
            && total <= LONGEST_DELIVERY
            && !octets.0.is_empty()
            && picture.0.len() + octets.0.len() <= total as usize;
        if !fits {
            return;
        }
        picture.0.extend_from_slice(&octets.0);
        if picture.0.len() < total as usize {
            return;
        }
        let (number, picture) = (*number, Parcel(std::mem::take(&mut picture.0)));
        self.looking = Looking::Over { until: now + SAID_AFTER };
        self.deliver(now, number, picture);
    }

    /// The panel cannot make one.
    pub(crate) fn no_picture(&mut self, of: u32) {
        if let Looking::Now { number, .. } = self.looking
            && number == of
        {
            self.looking = Looking::Nobody;
            self.order_ended(number, OrderOutcome::Failed);
        }
    }
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
