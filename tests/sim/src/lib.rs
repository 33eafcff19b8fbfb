//! conclave-sim.
