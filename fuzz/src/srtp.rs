//! What reaches a media port: garbage, and true packets that somebody damaged.
//!
//! The first octet chooses. Even: the rest is handed to openers of both profiles as it is. Odd: a
//! true packet is made of it, sealed, damaged or forged with another key, and opened; see [`Wire`].
//! RTP goes through the ways that work in place, of which the others are made; what these promise
//! about buffers is held against them each time.

use crate::pieces::Pieces;
use conclave_rtp::{AudioLevel, Draft, set_sequence};
use conclave_srtp::{
    Open, OpenError, RTCP_OVERHEAD, RTP_OVERHEAD, Seal, SealError, is_rtcp, opener, sealer,
};
use conclave_types::{SrtpKey, SrtpProfile, Ssrc};

/// Below it a source's first sequence number should lie (RFC 3711, section 3.3.1).
const FIRST_BELOW: u16 = 1 << 15;

/// RTP or RTCP: which of the two functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Audio and video.
    Rtp,
    /// Reports and requests.
    Rtcp,
}

impl Wire {
    fn seal(self, sealer: &mut dyn Seal, packet: &[u8]) -> Result<Vec<u8>, SealError> {
        match self {
            Wire::Rtp => seal_in_place(sealer, packet),
            Wire::Rtcp => sealer.seal_rtcp(packet),
        }
    }

    fn open(self, opener: &mut dyn Open, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        match self {
            Wire::Rtp => open_in_place(opener, packet),
            Wire::Rtcp => opener.open_rtcp(packet),
        }
    }

    fn overhead(self) -> usize {
        match self {
            Wire::Rtp => RTP_OVERHEAD,
            Wire::Rtcp => RTCP_OVERHEAD,
        }
    }
}

/// Behind what is in the buffer already, once from outside and once where it lies.
fn seal_in_place(sealer: &mut dyn Seal, packet: &[u8]) -> Result<Vec<u8>, SealError> {
    const BEFORE: [u8; 5] = [0xa5; 5];
    let mut buffer = BEFORE.to_vec();
    let sealed = sealer.seal_rtp_into(packet, &mut buffer);
    let mut again = [&BEFORE[..], packet].concat();
    assert_eq!(sealer.seal_rtp_tail(&mut again, BEFORE.len()), sealed);
    assert_eq!(buffer, again, "the identical packet is sealed to the identical octets");
    assert!(buffer.starts_with(&BEFORE));
    let out = buffer.split_off(BEFORE.len());
    assert_eq!(sealed.is_err(), out.is_empty(), "nothing unsealed is left");
    sealed.map(|()| out)
}

/// What opens lies at the front of its buffer.
fn open_in_place(opener: &mut dyn Open, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut buffer = packet.to_vec();
    let front = buffer.as_ptr();
    let opened = opener.open_rtp_in_place(&mut buffer)?;
    assert!(std::ptr::eq(opened.as_ptr(), front) && opened.len() < packet.len());
    Ok(opened.to_vec())
}

/// The key of a profile. Always the same, so that seeds can hold packets that it sealed.
pub fn key(profile: SrtpProfile) -> Option<SrtpKey> {
    let length = profile.key_len() + profile.salt_len();
    SrtpKey::new(profile, (1..).take(length).collect()).ok()
}

/// What a forger may have instead: it differs in one bit.
fn another_key(profile: SrtpProfile) -> Option<SrtpKey> {
    let length = profile.key_len() + profile.salt_len();
    let mut material: Vec<u8> = (1..).take(length).collect();
    material[0] ^= 1;
    SrtpKey::new(profile, material).ok()
}

/// Both profiles, on the same input.
pub fn open(input: &[u8]) {
    for profile in SrtpProfile::PREFERENCE {
        let Some(key) = key(profile) else { panic!("a key of the right length is refused") };
        let mut pieces = Pieces(input);
        if pieces.octet() & 1 == 0 {
            garbage(&key, pieces.0);
        } else {
            damaged(&key, pieces);
        }
    }
}

