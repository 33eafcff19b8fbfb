//! RTP and RTCP as they come out of a packet that was opened.

use crate::pieces::Pieces;
use conclave_rtp::rtcp::{self, LONGEST, MOST_BLOCKS, Packet as Rtcp, RtcpError};
use conclave_rtp::{Draft, HEADER_LENGTH, Packet, set_marker, set_sequence, set_source};
use conclave_types::{AUDIO_LEVEL_EXTENSION, Ssrc};
use std::collections::BTreeSet;

/// Octets of a name that are written (RFC 3550, section 6.5: its length has one octet).
const LONGEST_NAME: usize = 255;

/// The whole input is one packet.
pub fn packet(input: &[u8]) {
    let mut bytes = input.to_vec();
    if let Ok(read) = Packet::parse(input) {
        assert!(read.payload().len() <= input.len() - HEADER_LENGTH);
        for id in (0..=16).chain([u8::MAX]) {
            let element = read.extension(id);
            assert!(element.is_none_or(|element| (1..=16).contains(&element.len())));
        }
        let level = read.audio_level(AUDIO_LEVEL_EXTENSION);
        let draft = Draft {
            marker: read.marker(),
            payload_type: read.payload_type(),
            sequence: read.sequence(),
            timestamp: read.timestamp(),
            source: read.source(),
            audio_level: level.map(|level| (AUDIO_LEVEL_EXTENSION, level)),
        };
        let written = draft.write(read.payload());
        same(&written, &draft, read.payload());
        // Changes in place change nothing else.
        set_sequence(&mut bytes, draft.sequence.wrapping_add(1));
        set_source(&mut bytes, Ssrc(!draft.source.0));
        set_marker(&mut bytes);
        let changed = Draft {
            marker: true,
            sequence: draft.sequence.wrapping_add(1),
            source: Ssrc(!draft.source.0),
            ..draft
        };
        same(&bytes, &changed, read.payload());
    } else {
        set_sequence(&mut bytes, 1);
        set_source(&mut bytes, Ssrc(1));
        set_marker(&mut bytes);
        assert_eq!(bytes.len(), input.len());
    }
}

fn same(bytes: &[u8], draft: &Draft, payload: &[u8]) {
    let Ok(read) = Packet::parse(bytes) else { panic!("written and not read: {bytes:?}") };
    let level = read.audio_level(AUDIO_LEVEL_EXTENSION);
    let again = Draft {
        marker: read.marker(),
        payload_type: read.payload_type(),
        sequence: read.sequence(),
        timestamp: read.timestamp(),
        source: read.source(),
        audio_level: level.map(|level| (AUDIO_LEVEL_EXTENSION, level)),
    };
    assert_eq!(again, *draft);
    assert_eq!(read.payload(), payload);
}

