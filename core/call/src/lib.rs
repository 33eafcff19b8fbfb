//! conclave-call.
