//! conclave-link-cloud.