fn garbage(key: &SrtpKey, packet: &[u8]) {
    let _ = is_rtcp(packet);
    for wire in [Wire::Rtp, Wire::Rtcp] {
        let Ok(mut opener) = opener(key) else { panic!("the key is refused") };
        // Seeds hold true packets, so some open; then once, and shorter than they came.
        if let Ok(opened) = wire.open(opener.as_mut(), packet) {
            assert!(opened.len() < packet.len());
            assert_eq!(wire.open(opener.as_mut(), packet), Err(OpenError::Replayed));
        }
    }
}

/// Packets, one after the other from one end to the other: what kind and how it is made (an
/// octet, whose bit 2 lets a forger try first), the packet, how it is damaged.
fn damaged(key: &SrtpKey, mut pieces: Pieces<'_>) {
    let (Ok(mut sealer), Ok(mut opener)) = (sealer(key), opener(key)) else {
        panic!("the key is refused");
    };
    let Some(Ok(mut forger)) = another_key(key.profile()).map(|key| self::sealer(&key)) else {
        panic!("the other key is refused");
    };
    let mut sequence = pieces.two() % FIRST_BELOW;
    while !pieces.is_empty() {
        let choice = pieces.octet();
        let wire = if choice & 1 == 0 { Wire::Rtp } else { Wire::Rtcp };
        let packet = match (wire, choice & 2) {
            (Wire::Rtp, 0) => draft(&mut pieces, sequence),
            (Wire::Rtp, _) => {
                let mut raw = pieces.piece().to_vec();
                set_sequence(&mut raw, sequence);
                raw
            }
            (Wire::Rtcp, _) => {
                let mut raw = vec![0x80, 201];
                raw.extend(pieces.piece());
                raw
            }
        };
        sequence = sequence.wrapping_add(1 + u16::from(choice >> 4));
        let sealed = match wire.seal(sealer.as_mut(), &packet) {
            Ok(sealed) => sealed,
            Err(SealError::Malformed) => continue,
            Err(SealError::Exhausted) => panic!("a handful of packets exhausts no key"),
        };
        assert!(sealed.len() <= packet.len() + wire.overhead());
        // A true packet of somebody who has another key.
        if choice & 4 != 0 {
            let forged = wire.seal(forger.as_mut(), &packet);
            let opened = forged.map(|forged| wire.open(opener.as_mut(), &forged));
            // Its reports count for themselves and may fall on a number that was there.
            assert!(matches!(opened, Ok(Err(_))), "a forged packet opens: {opened:?}");
        }
        let wrong = damage(&sealed, &mut pieces);
        if wrong != sealed {
            let opened = wire.open(opener.as_mut(), &wrong);
            assert!(opened.is_err(), "a damaged packet opens: {wrong:?}");
        }
        assert_eq!(wire.open(opener.as_mut(), &sealed).as_deref(), Ok(&packet[..]));
        assert_eq!(wire.open(opener.as_mut(), &sealed), Err(OpenError::Replayed));
        if wrong != sealed {
            assert!(wire.open(opener.as_mut(), &wrong).is_err(), "a damaged replay opens");
        }
    }
}

/// A source, a timestamp and a payload make a packet as rooms send it.
fn draft(pieces: &mut Pieces<'_>, sequence: u16) -> Vec<u8> {
    let choice = pieces.octet();
    let level = AudioLevel { voice: choice & 1 != 0, below_full_db: choice >> 1 };
    let draft = Draft {
        marker: choice & 4 != 0,
        payload_type: choice,
        sequence,
        timestamp: pieces.four(),
        // Few sources, so that they come again.
        source: Ssrc(u32::from(pieces.octet() % 4)),
        audio_level: (choice & 2 != 0).then_some((1, level)),
    };
    draft.write(pieces.piece())
}

/// Up to seven octets are changed; then some are cut off or put behind.
fn damage(sealed: &[u8], pieces: &mut Pieces<'_>) -> Vec<u8> {
    let mut wrong = sealed.to_vec();
    let choice = pieces.octet();
    for _ in 0..choice & 7 {
        let (place, change) = (usize::from(pieces.two()), pieces.octet());
        let length = wrong.len();
        if let Some(octet) = wrong.get_mut(place % length.max(1)) {
            *octet ^= change;
        }
    }
    match choice >> 6 {
        0 | 1 => {}
        2 => wrong.truncate(usize::from(pieces.two()) % (sealed.len() + 1)),
        _ => wrong.extend(pieces.piece()),
    }
    wrong
}
