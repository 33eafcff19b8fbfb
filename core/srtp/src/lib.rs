//! conclave-srtp.
