//! conclave-media.
