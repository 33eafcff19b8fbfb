//! conclave-stage.
