//! The room's small parts: the in-call light, the buttons, the presence sensor, the thermometer; and
//! which displays, cameras, microphones and encoders a board has.

#![forbid(unsafe_code)]

pub mod description;
pub mod light;
pub mod lines;
pub mod machine;
pub mod thermometer;
