//! Reads what tcpdump recorded: the classic pcap format, Ethernet or raw IP frames.

use anyhow::{Context, Result, bail};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// A datagram or segment on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What carried it.
    pub transport: Transport,
    /// Where from.
    pub from: SocketAddr,
    /// Where to.
    pub to: SocketAddr,
    /// What it carried.
    pub payload: Vec<u8>,
}

/// What carries a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP; the payload is one segment's.
    Tcp,
}

/// Every UDP datagram and TCP segment of a recording that carries something. What is not IP is
/// left out, and so is a packet at the end that was only half written.
pub fn read(file: &Path) -> Result<Vec<Packet>> {
    let octets = std::fs::read(file).with_context(|| format!("{} is not there", file.display()))?;
    parse(&octets).with_context(|| format!("{} is no recording", file.display()))
}

/// As [`read`], from octets.
pub fn parse(octets: &[u8]) -> Result<Vec<Packet>> {
    let Some((header, mut rest)) = octets.split_at_checked(24) else { bail!("it is too short") };
    // Microseconds or nanoseconds, in this machine's order of octets: tcpdump writes its own.
    let magic = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]);
    if magic != 0xa1b2_c3d4 && magic != 0xa1b2_3c4d {
        bail!("its magic number is {magic:08x}");
    }
    let link = u32::from_ne_bytes([header[20], header[21], header[22], header[23]]);
    let ethernet_header = match link {
        1 => 14,       // LINKTYPE_ETHERNET
        101 | 12 => 0, // LINKTYPE_RAW
        other => bail!("frames of type {other} are not known here"),
    };
    let mut packets = Vec::new();
    while let Some((head, behind)) = rest.split_at_checked(16) {
        let length = u32::from_ne_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let Some((frame, behind)) = behind.split_at_checked(length) else { break };
        packets.extend(frame.get(ethernet_header..).and_then(ip));
        rest = behind;
    }
    Ok(packets)
}

fn ip(octets: &[u8]) -> Option<Packet> {
    match octets.first()? >> 4 {
        4 => {
            let header = usize::from(octets[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([*octets.get(2)?, *octets.get(3)?]));
            let from: [u8; 4] = octets.get(12..16)?.try_into().ok()?;
            let to: [u8; 4] = octets.get(16..20)?.try_into().ok()?;
            let body = octets.get(header..total)?;
            let (from, to) = (Ipv4Addr::from(from), Ipv4Addr::from(to));
            transport(octets[9], from.into(), to.into(), body)
        }
        6 => {
            let length = usize::from(u16::from_be_bytes([*octets.get(4)?, *octets.get(5)?]));
            let from: [u8; 16] = octets.get(8..24)?.try_into().ok()?;
            let to: [u8; 16] = octets.get(24..40)?.try_into().ok()?;
            let body = octets.get(40..40 + length)?;
            let (from, to) = (Ipv6Addr::from(from), Ipv6Addr::from(to));
            transport(octets[6], from.into(), to.into(), body)
        }
        _ => None,
    }
}

fn transport(protocol: u8, from: IpAddr, to: IpAddr, body: &[u8]) -> Option<Packet> {
    let (transport, header) = match protocol {
        17 => (Transport::Udp, 8),
        6 => (Transport::Tcp, usize::from(body.get(12)? >> 4) * 4),
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let payload = body.get(header..)?;
    (!payload.is_empty()).then_some(Packet {
        transport,
        from: SocketAddr::new(from, port(0)?),
        to: SocketAddr::new(to, port(2)?),
        payload: payload.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recording with one UDP datagram `hi` from 127.0.0.1:5000 to 127.0.0.1:6000.
    fn recording() -> Vec<u8> {
        let mut octets = Vec::new();
        octets.extend_from_slice(&0xa1b2_c3d4_u32.to_ne_bytes());
        octets.extend_from_slice(&[0; 16]);
        octets.extend_from_slice(&1_u32.to_ne_bytes());
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[8, 0]);
        frame.extend_from_slice(&[0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
        frame.extend_from_slice(&[0x13, 0x88, 0x17, 0x70, 0, 10, 0, 0, b'h', b'i']);
        octets.extend_from_slice(&[0; 8]);
        octets.extend_from_slice(&(frame.len() as u32).to_ne_bytes());
        octets.extend_from_slice(&(frame.len() as u32).to_ne_bytes());
        octets.extend_from_slice(&frame);
        octets
    }

    #[test]
    fn a_datagram_is_read_with_its_ports_and_payload() {
        let packets = parse(&recording()).unwrap();
        assert_eq!(
            packets,
            [Packet {
                transport: Transport::Udp,
                from: "127.0.0.1:5000".parse().unwrap(),
                to: "127.0.0.1:6000".parse().unwrap(),
                payload: b"hi".to_vec(),
            }]
        );
    }

    #[test]
    fn a_recording_cut_anywhere_is_read_as_far_as_it_is_whole() {
        let whole = recording();
        for end in 0..whole.len() {
            match parse(&whole[..end]) {
                Ok(packets) => assert!(packets.is_empty(), "{end}"),
                Err(_) => assert!(end < 24, "{end}"),
            }
        }
    }

    #[test]
    fn damaged_headers_give_fewer_packets_and_no_panic() {
        let whole = recording();
        for at in 24..whole.len() {
            for value in [0, 1, 0x40, 0x60, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                assert!(parse(&damaged).unwrap().len() <= 1);
            }
        }
    }
}
