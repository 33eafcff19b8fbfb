//! conclave-media-node.