/// One packet whose header extension is the input (RFC 8285): the profile (an octet that chooses
/// among one-byte, two-byte and any), contributing sources, then the elements, filled up to whole
/// words. Elements must lie inside the extension, and a walk by hand finds the same ones.
pub fn extensions(input: &[u8]) {
    let mut pieces = Pieces(input);
    let choice = pieces.octet();
    let profile = match choice % 4 {
        0 | 1 => 0xbede,
        2 => 0x1000 | u16::from(choice >> 4),
        _ => pieces.two(),
    };
    let sources = usize::from(choice >> 2 & 3);
    let elements = pieces.0;
    let padded = elements.len().div_ceil(4).min(usize::from(u16::MAX));
    let mut packet = vec![0x90 | sources as u8, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    packet.resize(packet.len() + 4 * sources, 9);
    packet.extend(profile.to_be_bytes());
    packet.extend((padded as u16).to_be_bytes());
    let start = packet.len();
    packet.extend(elements.iter().take(4 * padded));
    packet.resize(start + 4 * padded, 0);
    packet.extend(b"payload");
    let Ok(read) = Packet::parse(&packet) else { panic!("a sound packet is refused: {packet:?}") };
    assert_eq!(read.payload(), b"payload");
    let one_byte = profile == 0xbede;
    let area = &packet[start..start + 4 * padded];
    for id in (0..=16).chain([u8::MAX]) {
        let by_hand = one_byte.then(|| first_element(area, id)).flatten();
        assert_eq!(read.extension(id), by_hand, "element {id}");
    }
    let level = read.audio_level(AUDIO_LEVEL_EXTENSION);
    assert_eq!(level.is_some(), read.extension(AUDIO_LEVEL_EXTENSION).is_some());
}

/// The first element with this id, by RFC 8285, section 4.2, in another way than the crate has it.
fn first_element(area: &[u8], id: u8) -> Option<&[u8]> {
    let mut at = 0;
    while at < area.len() {
        let head = area[at];
        at += 1;
        if head == 0 {
            continue;
        }
        let end = at + usize::from(head % 16) + 1;
        if head / 16 == 15 || end > area.len() {
            return None;
        }
        if head / 16 == id {
            return Some(&area[at..end]);
        }
        at = end;
    }
    None
}

/// The first octet chooses: even, and the rest is one datagram; odd, and the rest is packets, each
/// with an octet for its count or format, one for its type and a piece for its body, which is cut
/// to whole words and gets a true length.
pub fn rtcp(input: &[u8]) {
    let mut pieces = Pieces(input);
    if pieces.octet() & 1 == 0 {
        return datagram(pieces.0);
    }
    let mut bytes = Vec::new();
    while !pieces.is_empty() {
        let (count, kind, body) = (pieces.octet() & 0x1f, pieces.octet(), pieces.piece());
        let words = body.len() / 4;
        bytes.extend([0x80 | count, 200 + kind % 8]);
        bytes.extend((words as u16).to_be_bytes());
        bytes.extend(&body[..4 * words]);
    }
    datagram(&bytes);
}

fn datagram(bytes: &[u8]) {
    let Ok(read) = rtcp::parse(bytes) else { return };
    // A word of a NACK names up to seventeen packets, and nothing grows more than that.
    let lost: usize =
        read.iter().map(|p| if let Rtcp::Nack { lost, .. } = p { lost.len() } else { 0 }).sum();
    assert!(lost <= LONGEST / 4 * 17 && read.len() <= LONGEST / 4);
    let written = rtcp::write(&read);
    match rtcp::parse(&written) {
        Ok(again) => {
            let comparable = |packets: &[Rtcp]| packets.iter().map(as_written).collect::<Vec<_>>();
            assert_eq!(comparable(&again), comparable(&read));
            assert_eq!(rtcp::write(&again), written);
        }
        // Only packets that we skip were in it.
        Err(RtcpError::Truncated) => assert!(read.is_empty()),
        // Names that were no UTF-8, or stood together, take more room when written.
        Err(RtcpError::TooLong { .. }) => {
            assert!(read.iter().any(|packet| matches!(packet, Rtcp::SourceDescription { .. })));
        }
        Err(error) => panic!("written and not read: {error}, {read:?}"),
    }
}

/// A packet as [`rtcp::write`] says that it writes it: lost packets in any order and once, names
/// cut to their longest and most.
fn as_written(packet: &Rtcp) -> Rtcp {
    match packet.clone() {
        Rtcp::Nack { sender, source, lost } => {
            let lost: BTreeSet<u16> = lost.into_iter().collect();
            Rtcp::Nack { sender, source, lost: lost.into_iter().collect() }
        }
        Rtcp::SourceDescription { mut names } => {
            names.truncate(MOST_BLOCKS);
            for (_, name) in &mut names {
                let mut end = name.len().min(LONGEST_NAME);
                while !name.is_char_boundary(end) {
                    end -= 1;
                }
                name.truncate(end);
            }
            Rtcp::SourceDescription { names }
        }
        other => other,
    }
}
