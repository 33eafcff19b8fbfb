//! Whole packets through both profiles: known answers, round trips, and everything that an
//! attacker may do to a datagram.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use conclave_srtp::{
    MOST_OCTETS, MOST_SOURCES, Open, OpenError, RTCP_OVERHEAD, RTP_OVERHEAD, Seal, SealError,
    is_rtcp, opener, sealer,
};
use conclave_types::{SrtpKey, SrtpProfile};
use proptest::prelude::*;

fn key(profile: SrtpProfile, first: u8) -> SrtpKey {
    let length = profile.key_len() + profile.salt_len();
    SrtpKey::new(profile, (0..length).map(|i| first.wrapping_add(i as u8)).collect()).unwrap()
}

fn pair(profile: SrtpProfile) -> (Box<dyn Seal>, Box<dyn Open>) {
    (sealer(&key(profile, 3)).unwrap(), opener(&key(profile, 3)).unwrap())
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 111];
    packet.extend(sequence.to_be_bytes());
    packet.extend(0xdeca_fbad_u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn receiver_report(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// The master key and salt of RFC 3711, appendix B.3.
fn appendix_b() -> SrtpKey {
    let material = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    SrtpKey::new(SrtpProfile::AesCm128HmacSha1_80, material).unwrap()
}

/// Key 00..0f with salt a0..ab.
fn counting() -> SrtpKey {
    let material = (0..16).chain(0xa0..0xac).collect();
    SrtpKey::new(SrtpProfile::AeadAes128Gcm, material).unwrap()
}

#[test]
fn known_packets_come_out_as_other_implementations_make_them() {
    // Cipher texts as libsrtp's own checks state them.
    let plain = rtp(0xcafe_babe, 0x1234, &[0xab; 16]);
    let plain = [&[0x80, 0x0f], &plain[2..]].concat();
    let header = "800f1234decafbadcafebabe";
    for (key, body) in [
        (appendix_b(), "4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb"),
        (counting(), "c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392"),
    ] {
        let sealed = hex(&format!("{header}{body}"));
        assert_eq!(sealer(&key).unwrap().seal_rtp(&plain).unwrap(), sealed);
        assert_eq!(opener(&key).unwrap().open_rtp(&sealed).unwrap(), plain);
    }
    let plain = [hex("81c8000bcafebabe"), vec![0xab; 16]].concat();
    let body = "7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798";
    let sealed = hex(&format!("81c8000bcafebabe{body}"));
    assert_eq!(sealer(&appendix_b()).unwrap().seal_rtcp(&plain).unwrap(), sealed);
    assert_eq!(opener(&appendix_b()).unwrap().open_rtcp(&sealed).unwrap(), plain);
}

#[test]
fn rtp_and_rtcp_are_told_apart() {
    assert!(is_rtcp(&receiver_report(1)));
    assert!(!is_rtcp(&rtp(1, 1, b"")));
    let marked = [0x80, 0x80 | 96];
    assert!(!is_rtcp(&marked) && !is_rtcp(&[0x80]) && !is_rtcp(&[]));
}

#[test]
fn a_replayed_packet_is_dropped() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        let first = seal.seal_rtp(&rtp(7, 1, b"one")).unwrap();
        let second = seal.seal_rtp(&rtp(7, 2, b"two")).unwrap();
        let report = seal.seal_rtcp(&receiver_report(7)).unwrap();
        // Out of order is welcome, once.
        assert!(open.open_rtp(&second).is_ok());
        assert!(open.open_rtp(&first).is_ok());
        assert!(open.open_rtcp(&report).is_ok());
        assert_eq!(open.open_rtp(&first), Err(OpenError::Replayed));
        assert_eq!(open.open_rtp(&second), Err(OpenError::Replayed));
        assert_eq!(open.open_rtcp(&report), Err(OpenError::Replayed));
    }
}

