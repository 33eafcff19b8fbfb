//! Real processes on a stage: one cloud, rooms with their panels, and a network that can be broken.
//!
//! The demo plays on it, and so do the end-to-end tests. Nothing here is a stand-in: the programs
//! are the ones that the workspace builds, panels are pressed through their own buttons, and what
//! a display shows or a loudspeaker plays is read from where the room put it.
//!
//! - [`Stage`] is a folder that everything lives in; it shows the logs when something fails.
//! - [`Cloud`] and [`Room`] are the processes; [`Process`] is what they have in common.
//! - [`Meeting`] is what most plays begin with: a cloud, two enrolled rooms, a meeting room.
//! - [`Browser`] is one in which people use the console.
//! - [`Lines`] are what a room's buttons and its light hang on: files.
//! - [`Relay`] is a link that can be cut; [`Network`] a whole network of one's own.
//! - [`Rauc`] installs updates for a room, into slots that are files.
//! - [`Disk`] is a disk that can be filled, [`WallClock`] a clock that jumps.
//! - [`storm`] kills them at random moments and looks whether everything comes back.
//! - [`wait_for`] is the one place that waits.
//! - [`leaks`] looks for secrets where none may be.
//! - [`picture`], [`sound`], [`pcap`], [`wire`], [`sockets`] and [`scrape`] judge what came of it.

#![forbid(unsafe_code)]

mod board;
mod browser;
mod clip;
mod clock;
mod cloud;
mod disk;
mod driver;
pub mod leaks;
mod meeting;
mod network;
pub mod pcap;
pub mod picture;
mod process;
mod rauc;
mod relay;
mod room;
pub mod scrape;
pub mod sockets;
pub mod sound;
mod stage;
mod status;
pub mod storm;
mod wait;
pub mod wire;

pub use board::Lines;
pub use browser::{Browser, Window};
pub use clip::{Clip, faces};
pub use clock::WallClock;
pub use cloud::{Cloud, Console, Vmr};
pub use disk::Disk;
pub use driver::Driver;
pub use meeting::{
    Cable, Meeting, NAME, NUMBER, PIN, TONE_A, TONE_B, enrol, shows, tenths_heard, until_idle,
    until_shows,
};
pub use network::{Capture, Network, Outage, in_own_network};
pub use process::{Around, Process, Usage};
pub use rauc::{BOARD, Rauc, can_mount};
pub use relay::{Cut, Relay};
pub use room::{Display, Room, RoomPlan, refused};
pub use stage::{Stage, scene};
pub use status::{BoardStatus, CallStatus, MediaStatus, NetworkStatus, Remote, Status, Stream};
pub use wait::{wait_for, wait_until};
