//! conclave-rtp.