#[test]
fn a_packet_may_be_a_thousand_late_but_not_two_thousand() {
    let (mut seal, mut open) = pair(SrtpProfile::AeadAes128Gcm);
    let mut sealed: Vec<_> =
        (0..2000).map(|n| seal.seal_rtp(&rtp(7, n, &[1; 20])).unwrap()).collect();
    let newest = sealed.pop().unwrap();
    assert!(open.open_rtp(&newest).is_ok());
    assert!(open.open_rtp(&sealed[1000]).is_ok());
    assert_eq!(open.open_rtp(&sealed[500]), Err(OpenError::Replayed));
}

#[test]
fn the_count_of_cycles_survives_loss_and_reordering_over_three_wraps() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        let mut late = None;
        for n in 0_u32..200_000 {
            let sealed = seal.seal_rtp(&rtp(7, (n + 9) as u16, b"x")).unwrap();
            match n % 50 {
                3 => {}
                10 => late = Some(sealed),
                20 => assert!(open.open_rtp(&late.take().unwrap()).is_ok(), "{n}"),
                _ => assert!(open.open_rtp(&sealed).is_ok(), "{n}"),
            }
        }
    }
}

#[test]
fn a_retransmission_sealed_again_is_the_same_packet() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, _) = pair(profile);
        let packets: Vec<_> = (65_000..65_536_u32 + 300).map(|n| rtp(7, n as u16, b"v")).collect();
        let first: Vec<_> = packets.iter().map(|packet| seal.seal_rtp(packet).unwrap()).collect();
        for back in [1, 200, 299, 400, 500] {
            let place = packets.len() - back;
            assert_eq!(seal.seal_rtp(&packets[place]).unwrap(), first[place]);
        }
        // And what comes after is sealed with the right count of cycles.
        let again = seal.seal_rtp(&packets[packets.len() - 1]).unwrap();
        assert_eq!(again, *first.last().unwrap());
    }
}

#[test]
fn a_forged_first_packet_does_not_shut_the_source_out() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        let mut stranger = sealer(&key(profile, 99)).unwrap();
        for n in 0..500 {
            let forged = stranger.seal_rtp(&rtp(7, 30_000 + n, b"forged")).unwrap();
            assert_eq!(open.open_rtp(&forged), Err(OpenError::NotAuthentic));
        }
        let forged = stranger.seal_rtcp(&receiver_report(7)).unwrap();
        assert_eq!(open.open_rtcp(&forged), Err(OpenError::NotAuthentic));
        for n in 1..5 {
            let forged = stranger.seal_rtp(&rtp(7, 30_000 + n, b"forged")).unwrap();
            let real = seal.seal_rtp(&rtp(7, n, b"real")).unwrap();
            assert!(open.open_rtp(&real).is_ok());
            assert_eq!(open.open_rtp(&forged), Err(OpenError::NotAuthentic));
        }
    }
}

#[test]
fn state_is_kept_for_a_bounded_number_of_sources() {
    let (mut seal, mut open) = pair(SrtpProfile::AeadAes128Gcm);
    for ssrc in 0..MOST_SOURCES as u32 {
        let sealed = seal.seal_rtp(&rtp(ssrc, 1, b"x")).unwrap();
        assert!(open.open_rtp(&sealed).is_ok());
    }
    let sealed = seal.seal_rtp(&rtp(9999, 1, b"x")).unwrap();
    assert_eq!(open.open_rtp(&sealed), Err(OpenError::TooManySources));
    let known = seal.seal_rtp(&rtp(0, 2, b"x")).unwrap();
    assert!(open.open_rtp(&known).is_ok(), "the known ones go on");
}

#[test]
fn a_header_that_lies_about_its_length_is_malformed() {
    // One extension of 4 octets announced, of which one element claims 16.
    let lying = [&rtp(7, 1, b"")[..], &[0xbe, 0xde, 0, 1, 0x1f, 0, 0, 0]].concat();
    let lying = [&[0x90], &lying[1..]].concat();
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        // What is inside the extension is nobody's business here: it is carried as it is.
        let sealed = seal.seal_rtp(&lying).unwrap();
        assert_eq!(open.open_rtp(&sealed).unwrap(), lying);
        for bad in [&lying[..17], &[0x8f; 20][..], &[0x40; 40][..], &[][..]] {
            assert_eq!(seal.seal_rtp(bad), Err(SealError::Malformed));
            assert_eq!(open.open_rtp(bad), Err(OpenError::Malformed));
        }
        assert_eq!(seal.seal_rtcp(&[0x80, 201, 0, 1, 0, 0, 0]), Err(SealError::Malformed));
        // The E bit cleared, all else as it may be.
        let mut report = seal.seal_rtcp(&receiver_report(7)).unwrap();
        for octet in &mut report[8..] {
            *octet &= 0x7f;
        }
        assert_eq!(open.open_rtcp(&report), Err(OpenError::Malformed));
    }
}

