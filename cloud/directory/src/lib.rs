//! conclave-directory.
