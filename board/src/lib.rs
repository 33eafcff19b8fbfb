//! The room's small parts: the in-call light, the buttons, the presence sensor, the thermometer; and
//! which displays, cameras, microphones and encoders a board has.
//!
//! ```text
//! board.toml ─► Description ─┬─► Board (one task) ──► events: mute, presence, reset, heat, parts
//!                            │     │        ▲  └─◄── the call's state
//!                            │   lines   Machine
//!                            │     └─► gpiocdev · rppal · stand-in
//!                            └─► displays, cameras, microphones, encoders: for the media path
//! ```
//!
//! * [`description`]: what a board is made of, one TOML file for each; no Cargo feature chooses;
//! * [`machine`]: the rules (debounce, long press, presence, heat), without lines and clock;
//! * [`lines`]: lines behind embedded-hal's traits, and the backends;
//! * [`light`]: the in-call light on any two outputs;
//! * [`thermometer`]: the kernel's temperature files;
//! * [`Board`]: the shell that joins them.

#![forbid(unsafe_code)]

mod board;
pub mod description;
mod kernel_clock;
pub mod light;
pub mod lines;
pub mod machine;
mod retry;
pub mod thermometer;
mod upkeep;

pub use board::Board;
pub use upkeep::{BoardEvent, Part};
