//! The link between a room and its cloud, without sockets and without a clock.

pub mod message;
