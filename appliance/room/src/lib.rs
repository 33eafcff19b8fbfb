//! The room's rules, without devices and without sockets.
//!
//! [`Room`] is fed with taps, link and media events, and the time; it hands out what the panel
//! shows, what the link is asked, and what the media path does. conclave-roomd is the shell round
//! it. The parts:
//! * [`Room`]: enrolment, link, notices, and who is asked what;
//! * `pad`: the number and PIN pads;
//! * [`board`]: buttons, light, presence, heat;
//! * `reset`: the factory reset, from the button to the receipt;
//! * `lobby`: waiting for a meeting, and who waits for this one;
//! * `agenda`: the meetings it is invited to;
//! * `stick`: a stick with a new system;
//! * `wanted`: what IT wants of it; `orders`: what IT has it do once;
//! * `delivery`: what such an order brings, on its way; `condition`: how the room is, as IT is told;
//!   `look`: a picture of the panel;
//! * [`clock`]: the room's clock, by its cloud's: a machine of its own;
//! * `picture`: the panel and the display as functions of the state;
//! * the call itself is `conclave-call`'s machine.

#![forbid(unsafe_code)]

mod agenda;
pub mod board;
pub mod clock;
mod condition;
mod delivery;
mod lobby;
mod look;
pub mod media;
mod orders;
mod pad;
mod picture;
mod reset;
mod room;
mod stick;
mod wanted;

pub use agenda::LocalTime;
pub use condition::Vitals;
pub use delivery::Parcel;
pub use room::{Facts, Input, LinkTrouble, Output, Room, Settings, UpdateNews};
