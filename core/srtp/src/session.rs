//! What one session key does to RTP packets: RFC 3711, section 4, and RFC 7714, section 8.
//!
//! Here is no state beyond the keys. Whoever calls has measured the header, knows the packet's
//! index (rollover count and sequence number together) and answers for its being used once.

use crate::header::Header;
use crate::hmac::HmacSha1;
use aes::Aes128Enc;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use conclave_types::{Secret, SrtpKey, SrtpProfile};
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Octets of a tag of AEAD_AES_128_GCM.
const GCM_TAG: usize = 16;
/// Octets that AES_CM_128_HMAC_SHA1_80 keeps of its tag: 80 bits.
const CM_TAG: usize = 10;

/// The labels of what is derived for RTP (RFC 3711, section 4.3.1).
const ENCRYPTION: u8 = 0;
const AUTHENTICATION: u8 = 1;
const SALT: u8 = 2;

/// A session's keys, ready for use.
#[expect(clippy::large_enum_variant, reason = "one per key, inside an end that is boxed")]
pub(crate) enum Session {
    Gcm(Gcm),
    Cm(Cm),
}

/// AEAD_AES_128_GCM.
pub(crate) struct Gcm {
    /// From ring, whose assembler does AES and GHASH in one pass. It does not wipe itself.
    key: LessSafeKey,
    salt: Secret<[u8; 12]>,
}

/// AES_CM_128_HMAC_SHA1_80.
pub(crate) struct Cm {
    cipher: Aes128Enc,
    salt: Secret<[u8; 14]>,
    hmac: HmacSha1,
}

/// The tag that goes behind a sealed packet.
pub(crate) enum Tag {
    Gcm(ring::aead::Tag),
    Cm([u8; CM_TAG]),
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        match self {
            Tag::Gcm(tag) => tag.as_ref(),
            Tag::Cm(tag) => tag,
        }
    }
}

impl Session {
    /// Derives the session's keys. `None` when the cryptography refuses them, which it has no
    /// reason to: their lengths are fixed.
    pub(crate) fn derive(key: &SrtpKey) -> Option<Session> {
        let mut encryption = Zeroizing::new([0; 16]);
        derive(key, ENCRYPTION, encryption.as_mut());
        match key.profile() {
            SrtpProfile::AeadAes128Gcm => {
                let mut salt = Zeroizing::new([0; 12]);
                derive(key, SALT, salt.as_mut());
                Gcm::new(&encryption, *salt).map(Session::Gcm)
            }
            SrtpProfile::AesCm128HmacSha1_80 => {
                let (mut salt, mut authentication) =
                    (Zeroizing::new([0; 14]), Zeroizing::new([0; 20]));
                derive(key, SALT, salt.as_mut());
                derive(key, AUTHENTICATION, authentication.as_mut());
                Cm::new(&encryption, *salt, authentication.as_ref()).map(Session::Cm)
            }
        }
    }

    /// Octets that sealing adds.
    pub(crate) fn tag_length(&self) -> usize {
        match self {
            Session::Gcm(_) => GCM_TAG,
            Session::Cm(_) => CM_TAG,
        }
    }

    /// Encrypts the payload where it stands and returns the tag to put behind it. `None` when the
    /// cryptography refuses, which it does for lengths that no datagram has.
    pub(crate) fn seal(&self, header: Header, index: u64, packet: &mut [u8]) -> Option<Tag> {
        match self {
            Session::Gcm(gcm) => gcm.seal(header, index, packet).map(Tag::Gcm),
            Session::Cm(cm) => {
                cm.apply_keystream(header.source, index, packet.get_mut(header.length..)?);
                Some(Tag::Cm(cm.tag(index, packet)))
            }
        }
    }

    /// Checks the tag, decrypts the payload where it stands and returns the length of the packet
    /// without its tag. `None` when it is not authentic; the payload may then be zeroes.
    pub(crate) fn open(&self, header: Header, index: u64, packet: &mut [u8]) -> Option<usize> {
        let length = packet.len().checked_sub(self.tag_length())?;
        let (packet, tag) = packet.split_at_mut_checked(length)?;
        match self {
            Session::Gcm(gcm) => gcm.open(header, index, packet, (&*tag).try_into().ok()?)?,
            Session::Cm(cm) => {
                let payload = header.length..;
                // Before anything is decrypted, and without telling where a guess went wrong.
                if !bool::from(cm.tag(index, packet).ct_eq(tag)) {
                    return None;
                }
                cm.apply_keystream(header.source, index, packet.get_mut(payload)?);
            }
        }
        Some(length)
    }
}

