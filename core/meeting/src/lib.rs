//! All meetings of one cloud as one machine: who is in, who comes, who goes.
//!
//! A meeting lives from the first participant who enters a virtual meeting room (VMR) to the last
//! who leaves. The machine knows neither links nor media nodes nor a database; it is told what
//! happened and says what to do:
//!
//! 1. [`Input::Arrived`]: a room passed the door (its PIN was right). If there is a seat, the
//!    machine asks for a leg ([`Output::OpenLeg`]); if not, [`Output::Refused`].
//! 2. [`Input::LegOpened`]: the seat is taken. The facts are recorded first
//!    ([`Output::Record`]), then the room is let in ([`Output::Admitted`]) and the others see the
//!    new roster ([`Output::Roster`]).
//!    Behind some doors there is a lobby (`lobby`): the room waits ([`Output::Waits`]), without a leg and on
//!    nobody's roster, until somebody who may lets it in ([`Input::LetIn`]).
//! 3. Links come and go ([`Input::LinkLost`], [`Input::LinkBack`]), media flows or does not: a
//!    participant whose link is lost keeps the seat for a while, longer when media still flows.
//! 4. Whoever goes, by wish or not, gives the seat back: the leg is closed, the fact is recorded,
//!    the others see it. The last one to go dissolves the meeting.
//!
//! A room sits in one meeting at a time; when it arrives a second time its old presence makes
//! room for the new one, for a room that arrives again has forgotten the old one.

#![forbid(unsafe_code)]

mod door;
mod lobby;
mod machine;
mod seats;
mod speaking;
mod words;

#[cfg(test)]
mod tests;

pub use lobby::{MOST_WAITING, PATIENCE, RETURN};
pub use machine::{Limits, Meetings};
pub use seats::{LINK_GRACE, MEDIA_GRACE, SILENCE_GRACE, SPEAKER_INTERVAL};
pub use words::{
    Attendance, Entrance, Fact, Held, Input, MeetingSummary, NotAdmitted, Output, Roster,
    RosterLine, Standing, Visit, Vmr, Waiter, Why,
};
