//! SRTP and SRTCP (RFC 3711, RFC 7714) behind two traits: one end seals, the other opens.
//!
//! Flow: a media leg has two keys, one per direction. Whoever sends builds a [`Seal`] from its
//! key, whoever receives builds an [`Open`] from the same key; RTP and RTCP share one port, so the
//! receiver asks [`is_rtcp`] first. The packets may be anything that came in from a socket: they
//! are measured here before the cryptography sees them.
//!
//! RTP is sealed and opened where it lies, by ring (AES-GCM) or by the aes and sha1 crates; RTCP is
//! rare and goes through webrtc-srtp. docs/facts.md tells why.
//!
//! What opening guarantees, in this order: the packet is long enough for its own header and tag;
//! it was not accepted before; it was sealed with the key. State for a source is made only after
//! its first packet authenticated, and for at most [`MOST_SOURCES`] sources.

#![forbid(unsafe_code)]

mod ends;
mod header;
mod hmac;
mod rtcp;
mod session;
#[cfg(test)]
mod vectors;
mod window;

use conclave_types::SrtpKey;

/// Sources that one opener follows. A room's opener sees two per participant that ever came and
/// went during a call; each costs about 400 octets. Fewer would cut off long meetings.
pub const MOST_SOURCES: usize = 512;

/// Packets, counted back from the newest, that may still arrive late. A keyframe at 4 Mbit/s is
/// some 300 packets and may be retransmitted a second later; a smaller window would drop those.
pub const RTP_WINDOW: u64 = 1024;

/// The same for RTCP, of which a source sends a few in a second.
pub const RTCP_WINDOW: u64 = 128;

/// Protects outgoing packets.
pub trait Seal: Send {
    /// Seals an RTP packet.
    ///
    /// Never seal two different packets that share source and sequence number within one cycle of
    /// 65536: that would use a nonce twice. Sealing the identical packet again gives the identical
    /// result. A source's first sequence number should lie below 2^15 (RFC 3711, section 3.3.1).
    fn seal_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError>;

    /// The same, put behind what `out` holds: a burst is sealed into one buffer. An error leaves
    /// `out` as it was.
    fn seal_rtp_into(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SealError>;

    /// Seals where it lies the RTP packet that begins at `start` and ends with the buffer. After an
    /// error the buffer ends at `start`, so that nothing unsealed is sent by mistake.
    fn seal_rtp_tail(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SealError>;

    /// Seals a compound or reduced-size RTCP packet; the sequence of them is counted inside.
    fn seal_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SealError>;
}

/// Opens incoming packets.
pub trait Open: Send {
    /// Opens an SRTP packet and remembers it, so that it opens only once.
    fn open_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError>;

    /// The same where it lies: what is returned is the beginning of `packet`. After an error
    /// `packet` may hold anything and is of no further use.
    fn open_rtp_in_place<'a>(&mut self, packet: &'a mut [u8]) -> Result<&'a mut [u8], OpenError>;

    /// Opens an SRTCP packet and remembers it, so that it opens only once.
    fn open_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError>;
}

/// Why a packet of ours was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is not RTP or RTCP of version 2 with a whole header, or longer than any datagram.
    #[error("the packet to seal has no whole header or is too long")]
    Malformed,
    /// The key has protected as many packets as it may (RFC 3711, section 9.2).
    #[error("the key has protected as many packets as it may")]
    Exhausted,
}

/// Why a packet that came in was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is too short, or not RTP or RTCP of version 2.
    #[error("the packet is too short or not of version 2")]
    Malformed,
    /// It was not sealed with this key, or was changed on its way.
    #[error("the packet does not authenticate")]
    NotAuthentic,
    /// It was accepted before, or is older than the window of what may still be late.
    #[error("the packet was seen before or is too old")]
    Replayed,
    /// It authenticates, but [`MOST_SOURCES`] other sources are followed already.
    #[error("the packet belongs to one source too many")]
    TooManySources,
}

/// Why a key cannot be used. Keys have their right length by type, so this is a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is refused for RTP.
    #[error("the cryptography refuses the key for RTP")]
    Rtp,
    /// It is refused for RTCP.
    #[error("the cryptography refuses the key for RTCP")]
    Rtcp(#[source] webrtc_srtp::Error),
}

/// Builds the sending end for a key.
pub fn sealer(key: &SrtpKey) -> Result<Box<dyn Seal>, KeyError> {
    Ok(Box::new(ends::Sealer::new(key)?))
}

/// Builds the receiving end for a key.
pub fn opener(key: &SrtpKey) -> Result<Box<dyn Open>, KeyError> {
    Ok(Box::new(ends::Opener::new(key.clone())?))
}

/// Whether a packet on a shared port is RTCP (RFC 5761, section 4): its second octet, which RTP
/// fills with marker and payload type, lies in 192..=223. Works on sealed packets too.
pub fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet.get(1), Some(192..=223))
}

/// Octets of the longest packet, sealed or not: what a datagram of UDP can carry has fewer.
pub const MOST_OCTETS: usize = 65_535;

/// Octets that sealing adds to an RTP packet with any profile, at most.
pub const RTP_OVERHEAD: usize = 16;

/// Octets that sealing adds to an RTCP packet with any profile, at most.
pub const RTCP_OVERHEAD: usize = 20;