impl Gcm {
    pub(crate) fn new(key: &[u8; 16], salt: [u8; 12]) -> Option<Gcm> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).ok()?);
        Some(Gcm { key, salt: Secret::new(salt) })
    }

    /// Two octets of zero, source and index, each xor the salt (RFC 7714, section 8.1).
    fn nonce(&self, source: u32, index: u64) -> Nonce {
        let mut nonce = *self.salt.expose();
        xor(&mut nonce[2..6], &source.to_be_bytes());
        xor(&mut nonce[6..12], &index.to_be_bytes()[2..]);
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&self, header: Header, index: u64, packet: &mut [u8]) -> Option<ring::aead::Tag> {
        let (clear, payload) = packet.split_at_mut_checked(header.length)?;
        let nonce = self.nonce(header.source, index);
        self.key.seal_in_place_separate_tag(nonce, Aad::from(clear), payload).ok()
    }

    fn open(&self, header: Header, index: u64, packet: &mut [u8], tag: [u8; 16]) -> Option<()> {
        let (clear, payload) = packet.split_at_mut_checked(header.length)?;
        let nonce = self.nonce(header.source, index);
        let (aad, tag) = (Aad::from(clear), ring::aead::Tag::from(tag));
        self.key.open_in_place_separate_tag(nonce, aad, tag, payload, 0..).ok()?;
        Some(())
    }
}

impl Cm {
    pub(crate) fn new(key: &[u8; 16], salt: [u8; 14], authentication: &[u8]) -> Option<Cm> {
        let hmac = HmacSha1::new(authentication)?;
        Some(Cm { cipher: Aes128Enc::new(key.into()), salt: Secret::new(salt), hmac })
    }

    /// Salt, xor source, xor index, and 16 bits of zero that count blocks (RFC 3711, section 4.1.1).
    pub(crate) fn apply_keystream(&self, source: u32, index: u64, payload: &mut [u8]) {
        let mut counter = [0; 16];
        counter[..14].copy_from_slice(self.salt.expose());
        xor(&mut counter[4..8], &source.to_be_bytes());
        xor(&mut counter[8..14], &index.to_be_bytes()[2..]);
        keystream(&self.cipher, &counter, payload);
    }

    /// The first 80 bits of the tag of the packet and its rollover count (section 4.2).
    fn tag(&self, index: u64, packet: &[u8]) -> [u8; CM_TAG] {
        let count = &index.to_be_bytes()[2..6];
        let whole = self.hmac.tag(packet, count);
        let mut tag = [0; CM_TAG];
        tag.copy_from_slice(&whole[..CM_TAG]);
        tag
    }
}

/// Adds AES in counter mode to the data. The last 32 bits of the counter count, of which SRTP
/// leaves 16 at zero; no datagram has as many blocks.
pub(crate) fn keystream(cipher: &Aes128Enc, counter: &[u8; 16], data: &mut [u8]) {
    CtrCore::<_, Ctr32BE>::inner_iv_init(cipher, counter.into())
        .apply_keystream_partial(data.into());
}

/// One of the session's keys, as many octets as `out` has, for a key derivation rate of zero
/// (RFC 3711, section 4.3; RFC 7714, section 11, for the shorter salt).
pub(crate) fn derive(key: &SrtpKey, label: u8, out: &mut [u8]) {
    let mut counter = Zeroizing::new([0; 16]);
    // 14 octets at most by its profile; a salt of 12 counts as if it ended in zeroes.
    xor(counter.as_mut(), key.salt());
    counter[7] ^= label;
    let mut master = Zeroizing::new([0; 16]);
    xor(master.as_mut(), key.key());
    out.fill(0);
    keystream(&Aes128Enc::new((&*master).into()), &counter, out);
}

fn xor(into: &mut [u8], with: &[u8]) {
    for (into, with) in into.iter_mut().zip(with) {
        *into ^= with;
    }
}
