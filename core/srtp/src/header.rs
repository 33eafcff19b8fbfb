//! The few facts of a packet that the cryptography needs, measured before anything else looks at it.

/// Length of the fixed header of RTP (RFC 3550, section 5.1).
const FIXED: usize = 12;
/// Octets of an RTCP packet that stay in the clear: its first header with its source.
pub(crate) const RTCP_CLEAR: usize = 8;

/// An RTP header that lies whole within its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) source: u32,
    pub(crate) sequence: u16,
    /// Octets up to the payload: fixed part, contributing sources and extension. What is inside
    /// the extension is nobody's business here: a list of elements that lies is carried as it is.
    pub(crate) length: usize,
}

impl Header {
    /// `None` when the packet is not of version 2 or shorter than its own header.
    pub(crate) fn measure(packet: &[u8]) -> Option<Header> {
        let fixed: &[u8; FIXED] = packet.first_chunk()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut length = FIXED + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let words = packet.get(length + 2..length + 4)?;
            length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        (packet.len() >= length).then_some(Header {
            source: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            length,
        })
    }
}

/// The sender of an RTCP packet. `None` when the packet is too short to have one.
pub(crate) fn rtcp_source(packet: &[u8]) -> Option<u32> {
    let clear: &[u8; RTCP_CLEAR] = packet.first_chunk()?;
    (clear[0] >> 6 == 2).then(|| u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_lies_within_its_packet_or_is_none() {
        let mut packet = vec![0; 12 + 8 + 4 + 12];
        packet[..4].copy_from_slice(&[0x92, 96, 0x12, 0x34]);
        packet[8..12].copy_from_slice(&[1, 2, 3, 4]);
        packet[22..24].copy_from_slice(&[0, 3]);
        let expected = Header { source: 0x0102_0304, sequence: 0x1234, length: packet.len() };
        assert_eq!(Header::measure(&packet), Some(expected));
        for length in 0..packet.len() {
            assert_eq!(Header::measure(&packet[..length]), None, "{length}");
        }
        packet[0] = 0x52;
        assert_eq!(Header::measure(&packet), None, "another version");
    }
}
