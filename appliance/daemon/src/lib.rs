//! conclave-roomd.
