//! What a meeting did since it was last asked, to be added up over all meetings of a node.

/// Packets and requests of all legs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// RTP and RTCP that legs sent and that was taken.
    pub packets_in: u64,
    /// Their octets, in the clear.
    pub octets_in: u64,
    /// RTP packets to legs, repetitions included.
    pub packets_out: u64,
    /// Their octets, in the clear.
    pub octets_out: u64,
    /// RTP packets sent again because a receiver asked for them.
    pub resent: u64,
    /// Packets that receivers asked for.
    pub asked_of_us: u64,
    /// Packets that senders were asked for.
    pub asked_by_us: u64,
    /// Keyframe requests that came from receivers.
    pub keyframes_wanted: u64,
    /// Keyframe requests that went to senders.
    pub keyframes_asked: u64,
    /// Packets beyond a leg's limit.
    pub over_limit: u64,
    /// Packets of a foreign source or type, too long, or not readable.
    pub refused: u64,
    /// Packets to legs that were dropped because the shell did not take them.
    pub dropped: u64,
}
