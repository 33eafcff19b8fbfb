//! conclave-cloud.
