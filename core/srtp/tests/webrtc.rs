//! Beside webrtc-srtp, which seals and opens RTP as well: the same octets, and each opens what the
//! other sealed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_srtp::{OpenError, RTP_WINDOW, opener, sealer};
use conclave_types::{SrtpKey, SrtpProfile};
use proptest::prelude::*;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

fn context(key: &SrtpKey) -> Context {
    let profile = match key.profile() {
        SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpProfile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    Context::new(key.key(), key.salt(), profile, None, None).unwrap()
}

fn any_key() -> impl Strategy<Value = SrtpKey> {
    let profile = prop::sample::select(SrtpProfile::PREFERENCE.to_vec());
    (profile, prop::collection::vec(any::<u8>(), 30)).prop_map(|(profile, mut material)| {
        material.truncate(profile.key_len() + profile.salt_len());
        SrtpKey::new(profile, material).unwrap()
    })
}

/// A packet whose header webrtc-srtp can parse: contributing sources, an extension of one-octet
/// elements, a payload.
#[derive(Debug, Clone)]
struct Shape {
    csrc: Vec<u32>,
    extension: Option<Vec<[u8; 3]>>,
    kind: u8,
    timestamp: u32,
    payload: Vec<u8>,
}

impl Shape {
    fn packet(&self, source: u32, sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80 | self.csrc.len() as u8, self.kind];
        packet.extend(sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(source.to_be_bytes());
        packet.extend(self.csrc.iter().flat_map(|word| word.to_be_bytes()));
        if let Some(elements) = &self.extension {
            packet[0] |= 0x10;
            packet.extend([0xbe, 0xde, 0, elements.len() as u8]);
            for (id, octets) in (1..).zip(elements) {
                packet.push(id << 4 | 2);
                packet.extend(octets);
            }
        }
        packet.extend(&self.payload);
        packet
    }
}

fn any_shape() -> impl Strategy<Value = Shape> {
    (
        prop::collection::vec(any::<u32>(), 0..16),
        prop::option::of(prop::collection::vec(any::<[u8; 3]>(), 1..14)),
        any::<u8>(),
        any::<u32>(),
        prop::collection::vec(any::<u8>(), 0..1300),
    )
        .prop_map(|(csrc, extension, kind, timestamp, payload)| Shape {
            csrc,
            extension,
            kind,
            timestamp,
            payload,
        })
}

proptest! {
    /// Sequence numbers that jump ahead and fall back, over several cycles, of two sources.
    #[test]
    fn both_seal_the_same_octets_and_open_each_others(
        key in any_key(), first in 0_u16..1 << 15, shapes in prop::collection::vec(any_shape(), 1..4),
        steps in prop::collection::vec((-900_i64..20_000, any::<bool>()), 1..60)
    ) {
        let (mut ours, mut theirs) = (sealer(&key).unwrap(), context(&key));
        let (mut open_ours, mut open_theirs) = (opener(&key).unwrap(), context(&key));
        let mut indices = [i64::from(first), i64::from(first)];
        let mut newest = indices;
        let mut seen = std::collections::HashSet::new();
        for (place, (step, other)) in steps.into_iter().enumerate() {
            let source = usize::from(other);
            // A source has never been behind its first number, nor do we open what is too late.
            let lowest = i64::from(first).max(newest[source] - RTP_WINDOW as i64 + 1);
            indices[source] = (indices[source] + step).max(lowest);
            newest[source] = newest[source].max(indices[source]);
            let packet = shapes[place % shapes.len()].packet(source as u32, indices[source] as u16);
            let sealed = ours.seal_rtp(&packet).unwrap();
            prop_assert_eq!(&sealed[..], &theirs.encrypt_rtp(&packet).unwrap()[..]);
            prop_assert_eq!(&open_theirs.decrypt_rtp(&sealed).unwrap()[..], &packet[..]);
            let opened = open_ours.open_rtp(&sealed);
            if seen.insert((source, indices[source])) {
                prop_assert_eq!(opened, Ok(packet));
            } else {
                prop_assert_eq!(opened, Err(OpenError::Replayed));
            }
        }
    }

    #[test]
    fn both_refuse_what_was_changed(
        key in any_key(), shape in any_shape(), place in any::<prop::sample::Index>(), bit in 0..8
    ) {
        let packet = shape.packet(7, 9);
        let mut sealed = sealer(&key).unwrap().seal_rtp(&packet).unwrap();
        // Behind the header: webrtc-srtp does not survive one that lies.
        let header = packet.len() - shape.payload.len();
        let place = header + place.index(sealed.len() - header);
        sealed[place] ^= 1_u8 << bit;
        prop_assert!(context(&key).decrypt_rtp(&sealed).is_err());
        prop_assert_eq!(opener(&key).unwrap().open_rtp(&sealed), Err(OpenError::NotAuthentic));
    }
}
