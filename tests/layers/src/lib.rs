//! conclave-layers.
