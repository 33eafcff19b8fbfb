//! Test vectors of the standards and of Wycheproof, through the very functions that packets take.

use crate::header::Header;
use crate::hmac::HmacSha1;
use crate::rtcp::{RtcpOpener, RtcpSealer};
use crate::session::{Cm, Gcm, Session, derive};
use conclave_types::{SrtpKey, SrtpProfile};
use proptest::prelude::*;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use wycheproof::{TestResult, aead, mac};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

fn seal(session: &Session, index: u64, packet: &[u8]) -> Vec<u8> {
    let mut sealed = packet.to_vec();
    let tag = session.seal(Header::measure(packet).unwrap(), index, &mut sealed).unwrap();
    sealed.extend(tag.as_ref());
    sealed
}

#[test]
fn the_keystream_is_that_of_rfc_3711_appendix_b_2() {
    let key = array("2B7E151628AED2A6ABF7158809CF4F3C");
    let cm = Cm::new(&key, array("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"), &[]).unwrap();
    let mut keystream = vec![0; 0xff02 * 16];
    cm.apply_keystream(0, 0, &mut keystream);
    for (block, expected) in [
        (0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(keystream[block * 16..][..16], hex(expected), "block {block:04x}");
    }
}

#[test]
fn the_derived_keys_are_those_of_rfc_3711_appendix_b_3() {
    let material = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
    let key = SrtpKey::new(SrtpProfile::AesCm128HmacSha1_80, material).unwrap();
    let authentication = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
         E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
         6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2";
    for (label, expected) in [
        (0, "C61E7A93744F39EE10734AFE3FF7A087"),
        (1, authentication),
        (2, "30CBBC08863D8C85D49DB34A9AE1"),
    ] {
        let expected = hex(expected);
        let mut derived = vec![0xff; expected.len()];
        derive(&key, label, &mut derived);
        assert_eq!(derived, expected, "label {label}");
    }
}

#[test]
fn a_packet_is_sealed_as_in_rfc_7714_section_16_1() {
    let key = array("000102030405060708090a0b0c0d0e0f");
    let gcm = Session::Gcm(Gcm::new(&key, array("517569642070726f2071756f")).unwrap());
    let packet = [&hex("8040f17b8041f8d35501a0b2"), &b"Gallia est omnis divisa in partes tres"[..]];
    let packet = packet.concat();
    let expected = hex("8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
         0d294e6f 42a5f47a 51c7d19b 36de3adf 8833 899d7f27 beb16a91 52cf765e e4390cce");
    let mut sealed = seal(&gcm, 0xf17b, &packet);
    assert_eq!(sealed, expected);
    let header = Header::measure(&packet).unwrap();
    assert_eq!(gcm.open(header, 0xf17b, &mut sealed), Some(packet.len()));
    assert_eq!(sealed[..packet.len()], packet);
    // Another count of cycles is another nonce.
    let mut sealed = expected.clone();
    assert_eq!(gcm.open(header, 0x1_f17b, &mut sealed), None);
}

/// SRTCP as RFC 7714, section 9, builds it, from session keys, which webrtc-srtp does not take.
fn srtcp(key: &[u8], salt: [u8; 12], index: u32, packet: &[u8]) -> Vec<u8> {
    let word = (index | 1 << 31).to_be_bytes();
    let mut nonce = salt;
    let told = [&packet[4..8], &[0, 0], &index.to_be_bytes()].concat();
    nonce[2..].iter_mut().zip(told).for_each(|(octet, told)| *octet ^= told);
    let aad = Aad::from([&packet[..8], &word].concat());
    let mut body = packet[8..].to_vec();
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).unwrap())
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
        .unwrap();
    [&packet[..8], &body, &word].concat()
}

