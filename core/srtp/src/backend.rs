//! The traits carried out with webrtc-srtp.
//!
//! Three of its habits shape this file (read in 0.17.2). It slices packets by lengths that it does
//! not check, so every packet is measured here first. Its own header parser panics on a header
//! extension that lies about its length, so it is handed a header instead. And it keeps state for
//! any source that a packet names, authentic or not, so packets of unknown sources go through a
//! second context that is thrown away now and then; its replay detector, which an unauthentic
//! first packet can push far ahead, is left out in favour of our own window.

use crate::window::Window;
use crate::{MOST_SOURCES, Open, OpenError, RTCP_WINDOW, RTP_WINDOW, Seal, SealError};
use conclave_types::{SrtpKey, SrtpProfile};
use rtp::header::Header;
use std::collections::HashMap;
use webrtc_srtp::Error;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

/// Packets of unknown sources that failed before the context that tried them is made anew: each
/// may have left some 60 octets behind. Lower costs key derivations, higher costs memory.
const MOST_FAILURES: u32 = 64;

/// RTCP packets that one key may protect: the index has 31 bits (RFC 3711, section 3.4).
const MOST_RTCP: u32 = (1 << 31) - 1;

/// Length of the fixed header of RTP (RFC 3550, section 5.1).
const RTP_HEADER: usize = 12;
/// Octets of an RTCP packet that stay in the clear: its first header with its source.
const RTCP_CLEAR: usize = 8;
/// The E bit and the index at the end of an SRTCP packet.
const RTCP_INDEX: usize = 4;

pub(crate) struct Sealer {
    context: Context,
    rtcp_sealed: u32,
}

impl Sealer {
    pub(crate) fn new(key: &SrtpKey) -> Result<Sealer, Error> {
        Ok(Sealer { context: context(key)?, rtcp_sealed: 0 })
    }
}

impl Seal for Sealer {
    fn seal_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError> {
        let header = rtp_header(packet).ok_or(SealError::Malformed)?;
        match self.context.encrypt_rtp_with_header(packet, &header) {
            Ok(sealed) => Ok(sealed.into()),
            Err(Error::ErrExceededMaxPackets) => Err(SealError::Exhausted),
            Err(_) => Err(SealError::Malformed),
        }
    }

    fn seal_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError> {
        rtcp_source(packet).ok_or(SealError::Malformed)?;
        // The context would start again at index 0 and use nonces twice.
        if self.rtcp_sealed == MOST_RTCP {
            return Err(SealError::Exhausted);
        }
        let sealed = self.context.encrypt_rtcp(packet).map_err(|_| SealError::Malformed)?;
        self.rtcp_sealed += 1;
        Ok(sealed.into())
    }
}

pub(crate) struct Opener {
    key: SrtpKey,
    /// Knows only sources that authenticated.
    context: Context,
    /// Tries packets of sources that did not authenticate yet.
    stranger: Context,
    failures: u32,
    sources: HashMap<u32, Source>,
}

struct Source {
    /// By packet index, sequence number and rollover count together.
    rtp: Window<{ RTP_WINDOW as usize / 64 }>,
    /// By SRTCP index.
    rtcp: Window<{ RTCP_WINDOW as usize / 64 }>,
}

impl Opener {
    pub(crate) fn new(key: SrtpKey) -> Result<Opener, Error> {
        let (context, stranger) = (context(&key)?, context(&key)?);
        Ok(Opener { key, context, stranger, failures: 0, sources: HashMap::new() })
    }

    /// Opens a packet of a source that is not known yet, and lets the source in if it is authentic.
    fn open_stranger(
        &mut self,
        source: u32,
        open: impl Fn(&mut Context) -> Option<Vec<u8>>,
    ) -> Result<Vec<u8>, OpenError> {
        if open(&mut self.stranger).is_none() {
            self.failures += 1;
            if self.failures >= MOST_FAILURES {
                self.forget_strangers();
            }
            return Err(OpenError::NotAuthentic);
        }
        self.forget_strangers();
        if self.sources.len() >= MOST_SOURCES {
            return Err(OpenError::TooManySources);
        }
        let packet = open(&mut self.context).ok_or(OpenError::NotAuthentic)?;
        self.sources.insert(source, Source { rtp: Window::new(), rtcp: Window::new() });
        Ok(packet)
    }