#[test]
fn a_packet_without_room_for_its_tag_is_malformed() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        let mut extended = rtp(7, 2, &[0xbe, 0xde, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]);
        extended[0] |= 0x10;
        for empty in [rtp(7, 1, b""), extended] {
            let sealed = seal.seal_rtp(&empty).unwrap();
            for cut in 0..sealed.len() {
                assert_eq!(open.open_rtp(&sealed[..cut]), Err(OpenError::Malformed), "{cut}");
            }
            assert_eq!(open.open_rtp(&sealed).unwrap(), empty);
        }
        let sealed = seal.seal_rtcp(&receiver_report(7)).unwrap();
        for cut in 0..sealed.len() {
            assert!(open.open_rtcp(&sealed[..cut]).is_err(), "{cut}");
        }
        assert!(open.open_rtcp(&sealed).is_ok());
    }
}

#[test]
fn a_burst_is_sealed_into_one_buffer_and_opens_where_it_lies() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        let packets: Vec<_> = (0..20).map(|n| rtp(7, n, &[n as u8; 900])).collect();
        let mut burst = b"before".to_vec();
        for packet in &packets {
            seal.seal_rtp_into(packet, &mut burst).unwrap();
        }
        let sealed = burst.split_off(6);
        assert_eq!(burst, b"before");
        let length = sealed.len() / packets.len();
        for (sealed, packet) in sealed.clone().chunks_exact_mut(length).zip(&packets) {
            assert_eq!(seal.seal_rtp(packet).unwrap(), sealed);
            assert_eq!(open.open_rtp_in_place(sealed).unwrap(), packet);
        }
        // Opened once is opened, by either way.
        assert_eq!(open.open_rtp(&sealed[..length]), Err(OpenError::Replayed));
        // A packet written behind others is sealed there.
        let mut buffer = sealed[..length].to_vec();
        buffer.extend(&packets[1]);
        seal.seal_rtp_tail(&mut buffer, length).unwrap();
        assert_eq!(buffer, sealed[..2 * length]);
    }
}

#[test]
fn nothing_unsealed_is_left_behind_when_sealing_fails() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, _) = pair(profile);
        let mut burst = b"before".to_vec();
        for bad in [&rtp(7, 1, b"")[..11], &[0x8f; 20][..], &rtp(7, 1, &[0; MOST_OCTETS])[..]] {
            assert_eq!(seal.seal_rtp_into(bad, &mut burst), Err(SealError::Malformed));
            assert_eq!(burst, b"before");
            burst.extend(bad);
            assert_eq!(seal.seal_rtp_tail(&mut burst, 6), Err(SealError::Malformed));
            assert_eq!(burst, b"before");
        }
        assert_eq!(seal.seal_rtp_tail(&mut burst, 7), Err(SealError::Malformed));
        assert_eq!(burst, b"before");
    }
}

#[test]
fn the_longest_packet_is_carried_and_a_longer_one_is_refused() {
    for profile in SrtpProfile::PREFERENCE {
        let (mut seal, mut open) = pair(profile);
        let longest = rtp(7, 1, &vec![0; MOST_OCTETS - 12 - RTP_OVERHEAD]);
        let mut sealed = seal.seal_rtp(&longest).unwrap();
        assert_eq!(open.open_rtp(&sealed).unwrap(), longest);
        sealed.resize(MOST_OCTETS + 1, 0);
        assert_eq!(open.open_rtp(&sealed), Err(OpenError::Malformed));
        assert_eq!(seal.seal_rtp(&rtp(7, 2, &[0; MOST_OCTETS])), Err(SealError::Malformed));
    }
}