/// The vector holds for [`srtcp`], and webrtc-srtp makes what that makes: so it holds for both.
#[test]
fn a_report_is_sealed_as_in_rfc_7714_section_17_1() {
    let packet = hex("81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
         deadbeef deadbeef deadbeef deadbeef deadbeef");
    let expected = hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
         c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade
         800005d4");
    let key = hex("000102030405060708090a0b0c0d0e0f");
    let salt = array("517569642070726f2071756f");
    assert_eq!(srtcp(&key, salt, 0x5d4, &packet), expected);

    let master = SrtpKey::new(SrtpProfile::AeadAes128Gcm, (7..35).collect()).unwrap();
    let (mut key, mut salt) = ([0; 16], [0; 12]);
    derive(&master, 3, &mut key);
    derive(&master, 5, &mut salt);
    let mut sealer = RtcpSealer::new(&master).unwrap();
    let mut opener = RtcpOpener::new(master).unwrap();
    for index in 1..100 {
        let sealed = sealer.seal(&packet).unwrap();
        assert_eq!(sealed, srtcp(&key, salt, index, &packet));
        assert_eq!(opener.measure(&sealed).unwrap().index, u64::from(index));
        assert_eq!(opener.open_stranger(&sealed).unwrap(), packet);
    }
}

#[test]
fn aes_gcm_passes_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let (mut sealed, mut refused) = (0, 0);
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (128, 96, 128) {
            continue;
        }
        for test in group.tests {
            // The packet's header is what is authenticated and stays in the clear. With source
            // and index at zero the nonce is the salt.
            let header = Header { source: 0, sequence: 0, length: test.aad.len() };
            let key: &[u8; 16] = test.key[..].try_into().unwrap();
            let gcm = Gcm::new(key, test.nonce[..].try_into().unwrap()).unwrap();
            let session = Session::Gcm(gcm);
            let plain = [&test.aad[..], &test.pt].concat();
            let whole = [&test.aad[..], &test.ct, &test.tag].concat();
            let mut packet = whole.clone();
            let opened = session.open(header, 0, &mut packet);
            if test.result == TestResult::Invalid {
                assert_eq!(opened, None, "{} {}", test.tc_id, test.comment);
                refused += 1;
                continue;
            }
            assert_eq!(opened, Some(plain.len()), "{} {}", test.tc_id, test.comment);
            assert_eq!(packet[..plain.len()], plain);
            packet.truncate(plain.len());
            let tag = session.seal(header, 0, &mut packet).unwrap();
            packet.extend(tag.as_ref());
            assert_eq!(packet, whole, "{} {}", test.tc_id, test.comment);
            sealed += 1;
        }
    }
    assert!(sealed > 20 && refused > 10, "{sealed} sealed, {refused} refused");
}

#[test]
fn hmac_sha1_passes_wycheproof() {
    let set = mac::TestSet::load(mac::TestName::HmacSha1).unwrap();
    let (mut right, mut wrong) = (0, 0);
    for group in set.test_groups {
        let octets = group.tag_size / 8;
        for test in group.tests {
            let Some(hmac) = HmacSha1::new(&test.key) else {
                assert!(test.key.len() > 64, "{}", test.comment);
                continue;
            };
            // As one and in two parts, as a packet and its count of cycles.
            let (front, back) = test.msg.split_at(test.msg.len() / 3);
            let whole = hmac.tag(&test.msg, &[]);
            assert_eq!(whole, hmac.tag(front, back));
            assert_eq!(whole, hmac.tag(&[], &test.msg));
            let same = whole[..octets] == test.tag[..];
            assert_eq!(same, test.result != TestResult::Invalid, "{} {}", test.tc_id, test.comment);
            *if same { &mut right } else { &mut wrong } += 1;
        }
    }
    assert!(right > 20 && wrong > 10, "{right} right, {wrong} wrong");
}

proptest! {
    #[test]
    fn hmac_sha1_is_that_of_ring(
        key in prop::collection::vec(any::<u8>(), 0..64),
        message in prop::collection::vec(any::<u8>(), 0..2000),
        then in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let theirs = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
        let theirs = ring::hmac::sign(&theirs, &[&message[..], &then].concat());
        let ours = HmacSha1::new(&key).unwrap().tag(&message, &then);
        prop_assert_eq!(&ours[..], theirs.as_ref());
    }
}
