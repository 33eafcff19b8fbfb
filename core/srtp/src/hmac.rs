//! HMAC-SHA1 (RFC 2104) with its key hashed in advance.
//!
//! Every tag begins by hashing the same two blocks of key; here that is done once per key, and
//! the two states are what is kept. They are all that a forger needs, so they are wiped with the
//! key, which the hmac crate does not do.

use conclave_types::Secret;
use sha1::compress;
use sha1::digest::block_buffer::EagerBuffer;
use sha1::digest::consts::U64;
use std::slice;
use zeroize::Zeroizing;

/// Octets that SHA-1 takes at a time.
const BLOCK: usize = 64;
/// Octets of a whole tag.
pub(crate) const WHOLE: usize = 20;
/// Where SHA-1 begins (FIPS 180-4, section 5.3.1).
const BEGIN: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// A key of at most 64 octets, ready for use.
pub(crate) struct HmacSha1 {
    /// The state after the key xor 0x36.
    inner: Secret<[u32; 5]>,
    /// The state after the key xor 0x5c.
    outer: Secret<[u32; 5]>,
}

impl HmacSha1 {
    /// `None` for a key longer than a block: RFC 2104 would hash it first, and SRTP has none.
    pub(crate) fn new(key: &[u8]) -> Option<HmacSha1> {
        let state = |pad: u8| {
            let mut block = Zeroizing::new([pad; BLOCK]);
            for (octet, key) in block.iter_mut().zip(key) {
                *octet ^= key;
            }
            let mut state = BEGIN;
            compress(&mut state, &[(*block).into()]);
            Secret::new(state)
        };
        (key.len() <= BLOCK).then(|| HmacSha1 { inner: state(0x36), outer: state(0x5c) })
    }

    /// The tag of `message` and `then`, one behind the other.
    pub(crate) fn tag(&self, message: &[u8], then: &[u8]) -> [u8; WHOLE] {
        let inner = digest(*self.inner.expose(), [message, then]);
        digest(*self.outer.expose(), [&inner, &[]])
    }
}

/// Goes on from the state after one block, to the end.
fn digest(mut state: [u32; 5], parts: [&[u8]; 2]) -> [u8; WHOLE] {
    let mut buffer = EagerBuffer::<U64>::default();
    for part in parts {
        buffer.digest_blocks(part, |blocks| compress(&mut state, blocks));
    }
    let octets = BLOCK + parts[0].len() + parts[1].len();
    buffer
        .len64_padding_be(8 * octets as u64, |block| compress(&mut state, slice::from_ref(block)));
    let mut tag = [0; WHOLE];
    for (octets, word) in tag.chunks_exact_mut(4).zip(state) {
        octets.copy_from_slice(&word.to_be_bytes());
    }
    tag
}