fn any_rtp() -> impl Strategy<Value = Vec<u8>> {
    (
        prop::collection::vec(any::<u32>(), 0..16),
        prop::option::of((any::<u16>(), prop::collection::vec(any::<u32>(), 0..8))),
        (any::<u8>(), 0_u16..1 << 15, any::<u32>()),
        prop::collection::vec(any::<u8>(), 0..1400),
    )
        .prop_map(|(csrc, extension, (kind, sequence, ssrc), payload)| {
            let mut packet = rtp(ssrc, sequence, b"");
            packet[0] |= csrc.len() as u8 | if extension.is_some() { 0x10 } else { 0 };
            packet[1] = kind;
            packet.extend(csrc.iter().flat_map(|word| word.to_be_bytes()));
            if let Some((profile, words)) = extension {
                packet.extend(profile.to_be_bytes());
                packet.extend((words.len() as u16).to_be_bytes());
                packet.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            }
            packet.extend(payload);
            packet
        })
}

fn any_profile() -> impl Strategy<Value = SrtpProfile> {
    prop::sample::select(SrtpProfile::PREFERENCE.to_vec())
}

proptest! {
    #[test]
    fn what_is_sealed_opens_and_hides_its_payload(packet in any_rtp(), profile in any_profile()) {
        let (mut seal, mut open) = pair(profile);
        let sealed = seal.seal_rtp(&packet).unwrap();
        prop_assert!(sealed.len() <= packet.len() + RTP_OVERHEAD);
        if packet.len() > 12 + 60 + 40 {
            prop_assert!(sealed[packet.len() - 16..packet.len()] != packet[packet.len() - 16..]);
        }
        prop_assert_eq!(open.open_rtp(&sealed).unwrap(), packet);
    }

    #[test]
    fn rtcp_that_is_sealed_opens(
        body in prop::collection::vec(any::<u8>(), 0..600), profile in any_profile()
    ) {
        let (mut seal, mut open) = pair(profile);
        for _ in 0..3 {
            let packet = [receiver_report(5), body.clone()].concat();
            let sealed = seal.seal_rtcp(&packet).unwrap();
            prop_assert!(sealed.len() <= packet.len() + RTCP_OVERHEAD);
            prop_assert_eq!(open.open_rtcp(&sealed).unwrap(), packet);
        }
    }

    #[test]
    fn any_changed_bit_and_any_cut_is_noticed(
        packet in any_rtp(), profile in any_profile(), place in any::<prop::sample::Index>(),
        bit in 0..8, cut in any::<prop::sample::Index>()
    ) {
        let (mut seal, mut open) = pair(profile);
        let sealed = seal.seal_rtp(&packet).unwrap();
        let mut changed = sealed.clone();
        changed[place.index(sealed.len())] ^= 1_u8 << bit;
        prop_assert!(open.open_rtp(&changed).is_err());
        prop_assert!(open.open_rtp(&sealed[..cut.index(sealed.len())]).is_err());
        let report = seal.seal_rtcp(&receiver_report(5)).unwrap();
        let mut changed = report.clone();
        changed[place.index(report.len())] ^= 1_u8 << bit;
        prop_assert!(open.open_rtcp(&changed).is_err());
        prop_assert!(open.open_rtcp(&report[..cut.index(report.len())]).is_err());
        // None of it harmed the real ones.
        prop_assert!(open.open_rtp(&sealed).is_ok());
        prop_assert!(open.open_rtcp(&report).is_ok());
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), profile in any_profile()) {
        let (mut seal, mut open) = pair(profile);
        prop_assert!(open.open_rtp(&bytes).is_err());
        prop_assert!(open.open_rtcp(&bytes).is_err());
        let mut versioned = bytes;
        if let Some(first) = versioned.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        prop_assert!(open.open_rtp(&versioned).is_err());
        prop_assert!(open.open_rtcp(&versioned).is_err());
        let _ = (seal.seal_rtp(&versioned), seal.seal_rtcp(&versioned));
    }
}
