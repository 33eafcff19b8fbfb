//! A forwarder as it is measured: its process, what is sent to it and who receives from it.

use super::load::{Receiver, Source};
use crate::process::Running;
use anyhow::{Context, Result};
use conclave_types::{SrtpKey, SrtpProfile};
use ring::rand::{SecureRandom, SystemRandom};
use std::path::PathBuf;

/// A forwarder with its sender and receivers. Dropping it ends the process.
pub(crate) struct System {
    pub(crate) running: Running,
    pub(crate) source: Source,
    pub(crate) receivers: Vec<Receiver>,
    /// Packets per second to all receivers, where it sends by itself and takes nothing in.
    pub(crate) paced: Option<f64>,
    /// Where it writes how long packets were in it, if it does.
    pub(crate) held: Option<PathBuf>,
    /// Configuration and logs.
    pub(crate) _folder: tempfile::TempDir,
}

/// Which forwarder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// Our media node.
    Ours,
    Rtpengine,
    Janus,
    /// Seals and sends at a pace of its own: packets per second to all receivers, packets per burst.
    BareLoop {
        rate: f64,
        burst: usize,
    },
    /// Receives a burst, then seals and sends it: what nothing that forwards can do without.
    BareAnswer,
}

impl Kind {
    pub(crate) fn start(self, profile: SrtpProfile, receivers: usize) -> Result<System> {
        let folder = tempfile::tempdir().context("no folder for a peer's files")?;
        match self {
            Kind::Ours => super::node::start(folder, profile, receivers),
            Kind::Rtpengine => super::rtpengine::start(folder, profile, receivers),
            Kind::Janus => super::janus::start(folder, receivers),
            Kind::BareLoop { rate, burst } => {
                super::bare::start(folder, receivers, Some((rate, burst)))
            }
            Kind::BareAnswer => super::bare::start(folder, receivers, None),
        }
    }
}

/// A fresh key.
pub(crate) fn key(profile: SrtpProfile) -> Result<SrtpKey> {
    let mut material = vec![0; profile.key_len() + profile.salt_len()];
    SystemRandom::new().fill(&mut material).map_err(|_| anyhow::anyhow!("no random numbers"))?;
    SrtpKey::new(profile, material).map_err(Into::into)
}

/// Key and salt, as SDP and Janus write them.
pub(crate) fn inline(key: &SrtpKey) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode([key.key(), key.salt()].concat())
}
