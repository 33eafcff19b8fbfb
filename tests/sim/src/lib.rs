//! Rooms and cloud in one process, in virtual time, over a seeded network.
//!
//! Everything here is the product's own code but for its shells: each room is `conclave-room` on
//! `conclave-link-protocol`, the cloud is the switchboard on a real SQLite file. Between them, a
//! network that delays, cuts apart, stalls and breaks connections, all drawn from one seed. A
//! failing seed replays to the same microsecond.

#![forbid(unsafe_code)]

mod chance;
mod cloud;
mod room;
mod system;
mod world;

pub use chance::Chance;
pub use system::{BOARD, FIRST, Fate};
pub use world::{Link, World};
