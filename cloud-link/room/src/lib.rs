//! conclave-link-room.
