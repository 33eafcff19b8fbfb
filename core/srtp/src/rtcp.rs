//! RTCP, carried out with webrtc-srtp: a few packets in a second, so what it spends does not matter.
//!
//! Three of its habits shape this file (read in 0.17.2). It slices packets by lengths that it does
//! not check, so every packet is measured here first. It counts on from its last index to zero,
//! which would use nonces twice. And it keeps state for any source that a packet names, authentic
//! or not, so packets of unknown sources go through a second context that is thrown away now and
//! then; its replay detector, which an unauthentic first packet can push far ahead, is left out in
//! favour of our own window.

use crate::header::{RTCP_CLEAR, rtcp_source};
use crate::{OpenError, SealError};
use conclave_types::{SrtpKey, SrtpProfile};
use webrtc_srtp::Error;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

/// Packets of unknown sources that failed before the context that tried them is made anew: each
/// may have left some 60 octets behind. Lower costs key derivations, higher costs memory.
const MOST_FAILURES: u32 = 64;

/// RTCP packets that one key may protect: the index has 31 bits (RFC 3711, section 3.4).
const MOST_SEALED: u32 = (1 << 31) - 1;

/// The E bit and the index at the end of an SRTCP packet.
const INDEX: usize = 4;

pub(crate) struct RtcpSealer {
    context: Context,
    sealed: u32,
}

impl RtcpSealer {
    pub(crate) fn new(key: &SrtpKey) -> Result<RtcpSealer, Error> {
        Ok(RtcpSealer { context: context(key)?, sealed: 0 })
    }

    pub(crate) fn seal(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError> {
        rtcp_source(packet).ok_or(SealError::Malformed)?;
        // The context would start again at index 0 and use nonces twice.
        if self.sealed == MOST_SEALED {
            return Err(SealError::Exhausted);
        }
        let sealed = self.context.encrypt_rtcp(packet).map_err(|_| SealError::Malformed)?;
        self.sealed += 1;
        Ok(sealed.into())
    }
}

pub(crate) struct RtcpOpener {
    key: SrtpKey,
    /// Knows only sources that authenticated.
    context: Context,
    /// Tries packets of sources that did not authenticate yet.
    stranger: Context,
    failures: u32,
}

/// What an SRTCP packet says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) source: u32,
    pub(crate) index: u64,
}

impl RtcpOpener {
    pub(crate) fn new(key: SrtpKey) -> Result<RtcpOpener, Error> {
        let (context, stranger) = (context(&key)?, context(&key)?);
        Ok(RtcpOpener { key, context, stranger, failures: 0 })
    }

    /// Measures a packet; no other function here may see it before.
    pub(crate) fn measure(&self, packet: &[u8]) -> Result<Told, OpenError> {
        let source = rtcp_source(packet).ok_or(OpenError::Malformed)?;
        // RFC 7714 puts the index last, RFC 3711 puts the tag last.
        let (tag, index_from_end) = match self.key.profile() {
            SrtpProfile::AeadAes128Gcm => (16, INDEX),
            SrtpProfile::AesCm128HmacSha1_80 => (10, INDEX + 10),
        };
        if packet.len() < RTCP_CLEAR + tag + INDEX {
            return Err(OpenError::Malformed);
        }
        let word = &packet[packet.len() - index_from_end..][..INDEX];
        let word = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        // A cleared E bit means that nothing was encrypted; none of ours sends that.
        if word >> 31 == 0 {
            return Err(OpenError::Malformed);
        }
        Ok(Told { source, index: u64::from(word & 0x7fff_ffff) })
    }

    /// Opens a packet of a source that authenticated before.
    pub(crate) fn open(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.context.decrypt_rtcp(packet).map(Vec::from).map_err(|_| OpenError::NotAuthentic)
    }

    /// Opens a packet of any other source, and keeps nothing of it.
    pub(crate) fn open_stranger(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let Ok(opened) = self.stranger.decrypt_rtcp(packet) else {
            self.failures += 1;
            if self.failures >= MOST_FAILURES {
                self.forget_strangers();
            }
            return Err(OpenError::NotAuthentic);
        };
        self.forget_strangers();
        Ok(opened.into())
    }

    fn forget_strangers(&mut self) {
        // The same key was accepted before; should it fail all the same, the old context serves on.
        if let Ok(fresh) = context(&self.key) {
            self.stranger = fresh;
        }
        self.failures = 0;
    }
}

fn context(key: &SrtpKey) -> Result<Context, Error> {
    let profile = match key.profile() {
        SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpProfile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    Context::new(key.key(), key.salt(), profile, None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_sealed_all_its_reports_seals_no_more() {
        let report = [0x80, 201, 0, 1, 0, 0, 0, 7];
        for profile in SrtpProfile::PREFERENCE {
            let material = vec![1; profile.key_len() + profile.salt_len()];
            let mut sealer = RtcpSealer::new(&SrtpKey::new(profile, material).unwrap()).unwrap();
            sealer.sealed = MOST_SEALED - 1;
            assert!(sealer.seal(&report).is_ok());
            assert_eq!(sealer.seal(&report), Err(SealError::Exhausted));
            assert_eq!(sealer.seal(&report), Err(SealError::Exhausted));
        }
    }
}
