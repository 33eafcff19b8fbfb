//! The room's rules, without devices and without sockets.

pub mod media;