    fn forget_strangers(&mut self) {
        // The same key was accepted before; should it fail all the same, the old context serves on.
        if let Ok(fresh) = context(&self.key) {
            self.stranger = fresh;
        }
        self.failures = 0;
    }
}

impl Open for Opener {
    fn open_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let header = rtp_header(packet).ok_or(OpenError::Malformed)?;
        let tag = match self.key.profile() {
            SrtpProfile::AeadAes128Gcm => 16,
            SrtpProfile::AesCm128HmacSha1_80 => 10,
        };
        if packet.len() < RTP_HEADER + header_rest(&header) + tag {
            return Err(OpenError::Malformed);
        }
        let open = |context: &mut Context| {
            context.decrypt_rtp_with_header(packet, &header).ok().map(Vec::from)
        };
        let sequence = u64::from(header.sequence_number);
        let Some(source) = self.sources.get_mut(&header.ssrc) else {
            let opened = self.open_stranger(header.ssrc, open)?;
            if let Some(source) = self.sources.get_mut(&header.ssrc) {
                source.rtp.accept(sequence);
            }
            return Ok(opened);
        };
        let index = source.rtp.extend(sequence, 16);
        if !source.rtp.is_fresh(index) {
            return Err(OpenError::Replayed);
        }
        let opened = open(&mut self.context).ok_or(OpenError::NotAuthentic)?;
        source.rtp.accept(index);
        Ok(opened)
    }

    fn open_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let ssrc = rtcp_source(packet).ok_or(OpenError::Malformed)?;
        // RFC 7714 puts the index last, RFC 3711 puts the tag last.
        let (tag, index_from_end) = match self.key.profile() {
            SrtpProfile::AeadAes128Gcm => (16, RTCP_INDEX),
            SrtpProfile::AesCm128HmacSha1_80 => (10, RTCP_INDEX + 10),
        };
        if packet.len() < RTCP_CLEAR + tag + RTCP_INDEX {
            return Err(OpenError::Malformed);
        }
        let word = &packet[packet.len() - index_from_end..][..RTCP_INDEX];
        let word = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        // A cleared E bit means that nothing was encrypted; none of ours sends that.
        if word >> 31 == 0 {
            return Err(OpenError::Malformed);
        }
        let index = u64::from(word & 0x7fff_ffff);
        let open = |context: &mut Context| context.decrypt_rtcp(packet).ok().map(Vec::from);
        let Some(source) = self.sources.get_mut(&ssrc) else {
            let opened = self.open_stranger(ssrc, open)?;
            if let Some(source) = self.sources.get_mut(&ssrc) {
                source.rtcp.accept(index);
            }
            return Ok(opened);
        };
        if !source.rtcp.is_fresh(index) {
            return Err(OpenError::Replayed);
        }
        let opened = open(&mut self.context).ok_or(OpenError::NotAuthentic)?;
        source.rtcp.accept(index);
        Ok(opened)
    }
}

fn context(key: &SrtpKey) -> Result<Context, Error> {
    let profile = match key.profile() {
        SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpProfile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    Context::new(key.key(), key.salt(), profile, None, None)
}

/// The three facts of a header that the cryptography needs: source, sequence number and length.
/// The length is told as padding of an extension, which is the field that adds up without
/// allocating. `None` when the packet is shorter than its own header.
fn rtp_header(packet: &[u8]) -> Option<Header> {
    let fixed: &[u8; RTP_HEADER] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut length = RTP_HEADER + 4 * usize::from(fixed[0] & 0x0f);
    if fixed[0] & 0x10 != 0 {
        let words = packet.get(length + 2..length + 4)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    if packet.len() < length {
        return None;
    }
    Some(Header {
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        sequence_number: u16::from_be_bytes([fixed[2], fixed[3]]),
        extension: length > RTP_HEADER,
        extensions_padding: length.saturating_sub(RTP_HEADER + 4),
        ..Header::default()
    })
}

/// Octets of the header behind its fixed part.
fn header_rest(header: &Header) -> usize {
    if header.extension { 4 + header.extensions_padding } else { 0 }
}

/// The sender of an RTCP packet. `None` when the packet is too short to have one.
fn rtcp_source(packet: &[u8]) -> Option<u32> {
    let clear: &[u8; RTCP_CLEAR] = packet.first_chunk()?;
    (clear[0] >> 6 == 2).then(|| u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]))
}
