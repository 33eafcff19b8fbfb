//! conclave-forward.
